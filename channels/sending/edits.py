"""Edits of the texts of a copy: read the parts that must remain, send the edit under a separate
permit, and record the response.

Repeating an edit changes nothing, so an edit whose response was lost is sent again. Until then it
is uncertain which texts are live; this follows from the recorded requests and responses.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.attempts import attempts, retry_delays, serialization
from channels.attempts.attempts import Attempt
from channels.connections import token_renewal
from channels.sending.step_runner import PreparedStep
from connectors.contract.connector import (
    Connector,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.contract.edits import EDIT_STEP, SupportsEdits
from connectors.contract.outcomes import Outcome, Published, Rejected, Retry
from connectors.shared.http_responses import SHORT_RETRY
from connectors.transport import references
from foundation.db.database import Scope
from foundation.errors import Conflict, Refused
from foundation.i18n.translation import Message
from foundation.ops.clock import monotonic
from gate.contract.permit import Authority, ControlOrder, Permit
from gate.contract.units import Subject, Unit
from gate.copies import copy_edits
from gate.copies.live_copies import LiveCopy, list_copies, void_permit
from gate.permits import issuance
from gate.permits.issuance import MintPermit, PermitDenied

EDIT_KIND = "edit"
"""Kind of the attempts; their native key is the native ID of the copy."""

EDIT_ARRIVAL_WINDOW = timedelta(seconds=30)
"""Delay before an edit is tried again while an emergency stop is active."""

Connectors = Mapping[str, Connector]


def can_edit(connector: Connector) -> bool:
    """Return True if the platform supports edits of published texts."""
    return connector.capabilities.edits and isinstance(connector, SupportsEdits)


def copy_by_native_id(scope: Scope, subject: Subject, native_id: str) -> LiveCopy | None:
    """Return the live copy of a subject by its native ID, or None if it was removed or recalled."""
    found = (one for one in list_copies(scope, subject) if native_id in one.native_ids)
    return next((one for one in found if one.removed_at is None and one.recalled_at is None), None)


def last_known_unit(scope: Scope, subject: Subject, native_id: str) -> Unit | None:
    """Return the last confirmed content of a copy, or None if no attempt recorded it."""
    rows = attempts.list_attempts(scope, subject, None, ("send", EDIT_KIND))
    stand = [
        row
        for row in rows
        if isinstance(attempts.binding_outcome(row), Published) and _native_id_of(row) == native_id
    ]
    return serialization.unit_from_json(stand[-1].unit) if stand else None


def _native_id_of(row: Attempt) -> str:
    if row.kind == EDIT_KIND:
        return row.native_key
    outcome = attempts.binding_outcome(row)
    return outcome.native_id if isinstance(outcome, Published) else ""


def is_edit_uncertain(scope: Scope, subject: Subject, native_id: str) -> bool:
    """Return True if an edit may have taken effect and nothing has confirmed or denied it since."""
    unclear = False
    for row in _list_edit_attempts(scope, subject, native_id):
        if (
            row.outcome == "published" or row.resolved_by is not None
        ):  # the latest of these determines the live texts
            unclear = False
        elif any(
            step["kind"] == StepKind.MUTATE and _is_answer_uncertain(step["answer"])
            for step in row.steps
        ):
            unclear = True
    return unclear


def other_edits_arrive_until(scope: Scope, unit: Unit, native_id: str) -> datetime | None:
    """Return the time until which an unanswered edit with other texts may still take effect."""
    rows = _list_edit_attempts(scope, unit.subject, native_id)
    return _latest_edit_deadline([row for row in rows if row.unit_digest != unit.digest()])


def edits_arrive_until(scope: Scope, subject: Subject, native_id: str) -> datetime | None:
    """Return the time until which an unanswered edit may still take effect, or None."""
    return _latest_edit_deadline(_list_edit_attempts(scope, subject, native_id))


def _latest_edit_deadline(rows: Sequence[Attempt]) -> datetime | None:
    return max(
        (
            row.deadline_at
            for row in rows
            if row.outcome != "published"
            and row.resolved_by is None
            and any(
                step["kind"] == StepKind.MUTATE and _is_answer_uncertain(step["answer"])
                for step in row.steps
            )
        ),
        default=None,
    )


def _list_edit_attempts(scope: Scope, subject: Subject, native_id: str) -> list[Attempt]:
    return [
        row
        for row in attempts.list_attempts(scope, subject, None, (EDIT_KIND,))
        if row.native_key == native_id
    ]


def _is_answer_uncertain(stored: serialization.StoredJson | None) -> bool:
    """Return True if a request with this response, or without one, may have changed the copy."""
    if stored is None:
        return True
    match serialization.answer_from_json(stored):
        case StepNotSent():
            return False
        case StepAnswerLost():
            return True
        case Response(status=status):
            return not 400 <= status < 500 or status == 408


def prepare_edit(
    scope: Scope,
    *,
    channel: Channel,
    unit: Unit,
    copy: LiveCopy,
    native_id: str,
    act: timedelta,
    author: str,
    whole: Unit | None,
    mint: MintPermit,
    connectors: Connectors,
) -> PreparedStep | Outcome:
    """Record the first request that changes a copy to `unit`, or return the outcome if no request
    is needed.

    `whole` is the thread that begins with the unit, judged together with it. The caller has locked
    the epochs of the gate and the channel, and changed the state of its subject, in this
    transaction. Raises PermitDenied; Conflict if another worker prepared the same subject
    concurrently.
    """
    attempts.supersede_attempts(scope, unit.subject, 0, (EDIT_KIND,))
    rows = attempts.list_attempts(scope, unit.subject, 0, (EDIT_KIND,))
    turn = _next_edit_step(connectors, channel, unit, native_id, ())
    if not isinstance(turn, Send):
        return turn
    if (
        turn.step.kind is StepKind.CONTROL
        and (no := _denied_outcome(scope, whole or unit, author)) is not None
    ):
        return no
    authority = _authorize_edit_step(scope, unit, turn.step, (), mint, author=author, whole=whole)
    attempt_id = attempts.begin_attempt(
        scope,
        channel_id=channel.id,
        subject=unit.subject,
        kind=EDIT_KIND,
        deadline=scope.now + act,
        unit=unit,
        native_key=native_id,
        n=attempts.next_number(rows, EDIT_KIND),
        first=(turn.step, _record_edit_permit(scope, authority, copy)),
    )
    return _build_prepared_edit(
        scope,
        channel,
        unit,
        turn.step,
        authority,
        place=(attempt_id, 0),
        seconds=act.total_seconds(),
    )


def _denied_outcome(scope: Scope, whole: Unit, author: str) -> Outcome | None:
    """Return the outcome if the gate denies the edit, or None if it allows it. The decision is made
    before any request, and the author is stored with it."""
    decision = issuance.judge_unit(scope, whole, author=author)
    if decision.is_allowed:
        return None
    if decision.is_transient or decision.is_stale or decision.needs_place_check:
        return Retry(EDIT_ARRIVAL_WINDOW, "account", Message("attempt.stopped_midway"))
    return Rejected(decision.main_reason, permanent=False)


def prepare_next_edit_step(
    scope: Scope,
    armed: PreparedStep,
    answer: StepResult,
    *,
    connectors: Connectors,
    mint: MintPermit,
) -> PreparedStep | Outcome:
    """Return the next request after a response, or the outcome. If the gate denies it, the outcome
    is Retry.

    Raises Conflict if another worker took over the attempt.
    """
    attempts.record_answer(scope, armed.attempt_id, armed.position, answer)
    row = attempts.get_attempt(scope, armed.attempt_id)
    answers = attempts.stored_answers(row)
    turn = _next_edit_step(connectors, armed.channel, armed.unit, row.native_key, answers)
    if not isinstance(turn, Send):
        weighed = token_renewal.apply_outcome_to_account(
            scope, armed.channel, turn, shown=armed.channel.generation, secondary=True
        )
        return retry_delays.with_growing_delay(
            weighed, row, _list_edit_attempts(scope, armed.unit.subject, row.native_key)
        )
    copy = copy_by_native_id(scope, armed.unit.subject, row.native_key)
    if row.outcome is not None or copy is None or armed.step.kind is StepKind.MUTATE:
        raise Conflict("attempt.superseded")
    left = (row.deadline_at - scope.now).total_seconds()
    if left <= 0:
        return Retry(SHORT_RETRY, "account", Message("attempt.out_of_time"))
    try:
        authority = _authorize_edit_step(scope, armed.unit, turn.step, answers, mint)
    except PermitDenied as denied:
        # No change was sent: the next claim decides again and reports the reason.
        issuance.record_denial(scope, denied)
        return Retry(SHORT_RETRY, "account", Message("attempt.stopped_midway"))
    position = armed.position + 1
    attempts.add_step(
        scope, row.id, position, turn.step, _record_edit_permit(scope, authority, copy)
    )
    return _build_prepared_edit(
        scope,
        armed.channel,
        armed.unit,
        turn.step,
        authority,
        place=(armed.attempt_id, position),
        seconds=left,
    )


def recorded_edit(
    scope: Scope, subject: Subject, native_id: str, *, connectors: Connectors
) -> tuple[UUID, Outcome] | None:
    """Return the attempt and outcome of an edit whose response was recorded but not settled, or
    None."""
    rows = [row for row in _list_edit_attempts(scope, subject, native_id) if row.outcome is None]
    changes = [step for row in rows[-1:] for step in row.steps if step["kind"] == StepKind.MUTATE]
    if not changes or changes[-1]["answer"] is None:
        return None
    row = rows[-1]
    channel = queries.get_channel(scope, row.channel_id)
    turn = _next_edit_step(
        connectors,
        channel,
        serialization.unit_from_json(row.unit),
        native_id,
        attempts.stored_answers(row),
    )
    return (
        None
        if isinstance(turn, Send)
        else (
            row.id,
            token_renewal.apply_outcome_to_account(scope, channel, turn, secondary=True),
        )
    )


def close_edit(scope: Scope, attempt_id: UUID, outcome: Outcome) -> bool:
    """Write the outcome of an attempt, once, and record which texts are live. Return False if it
    had one already."""
    name = serialization.outcome_name(outcome)
    result = serialization.outcome_to_json(outcome)
    row = attempts.finish_attempt(
        scope, attempt_id, name, result, serialization.outcome_reason(outcome)
    )
    changes = (
        [step for step in row.steps if step["kind"] == StepKind.MUTATE] if row is not None else []
    )
    if not changes:
        return row is not None
    jti = UUID(changes[-1]["permit_jti"])
    if isinstance(outcome, Published):
        scope.before_commit(lambda last: copy_edits.confirm_copy_edit(last, jti), role="gate")
    elif not _is_answer_uncertain(changes[-1]["answer"]):
        scope.before_commit(
            lambda last: void_permit(last, jti, name), role="gate"
        )  # The response proves that nothing was changed.
    return True


def resolve_edit(scope: Scope, subject: Subject, native_id: str, *, came_through: bool) -> None:
    """Record which texts are live by a member's statement: those of the last edit, or the earlier
    ones."""
    rows = [
        row
        for row in _list_edit_attempts(scope, subject, native_id)
        if row.resolved_by is None and row.outcome != "published"
    ]
    armed = [
        step
        for row in rows
        for step in row.steps
        if step["kind"] == StepKind.MUTATE and _is_answer_uncertain(step["answer"])
    ]
    for row in rows:
        stands = came_through and row is rows[-1]
        url = {"native_id": native_id, "url": "", "at": None}
        attempts.record_edit_verdict(
            scope,
            row,
            {"outcome": "published", **url} if stands else {"outcome": attempts.ABSENT_RESULT},
        )
    if came_through and armed:
        jti = UUID(armed[-1]["permit_jti"])
        scope.before_commit(lambda last: copy_edits.confirm_copy_edit(last, jti), role="gate")
        return
    copy = copy_by_native_id(scope, subject, native_id)
    if copy is not None:
        by = scope.actor
        scope.before_commit(
            lambda last: copy_edits.reject_unconfirmed_edits(last, copy.jti, by), role="gate"
        )


def _next_edit_step(
    connectors: Connectors,
    channel: Channel,
    unit: Unit,
    native_id: str,
    answers: Sequence[StepResult],
) -> Send | Outcome:
    connector = account_connectors.connector_for(connectors, channel)
    if not (connector.capabilities.edits and isinstance(connector, SupportsEdits)):
        return Rejected(Message("edit.not_there"), permanent=True)
    turn = connector.edit(unit, native_id, tuple(answers))
    # Only the step with this name may change the copy: its permit is recorded with the copy.
    if isinstance(turn, Send) and (turn.step.kind is StepKind.MUTATE) != (
        turn.step.name == EDIT_STEP
    ):
        raise Refused("attempt.wrong_step", step=turn.step.name)
    return turn


def _authorize_edit_step(
    scope: Scope,
    unit: Unit,
    step: WireStep,
    answers: Sequence[StepResult],
    mint: MintPermit,
    *,
    author: str | None = None,
    whole: Unit | None = None,
) -> Authority:
    match step.kind:
        case StepKind.MUTATE:
            there = [*_uploaded_answers(scope, unit.subject), *answers]
            return mint(
                scope,
                unit,
                step,
                uploads=references.uploaded_references(step, unit.platform, there),
                author=author,
                whole=whole,
            )
        case StepKind.CONTROL:
            return ControlOrder(scope.tenant_id, unit.channel_id, step.action)
        case _:
            raise Refused("attempt.wrong_step", step=step.name)


def _uploaded_answers(scope: Scope, subject: Subject) -> list[StepResult]:
    """Return the responses to the uploads of files published with the copy."""
    steps = [
        step
        for row in attempts.list_attempts(scope, subject)
        for step in row.steps
        if step["kind"] == StepKind.STAGE
    ]
    return [
        serialization.answer_from_json(step["answer"])
        for step in steps
        if step["answer"] is not None
    ]


def _record_edit_permit(scope: Scope, authority: Authority, copy: LiveCopy) -> UUID | None:
    """Record the permit of an edit with its copy when the permit is consumed."""
    if not isinstance(authority, Permit):
        return None
    jti = authority.jti
    scope.before_commit(lambda last: copy_edits.record_copy_edit(last, jti, copy.jti), role="gate")
    return jti


def _build_prepared_edit(
    scope: Scope,
    channel: Channel,
    unit: Unit,
    step: WireStep,
    authority: Authority,
    *,
    place: tuple[UUID, int],
    seconds: float,
) -> PreparedStep:
    attempt_id, position = place
    return PreparedStep(
        tenant_id=scope.tenant_id,
        attempt_id=attempt_id,
        channel=channel,
        unit=unit,
        step=step,
        authority=authority,
        deadline=scope.now + timedelta(seconds=seconds),
        position=position,
        seconds=seconds,
        ready_at=monotonic(),
    )
