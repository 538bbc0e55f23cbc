"""Copies that Telegram no longer deletes are replaced by the installation's picture: once, despite
timeouts, repetitions and crashes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from channels.attempts.queries import list_attempts
from channels.manual_tasks import tasks
from connectors.contract.connector import FileRef, StepResult, WireStep
from connectors.contract.outcomes import Published
from connectors.transport.transport import AccountTarget
from foundation.db.database import Database, Scope
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import LANGUAGES, Message, load_catalogue, render_message
from foundation.ids import uuid7
from gate.contract import replacement_picture
from gate.contract.permit import Authority
from gate.contract.units import Subject, Unit
from gate.copies import live_copies
from gate.log import subject_history
from gate.permits.issuance import PermitDenied
from gate.policy import emergency_stops
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.channels.builders import Clockwork, Killed
from tests.channels.builders import mint as judged
from tests.channels.telegram_builders import TWO_DAYS, BotWorld, bot_world
from tests.fakes.telegram import server as fake

HOUR = 3600
PICTURE = render_message(Message("service.safety.removed.picture"), "fr")
MESSAGE = render_message(Message("service.safety.removed.message"), "fr")


@pytest.fixture
def nova(database: Database, telegram: fake.TelegramServer) -> Iterator[BotWorld]:
    made = bot_world(database, telegram)
    yield made
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken
    assert made.unpermitted() == []


def old(nova: BotWorld, unit: Unit) -> Unit:
    """Publish a unit, and age it beyond the time in which a bot may delete it."""
    assert isinstance(nova.publish(unit), Published)
    nova.pass_time(TWO_DAYS)
    return unit


def shown(nova: BotWorld, viewer: str = "") -> list[tuple[str, bool]]:
    """Return the text of each visible message and whether it is a picture."""
    return [
        (told.get("caption", told.get("text", "")), "photo" in told)
        for told in nova.standing(viewer)
    ]


def notices(nova: BotWorld) -> list[str]:
    with nova.scope() as scope:
        statement = (
            "SELECT message ->> 'code' FROM notices WHERE tenant_id = :t AND settled_at IS NULL"
        )
        return list(scope.run(statement, t=nova.tenant_id).scalars().all())


def due(nova: BotWorld) -> list[tasks.ManualTask]:
    with nova.scope() as scope:
        return tasks.list_due_tasks(scope, creators=[nova.creator_id])


def test_deletable_copy_is_deleted_without_replacement(nova: BotWorld) -> None:
    unit = nova.unit("young", pictures=1)
    nova.publish(unit)
    assert nova.remove(unit) == []
    assert (shown(nova), nova.bot.edits, nova.tries(unit)) == ([], [], [])


def test_old_picture_is_replaced_once_and_stays_a_task(nova: BotWorld) -> None:
    unit = old(nova, nova.unit("look", pictures=1))
    for _ in range(3):
        assert nova.remove(unit) == [HOUR]
        nova.pass_time(HOUR + 1)
    assert shown(nova) == [(PICTURE, True)]
    assert [digest for _, _, digest in nova.bot.edits] == [
        replacement_picture.replacement_medium().sha256
    ]
    assert nova.tries(unit) == ["published"]
    assert notices(nova) == ["copy.replaced"]
    (task,) = due(nova)
    assert (task.is_removal, task.replaced, bool(task.url)) == (True, True, True)
    copy = nova.copy_of(unit)
    assert copy.removed_at is None, "it exists until proven otherwise"
    assert copy.media == (unit.media[0].sha256,)


def test_every_picture_of_an_album_is_replaced(nova: BotWorld) -> None:
    unit = old(nova, nova.unit("three", pictures=3))
    assert nova.remove(unit) == [HOUR]
    assert shown(nova) == [(PICTURE, True)] * 3
    assert len({message for message, _, _ in nova.bot.edits}) == len(nova.bot.edits) == 3


def test_text_is_replaced_by_text(nova: BotWorld) -> None:
    unit = old(nova, nova.unit("only words"))
    assert nova.remove(unit) == [HOUR]
    assert shown(nova) == [(MESSAGE, False)]


def test_message_to_a_fan_is_replaced_in_the_fans_chat(nova: BotWorld) -> None:
    unit = old(
        nova, nova.unit("for you", pictures=2, viewer="leo", of=Subject("fulfilment", uuid7()))
    )
    other = nova.unit("untouched", pictures=1, viewer="leo", of=Subject("draft", uuid7()))
    nova.publish(other)
    assert nova.remove(unit) == [HOUR]
    assert shown(nova, "leo") == [(PICTURE, True), (PICTURE, True), ("untouched", True)]
    assert notices(nova) == ["copy.replaced_in_chat"]
    with nova.scope() as scope:
        (first, second) = live_copies.list_consumed_permits(
            scope, Subject(replacement_picture.REPLACEMENT_STEP, nova.copy_of(unit).jti)
        )
    assert {first.viewer, second.viewer} == {unit.viewer}


@pytest.mark.parametrize("mode", ["accept_then_hang", "reset_after", "status:502_after", "garbage"])
def test_lost_response_to_a_replacement_is_requested_again(nova: BotWorld, mode: str) -> None:
    """Telegram answers that the message is not modified, so it is done."""
    unit = old(nova, nova.unit("look", pictures=1))
    nova.fault(mode, "edits")
    (wait,) = nova.remove(unit)
    assert wait < HOUR
    assert notices(nova) == ["copy.cannot_remove"], "the result is still unknown"
    assert len(due(nova)) == 1, "it is a task anyway"
    nova.pass_time(wait + 1)
    assert nova.remove(unit) == [HOUR]
    assert (shown(nova), notices(nova)) == ([(PICTURE, True)], ["copy.replaced"])
    assert nova.tries(unit) == ["retry", "published"]


@pytest.mark.parametrize("mode", ["hang", "reset_before", "status:503", "status:429"])
def test_failed_replacement_waits_longer_each_time(nova: BotWorld, mode: str) -> None:
    unit = old(nova, nova.unit("look", pictures=1))
    nova.fault(mode, "edits", times=3)
    waits = []
    for _ in range(3):
        waits += nova.remove(unit)
        nova.pass_time(waits[-1] + 1)
    assert waits == [60, 120, 240]
    assert nova.remove(unit) == [HOUR]
    assert shown(nova) == [(PICTURE, True)]


def test_partly_replaced_album_is_completed(nova: BotWorld) -> None:
    unit = old(nova, nova.unit("three", pictures=3))
    first = nova.standing()[0]["message_id"]
    nova.fault("reset_before", "edits", match=f'"message_id"\r\n\r\n{first + 1}')
    (wait,) = nova.remove(unit)
    assert shown(nova) == [(PICTURE, True), ("", True), ("", True)]
    nova.pass_time(wait + 1)
    nova.fault("status:429", "edits", match=f'"message_id"\r\n\r\n{first + 2}', retry_after=90)
    (wait,) = nova.remove(unit)
    nova.pass_time(wait + 1)
    assert nova.remove(unit) == [HOUR]
    assert shown(nova) == [(PICTURE, True)] * 3
    assert len(nova.bot.edits) == 3, "no finished replacement is repeated"


def test_crash_at_any_point_ends_in_a_replacement_and_one_task(nova: BotWorld) -> None:
    unit = old(nova, nova.unit("two", pictures=2))
    nova.clockwork = Clockwork()
    nova.remove(unit)
    points = nova.clockwork.passed
    assert points > 20
    for point in range(points):
        unit = old(nova, nova.unit(f"two {point}", pictures=2))
        nova.clockwork = Clockwork(at=point)
        with pytest.raises(Killed):
            nova.remove(unit)
        nova.clockwork = Clockwork()
        assert nova.remove(unit) == [HOUR]
        before = len(nova.bot.edits)
        assert nova.remove(unit) == [HOUR]
        assert len(nova.bot.edits) == before, "a finished replacement is never repeated"
        assert nova.tries(unit)[-1] == "published"
    assert shown(nova) == [(PICTURE, True)] * 2 * (points + 1)
    assert len(due(nova)) == points + 1


@dataclass
class Overtaken:
    """The transport of a slow worker: another worker completes everything before its first edit is
    sent."""

    real: Any
    meanwhile: Callable[[], None]
    waits: bool = True

    def send(self, step: WireStep, authority: Authority, *, account: AccountTarget) -> StepResult:
        if step.name == "replace" and self.waits:
            self.waits = False
            self.meanwhile()
        answer: StepResult = self.real.send(step, authority, account=account)
        return answer


def test_concurrent_replacement_supersedes_the_slow_worker(nova: BotWorld) -> None:
    unit = old(nova, nova.unit("three", pictures=3))
    slow = Overtaken(nova.transport(), lambda: assert_later(nova, unit))
    with pytest.raises(Conflict):
        nova.remove(unit, transport=slow)
    assert shown(nova) == [(PICTURE, True)] * 3
    assert len(nova.bot.edits) == 4, "the slow worker's first edit, which changed nothing"
    assert nova.tries(unit) == ["superseded", "published"]
    assert nova.remove(unit) == [HOUR]
    assert len(nova.bot.edits) == 4
    assert len(due(nova)) == 1


def assert_later(nova: BotWorld, unit: Unit) -> None:
    assert nova.remove(unit) == [HOUR]


def test_refused_replacement_stays_a_task_and_is_not_repeated(
    nova: BotWorld,
) -> None:
    unit = old(nova, nova.unit("look", pictures=1))
    nova.fault("refuse", "edits")
    for _ in range(2):
        assert nova.remove(unit) == [HOUR]
    assert (shown(nova), nova.tries(unit)) == ([("look", True)], ["rejected"])
    assert notices(nova) == ["copy.cannot_remove"]
    (task,) = due(nova)
    assert not task.replaced


def test_fan_who_blocked_the_bot_keeps_the_message_and_the_account_stays_active(
    nova: BotWorld,
) -> None:
    unit = old(nova, nova.unit("for you", pictures=1, viewer="leo"))
    nova.telegram.world.block(nova.bot, "leo")
    assert nova.remove(unit) == [HOUR]
    assert shown(nova, "leo") == [("for you", True)]
    assert (nova.tries(unit), nova.channel().state, len(due(nova))) == (["rejected"], "active", 1)


def test_later_deletion_removes_the_replacement_too(nova: BotWorld) -> None:
    unit = old(nova, nova.unit("look", pictures=1))
    nova.remove(unit)
    copy = nova.copy_of(unit)
    # the owner deletes it in the Telegram app
    nova.chat.deleted.add(nova.standing()[0]["message_id"])
    assert nova.remove(unit) == []
    with nova.scope() as scope:
        assert all(one.removed_at for one in live_copies.list_consumed_permits(scope, unit.subject))
        (instead,) = live_copies.list_consumed_permits(
            scope, Subject(replacement_picture.REPLACEMENT_STEP, copy.jti)
        )
        assert instead.removed_at is not None
    assert (due(nova), notices(nova)) == ([], [])


def test_member_confirmation_completes_the_removal(nova: BotWorld) -> None:
    unit = old(nova, nova.unit("look", pictures=1))
    nova.remove(unit)
    with nova.scope() as scope:
        member = agencies.add_member(
            scope,
            name="Ann",
            email=f"{uuid7()}@example.org",
            role=Role.OWNER,
            language="fr",
            zone="Europe/Paris",
        )
    with nova.tenant(nova.tenant_id, f"member:{member}") as scope:
        tasks.confirm_removal(scope, due(nova)[0].id, creators=[nova.creator_id])
    assert nova.remove(unit) == []
    assert nova.copy_of(unit).removed_at is not None


def test_emergency_stop_does_not_block_replacement(nova: BotWorld) -> None:
    unit = old(nova, nova.unit("look", pictures=1))
    with nova.scope() as scope:
        emergency_stops.close_switch(scope, "tenant", "", "sending", reason="stop")
    with pytest.raises(PermitDenied):
        nova.arm(nova.unit("another"))
    assert nova.remove(unit) == [HOUR]
    assert shown(nova) == [(PICTURE, True)]


def test_unpinned_replacement_picture_is_refused_and_reported(nova: BotWorld) -> None:
    """A drawing that changed since it was pinned counts as another picture."""
    unit, other = (
        old(nova, nova.unit("look", pictures=1)),
        replace(replacement_picture.replacement_medium(), sha256="a" * 64),
    )

    def of_another(scope: Scope, whole: Unit, step: WireStep, **more: Any) -> Any:
        return judged(scope, replace(whole, media=(other,)), step, **more)

    assert nova.remove(unit, mint=of_another) == [HOUR]
    assert (nova.bot.edits, shown(nova)) == ([], [("look", True)])
    assert (notices(nova), len(due(nova)), nova.tries(unit)) == (
        ["copy.cannot_remove"],
        1,
        ["retry"],
    )
    with nova.scope() as scope:
        (said,) = subject_history.list_decisions(
            scope, Subject(replacement_picture.REPLACEMENT_STEP, nova.copy_of(unit).jti)
        )
    assert [str(reason) for reason in said.decision.reasons] == ["INPUT_INVALID"]
    nova.pass_time(HOUR)
    assert nova.remove(unit) == [HOUR]
    assert shown(nova) == [(PICTURE, True)], "with the pinned picture it succeeds"


def test_bytes_other_than_permitted_are_not_sent(nova: BotWorld) -> None:
    unit = old(nova, nova.unit("look", pictures=1))

    def for_others(scope: Scope, whole: Unit, step: WireStep, **more: Any) -> Any:
        return judged(
            scope,
            whole,
            replace(step, files={"m0": FileRef("b" * 64, "image/png", "0.png")}),
            **more,
        )

    assert nova.remove(unit, mint=for_others) == [60]
    assert (nova.bot.edits, shown(nova)) == ([], [("look", True)])
    with nova.scope() as scope:
        left = (
            scope.run(
                "SELECT state FROM permits WHERE subject_kind = :kind",
                kind=replacement_picture.REPLACEMENT_STEP,
            )
            .scalars()
            .all()
        )
    assert left == ["void"], "proof that nothing was sent"
    nova.pass_time(61)
    assert nova.remove(unit) == [HOUR]
    assert shown(nova) == [(PICTURE, True)]


def test_history_shows_the_replacement(nova: BotWorld) -> None:
    unit = old(nova, nova.unit("look", pictures=1))
    with nova.scope() as scope:
        (before,) = subject_history.list_permits(scope, unit.subject)
    assert before.replaced_at is None
    nova.remove(unit)
    with nova.scope() as scope:
        (left,) = subject_history.list_permits(scope, unit.subject)
        told = [(one.kind, one.outcome) for one in list_attempts(scope, unit.subject)]
    assert left.replaced_at is not None
    assert left.gone_at is None
    assert told == [("send", "published"), ("remove", "rejected"), ("replace", "published")]
    assert all(
        f"calendar.asked.{kind}" in load_catalogue(language)
        for kind, _ in told
        for language in LANGUAGES
    )


def test_replaced_copy_is_found_by_its_original(nova: BotWorld) -> None:
    """A copy that shows the replacement picture is still the copy of the original, for recalls,
    removal requests and references."""
    unit = old(nova, nova.unit("look", pictures=1))
    nova.remove(unit)
    copy = nova.copy_of(unit)
    with nova.scope() as scope:
        assert (
            live_copies.find_copy_by_native_id(scope, nova.channel_id, copy.native_ids[0]) == copy
        )
        assert [
            one.jti for one in live_copies.live_copies_of_bytes(scope, unit.media[0].sha256)
        ] == [copy.jti]
        with pytest.raises(BadInput):
            live_copies.record_removed(scope, copy.jti, "")
