"""The loop that sends posts, chat messages and packs: prepare a step, send it, record its response,
prepare the next one.

A step is sent only after it was recorded, and the publishing step is prepared once: if its response
is missing, it is not sent again until a lookup or a member states that nothing was published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.attempts import attempts, retry_delays, serialization
from channels.attempts.attempts import Attempt
from channels.connections import token_renewal
from channels.limits import send_limits
from channels.sending import permit_denials, reconciliation
from connectors.contract.connector import (
    Connector,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
    SupportsNativeKeys,
    WireStep,
)
from connectors.contract.outcomes import Outcome, Published, Rejected, Retry, Uncertain
from connectors.shared import prices
from connectors.shared.http_responses import SHORT_RETRY
from connectors.transport import references
from connectors.transport.transport import (
    EgressForbidden,
    PermitExpired,
    PermitReplayed,
    Transport,
)
from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.ops.clock import monotonic
from gate.contract.permit import Authority, ControlOrder, Permit
from gate.contract.units import IS_FIRST_COMMENT, REPOST_KIND, Subject, Unit
from gate.copies import live_copies
from gate.permits import issuance
from gate.permits.issuance import MintPermit

SENDING_ACTOR = "system:carrying"

MAX_STANDSTILL_SECONDS = 5.0
"""Maximum time between preparing a step and sending it: shorter than a lease without renewal."""


Connectors = Mapping[str, Connector]  # by platform


class RecordCopy(Protocol):
    """Records the native ID of the copy under a permit, and the time since which it is visible."""

    def __call__(self, scope: Scope, jti: UUID, native_id: str, visible_at: datetime) -> None: ...


@dataclass(frozen=True)
class StagedUploads:
    """All uploads are done; the publishing step waits for its time."""


@dataclass(frozen=True)
class PreparedStep:
    """A recorded step that may be sent once: number `position` of its attempt (from 0)."""

    tenant_id: UUID
    attempt_id: UUID
    channel: Channel
    unit: Unit
    step: WireStep
    authority: Authority
    deadline: datetime
    position: int
    # time left before the deadline at `ready_at`, a reading of this process's `monotonic()`
    seconds: float
    ready_at: float


@dataclass(frozen=True)
class _Ahead:
    """The values shared by all steps of an attempt, and the responses so far."""

    channel: Channel
    unit: Unit
    deadline: datetime
    told: tuple[StepResult, ...] = ()
    author: str | None = None
    whole: Unit | None = None


class PrepareNextStep(Protocol):
    """Prepares the step that follows a response, or returns the outcome if there is none."""

    def __call__(
        self, scope: Scope, step: PreparedStep, answer: StepResult, /
    ) -> PreparedStep | Outcome | StagedUploads: ...


class SettleAttempt(Protocol):
    """Records the outcome with the last response in one transaction, and closes the attempt."""

    def __call__(self, scope: Scope, step: PreparedStep, outcome: Outcome, /) -> None: ...


def native_key_of(subject: Subject, part: int = 0) -> str:
    """Return the idempotency key of a subject's part: the same for all attempts, 24 letters and
    digits."""
    return "gr" + derived_uuid("native_key", subject.kind, subject.id, part).hex[:22]


def _resolve_native_key(
    unit: Unit, part: int, rows: Sequence[Attempt], connector: Connector, now: datetime
) -> str:
    """Return the key of a send, which is reused as long as something may have been published under
    it."""
    key = unit.native_key or native_key_of(unit.subject, part)
    if not hasattr(connector, "native_key_for") or not isinstance(
        connector, SupportsNativeKeys
    ):  # Checking a protocol is slow, so test the attribute first.
        return key
    return attempts.occupied_native_key(rows) or connector.native_key_for(key, now)


def sending_problem(unit: Unit, connector: Connector, now: datetime) -> Message | None:
    """Return the reason why a unit cannot be sent, as far as it is known without a request, or
    None."""
    key = _resolve_native_key(unit, 0, (), connector, now)
    turn = prices.next_step_priced(
        connector, unit if key == unit.native_key else replace(unit, native_key=key), ()
    )
    return turn.reason if isinstance(turn, Rejected) else None


def prepare_step(
    scope: Scope,
    *,
    channel: Channel,
    unit: Unit,
    kind: Literal["send", "stage"],
    act: timedelta,
    mint: MintPermit,
    connectors: Connectors,
    part: int = 0,
    author: str | None = None,
    whole: Unit | None = None,
) -> PreparedStep | Outcome | StagedUploads:
    """Record the next step of a subject's part, or return the outcome if there is one already.

    `kind="stage"` stops before the publishing step and returns StagedUploads. `act` is the maximum
    wall time of all steps together. In this transaction, the caller has locked the epochs of the
    gate and the channel (`send_limits.claim_send_slot`), changed the state of its subject and
    published its reconciliation event. Uploads of earlier attempts are reused. `author` and `whole`
    are those of `gate.permits.issuance.mint_permit`. Raises PermitDenied; Conflict if another
    worker prepared the same subject concurrently.
    """
    connector = account_connectors.connector_for(connectors, channel)
    if kind == "stage" and any(
        row.outcome is None for row in attempts.list_attempts(scope, unit.subject, part, ("send",))
    ):
        return StagedUploads()
    rows = attempts.list_attempts(scope, unit.subject, part)
    if any(row.outcome is None for row in rows):
        attempts.supersede_attempts(
            scope, unit.subject, part, ("stage",) if kind == "stage" else attempts.SENDING_KINDS
        )
        rows = attempts.list_attempts(scope, unit.subject, part)
    stands = _find_blocking_outcome(scope, rows, connector, channel)
    if stands is not None:
        return stands
    unit = replace(unit, native_key=_resolve_native_key(unit, part, rows, connector, scope.now))
    staged = attempts.reusable_uploads(rows, unit.digest())
    turn = prices.next_step_priced(connector, unit, staged)
    if not isinstance(turn, Send):
        return _apply_outcome(scope, channel, unit, turn)
    if kind == "stage" and turn.step.kind is StepKind.PUBLISH:
        return StagedUploads()
    ahead = _Ahead(channel, unit, scope.now + act, author=author, whole=whole)
    authority = _authorize_step(scope, ahead, turn.step, staged, mint)
    attempt_id = attempts.begin_attempt(
        scope,
        channel_id=channel.id,
        subject=unit.subject,
        kind=kind,
        deadline=ahead.deadline,
        part=part,
        unit=unit,
        native_key=unit.native_key,
        n=attempts.next_number(rows, kind),
        first=(turn.step, _permit_jti(authority)),
    )
    return _build_prepared_step(scope, ahead, turn.step, authority, attempt_id=attempt_id)


def dry_run(
    scope: Scope, *, channel: Channel, unit: Unit, connectors: Connectors
) -> WireStep | Outcome:
    """Build the first request of a unit and record it as a dry-run attempt, without a permit and
    without network access.

    Return the request, or the outcome if there would be none.
    """
    connector = account_connectors.connector_for(connectors, channel)
    unit = replace(unit, native_key=_resolve_native_key(unit, 0, (), connector, scope.now))
    turn = prices.next_step_priced(connector, unit, ())
    if not isinstance(turn, Send):
        return turn
    attempt_id = attempts.begin_attempt(
        scope,
        channel_id=channel.id,
        subject=unit.subject,
        kind="dry",
        deadline=scope.now,
        unit=unit,
    )
    attempts.finish_attempt(
        scope,
        attempt_id,
        "rehearsed",
        {"step": turn.step.name, "wire": turn.step.wire_digest()},
        None,
    )
    return turn.step


def run_steps(
    armed: PreparedStep,
    *,
    tenant: OpenScope,
    transport: Transport,
    arm_next: PrepareNextStep,
    settle: SettleAttempt | None = None,
) -> Outcome | StagedUploads:
    """Send the prepared step, record its response and prepare the next one, until there is an
    outcome.

    No transaction is open during a request. The response to a step is committed before the next one
    is prepared, so that neither a crash nor a denial of the gate can lose it. The last response is
    committed together with its outcome and, if `settle` is given, with the change of its subject;
    if any of that fails, the response is recorded separately.
    """
    turn: PreparedStep | Outcome | StagedUploads = armed
    while isinstance(turn, PreparedStep):
        answer = _send_step(turn, tenant, transport)
        turn = (_record_and_prepare_next if turn.step.has_content else _gone_on)(
            turn, answer, tenant, _to_the_end(arm_next, settle)
        )
    return turn


def _to_the_end(arm_next: PrepareNextStep, settle: SettleAttempt | None) -> PrepareNextStep:
    """Return `arm_next` extended by `settle` in the same transaction."""

    def arm(
        scope: Scope, armed: PreparedStep, answer: StepResult
    ) -> PreparedStep | Outcome | StagedUploads:
        turn = arm_next(scope, armed, answer)
        if settle is not None and not isinstance(turn, PreparedStep | StagedUploads):
            settle(scope, armed, turn)
        return turn

    return arm


def _gone_on(
    armed: PreparedStep, answer: StepResult, tenant: OpenScope, arm_next: PrepareNextStep
) -> PreparedStep | Outcome | StagedUploads:
    """Record the response, then prepare the next step, in two transactions, because epochs are
    locked before the account."""
    _record_step_answer(armed, answer, tenant)
    with tenant(armed.tenant_id, SENDING_ACTOR) as scope:
        return arm_next(scope, armed, answer)


def _record_and_prepare_next(
    armed: PreparedStep, answer: StepResult, tenant: OpenScope, arm_next: PrepareNextStep
) -> PreparedStep | Outcome | StagedUploads:
    """Record the last response with its outcome in one transaction. No permit follows it."""
    try:
        with tenant(armed.tenant_id, SENDING_ACTOR) as scope:
            _record_limits(scope, armed, answer, creates=True)
            return arm_next(scope, armed, answer)
    except Exception:
        _record_step_answer(armed, answer, tenant)
        raise


def prepare_next_step(
    scope: Scope,
    armed: PreparedStep,
    answer: StepResult,
    *,
    connectors: Connectors,
    mint: MintPermit,
) -> PreparedStep | Outcome | StagedUploads:
    """Return the next step after a response, prepared under a new permit, or the outcome.

    A denial of the gate ends the attempt (`permit_denials`). Raises Conflict if another worker took
    over the attempt.
    """
    rows = attempts.record_and_list(
        scope, armed.unit.subject, armed.attempt_id, armed.position, answer
    )
    row = next((each for each in rows if each.id == armed.attempt_id), None)
    if row is None:
        raise NotFound("attempt.not_here")
    turn = _resume_attempt(
        rows, row, account_connectors.connector_for(connectors, armed.channel), armed.unit
    )
    if not isinstance(turn, Send):
        outcome = _apply_outcome(
            scope, armed.channel, armed.unit, turn, shown=armed.channel.generation
        )
        return retry_delays.with_growing_delay(outcome, row, rows)
    # Another worker has closed or superseded the attempt.
    if row.outcome is not None:
        raise Conflict("attempt.superseded")
    if turn.step.kind is StepKind.PUBLISH and row.kind == "stage":
        attempts.finish_attempt(scope, row.id, "staged", {}, None)
        return StagedUploads()
    if turn.step.kind is StepKind.PUBLISH and row.publish_armed_at is not None:
        raise Refused("attempt.single_shot")
    late = (
        scope.now >= row.deadline_at
    )  # An account that was disconnected since sends nothing more either.
    if late or queries.get_channel(scope, armed.channel.id).is_disconnected:
        why = "attempt.out_of_time" if late else "attempt.stopped_midway"
        return retry_delays.with_growing_delay(
            Retry(SHORT_RETRY, "account", Message(why)), row, rows
        )
    ahead = _Ahead(armed.channel, armed.unit, row.deadline_at, attempts.stored_answers(row))
    staged = attempts.reusable_uploads(
        [each for each in rows if each.part == row.part], row.unit_digest
    )
    staged += ahead.told if armed.unit.parent_id else ()  # the responses of the parent part
    try:
        authority = _authorize_step(scope, ahead, turn.step, staged, mint)
    except issuance.PermitDenied as denied:
        return permit_denials.outcome_of_denial(scope, row, denied)
    attempts.add_step(scope, row.id, armed.position + 1, turn.step, _permit_jti(authority))
    return _build_prepared_step(
        scope, ahead, turn.step, authority, attempt_id=row.id, position=armed.position + 1
    )


def close_attempt(
    scope: Scope,
    carried: PreparedStep | Subject,
    outcome: Outcome,
    *,
    part: int = 0,
    note_copy: RecordCopy = live_copies.record_copy,
) -> bool:
    """Write the outcome of an attempt, once, or later the resolution of an uncertain one. Return
    True if this call wrote it.

    A subject without an attempt has nothing to write. The gate is informed of the copy, or that
    there is none. Raises Conflict for an outcome that would deny a publishing step without a
    response.
    """
    name = serialization.outcome_name(outcome)
    result = serialization.outcome_to_json(outcome)
    detail = serialization.outcome_reason(outcome)
    row = None
    if isinstance(carried, PreparedStep) and not _is_definite_absence(
        outcome
    ):  # The common case needs no read before the write.
        row = attempts.finish_attempt(scope, carried.attempt_id, name, result, detail)
    written = row is not None
    if row is None:
        row = (
            attempts.get_attempt(scope, carried.attempt_id)
            if isinstance(carried, PreparedStep)
            else _latest_attempt(scope, carried, part)
        )
        if row is None:
            return False
        written = _close_attempt(scope, row, outcome, (name, result, detail))
    jti = attempts.publish_permit(row)
    if written and jti is not None and isinstance(outcome, Published):
        native_id = outcome.native_id
        seen_at = outcome.at or scope.now
        scope.before_commit(lambda last: note_copy(last, jti, native_id, seen_at), role="gate")
        if outcome.files:
            files = outcome.files
            scope.before_commit(
                lambda last: live_copies.record_file_ids(last, jti, files), role="gate"
            )
    elif written and jti is not None and attempts.is_definite(outcome):
        scope.before_commit(
            lambda last: live_copies.void_permit(last, jti, name), role="gate"
        )  # The response proves that nothing was created.
    return written


def _is_definite_absence(outcome: Outcome) -> bool:
    """Return True if the outcome proves that nothing was published."""
    return attempts.is_definite(outcome) and not isinstance(outcome, Published)


def _close_attempt(
    scope: Scope,
    row: Attempt,
    outcome: Outcome,
    end: tuple[str, serialization.StoredJson, Message | None],
) -> bool:
    unanswered = (
        row.outcome is None and attempts.is_uncertain(row) and attempts.publish_answer(row) is None
    )
    if unanswered and _is_definite_absence(outcome):
        raise Conflict(
            "attempt.in_doubt"
        )  # Only a lookup or a member may state that nothing was published.
    if attempts.finish_attempt(scope, row.id, *end) is not None:
        return True
    doubtful = attempts.is_definite(outcome) and attempts.is_uncertain(row)
    return doubtful and attempts.resolve_attempt(scope, row, attempts.resolution_of(outcome))


def recorded_outcome(
    scope: Scope, subject: Subject, *, connectors: Connectors, part: int = 0
) -> Outcome | None:
    """Return the outcome of a recorded response to the publishing step that was not settled, or
    None."""
    rows = attempts.list_attempts(scope, subject, part)
    for row in reversed(rows):
        if row.outcome is None and attempts.publish_answer(row) is not None:
            channel = queries.get_channel(scope, row.channel_id)
            connector = account_connectors.connector_for(connectors, channel)
            unit = serialization.unit_from_json(row.unit)
            turn = _resume_attempt(rows, row, connector, unit)
            return None if isinstance(turn, Send) else _apply_outcome(scope, channel, unit, turn)
    return None


def _apply_outcome(
    scope: Scope, channel: Channel, unit: Unit, outcome: Outcome, *, shown: int | None = None
) -> Outcome:
    """Apply an outcome to the account. For a message, a comment or a repost it is secondary,
    because the account can post without the rights for these."""
    apart = bool(unit.viewer or unit.comment_id or unit.comment in (IS_FIRST_COMMENT, REPOST_KIND))
    return token_renewal.apply_outcome_to_account(
        scope, channel, outcome, shown=shown, secondary=apart
    )


def _latest_attempt(scope: Scope, subject: Subject, part: int) -> Attempt | None:
    rows = attempts.list_attempts(scope, subject, part)
    candidates = [row for row in rows if row.outcome is None] or [
        row for row in rows if row.kind == "send"
    ]
    return candidates[-1] if candidates else None


def _find_blocking_outcome(
    scope: Scope, rows: list[Attempt], connector: Connector, channel: Channel
) -> Outcome | None:
    """Return the outcome of earlier attempts if it forbids a new one."""
    for row in reversed(rows):
        if (
            row.outcome is None and attempts.publish_answer(row) is not None
        ):  # The process crashed before the outcome was written.
            unit = serialization.unit_from_json(row.unit)
            turn = _resume_attempt(rows, row, connector, unit)
            if isinstance(turn, Send):
                raise Refused("attempt.single_shot")
            return _apply_outcome(scope, channel, unit, turn)
        stands = attempts.binding_outcome(row)
        if isinstance(stands, Uncertain):
            stands = reconciliation.outcome_after_looks(scope, row)
        if stands is not None:
            return stands
    return None


def _resume_attempt(
    rows: Sequence[Attempt], row: Attempt, connector: Connector, unit: Unit
) -> Send | Outcome:
    """Return the connector's next step or outcome for all responses: to uploads of earlier attempts
    in `rows`, then to this attempt."""
    earlier = [other for other in rows if other.part == row.part and other.id != row.id]
    kept = attempts.reusable_uploads(
        earlier, row.unit_digest, without={step["wire_digest"] for step in row.steps}
    )
    return connector.next_step(unit, (*kept, *attempts.stored_answers(row)))


def _authorize_step(
    scope: Scope, ahead: _Ahead, step: WireStep, staged: Sequence[StepResult], mint: MintPermit
) -> Authority:
    match step.kind:
        case StepKind.STAGE | StepKind.PUBLISH:
            talk = ahead.told if ahead.unit.viewer else ()
            uploads = references.uploaded_references(
                step, ahead.channel.platform, staged, above=ahead.unit.parent_id, talk=talk
            )
            return mint(
                scope,
                ahead.unit,
                step,
                uploads=uploads,
                author=ahead.author,
                whole=ahead.whole,
            )
        case StepKind.CONTROL:
            return ControlOrder(scope.tenant_id, ahead.channel.id, step.action)
        case _:
            raise Refused("attempt.wrong_step", step=step.name)


def _permit_jti(authority: Authority) -> UUID | None:
    return authority.jti if isinstance(authority, Permit) else None


def _build_prepared_step(
    scope: Scope,
    ahead: _Ahead,
    step: WireStep,
    authority: Authority,
    *,
    attempt_id: UUID,
    position: int = 0,
) -> PreparedStep:
    return PreparedStep(
        tenant_id=scope.tenant_id,
        attempt_id=attempt_id,
        channel=ahead.channel,
        unit=ahead.unit,
        step=step,
        authority=authority,
        deadline=ahead.deadline,
        position=position,
        seconds=(ahead.deadline - scope.now).total_seconds(),
        ready_at=monotonic(),
    )


def _send_step(armed: PreparedStep, tenant: OpenScope, transport: Transport) -> StepResult:
    """Send a step once within the time left. A process that was suspended after preparing the step
    sends nothing, because another worker may have taken over its row."""
    waited = monotonic() - armed.ready_at
    if (left := armed.seconds - waited) <= 0 or waited > MAX_STANDSTILL_SECONDS:
        return StepNotSent(armed.step.name, "deadline")
    step = replace(armed.step, deadline=min(armed.step.deadline, left))
    try:
        return transport.send(
            step, armed.authority, account=queries.transport_account(armed.channel)
        )
    except PermitExpired:  # The process was slow or suspended; the next attempt gets a new permit.
        return StepNotSent(armed.step.name, "permit_expired")
    except PermitReplayed:  # The other use may have published it: a lookup decides.
        return StepAnswerLost(armed.step.name, "permit_replayed")
    except (EgressForbidden, NotFound) as error:
        # Refused before the first byte: certainly not sent.
        _record_step_answer(armed, StepNotSent(armed.step.name, error.message.code), tenant)
        raise


def _record_step_answer(armed: PreparedStep, answer: StepResult, tenant: OpenScope) -> None:
    with tenant(armed.tenant_id, SENDING_ACTOR) as scope:
        _record_limits(
            scope, armed, answer, creates=armed.step.has_content or isinstance(answer, StepNotSent)
        )
        attempts.record_answer(scope, armed.attempt_id, armed.position, answer)


def _record_limits(scope: Scope, armed: PreparedStep, answer: StepResult, *, creates: bool) -> None:
    of = armed.unit.subject
    in_chat = bool(armed.unit.viewer)
    words = armed.unit.text_of("body")
    send_limits.record_answer(
        scope, armed.channel.id, answer, creates=creates, of=of, in_chat=in_chat, words=words
    )
