"""What an agency registered at a platform: kept once somebody signed in by it, found for renewals, nobody else's."""

from functools import partial

import pytest

from channels import connecting, enrolling, oauth_clients, reads
from channels.events import ChannelEnrol
from channels.states import EnrolmentState
from connectors.contract import OAuthClient
from connectors.enrolment import Connectable
from connectors.x import X
from foundation.database import Database
from foundation.sealed import Sealed
from foundation.words import Message
from tenants import letterbox
from tests.channels.builders import World, world
from tests.channels.test_enrolling import MASTER, read_form
from tests.fakes.network import Network

FIRST, SECOND = OAuthClient("id-1", Sealed(b"one")), OAuthClient("id-2")
ABLE: dict[str, Connectable] = {"x": X()}


def account(lea: World, client: OAuthClient, name: str) -> None:
    with lea.scope() as scope:
        oauth_clients.keep(scope, "x", client)
        connecting.connect(
            scope,
            creator_id=lea.creator_id,
            platform="x",
            surface="x.post",
            account=name,
            name=name,
            base_url="https://x.test",
            token=Sealed(b"t"),
            zone="UTC",
            app_key=client.client_id,
        )


def test_an_account_finds_the_client_it_came_in_by(lea: World) -> None:
    account(lea, FIRST, "1")
    account(lea, SECOND, "2")
    with lea.scope() as scope:
        found = {one.account: oauth_clients.of_channel(scope, one.id) for one in reads.every_channel(scope)}
        assert (found["1"], found["2"]) == (FIRST, SECOND)
        assert oauth_clients.latest(scope) == {"x": SECOND}


def test_a_new_secret_takes_the_place_of_the_old(lea: World) -> None:
    account(lea, FIRST, "1")
    again = OAuthClient("id-1", Sealed(b"two"))
    account(lea, again, "1")
    with lea.scope() as scope:
        (channel,) = [one for one in reads.every_channel(scope) if one.account == "1"]
        assert oauth_clients.of_channel(scope, channel.id) == again


def test_one_agency_never_signs_in_by_anothers(lea: World, database: Database, sandbox: Network) -> None:
    account(lea, FIRST, "1")
    with world(database, sandbox, "mia").scope() as scope:
        assert oauth_clients.latest(scope) == {}


@pytest.mark.parametrize("typed", [{}, {"client_id": "", "client_secret": ""}])
def test_without_any_nobody_is_sent_there(lea: World, typed: dict[str, str]) -> None:
    with lea.scope() as scope:
        letter = letterbox.seal(letterbox.public_key(MASTER), lea.tenant_id, typed)
        wish = enrolling.ask(scope, creator_id=lea.creator_id, platform="x", letter=letter)
    act = partial(
        enrolling.enrol,
        tenant=lea.tenant,
        transport=lea.transport(),
        connectables=ABLE,
        addresses={"x": "https://x.test", "x_pages": "https://pages.test"},
        read_form=read_form,
        may_reach=lambda address: True,
        seal=lambda tenant_id, secret: Sealed(secret.encode()),
        returns_to="https://here.test/auth/account",
    )
    act(ChannelEnrol(lea.tenant_id, wish))
    with lea.scope() as scope:
        found = enrolling.enrolment(scope, wish)
    assert (found.state, found.reason) == (EnrolmentState.REFUSED, Message("oauth.no_client"))
    account(lea, FIRST, "1")
    with lea.scope() as scope:
        wish = enrolling.ask(scope, creator_id=lea.creator_id, platform="x", letter=letter)
    act(ChannelEnrol(lea.tenant_id, wish))
    with lea.scope() as scope:
        found = enrolling.enrolment(scope, wish)
    assert found.state is EnrolmentState.VISITING
    assert found.visit.startswith("https://pages.test/i/oauth2/authorize?")
    assert "client_id=id-1" in found.visit
    assert "one" not in found.visit
