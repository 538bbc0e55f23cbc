"""The step runner: each response is stored before the next step, each step is sent once, whatever
response is lost."""

import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from channels.accounts import lifecycle, queries
from channels.accounts.states import ChannelState
from channels.attempts.queries import list_attempts
from channels.limits import send_limits
from channels.sending import reconciliation, step_runner
from channels.sending.step_runner import PreparedStep, StagedUploads
from connectors.contract.connector import WireStep
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.transport.transport import EgressForbidden
from foundation.db.database import Scope
from foundation.errors import Conflict
from foundation.i18n.translation import Message
from gate.contract.permit import Permit
from gate.contract.units import Rating, Subject, Unit
from gate.copies import live_copies
from gate.permits.issuance import PermitDenied
from tests.channels.builders import CONNECTORS, World, mint
from tests.gate.answers import rate_and_answer

GONE = Message("connectors.account_gone", {"word": "no_such_account"})
SHORT = timedelta(seconds=0.5)


def story(lea: World, subject: Subject) -> list[tuple[str, str | None]]:
    with lea.scope() as scope:
        return [(attempt.kind, attempt.outcome) for attempt in list_attempts(scope, subject)]


def armed(turn: object) -> PreparedStep:
    assert isinstance(turn, PreparedStep), turn
    return turn


def test_post_with_pictures_is_published_once(lea: World) -> None:
    unit = lea.unit("two pictures", pictures=2)
    outcome = lea.publish(unit)
    assert isinstance(outcome, Published)
    assert lea.posts() == ["two pictures"]
    with lea.scope() as scope:
        (attempt,) = list_attempts(scope, unit.subject)
    assert [step.kind for step in attempt.steps] == ["stage", "stage", "publish"]
    assert [step.answered for step in attempt.steps] == ["200", "200", "201"]
    assert (attempt.outcome, attempt.native_id, attempt.http_status) == (
        "published",
        outcome.native_id,
        201,
    )
    assert attempt.outcome_text == Message("attempt.published")


def test_published_subject_stays_published(lea: World) -> None:
    unit = lea.unit()
    first = lea.publish(unit)
    assert lea.publish(unit) == first
    assert lea.posts() == ["hello"]


def test_native_key_is_stable_and_unique_per_part() -> None:
    subject = Subject("delivery", UUID(int=7))
    keys = [step_runner.native_key_of(Subject("delivery", UUID(int=7)), part) for part in range(5)]
    assert step_runner.native_key_of(subject) == keys[0]
    assert len(set(keys)) == 5
    assert all(key.isalnum() and len(key) == 24 for key in keys)


def test_staged_uploads_are_reused_by_the_send(lea: World) -> None:
    unit = lea.unit("staged", pictures=2)
    assert lea.carry(armed(lea.arm(unit, kind="stage"))) == StagedUploads()
    assert lea.posts() == []
    assert lea.arm(unit, kind="stage") == StagedUploads()
    turn = armed(lea.arm(unit))
    assert turn.step.name == "publish"
    assert isinstance(lea.carry(turn), Published)
    assert lea.arm(unit, kind="stage") == StagedUploads()  # a late stage does not affect the send
    assert isinstance(lea.publish(unit), Published)
    assert story(lea, unit.subject) == [("stage", "staged"), ("send", "published")]
    assert lea.posts() == ["staged"]


def test_edited_post_stages_its_picture_again(lea: World) -> None:
    """Uploads are reused for identical content only: the permitted content is what is sent."""
    unit = lea.unit("first words", pictures=1)
    lea.carry(armed(lea.arm(unit, kind="stage")))
    edited = replace(unit, texts=(replace(unit.texts[0], body="other words"),))
    assert armed(lea.arm(edited)).step.name.startswith("stage:")


@pytest.mark.parametrize(
    "mode", ["accept_then_hang", "reset_after", "status:503_after", "garbage", "reset_before"]
)
def test_lost_response_is_never_resent(lea: World, mode: str) -> None:
    """A second claim sends nothing; the lookup decides."""
    lea.network.fault(mode, account=lea.account, on="posts", seconds=2)
    unit = lea.unit(f"lost by {mode}")
    outcome = lea.carry(armed(lea.arm(unit, act=SHORT)))
    assert isinstance(outcome, Uncertain)
    lea.close(unit, outcome)
    taken = len(lea.posts())
    assert isinstance(lea.arm(unit, braked=True), Uncertain)
    assert len(lea.posts()) == taken
    assert isinstance(lea.recover(unit), Published)
    assert lea.posts() == [f"lost by {mode}"]


def test_unreachable_server_is_retried_without_uncertainty(lea: World) -> None:
    """The connection was refused, so the request was certainly not received."""
    with lea.scope() as scope:
        scope.run(
            "UPDATE channels SET base_url = 'http://127.0.0.1:1' WHERE id = :id", id=lea.channel_id
        )
    unit = lea.unit("late")
    assert isinstance(lea.publish(unit), Retry)
    with lea.scope() as scope:
        scope.run(
            "UPDATE channels SET base_url = :url WHERE id = :id",
            id=lea.channel_id,
            url=lea.network.url,
        )
    with lea.scope() as scope:  # nothing is sent until a harmless read succeeds
        waits = send_limits.claim_send_slot(scope, lea.channel())
        assert waits is not None
        assert waits.reason.code == "channel.platform_down"
        send_limits.release_brake(scope, lea.channel_id)
    assert isinstance(lea.publish(unit), Published)
    assert story(lea, unit.subject) == [("send", "retry"), ("send", "published")]


def test_refused_post_causes_one_request(lea: World) -> None:
    lea.network.fault("refuse", account=lea.account, on="posts")
    unit = lea.unit("no")
    assert isinstance(lea.publish(unit), Rejected)
    assert lea.posts() == []
    with lea.scope() as scope:
        (attempt,) = list_attempts(scope, unit.subject)
    assert (attempt.outcome, attempt.http_status) == ("rejected", 403)
    assert attempt.detail is not None


def test_dead_token_stops_the_channel_with_one_notice(lea: World) -> None:
    lea.network.json("POST", f"/control/token/{lea.account}", {"revoke": True})
    assert isinstance(lea.carry(armed(lea.arm(lea.unit("none"), braked=True))), Retry)
    for body in ("one", "two"):
        lea.pass_time(2)
        unit = lea.unit(body)
        assert isinstance(lea.carry(armed(lea.arm(unit, braked=True))), Reauthorize)
    assert lea.channel().state == ChannelState.REAUTHORIZE
    with lea.scope() as scope:
        told = (
            scope.run("SELECT cause FROM notices WHERE tenant_id = :tenant", tenant=lea.tenant_id)
            .scalars()
            .all()
        )
    assert told == [f"channel:{lea.channel_id}:reauthorize"]


def test_second_claim_sends_nothing_while_the_first_is_in_progress(lea: World) -> None:
    unit = lea.unit()
    first = armed(lea.arm(unit))
    assert isinstance(lea.arm(unit), Uncertain)
    assert isinstance(lea.carry(first), Published)
    assert isinstance(lea.publish(unit), Published)
    assert lea.posts() == ["hello"]


def test_superseded_staging_cannot_continue(lea: World) -> None:
    unit = lea.unit("overtaken", pictures=1)
    first = armed(lea.arm(unit))
    assert first.step.name.startswith("stage:")
    second = armed(lea.arm(unit))
    with pytest.raises(Conflict):
        lea.carry(first)
    assert isinstance(lea.carry(second), Published)
    assert lea.posts() == ["overtaken"]


@pytest.mark.parametrize(("pictures", "kind"), [(0, "send"), (1, "send"), (1, "stage")])
def test_claim_is_superseded_during_the_gates_decision(
    lea: World, pictures: int, kind: str
) -> None:
    """The second worker prepares its step between the first one's read and its write."""
    unit = lea.unit("decides", pictures=pictures)
    seconds: list[object] = []

    def slow(
        scope: Scope,
        slow_unit: Unit,
        step: WireStep,
        *,
        uploads: Collection[str] = (),
        author: str | None = None,
        whole: Unit | None = None,
    ) -> Permit:
        seconds.append(lea.arm(unit, kind=kind, taken=False))
        return mint(scope, slow_unit, step, uploads=uploads, author=author, whole=whole)

    with pytest.raises(Conflict):
        lea.arm(unit, kind=kind, taken=False, mint=slow)
    lea.carry(armed(seconds[0]))
    assert isinstance(lea.publish(unit), Published)
    assert lea.posts() == ["decides"]


def test_attempt_is_superseded_between_two_steps(lea: World) -> None:
    unit = lea.unit("between", pictures=1)
    first = armed(lea.arm(unit))
    seconds: list[object] = []

    def slow(
        scope: Scope,
        slow_unit: Unit,
        step: WireStep,
        *,
        uploads: Collection[str] = (),
        author: str | None = None,
        whole: Unit | None = None,
    ) -> Permit:
        seconds.append(lea.arm(unit))
        return mint(scope, slow_unit, step, uploads=uploads, author=author, whole=whole)

    with pytest.raises(Conflict):
        lea.carry(first, mint=slow)
    assert isinstance(lea.carry(armed(seconds[0])), Published)
    assert lea.posts() == ["between"]


def test_permit_denied_between_steps_keeps_the_response(lea: World) -> None:
    """The upload stays recorded, nothing was published, and the next claim gets the reason."""
    unit = lea.unit("stopped", pictures=1)
    first = armed(lea.arm(unit))
    with lea.scope() as scope:
        rate_and_answer(scope, unit.media[0].sha256, Rating.X, source="member:8")
    outcome = lea.carry(first)
    assert isinstance(outcome, Retry)
    lea.close(unit, outcome)
    with pytest.raises(PermitDenied):
        lea.arm(unit)
    with lea.scope() as scope:
        (attempt,) = list_attempts(scope, unit.subject)
        assert not reconciliation.is_possibly_published(scope, unit.subject)
    assert [step.answered for step in attempt.steps] == ["200"]
    assert lea.posts() == []


def test_racing_workers_publish_once(lea: World) -> None:
    for turn in range(4):
        unit = lea.unit(f"race {turn}", pictures=turn % 2)
        outcomes: list[object] = []
        start = threading.Barrier(3)

        def work(
            unit: object = unit, outcomes: list[object] = outcomes, start: threading.Barrier = start
        ) -> None:
            start.wait()
            try:
                # bound per iteration, hence the wide type
                outcomes.append(lea.publish(unit))  # type: ignore[arg-type]  # see above
            except Conflict as conflict:
                outcomes.append(conflict)

        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert len(outcomes) == 3
        assert lea.posts().count(f"race {turn}") <= 1
        assert isinstance(lea.recover(unit), Published)
        assert lea.posts().count(f"race {turn}") == 1


def test_process_past_its_deadline_sends_nothing(lea: World) -> None:
    unit = lea.unit("asleep")
    turn = armed(lea.arm(unit))
    late = replace(turn, ready_at=turn.ready_at - turn.seconds)
    assert isinstance(lea.carry(late), Retry)
    assert lea.posts() == []


def test_step_refused_by_the_transport_is_certainly_unsent(lea: World) -> None:
    unit = lea.unit("forged")
    turn = armed(lea.arm(unit))
    forged = replace(turn, step=replace(turn.step, json={"text": "something else"}))
    with pytest.raises(EgressForbidden):
        lea.carry(forged)
    assert isinstance(lea.publish(unit), Retry)
    assert isinstance(lea.publish(unit), Published)
    assert lea.posts() == ["forged"]


def test_outcome_is_written_once(lea: World) -> None:
    unit = lea.unit()
    outcome = lea.carry(armed(lea.arm(unit)))
    assert isinstance(outcome, Published)
    assert lea.close(unit, outcome)
    assert not lea.close(unit, outcome)
    assert not lea.close(unit, Disconnected(GONE))
    assert story(lea, unit.subject) == [("send", "published")]


def test_closing_records_the_copy_at_the_gate(lea: World) -> None:
    unit = lea.unit(pictures=1)
    outcome = lea.publish(unit)
    assert isinstance(outcome, Published)
    with lea.scope() as scope:
        (copy,) = live_copies.list_copies(scope, unit.subject)
    assert (copy.native_ids, copy.step, copy.visible_at) == (
        (outcome.native_id,),
        "publish",
        outcome.at,
    )


def test_closing_a_refused_post_records_no_copy(lea: World) -> None:
    lea.network.fault("refuse", account=lea.account, on="posts")
    unit = lea.unit("no")
    lea.publish(unit)
    with lea.scope() as scope:
        assert live_copies.list_consumed_permits(scope, unit.subject) == []


@pytest.mark.parametrize(
    "outcome", [Retry(SHORT, "account", GONE), Rejected(GONE, permanent=True), Reauthorize(GONE)]
)
def test_publish_step_without_a_response_cannot_be_closed_as_unsent(
    lea: World, outcome: Outcome
) -> None:
    unit = lea.unit()
    lea.arm(unit)
    with pytest.raises(Conflict):
        lea.close(unit, outcome)
    assert isinstance(lea.arm(unit), Uncertain)


def test_another_tenant_sees_no_attempts(lea: World) -> None:
    unit = lea.unit()
    lea.publish(unit)
    with lea.database.scope(UUID(int=9), "system:test") as scope:
        assert list_attempts(scope, unit.subject) == []
        assert queries.list_channels(scope) == []


def test_dry_run_sends_nothing(lea: World) -> None:
    unit = lea.unit("only rehearsed", pictures=1)
    with lea.scope() as scope:
        for _ in range(2):
            step = step_runner.dry_run(
                scope, channel=lea.channel(), unit=unit, connectors=CONNECTORS
            )
            assert isinstance(step, WireStep)
    assert story(lea, unit.subject) == [("dry", "rehearsed"), ("dry", "rehearsed")]
    assert isinstance(lea.publish(unit), Published)
    assert lea.posts() == ["only rehearsed"]


def test_claims_revocations_and_reconnections_never_deadlock(lea: World) -> None:
    """Every transaction locks in this order: epochs, channel, subject, permit, log head."""
    units = [lea.unit(f"busy {number}", pictures=number % 2) for number in range(6)]
    troubles: list[Exception] = []

    def publishes(mine: Unit) -> None:
        lea.publish(mine)

    def rates(mine: Unit) -> None:
        for medium in mine.media:
            with lea.scope() as scope:
                rate_and_answer(scope, medium.sha256, Rating.G, source="rule:again")

    def moves(mine: Unit) -> None:
        with lea.scope() as scope:
            lifecycle.pause_account(scope, lea.channel_id, GONE, until=scope.now)
        with lea.scope() as scope:
            lifecycle.resume_account(scope, lea.channel_id)

    def work(act: Callable[[Unit], None], mine: Unit) -> None:
        try:
            act(mine)
        except (AssertionError, Conflict):
            return  # paused at that moment, or moved by another thread
        except Exception as trouble:
            troubles.append(trouble)

    workers = [
        threading.Thread(target=work, args=(act, mine))
        for mine in units
        for act in (publishes, rates, moves)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert troubles == []


def test_attempt_is_append_only(lea: World) -> None:
    """The database refuses to change what was recorded as sent."""
    unit = lea.unit()
    lea.publish(unit)
    for change in ("outcome = 'retry'", "steps = '[]'", "publish_armed_at = NULL", "result = '{}'"):
        with pytest.raises(Exception, match="written once"), lea.scope() as scope:
            scope.run(f"UPDATE attempts SET {change} WHERE subject_id = :id", id=unit.subject.id)
