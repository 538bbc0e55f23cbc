"""OAuth clients of an agency: stored with the account, reused for renewals, and private to the
agency."""

from functools import partial

import pytest

from channels.accounts import lifecycle, oauth_clients, queries
from channels.connections import account_setup
from channels.connections.events import AccountSetupRequested
from channels.connections.states import AccountSetupState
from connectors.contract.account_setup import SupportsAccountSetup
from connectors.contract.connector import OAuthClient
from connectors.platforms.x.publisher import X
from foundation.db.database import Database
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from tenants.vault import sealed_intake
from tests.channels.builders import World, world
from tests.channels.connections.test_account_setup import MASTER, read_form
from tests.fakes.sandbox import RunningSandbox

FIRST, SECOND = OAuthClient("id-1", Sealed(b"one")), OAuthClient("id-2")
ABLE: dict[str, SupportsAccountSetup] = {"x": X()}


def account(lea: World, client: OAuthClient, name: str) -> None:
    with lea.scope() as scope:
        oauth_clients.store_oauth_client(scope, "x", client)
        lifecycle.connect_account(
            scope,
            creator_id=lea.creator_id,
            platform="x",
            surface="x.post",
            account=f"{name}-{lea.tenant_id}",
            name=name,
            base_url="https://x.test",
            token=Sealed(b"t"),
            zone="UTC",
            app_key=client.client_id,
        )


def test_account_finds_the_oauth_client_of_its_sign_in(lea: World) -> None:
    account(lea, FIRST, "1")
    account(lea, SECOND, "2")
    with lea.scope() as scope:
        found = {
            one.name: oauth_clients.oauth_client_of_channel(scope, one.id)
            for one in queries.list_channels(scope)
        }
        assert (found["1"], found["2"]) == (FIRST, SECOND)
        assert oauth_clients.latest_oauth_clients(scope) == {"x": SECOND}


def test_new_client_secret_replaces_the_old(lea: World) -> None:
    account(lea, FIRST, "1")
    again = OAuthClient("id-1", Sealed(b"two"))
    account(lea, again, "1")
    with lea.scope() as scope:
        (channel,) = [one for one in queries.list_channels(scope) if one.name == "1"]
        assert oauth_clients.oauth_client_of_channel(scope, channel.id) == again


def test_oauth_client_of_another_agency_is_never_used(
    lea: World, database: Database, sandbox: RunningSandbox
) -> None:
    account(lea, FIRST, "1")
    with world(database, sandbox, "mia").scope() as scope:
        assert oauth_clients.latest_oauth_clients(scope) == {}


@pytest.mark.parametrize("typed", [{}, {"client_id": "", "client_secret": ""}])
def test_setup_without_an_oauth_client_is_refused(lea: World, typed: dict[str, str]) -> None:
    with lea.scope() as scope:
        letter = sealed_intake.seal_form(
            sealed_intake.derive_public_key(MASTER), lea.tenant_id, typed
        )
        wish = account_setup.request_setup(
            scope, creator_id=lea.creator_id, platform="x", letter=letter
        )
    act = partial(
        account_setup.run_setup,
        tenant=lea.tenant,
        transport=lea.transport(),
        connectables=ABLE,
        addresses={"x": "https://x.test", "x_pages": "https://pages.test"},
        read_form=read_form,
        may_reach=lambda address: True,
        seal=lambda tenant_id, secret: Sealed(secret.encode()),
        returns_to="https://here.test/auth/account",
    )
    act(AccountSetupRequested(lea.tenant_id, wish))
    with lea.scope() as scope:
        found = account_setup.get_setup(scope, wish)
    assert (found.state, found.reason) == (AccountSetupState.REFUSED, Message("oauth.no_client"))
    account(lea, FIRST, "1")
    with lea.scope() as scope:
        wish = account_setup.request_setup(
            scope, creator_id=lea.creator_id, platform="x", letter=letter
        )
    act(AccountSetupRequested(lea.tenant_id, wish))
    with lea.scope() as scope:
        found = account_setup.get_setup(scope, wish)
    assert found.state is AccountSetupState.VISITING
    assert found.visit.startswith("https://pages.test/i/oauth2/authorize?")
    assert "client_id=id-1" in found.visit
    assert "one" not in found.visit
