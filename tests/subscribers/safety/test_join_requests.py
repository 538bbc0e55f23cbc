"""Join requests for a subscribers' channel: admitted with a right and not without, once, and
removed when it ends."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from channels.age_verification import age_checks
from channels.roles import reader_roles
from channels.roles.models import ReaderRoleRow
from connectors.contract.chats import ChatUpdate
from foundation.db.database import Database
from foundation.i18n.translation import Message, render_message
from gate.viewers import age_assurance
from subscribers.fans import directory
from subscribers.safety import role_eligibility
from subscribers.safety.events import RolesDue
from subscribers.subscriptions.events import RoleCheckDue
from tests.channels.age_check_builders import PROVIDERS
from tests.channels.builders import Clockwork, Killed
from tests.fakes.telegram import server as fake
from tests.fakes.telegram.chats import Chat
from tests.fakes.telegram.join_requests import request_to_join
from tests.subscribers.stars_builders import StarsBot, create_bot
from tests.subscribers.subscription_builders import add_plan, add_subscription, renew_month

SUBSCRIBERS, ADULTS = {"lets_in": "subscribers"}, {"lets_in": "adults"}
FOR_ADULTS = {**SUBSCRIBERS, "by_request": True}


class Doorkeeper(StarsBot):
    """A studio that also manages channel membership, as wired in production."""

    def handlers(self) -> Mapping[str, Callable[[Any], None]]:
        outside = {"transport": self.world.transport(), "connectors": self.world.connectors}
        return {
            **super().handlers(),
            "role.wanted": partial(role_eligibility.update_reader_role, tenant=self.world.tenant),
            # the values of `outside` have several types
            "role.due": partial(reader_roles.apply_role, tenant=self.world.tenant, **outside),  # type: ignore[arg-type]  # see above
            "viewer.changed": self._viewer,
        }

    def _viewer(self, fact: Any) -> None:
        told = RoleCheckDue(fact.tenant_id, fact.subject_id, fact.platform, fact.user_id)
        role_eligibility.update_reader_role(told, tenant=self.world.tenant)

    @property
    def place(self) -> Chat:
        chat: Chat = self.world.chat  # type: ignore[attr-defined]  # a bot's world
        return chat

    def user(self, name: str) -> int:
        return int(self.stars.world.person(name).id)

    def knocks(self, name: str = "leo") -> None:
        """Request to join, and process the request."""
        request_to_join(self.stars.world, self.stars.bot, self.place, name)
        self.hear()
        self.drain()

    def inside(self, name: str = "leo") -> bool:
        return self.user(name) in self.place.members

    def moves(self, name: str = "leo") -> str:
        return "".join(what for what, who in self.place.moves if who == self.user(name))

    def proves(self, name: str = "leo") -> None:
        with self.scope() as scope:
            age_assurance.record_assurance(
                scope,
                platform="telegram",
                user_id=str(self.user(name)),
                method="yoti.doc",
                assured_level="L4",
                over_18=True,
                environment="test",
            )
        self.drain()

    def checks_ages(self) -> None:
        """Connect an age check provider to the agency."""
        with self.scope() as scope:
            age_checks.connect_provider(scope, "yoti", b"sealed", known=PROVIDERS)
            scope.run("UPDATE age_providers SET state = 'connected'")

    def told(self, name: str = "leo") -> list[str]:
        """Return the texts sent to a user who only requested to join, without the AI notice."""
        return list(self.stars.world.texts(self.stars.bot, name))[1:]

    def looks(self) -> None:
        """Run the hourly reconciliation."""
        role_eligibility.reconcile_roles(
            RolesDue(self.world.tenant_id, self.world.tenant_id), tenant=self.world.tenant
        )
        self.drain()

    def lets_in(self, **options: Any) -> None:
        with self.scope() as scope:
            scope.run(
                "UPDATE channels SET options = options || CAST(:more AS jsonb) WHERE tenant_id = "
                ":tenant",
                tenant=self.world.tenant_id,
                more=json.dumps(options),
            )


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as started:
        yield started


@pytest.fixture
def nova(database: Database, telegram: fake.TelegramServer) -> Iterator[Doorkeeper]:
    plain = create_bot(database, telegram)
    made = Doorkeeper(plain.world, plain.pack_id, stars=plain.stars)
    made.place.username = ""
    made.place.doors.add(made.stars.bot.id)
    made.lets_in(**SUBSCRIBERS)
    add_plan(made)
    made.later(minutes=1)
    yield made
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken
    assert made.place.banned == set(), "a removed user stays banned"


def sentence(what: str) -> str:
    return render_message(Message(f"service.join.{what}"), "fr")


def test_stranger_gets_instructions_and_is_admitted_after_subscribing(nova: Doorkeeper) -> None:
    nova.knocks("mia")  # she never wrote to the bot
    assert nova.told("mia") == [sentence("subscription")]
    assert (nova.inside("mia"), nova.moves("mia")) == (False, "")
    add_subscription(nova, "mia")
    assert (nova.inside("mia"), nova.moves("mia")) == (True, "+")  # without a second request
    nova.looks()
    assert nova.moves("mia") == "+"


def test_subscriber_is_admitted_on_request_and_removed_at_the_end(nova: Doorkeeper) -> None:
    add_subscription(nova)
    assert (nova.inside(), nova.moves()) == (False, "")  # users are admitted only on request
    before = len(nova.stars.world.seen(nova.stars.bot, "leo"))
    nova.knocks()
    assert (nova.inside(), nova.moves()) == (True, "+")
    assert len(nova.stars.world.seen(nova.stars.bot, "leo")) == before
    renew_month(nova)
    nova.hear()
    nova.drain()
    assert nova.inside()
    nova.world.pass_time(34 * 24 * 3600)  # the third month was never paid
    nova.drain()
    assert (nova.inside(), nova.moves()) == (False, "+xo")
    nova.knocks()
    assert nova.told()[-1] == sentence("subscription")
    assert not nova.inside()


def test_member_who_left_may_rejoin(nova: Doorkeeper) -> None:
    add_subscription(nova)
    nova.knocks()
    nova.stars.world.leave(nova.place, "leo")
    nova.knocks()
    assert (nova.inside(), nova.moves()) == (True, "++")


def test_adult_channel_admits_only_verified_adults(nova: Doorkeeper) -> None:
    nova.lets_in(**FOR_ADULTS)
    nova.knocks("zoe")
    assert nova.told("zoe") == [sentence("age_by_hand")], "no link to a check without a provider"
    nova.checks_ages()
    nova.knocks("mia")
    add_subscription(nova)
    nova.knocks()
    assert nova.told("mia") == [sentence("both")]
    assert nova.told()[-1] == sentence("age")
    assert not nova.inside()
    nova.proves("mia")
    assert not nova.inside("mia")  # an adult without a subscription
    nova.proves()
    assert nova.inside()
    with nova.scope() as scope:
        age_assurance.mark_suspected_minor(scope, "telegram", str(nova.user("leo")))
    nova.drain()
    assert (nova.inside(), nova.moves()) == (False, "+xo")


def test_adults_channel_admits_by_proof_alone(nova: Doorkeeper) -> None:
    nova.lets_in(**ADULTS)
    nova.checks_ages()
    nova.knocks("mia")
    assert nova.told("mia") == [sentence("age")]
    nova.proves("mia")
    assert nova.inside("mia")


def test_minors_and_blocked_fans_are_declined_without_a_message(nova: Doorkeeper) -> None:
    add_subscription(nova)
    with nova.scope() as scope:
        age_assurance.block_viewer(scope, "telegram", str(nova.user("leo")))
    nova.drain()
    before = len(nova.stars.world.seen(nova.stars.bot, "leo"))
    nova.knocks()
    assert (nova.inside(), nova.moves()) == (False, "-xo")
    nova.world_says("mia", "bonjour")
    nova.drain()
    with nova.scope() as scope:
        known = directory.find_fan_identity(scope, nova.world.channel_id, str(nova.user("mia")))
        assert known is not None
        directory.block_fan(scope, known.fan_id)
    nova.knocks("mia")
    assert (nova.inside("mia"), nova.moves("mia")) == (False, "-xo")
    assert len(nova.stars.world.seen(nova.stars.bot, "leo")) == before
    assert rows(nova) == []


def rows(nova: Doorkeeper) -> list[tuple[bool, bool | None]]:
    found = nova.rows(
        f"SELECT wanted, stands FROM {ReaderRoleRow.__tablename__} WHERE tenant_id = :tenant"
    )
    return [(row.wanted, row.stands) for row in found]


def test_repeated_or_late_join_request_has_no_effect(nova: Doorkeeper) -> None:
    """The update arrives twice, and again after she was admitted; requests for another channel are
    ignored."""
    world, own = nova.stars.world, nova.stars.bot
    asked = request_to_join(world, own, nova.place, "mia")
    world.again(own, asked)
    nova.hear()
    nova.drain()
    assert nova.told("mia") == [sentence("subscription")]
    add_subscription(nova, "mia")
    world.again(own, asked)
    nova.hear()
    nova.drain()
    assert nova.moves("mia") == "+"
    elsewhere = ChatUpdate("77", "join", str(nova.user("max")), ref="-1009", language="fr")
    nova.receive(elsewhere)
    nova.drain()
    assert world.texts(own, "max") == []


def test_join_answer_is_not_sent_after_five_minutes(nova: Doorkeeper) -> None:
    request_to_join(nova.stars.world, nova.stars.bot, nova.place, "mia")
    nova.hear()
    nova.later(minutes=6)
    nova.drain()
    assert nova.stars.world.texts(nova.stars.bot, "mia") == []
    nova.world_says("mia", "/start")
    nova.drain()
    assert nova.stars.world.texts(nova.stars.bot, "mia") != []


@pytest.mark.parametrize("fault", ["reset_after", "status:429"])
def test_platform_fault_neither_blocks_nor_keeps_access(nova: Doorkeeper, fault: str) -> None:
    def bad_day() -> None:
        account = str(nova.stars.bot.id)
        nova.telegram.book.schedule_fault(
            fault, account=account, on="doors", times=2, seconds=0.2, retry_after=3
        )

    nova.lets_in(**ADULTS)
    nova.proves()
    bad_day()
    nova.knocks()
    nova.drain(hours=2)
    assert (nova.inside(), nova.moves()) == (True, "+")
    bad_day()
    with nova.scope() as scope:
        age_assurance.reset_assurance(scope, "telegram", str(nova.user("leo")))
    nova.drain(hours=2)
    assert not nova.inside()
    assert nova.moves().endswith("o")
    assert rows(nova) == []


@pytest.mark.parametrize("at", [1, 5, 8, 11])
def test_no_removed_member_stays_banned_after_a_crash(nova: Doorkeeper, at: int) -> None:
    nova.lets_in(**ADULTS)
    nova.proves()
    nova.knocks()
    with nova.scope() as scope:
        age_assurance.reset_assurance(scope, "telegram", str(nova.user("leo")))
    nova.world.clockwork = Clockwork(at)
    with suppress(Killed):
        nova.drain()
    nova.world.clockwork = Clockwork()
    nova.drain(hours=1)
    assert not nova.inside()
    nova.proves()
    nova.knocks()
    assert nova.inside()


def test_missing_bot_permission_is_reported_and_the_account_continues(nova: Doorkeeper) -> None:
    add_subscription(nova)
    request_to_join(nova.stars.world, nova.stars.bot, nova.place, "leo")
    nova.place.doors.clear()
    nova.hear()
    nova.drain()
    assert "role.refused" in nova.notices()
    assert nova.world.channel().state == "active"
    nova.place.doors.add(nova.stars.bot.id)
    nova.looks()
    assert nova.inside()
    assert "role.refused" not in nova.notices()
