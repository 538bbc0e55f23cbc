"""Mastodon from the sealed form to the removal, on real PostgreSQL, through the house's own routes."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from channels import enrolling
from channels import reads as channel_reads
from channels.states import ChannelState, EnrolmentState
from foundation.settings import DatabaseSettings, GateSettings, Settings, TenantsSettings
from schedules import removal
from schedules.states import DeliveryState as S
from tenants import letterbox
from tests.conftest import Cluster
from tests.fakes.mastodon import FakeMastodon, Member, mastodon
from tests.fakes.network import Network, network
from tests.schedules.builders import Desk, desk
from workers.wiring import Services, wire

MASTER = bytes(range(32))


@dataclass
class House:
    """Léa's desk, and the server her account lives on."""

    desk: Desk
    server: FakeMastodon
    member: Member

    def enrol(self, **typed: str) -> enrolling.Enrolment:
        """A person fills in the form; the workers do the rest."""
        form = {"server": self.server.url, "token": self.member.token, "rules": "general", **typed}
        letter = letterbox.seal(letterbox.public_key(MASTER), self.desk.tenant_id, form)
        with self.desk.scope(f"member:{self.desk.author}") as scope:
            wish = enrolling.ask(scope, creator_id=self.desk.creator_id, platform="mastodon", letter=letter)
        self.desk.run()
        with self.desk.scope() as scope:
            found = enrolling.enrolment(scope, wish)
        if found.channel_id is not None:
            self.desk.channels["toot"] = found.channel_id
        return found

    def channel(self) -> channel_reads.Channel:
        """Her account as it stands."""
        with self.desk.scope() as scope:
            return channel_reads.channel(scope, self.desk.channels["toot"])

    def live(self, **for_: float) -> None:
        """Time passes on both sides, and what is due is done."""
        left = timedelta(**for_)
        while left > timedelta(0):
            before = self.desk.now()
            self.desk.live(seconds=min(left, timedelta(minutes=1)).total_seconds())
            self.server.clock.move((self.desk.now() - before).total_seconds())
            left -= timedelta(minutes=1)

    def texts(self) -> list[str]:
        """What the server ever took in."""
        return [text for _, text in self.member.taken]

    def status(self, text: str) -> Mapping[str, Any]:
        """The post of these words as it stands there."""
        number = next(number for number, said in self.member.taken if said == text)
        found: Mapping[str, Any] = self.server.shown(self.member.statuses[number])
        return found


@pytest.fixture(scope="module")
def server() -> Iterator[FakeMastodon]:
    with mastodon() as running:
        yield running


@pytest.fixture(scope="module")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    key = base64.b64encode(MASTER).decode()
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        environment="test",
        database=DatabaseSettings(work_url=cluster.url("greenroom_work", "house")),
        tenants=TenantsSettings(master_key=key),
        gate=GateSettings(signing_key=key),
    )
    with wire(settings, pool_size=8, application="tests") as found:
        yield found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def house(services: Services, running: Network, server: FakeMastodon) -> Iterator[House]:
    made = desk(services, running)
    yield House(made, server, server.account(f"lea{str(made.tenant_id)[-8:]}"))
    server.book.clear()
    server.slow, server.ignores_keys, server.rules = 0, False, list(server.usual_rules)


def test_from_the_form_to_the_removal(house: House) -> None:
    lea = house.desk
    wish = house.enrol()
    assert wish.state == EnrolmentState.CONNECTED, wish.reason
    channel = house.channel()
    assert channel.account == f"{house.member.id}@{house.server.url.partition('://')[2]}"
    assert channel.base_url == house.server.url
    lea.act(enrolling.ask_test, channel.id)
    lea.run()
    assert house.channel().last_ok_at is not None

    house.server.slow = 2
    first = lea.delivery("Bonjour 👩‍👩‍👧‍👦 #plage", channel="toot", after=1200, media=(lea.photo(1),))
    house.live(minutes=25)
    assert lea.state(first) is S.PUBLISHED
    shown = house.status("Bonjour 👩‍👩‍👧‍👦 #plage")
    assert [one["description"] for one in shown["media_attachments"]] == ["picture 1"]
    assert (shown["language"], shown["visibility"], shown["sensitive"]) == ("fr", "public", False)
    assert lea.entry(first).url == shown["url"]

    lea.act(removal.ask, first)
    house.live(minutes=2)
    assert lea.state(first) is S.REMOVED
    assert house.member.statuses == {}


@pytest.mark.parametrize("forgetful", [False, True])
def test_a_lost_answer_is_looked_up_and_nothing_is_posted_twice(house: House, forgetful: bool) -> None:
    lea = house.desk
    house.enrol()
    house.server.ignores_keys = forgetful
    house.server.book.ask("reset_after", on="posts")
    lost = lea.delivery("perdue, puis retrouvée", channel="toot")
    lea.run()
    assert lea.state(lost) is S.UNCERTAIN
    house.live(minutes=2)
    assert lea.state(lost) is S.PUBLISHED
    assert house.texts() == ["perdue, puis retrouvée"]
    house.server.book.ask("reset_before", on="posts")
    never = lea.delivery("jamais arrivée", channel="toot")
    lea.run()
    house.live(minutes=4)
    assert lea.state(never) is S.PUBLISHED
    assert house.texts() == ["perdue, puis retrouvée", "jamais arrivée"]


def test_a_dead_token_holds_the_queue_and_a_new_one_lets_it_go(house: House) -> None:
    lea = house.desk
    house.enrol()
    old, house.member.token = house.member.token, "another token"
    post = lea.delivery("après le nouveau jeton", channel="toot")
    lea.run()
    assert house.channel().state == ChannelState.REAUTHORIZE
    assert lea.state(post) in (S.HELD, S.SCHEDULED)
    assert house.enrol(token=old).state == EnrolmentState.REFUSED
    assert house.enrol().state == EnrolmentState.CONNECTED
    house.live(minutes=2)
    assert lea.state(post) is S.PUBLISHED
    assert house.texts() == ["après le nouveau jeton"]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"token": "wrong"}, "mastodon.not_let_in"),
        ({"rules": ""}, "mastodon.rules_unread"),
        ({"server": ""}, "mastodon.no_server"),
        ({"server": "ftp://social.example"}, "enrolment.address_refused"),
        ({"server": "https://lea@social.example/x"}, "enrolment.address_refused"),
    ],
)
def test_what_cannot_be_connected_says_why(house: House, typed: dict[str, str], code: str) -> None:
    wish = house.enrol(**typed)
    assert wish.state == EnrolmentState.REFUSED
    assert wish.reason is not None
    assert wish.reason.code == code
