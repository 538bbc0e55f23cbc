"""Who is let into a channel for subscribers: with the right and not without, once, and out again
when it ends."""

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
    """A studio that also follows who may be inside, as wiring does."""

    def handlers(self) -> Mapping[str, Callable[[Any], None]]:
        outside = {"transport": self.world.transport(), "connectors": self.world.connectors}
        return {
            **super().handlers(),
            "role.wanted": partial(role_eligibility.update_reader_role, tenant=self.world.tenant),
            # one of each
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
        """Somebody asks to be let in, is heard, and what follows is done."""
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
        """The agency has somebody who checks ages."""
        with self.scope() as scope:
            age_checks.connect_provider(scope, "yoti", b"sealed", known=PROVIDERS)
            scope.run("UPDATE age_providers SET state = 'connected'")

    def told(self, name: str = "leo") -> list[str]:
        """What somebody who only asked was told, after the notice that a machine answers."""
        return list(self.stars.world.texts(self.stars.bot, name))[1:]

    def looks(self) -> None:
        """The hour comes round."""
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
    assert made.place.banned == set(), "nobody is left banned"


def sentence(what: str) -> str:
    return render_message(Message(f"service.join.{what}"), "fr")


def test_a_stranger_is_told_what_to_do_and_let_in_once_they_did(nova: Doorkeeper) -> None:
    nova.knocks("mia")  # she never wrote to the bot
    assert nova.told("mia") == [sentence("subscription")]
    assert (nova.inside("mia"), nova.moves("mia")) == (False, "")
    add_subscription(nova, "mia")
    assert (nova.inside("mia"), nova.moves("mia")) == (True, "+")  # without asking again
    nova.looks()
    assert nova.moves("mia") == "+"


def test_who_pays_is_let_in_at_once_and_leaves_when_it_ends(nova: Doorkeeper) -> None:
    add_subscription(nova)
    assert (nova.inside(), nova.moves()) == (False, "")  # nobody is put in who did not ask
    before = len(nova.stars.world.seen(nova.stars.bot, "leo"))
    nova.knocks()
    assert (nova.inside(), nova.moves()) == (True, "+")
    assert len(nova.stars.world.seen(nova.stars.bot, "leo")) == before
    renew_month(nova)
    nova.hear()
    nova.drain()
    assert nova.inside()
    nova.world.pass_time(34 * 24 * 3600)  # the third month never came
    nova.drain()
    assert (nova.inside(), nova.moves()) == (False, "+xo")
    nova.knocks()
    assert nova.told()[-1] == sentence("subscription")
    assert not nova.inside()


def test_who_left_by_themselves_may_come_back(nova: Doorkeeper) -> None:
    add_subscription(nova)
    nova.knocks()
    nova.stars.world.leave(nova.place, "leo")
    nova.knocks()
    assert (nova.inside(), nova.moves()) == (True, "++")


def test_a_place_for_adults_opens_to_nobody_whose_age_is_not_proven(nova: Doorkeeper) -> None:
    nova.lets_in(**FOR_ADULTS)
    nova.knocks("zoe")
    assert nova.told("zoe") == [sentence("age_by_hand")], (
        "nobody is sent to a check that nobody makes"
    )
    nova.checks_ages()
    nova.knocks("mia")
    add_subscription(nova)
    nova.knocks()
    assert nova.told("mia") == [sentence("both")]
    assert nova.told()[-1] == sentence("age")
    assert not nova.inside()
    nova.proves("mia")
    assert not nova.inside("mia")  # an adult who pays nothing
    nova.proves()
    assert nova.inside()
    with nova.scope() as scope:
        age_assurance.mark_suspected_minor(scope, "telegram", str(nova.user("leo")))
    nova.drain()
    assert (nova.inside(), nova.moves()) == (False, "+xo")


def test_proof_alone_opens_where_the_account_says_so(nova: Doorkeeper) -> None:
    nova.lets_in(**ADULTS)
    nova.checks_ages()
    nova.knocks("mia")
    assert nova.told("mia") == [sentence("age")]
    nova.proves("mia")
    assert nova.inside("mia")


def test_minors_and_who_is_blocked_are_turned_away_without_a_word(nova: Doorkeeper) -> None:
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


def test_told_again_and_late_nothing_is_done_twice(nova: Doorkeeper) -> None:
    """The update comes twice, and a second time after she was let in; what another place is asked
    is not ours."""
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


def test_words_come_too_late_where_five_minutes_passed(nova: Doorkeeper) -> None:
    request_to_join(nova.stars.world, nova.stars.bot, nova.place, "mia")
    nova.hear()
    nova.later(minutes=6)
    nova.drain()
    assert nova.stars.world.texts(nova.stars.bot, "mia") == []
    nova.world_says("mia", "/start")
    nova.drain()
    assert nova.stars.world.texts(nova.stars.bot, "mia") != []


@pytest.mark.parametrize("fault", ["reset_after", "status:429"])
def test_a_bad_day_neither_keeps_out_nor_leaves_in(nova: Doorkeeper, fault: str) -> None:
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
def test_killed_anywhere_who_was_put_out_is_not_left_banned(nova: Doorkeeper, at: int) -> None:
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


def test_a_right_the_bot_lacks_is_told_and_the_account_goes_on(nova: Doorkeeper) -> None:
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
