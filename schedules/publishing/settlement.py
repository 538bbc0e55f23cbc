"""What an act came to, as the next state of its delivery: pure.

What becomes of a delivery after its act: settle, put off, look, repair.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, assert_never
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, or_, select, type_coerce

from channels.accounts import lifecycle, queries
from channels.connections import destination_settings_check
from channels.manual_tasks import assignees, task_lifecycle
from channels.metrics.events import DeliveryVerificationDue
from channels.sending import reconciliation, step_runner
from channels.sending.step_runner import PreparedStep
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Failed,
    Found,
    LookupResult,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from foundation.db.database import Scope
from foundation.errors import Conflict
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.permit import Permit
from gate.contract.reasons import Reason
from gate.contract.units import Subject
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from schedules.downtime import misfires, missed_posts
from schedules.downtime.account_blocks import STOP_RECHECK_INTERVAL
from schedules.notices import interval_waits
from schedules.posts.deliveries import schedule_wakeups
from schedules.posts.delivery_units import delivery_subject
from schedules.posts.events import ReconcileDue
from schedules.posts.models import Delivery
from schedules.posts.states import (
    ACCOUNT_LOST,
    TIMEOUT_MARGIN,
    WAITS_FOR_MANUAL_POSTING,
    DeliveryState,
)
from schedules.posts.thread_parts import current_part
from schedules.posts.transitions import get_delivery, missing_files_cause, transition_delivery
from schedules.publishing import post_removal
from schedules.publishing.claims import (
    MissedTogether,
    NotClaimable,
    is_refusal_outdated,
    schedule_lookup,
)
from schedules.publishing.events import DeliveryPublished
from tenants.notices import notices

FIRST_POLL = timedelta(seconds=5)


@dataclass(frozen=True)
class Settlement:
    """A delivery's next state and what changes with it."""

    state: DeliveryState
    reason: Message | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    again_at: datetime | None = None
    look_at: datetime | None = None


def compute_settlement(
    outcome: Outcome, *, now: datetime, done: Sequence[str] = (), parts: int = 1
) -> Settlement:
    """Turn what the platform answered into the delivery's next state; pure.

    `done` are the native ids of the parts of a thread that stand already, of `parts` in all.
    """
    match outcome:
        case Published() if parts > 1:
            return _settle_published_part(outcome, now=now, done=done, parts=parts)
        case Published(native_id=native_id, url=url):
            return Settlement(
                DeliveryState.PUBLISHED,
                changes={"native_id": native_id, "url": url, "settled_at": now},
            )
        case Processing(by_hand=True):
            return Settlement(
                DeliveryState.PROCESSING,
                Message(WAITS_FOR_MANUAL_POSTING),
                look_at=now + task_lifecycle.TASK_LIFETIME,
            )
        case Processing():
            return Settlement(DeliveryState.PROCESSING, look_at=now + FIRST_POLL)
        case Retry(after=after, reason=reason):
            return Settlement(
                retry_state(done), reason, {"not_before": now + after}, again_at=now + after
            )
        case Uncertain(reason=reason):
            return Settlement(
                DeliveryState.UNCERTAIN,
                reason,
                {"uncertain_since": now},
                look_at=now + TIMEOUT_MARGIN,
            )
        case Rejected(reason=reason) if reason.code.startswith(
            "gate."
        ):  # not the platform's no: a person may lift it
            return Settlement(DeliveryState.BROKEN_OFF if done else DeliveryState.HELD, reason)
        case Rejected(reason=reason):
            return Settlement(
                DeliveryState.BROKEN_OFF if done else DeliveryState.FAILED,
                reason,
                {"settled_at": now},
            )
        case (
            Reauthorize() | Disconnected()
        ):  # why stands in the notice of the account and in the attempt
            return Settlement(
                DeliveryState.BROKEN_OFF if done else DeliveryState.HELD, Message(ACCOUNT_LOST)
            )
        case _:
            assert_never(outcome)  # an eighth outcome fails the type check, not a creator's post


def _settle_published_part(
    stands: Published, *, now: datetime, done: Sequence[str], parts: int
) -> Settlement:
    """A part of a thread stands: the next one follows at once, or it was the last."""
    changes: dict[str, Any] = {"part_ids": [*done, stands.native_id], "not_before": None}
    if not done:
        changes |= {"native_id": stands.native_id, "url": stands.url}
    if len(done) + 1 < parts:
        return Settlement(DeliveryState.PARTLY, changes=changes, again_at=now)
    return Settlement(DeliveryState.PUBLISHED, changes={**changes, "settled_at": now})


def retry_state(done: Sequence[str]) -> DeliveryState:
    """Where a delivery waits for its next try."""
    return DeliveryState.PARTLY if done else DeliveryState.SCHEDULED


LINKED_ELSEWHERE = "delivery.linked_elsewhere"
"""Why a post in doubt is not tied to an address: another one is."""

IMMEDIATE_RETRY_DELAY = timedelta(milliseconds=200)
"""What changed under a claim is read again so soon; not sooner, or two that meet would spin."""

UNSEEN = f"gate.{Reason.DESTINATION_PROBE_STALE}"
"""The reason of a hold that ends when the place can be seen again."""


class RecordedOutcome(Protocol):
    """What the answer to the last step of a part meant, where one was kept:
    `channels.sending.step_runner.recorded_outcome`."""

    def __call__(self, scope: Scope, subject: Subject, *, part: int) -> Outcome | None: ...


def settle_delivery(
    scope: Scope,
    delivery_id: UUID,
    outcome: Outcome,
    *,
    armed: PreparedStep | None = None,
    attempt: int | None = None,
) -> None:
    """Write what the act came to, in the lock order of the house: channel, delivery, the permit's
    copy.

    `armed` is the step that was carried, and `attempt` the claim it belongs to; without them, the
    last ones. If reconcile was faster, or a later claim is under way, the outcome stays in the
    attempts alone; but what stands outside is known as published.
    """
    row = get_delivery(scope, delivery_id)
    same = attempt is None or row.attempt == attempt
    part = current_part(row)
    if same and (
        row.state == DeliveryState.PUBLISHING
        or (row.state == DeliveryState.UNCERTAIN and isinstance(outcome, Published))
    ):
        match outcome:
            case Reauthorize(reason=reason):
                lifecycle.require_reauthorization(scope, row.channel_id, reason)
            case Disconnected(reason=reason):
                lifecycle.mark_gone(scope, row.channel_id, reason)
            case _:
                pass
        _apply_settlement(
            scope, row, _compute_row_settlement(scope, row, outcome), plain=_is_unmarked_step(armed)
        )
        if isinstance(outcome, Published) and outcome.fewer:
            _notify_missing_files(scope, row)
    step_runner.close_attempt(
        scope,
        armed or delivery_subject(delivery_id),
        outcome,
        part=part,
        note_copy=issuance.record_copy,
    )


def _notify_missing_files(scope: Scope, row: Delivery) -> None:
    """It stands, and not as it was sent: whether it may stay so is for a person to say."""
    told = Message(
        "delivery.fewer_files", {"account": queries.get_channel(scope, row.channel_id).name}
    )
    notices.put(scope, told, cause=missing_files_cause(row), urgent=True, creator_id=row.creator_id)


def _is_unmarked_step(armed: PreparedStep | None) -> bool:
    """Whether nothing of what left would have to be read back; what is not known is not plain."""
    return armed is not None and isinstance(armed.authority, Permit) and armed.authority.is_unmarked


def _compute_row_settlement(scope: Scope, row: Delivery, outcome: Outcome) -> Settlement:
    return compute_settlement(outcome, now=scope.now, done=row.part_ids, parts=row.parts)


def _apply_settlement(
    scope: Scope, row: Delivery, after: Settlement, *, plain: bool = False
) -> None:
    """`plain`: what left asked nothing of the platform that would have to be read back."""
    late = (
        row.late_until is not None
        and after.again_at is not None
        and after.again_at > row.late_until
    )
    if late:
        # the graph leads from publishing to held directly: waiting any longer would break the
        # author's word
        part_ids = after.changes.get("part_ids", row.part_ids)
        stands = {"part_ids": part_ids, **after.changes} if part_ids else {}
        transition_delivery(
            scope,
            row,
            DeliveryState.BROKEN_OFF if part_ids else DeliveryState.HELD,
            reason=Message("delivery.too_late"),
            **stands,
        )
    else:
        transition_delivery(scope, row, after.state, reason=after.reason, **after.changes)
    if after.look_at is not None:
        schedule_lookup(scope, row, after.look_at)
        if is_manual(row):
            task_lifecycle.activate_task(
                scope, delivery_subject(row.id), due_at=row.due_at, late_until=row.late_until
            )
        return
    if row.state == DeliveryState.PUBLISHED:
        fact = DeliveryPublished(scope.tenant_id, row.id)
        outbox.put(scope, fact, dedupe=f"published:{row.id}", instead_of=ReconcileDue)
    else:
        outbox.cancel(scope, ReconcileDue.kind, row.id)
    unseen = not plain or not row.url  # some platforms tell only later where people find it
    if row.part_ids or (
        row.state == DeliveryState.PUBLISHED and unseen
    ):  # parts: nobody knows when the rest will stand
        there = f"verify:{row.id}:{len(row.part_ids)}"
        outbox.put(scope, DeliveryVerificationDue(scope.tenant_id, row.id), dedupe=there)
    if row.state in (DeliveryState.SCHEDULED, DeliveryState.PARTLY):
        schedule_wakeups(scope, row, at=after.again_at)


def is_manual(row: Delivery) -> bool:
    """Whether a person posts it."""
    return row.reason is not None and row.reason["code"] == WAITS_FOR_MANUAL_POSTING


def postpone_delivery(
    scope: Scope, delivery_id: UUID, refusal: NotClaimable | PermitDenied
) -> timedelta | None:
    """A claim was not made: hold the delivery where a person must decide; else say when its row
    should come back.

    It comes back no later than its lateness ends, so that a person learns of it then.
    """
    row = get_delivery(scope, delivery_id)
    if isinstance(refusal, MissedTogether):
        missed_posts.register_missed_posts(scope, row.channel_id)
        # where another noted it: the rows of those that were laid out are new ones
        return IMMEDIATE_RETRY_DELAY
    if is_refusal_outdated(scope, row, refusal):
        return IMMEDIATE_RETRY_DELAY
    if isinstance(refusal, NotClaimable) and refusal.drop is not None:
        misfires.skip_misfire(scope, row, refusal.drop)
        return None
    hold, again = (
        (refusal.hold, refusal.again)
        if isinstance(refusal, NotClaimable)
        else _handle_denial(scope, row, refusal)
    )
    if (
        hold is not None
        and row.state == DeliveryState.PARTLY
        and isinstance(refusal, PermitDenied)
        and hold.code != UNSEEN
    ):
        post_removal.recall_partial_thread(scope, row)
    elif hold is not None:
        _hold_delivery(scope, row, hold)
    elif isinstance(refusal, NotClaimable) and refusal.turn is not None:
        interval_waits.hold_for_interval(scope, row, refusal.turn)
    if again is None or row.late_until is None or row.late_until < scope.now:
        return again
    return min(again, row.late_until - scope.now + timedelta(milliseconds=1))


def _handle_denial(
    scope: Scope, row: Delivery, denied: PermitDenied
) -> tuple[Message | None, timedelta | None]:
    """Why a person must decide, or how soon the same may be asked again."""
    decision = denied.decision
    if decision.is_transient or decision.is_stale:
        return None, STOP_RECHECK_INTERVAL if decision.is_transient else IMMEDIATE_RETRY_DELAY
    if decision.needs_place_check and destination_settings_check.request_destination_check(
        scope, row.channel_id
    ):
        again = destination_settings_check.destination_check_wait(scope, row.channel_id)
        if again is not None:
            return None, again
    issuance.record_denial(scope, denied)
    return decision.main_reason, None


def _hold_delivery(scope: Scope, row: Delivery, reason: Message) -> None:
    if row.state == DeliveryState.APPROVED:
        transition_delivery(scope, row, DeliveryState.SCHEDULED)
    if row.state in (DeliveryState.DRAFT, DeliveryState.SCHEDULED):
        transition_delivery(scope, row, DeliveryState.HELD, reason=reason)
    elif row.state == DeliveryState.PARTLY:
        transition_delivery(scope, row, DeliveryState.BROKEN_OFF, reason=reason)


def hold_unsent(scope: Scope, delivery_id: UUID, reason: Message) -> None:
    """The request was refused before its first byte, and would be again: nothing is visible, a
    person decides.

    Where the record does not say so, something may be visible: that is for reconcile to find
    out.
    """
    row = get_delivery(scope, delivery_id)
    part = current_part(row)
    if reconciliation.is_possibly_published(scope, delivery_subject(delivery_id), part):
        return
    if row.state == DeliveryState.PUBLISHING:
        outbox.cancel(scope, ReconcileDue.kind, row.id)
        transition_delivery(
            scope, row, DeliveryState.BROKEN_OFF if part else DeliveryState.HELD, reason=reason
        )
    unsent = Retry(IMMEDIATE_RETRY_DELAY, "account", reason)
    step_runner.close_attempt(
        scope, delivery_subject(delivery_id), unsent, part=part, note_copy=issuance.record_copy
    )


def hold_failed(scope: Scope, delivery_id: UUID) -> None:
    """A fault of ours stopped the delivery: it waits for a person, never for a row that will not
    come."""
    _hold_delivery(scope, get_delivery(scope, delivery_id), Message("delivery.bug"))


def recover_unsettled(scope: Scope, delivery_id: UUID, *, recorded: RecordedOutcome) -> int | None:
    """Bring a delivery whose act ended without a settle into its true state; the part that must now
    be looked for.

    Raises `outbox.RetryLater` while the act may still be under way.
    """
    row = get_delivery(scope, delivery_id)
    if row.state == DeliveryState.PROCESSING and is_manual(row):
        until = (row.claimed_at or row.due_at) + task_lifecycle.TASK_LIFETIME
        if scope.now < until:
            raise outbox.RetryLater(until - scope.now)
        transition_delivery(
            scope,
            row,
            DeliveryState.UNCERTAIN,
            reason=Message("delivery.was_it_posted"),
            uncertain_since=scope.now,
        )
    if row.state == DeliveryState.PUBLISHING:
        if row.deadline_at is not None and scope.now < row.deadline_at + TIMEOUT_MARGIN:
            raise outbox.RetryLater(row.deadline_at + TIMEOUT_MARGIN - scope.now)
        part = current_part(row)
        outcome = recorded(scope, delivery_subject(delivery_id), part=part)
        if outcome is not None:  # the answer was kept, and nobody lived to settle it
            settle_delivery(scope, delivery_id, outcome)
        elif reconciliation.is_possibly_published(scope, delivery_subject(delivery_id), part):
            transition_delivery(
                scope,
                row,
                DeliveryState.UNCERTAIN,
                reason=Message("delivery.no_answer"),
                uncertain_since=scope.now,
            )
        else:  # proof that nothing visible was ever asked for
            _apply_settlement(scope, row, Settlement(retry_state(row.part_ids), again_at=scope.now))
            reconciliation.mark_absent(scope, delivery_subject(delivery_id), part)
    return (
        current_part(row)
        if row.state in (DeliveryState.UNCERTAIN, DeliveryState.PROCESSING)
        else None
    )


def settle_lookup(scope: Scope, delivery_id: UUID, sighting: LookupResult) -> None:
    """Found: published. Refused after all: failed. Surely absent: send again with the same key.
    Neither: look later, and a person may decide."""
    row = get_delivery(scope, delivery_id)
    if row.state not in (DeliveryState.UNCERTAIN, DeliveryState.PROCESSING):
        return
    match sighting:
        case Found(native_id=native_id, url=url, at=at):
            _record_found_post(scope, row, Published(native_id, url, at))
        case Failed(reason=reason, again=timedelta() as again) if _can_retry_after_fault(
            scope, row, again
        ):
            _retry_after_rejection(scope, row, reason, scope.now + again)
        case Failed(reason=reason):
            _apply_settlement(
                scope, row, _compute_row_settlement(scope, row, Rejected(reason, permanent=False))
            )
            reconciliation.mark_absent(scope, delivery_subject(row.id), current_part(row))
        case Absent() if row.state == DeliveryState.UNCERTAIN and _is_absent(scope, row):
            _resend_delivery(scope, row)
        case Absent() | Unknown():
            next_at = reconciliation.next_look_at(
                scope, delivery_subject(row.id), current_part(row)
            )
            if next_at is not None:
                schedule_lookup(scope, row, next_at)
            elif (
                row.state == DeliveryState.PROCESSING
            ):  # accepted, and nowhere to be seen: somebody is told
                transition_delivery(
                    scope,
                    row,
                    DeliveryState.UNCERTAIN,
                    reason=Message("delivery.never_seen"),
                    uncertain_since=scope.now,
                )
        case _:
            assert_never(sighting)


def _can_retry_after_fault(scope: Scope, row: Delivery, again: timedelta) -> bool:
    """Whether a try after a fault of the platform's is the first such, and still in time."""
    late = row.late_until is not None and scope.now + again > row.late_until
    return not late and not reconciliation.has_refused_attempt(
        scope, delivery_subject(row.id), current_part(row)
    )


def _retry_after_rejection(scope: Scope, row: Delivery, reason: Message, at: datetime) -> None:
    """Nothing stands, by the platform's word: it leaves again then."""
    if row.state == DeliveryState.PROCESSING:
        transition_delivery(
            scope, row, DeliveryState.UNCERTAIN, reason=reason, uncertain_since=scope.now
        )
    transition_delivery(scope, row, retry_state(row.part_ids), reason=reason, not_before=at)
    outbox.cancel(scope, ReconcileDue.kind, row.id)
    reconciliation.mark_absent(scope, delivery_subject(row.id), current_part(row))
    schedule_wakeups(scope, row, at=at)


def _is_absent(scope: Scope, row: Delivery) -> bool:
    return reconciliation.is_proven_absent(scope, delivery_subject(row.id), current_part(row))


def _record_found_post(scope: Scope, row: Delivery, published: Published) -> None:
    part = current_part(row)
    _apply_settlement(scope, row, _compute_row_settlement(scope, row, published))
    step_runner.close_attempt(
        scope, delivery_subject(row.id), published, part=part, note_copy=issuance.record_copy
    )


def _resend_delivery(scope: Scope, row: Delivery) -> None:
    transition_delivery(scope, row, retry_state(row.part_ids))
    reconciliation.mark_absent(scope, delivery_subject(row.id), current_part(row))
    schedule_wakeups(scope, row, at=scope.now)


def resend_absent_delivery(scope: Scope, delivery_id: UUID) -> None:
    """A person says it is not there. Leaves again with the same key under a new permit, if it is
    not too late.

    Raises Conflict unless the delivery is in doubt.
    """
    row = get_delivery(scope, delivery_id)
    if row.state != DeliveryState.UNCERTAIN:
        raise Conflict("delivery.not_in_doubt")
    _resend_delivery(scope, row)


def record_live_link(scope: Scope, delivery_id: UUID, *, native_id: str, url: str) -> None:
    """A person says it is there: published, with what they named.

    Raises Conflict unless the delivery is in doubt, or when the id is another delivery's already.
    """
    row = get_delivery(scope, delivery_id)
    if row.state not in (DeliveryState.UNCERTAIN, DeliveryState.PROCESSING):
        raise Conflict("delivery.not_in_doubt")
    _check_link_unused(
        scope,
        row.channel_id,
        or_(col(Delivery.native_id) == native_id, _has_part_id_condition(native_id)),
    )
    _record_found_post(scope, row, Published(native_id, url))


def check_address_unused(scope: Scope, channel_id: UUID, url: str) -> None:
    """Raise Conflict where another delivery of the account stands at this address: some platforms
    call one post by two names, before it was public and after."""
    _check_link_unused(scope, channel_id, col(Delivery.url) == url)


def _check_link_unused(scope: Scope, channel_id: UUID, known: ColumnElement[bool]) -> None:
    here = (col(Delivery.tenant_id) == scope.tenant_id, col(Delivery.channel_id) == channel_id)
    if scope.session.exec(select(Delivery.id).where(*here, known)).first() is not None:
        raise Conflict(LINKED_ELSEWHERE)


def _has_part_id_condition(native_id: str) -> ColumnElement[bool]:
    """Whether a part of a thread stands under an id."""
    return type_coerce(Delivery.part_ids, JSONB).contains([native_id])


def resume_account_posts(scope: Scope, channel_id: UUID) -> int:
    """The account lets us in, or its place was seen, again: what was held for that is on the
    calendar; how many."""
    rows = scope.session.exec(
        select(Delivery).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel_id,
            col(Delivery.state).in_([str(DeliveryState.HELD), str(DeliveryState.BROKEN_OFF)]),
            col(Delivery.reason)["code"].astext.in_(
                [ACCOUNT_LOST, UNSEEN, assignees.NO_ASSIGNEE, assignees.NO_ASSIGNEE_PHONE]
            ),
        )
    ).all()
    for row in rows:
        transition_delivery(scope, row, retry_state(row.part_ids))
        schedule_wakeups(scope, row)
    return len(rows)
