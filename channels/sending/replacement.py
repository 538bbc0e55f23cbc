"""Replacement of copies that a platform no longer deletes: our replacement picture or sentence
takes their position, once.

Each request has a separate permit (`gate/text/service_texts.py` defines for which content). A
repeated request changes nothing, so a step whose result was not recorded is sent again; completed
and permanently refused steps are not. The copy remains on record as live, and its removal remains a
manual task (`channels/manual_tasks/task_lifecycle.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.attempts import attempts, request_loop, serialization
from channels.attempts.attempts import Attempt
from channels.connections import token_renewal
from channels.limits import send_limits
from channels.sending import edits
from connectors.contract.connector import (
    Connector,
    PlatformCopy,
    Send,
    StepAnswerLost,
    StepNotSent,
    StepResult,
    SupportsReplacement,
    WireStep,
)
from connectors.contract.outcomes import Outcome, Published, Retry
from connectors.transport.transport import EgressForbidden, PermitReplayed, Transport
from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.i18n.translation import LANGUAGES, Message, render_message
from gate.contract import replacement_picture
from gate.contract.permit import Permit
from gate.contract.units import Subject, Text, Unit
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy
from gate.permits import issuance
from gate.permits.issuance import MintPermit, PermitDenied
from tenants.agencies.queries import get_creator
from tenants.notices import notices

REPLACE_KIND = "replace"
"""Kind of the attempts."""

ACT = timedelta(seconds=200)
FIRST = timedelta(minutes=1)
MAX_RETRY_DELAY = timedelta(hours=1)
"""Initial and maximum delay between two failed tries; the delay doubles each time."""

_OVER = ("published", "rejected")


@dataclass(frozen=True)
class ReplacementContext:
    """The collaborators of a replacement for one tenant."""

    tenant_id: UUID
    tenant: OpenScope
    transport: Transport
    connectors: Mapping[str, Connector]
    mint: MintPermit

    @contextmanager
    def scope(self) -> Iterator[Scope]:
        """Open a transaction as the actor of this package."""
        with self.tenant(self.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
            yield scope


def replace_copy(
    copy: LiveCopy, channel: Channel, native_ids: Sequence[str], outside: ReplacementContext
) -> Outcome | None:
    """Replace the content of every message of a copy. Return None if the platform does not support
    replacement.

    Published means that no message shows its original content any more. Rejected means that one
    still does and another try cannot help.
    """
    connector = account_connectors.connector_for(outside.connectors, channel)
    if not (connector.capabilities.replaces and isinstance(connector, SupportsReplacement)):
        return None
    outcomes = [
        _replace_message(copy, channel, native_id, connector, outside) for native_id in native_ids
    ]
    return next(
        (outcome for outcome in outcomes if not isinstance(outcome, Published)),
        next(iter(outcomes), None),
    )


def _replace_message(
    copy: LiveCopy,
    channel: Channel,
    native_id: str,
    connector: SupportsReplacement,
    outside: ReplacementContext,
) -> Outcome:
    with outside.scope() as scope:
        tried = _list_earlier_tries(scope, copy, native_id)
        if tried and tried[-1].outcome in _OVER:
            last = tried[-1]
            return serialization.outcome_from_json(str(last.outcome), last.result, last.detail)
        arrives = edits.edits_arrive_until(scope, copy.subject, native_id)
        if (
            arrives is not None and arrives > scope.now
        ):  # An edit in progress could overwrite the replacement.
            return Retry(arrives - scope.now, "account", Message("attempt.under_way"))
        unit = _build_replacement_unit(scope, copy, channel)
        attempt_id = _begin_replacement(scope, copy, native_id, unit)
    place = PlatformCopy(native_id, copy.account, copy.viewer)
    done = _earlier_answers(tried)
    sent = 0
    answers: tuple[StepResult, ...] = ()
    turn = connector.replace(place, unit, answers)
    while isinstance(turn, Send) and len(answers) < request_loop.MAX_REQUESTS:
        answer = done.get(turn.step.wire_digest())
        if answer is None:
            answer = _send_replacement_step(channel, unit, turn.step, (attempt_id, sent), outside)
            sent += 1
        if answer is None:
            turn = Retry(MAX_RETRY_DELAY, "account", Message("attempt.stopped_midway"))
            break
        answers = (*answers, answer)
        turn = connector.replace(place, unit, answers)
    outcome = (
        Retry(FIRST, "account", Message("attempt.not_proven")) if isinstance(turn, Send) else turn
    )
    with outside.scope() as scope:
        return _record_replacement(scope, copy, channel, attempt_id, _back_off(outcome, len(tried)))


def _list_earlier_tries(scope: Scope, copy: LiveCopy, native_id: str) -> list[Attempt]:
    """Return the earlier attempts for this message, oldest first."""
    rows = attempts.list_attempts(scope, copy.subject, None, (REPLACE_KIND,))
    return [row for row in rows if row.native_key == native_id]


def _earlier_answers(tried: Sequence[Attempt]) -> dict[str, StepResult]:
    """Return the responses of earlier attempts by request digest, so that an album continues after
    its last completed step. The last response of each try is left out, because the try failed with
    it."""
    return {digest: answer for row in tried for digest, answer in attempts.answered_steps(row)[:-1]}


def _begin_replacement(scope: Scope, copy: LiveCopy, native_id: str, unit: Unit) -> UUID:
    """Begin a new try and close an open one, so that no other worker continues it."""
    attempts.supersede_attempts(scope, copy.subject, 0, (REPLACE_KIND,))
    return attempts.begin_attempt(
        scope,
        channel_id=copy.channel_id,
        subject=copy.subject,
        kind=REPLACE_KIND,
        deadline=scope.now + ACT,
        unit=unit,
        native_key=native_id,
    )


def _send_replacement_step(
    channel: Channel,
    unit: Unit,
    step: WireStep,
    place: tuple[UUID, int],
    outside: ReplacementContext,
) -> StepResult | None:
    """Send one request and store it with its response. Return None if the permit is denied."""
    attempt_id, position = place
    try:
        with outside.scope() as scope:
            permit: Permit = outside.mint(scope, unit, step, author=request_loop.CHANNELS_ACTOR)
            attempts.add_step(scope, attempt_id, position, step, permit.jti)
    except PermitDenied as denied:
        with outside.scope() as scope:
            issuance.record_denial(scope, denied)
        return None
    answer: StepResult
    try:
        answer = outside.transport.send(step, permit, account=queries.transport_account(channel))
    except PermitReplayed:
        answer = StepAnswerLost(step.name, "permit_replayed")
    except (
        EgressForbidden,
        NotFound,
    ) as error:  # Refused before the first byte; the removal continues regardless.
        answer = StepNotSent(step.name, error.message.code)
    with outside.scope() as scope:
        send_limits.record_answer(scope, channel.id, answer, creates=False)
        attempts.record_answer(scope, attempt_id, position, answer)
        if isinstance(answer, StepNotSent):
            live_copies.void_permit(scope, permit.jti, "not_sent")
    return answer


def _back_off(outcome: Outcome, tries: int) -> Outcome:
    """Return the outcome with a delay that grows with each try, and is never shorter than
    requested."""
    if not isinstance(outcome, Retry):
        return outcome
    return Retry(
        max(outcome.after, min(FIRST * 2 ** min(tries, 10), MAX_RETRY_DELAY)),
        outcome.scope,
        outcome.reason,
    )


def _record_replacement(
    scope: Scope, copy: LiveCopy, channel: Channel, attempt_id: UUID, outcome: Outcome
) -> Outcome:
    """Record the outcome. After a replacement, close the notice about the original content."""
    outcome = token_renewal.apply_outcome_to_account(
        scope, channel, outcome, shown=channel.generation, secondary=True
    )
    name = serialization.outcome_name(outcome)
    result = serialization.outcome_to_json(outcome)
    attempts.finish_attempt(scope, attempt_id, name, result, serialization.outcome_reason(outcome))
    if isinstance(outcome, Published):
        live_copies.record_replaced(scope, copy.jti)
        notices.close(scope, f"copy:{copy.jti}")
    return outcome


def _build_replacement_unit(scope: Scope, copy: LiveCopy, channel: Channel) -> Unit:
    """Return the unit that replaces a copy: a sentence in the creator's language, with the picture
    if the copy had media."""
    code = (
        "service.safety.removed.picture"
        if _showed_pictures(scope, copy)
        else "service.safety.removed.message"
    )
    spoken = [one for one in get_creator(scope, copy.creator_id).languages if one in LANGUAGES]
    return Unit(
        tenant_id=scope.tenant_id,
        creator_id=copy.creator_id,
        subject=Subject(replacement_picture.REPLACEMENT_STEP, copy.jti),
        platform=copy.platform,
        surface=copy.surface,
        channel_id=copy.channel_id,
        account=copy.account,
        audience="viewer" if copy.viewer else "public",
        texts=(Text("body", render_message(Message(code), (spoken or LANGUAGES)[0])),),
        media=(replacement_picture.replacement_medium(),) if copy.media else (),
        viewer=copy.viewer,
        destination="" if copy.viewer else channel.destination_id,
        service=code,
    )


def _showed_pictures(scope: Scope, copy: LiveCopy) -> bool:
    """Return True if the copy contained pictures and no other media."""
    sent = (
        row
        for row in attempts.list_attempts(scope, copy.subject, None)
        if attempts.publish_permit(row) == copy.jti
    )
    carried = [medium for row in sent for medium in serialization.unit_from_json(row.unit).media]
    return bool(carried) and all(medium.mime.startswith("image/") for medium in carried)
