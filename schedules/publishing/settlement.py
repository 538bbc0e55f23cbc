"""Settlement of deliveries: compute the next state from an outcome, and apply it.

Also postpones refused claims, recovers interrupted attempts and resumes deliveries on hold.
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
from channels.limits import send_limits
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
    CREATOR_INACTIVE,
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
    """The next state of a delivery, changed columns, and the times of the next attempt and
    lookup."""

    state: DeliveryState
    reason: Message | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    again_at: datetime | None = None
    look_at: datetime | None = None


def compute_settlement(
    outcome: Outcome, *, now: datetime, done: Sequence[str] = (), parts: int = 1
) -> Settlement:
    """Compute the next state of a delivery from the outcome of an attempt; pure.

    `done` are the native IDs of the published parts of a thread, `parts` is the number of all
    parts.
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
        case Rejected(reason=reason) if reason.code.startswith("gate."):
            # Refused by the gate, not the platform: a member can lift it.
            return Settlement(DeliveryState.BROKEN_OFF if done else DeliveryState.HELD, reason)
        case Rejected(reason=reason):
            return Settlement(
                DeliveryState.BROKEN_OFF if done else DeliveryState.FAILED,
                reason,
                {"settled_at": now},
            )
        case Reauthorize() | Disconnected():
            # The reason is in the notice of the account and in the attempt.
            return Settlement(
                DeliveryState.BROKEN_OFF if done else DeliveryState.HELD, Message(ACCOUNT_LOST)
            )
        case _:
            assert_never(outcome)  # a new outcome fails the type check


def _settle_published_part(
    stands: Published, *, now: datetime, done: Sequence[str], parts: int
) -> Settlement:
    """Settle a published part of a thread: the next part is published immediately, unless this was
    the last."""
    changes: dict[str, Any] = {"part_ids": [*done, stands.native_id], "not_before": None}
    if not done:
        changes |= {"native_id": stands.native_id, "url": stands.url}
    if len(done) + 1 < parts:
        return Settlement(DeliveryState.PARTLY, changes=changes, again_at=now)
    return Settlement(DeliveryState.PUBLISHED, changes={**changes, "settled_at": now})


def retry_state(done: Sequence[str]) -> DeliveryState:
    """Return the state in which a delivery waits for its next attempt."""
    return DeliveryState.PARTLY if done else DeliveryState.SCHEDULED


LINKED_ELSEWHERE = "delivery.linked_elsewhere"
"""The refusal to link an uncertain delivery to an address that already belongs to another delivery.
"""

IMMEDIATE_RETRY_DELAY = timedelta(milliseconds=200)
"""Delay before a retry after a concurrent change. With a shorter delay, two workers could retry in
a tight loop."""

UNSEEN = f"gate.{Reason.DESTINATION_PROBE_STALE}"
"""The reason of a hold that ends when the destination can be checked again."""


class RecordedOutcome(Protocol):
    """Function that returns the outcome of the stored response to the last step of a part, or None
    if there is none: `channels.sending.step_runner.recorded_outcome`."""

    def __call__(self, scope: Scope, subject: Subject, *, part: int) -> Outcome | None: ...


def settle_delivery(
    scope: Scope,
    delivery_id: UUID,
    outcome: Outcome,
    *,
    armed: PreparedStep | None = None,
    attempt: int | None = None,
) -> None:
    """Record the outcome of an attempt, locking channel, delivery and the permit's copy in this
    order.

    `armed` is the step that ran and `attempt` the number of its claim, by default the last one. If
    a lookup was faster or a later claim is in progress, the outcome is stored only in the attempt,
    unless the post is published.
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
    """Notify members that a post was published without some of its files, so that they can
    decide."""
    told = Message(
        "delivery.fewer_files", {"account": queries.get_channel(scope, row.channel_id).name}
    )
    notices.put(scope, told, cause=missing_files_cause(row), urgent=True, creator_id=row.creator_id)


def _is_unmarked_step(armed: PreparedStep | None) -> bool:
    """Return True if the post has no marks to verify on the platform; False if that is unknown."""
    return armed is not None and isinstance(armed.authority, Permit) and armed.authority.is_unmarked


def _compute_row_settlement(scope: Scope, row: Delivery, outcome: Outcome) -> Settlement:
    return compute_settlement(outcome, now=scope.now, done=row.part_ids, parts=row.parts)


def _apply_settlement(
    scope: Scope, row: Delivery, after: Settlement, *, plain: bool = False
) -> None:
    """Apply a settlement. `plain` means that the post has no marks to verify on the platform."""
    late = (
        row.late_until is not None
        and after.again_at is not None
        and after.again_at > row.late_until
    )
    if late:
        # The graph has an edge from PUBLISHING to HELD: a longer wait would exceed the author's
        # limit for a late post.
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
        # The relay turns this fact into one row for each listener (ADR 0045).
        fact = DeliveryPublished(scope.tenant_id, row.id)
        outbox.put(scope, fact, dedupe=f"published:{row.id}", instead_of=ReconcileDue)
    else:
        outbox.cancel(scope, ReconcileDue.kind, row.id)
    unseen = not plain or not row.url  # some platforms report the public address only later
    # A thread is verified after each part: the time of the rest is unknown.
    if row.part_ids or (row.state == DeliveryState.PUBLISHED and unseen):
        there = f"verify:{row.id}:{len(row.part_ids)}"
        outbox.put(scope, DeliveryVerificationDue(scope.tenant_id, row.id), dedupe=there)
    if row.state in (DeliveryState.SCHEDULED, DeliveryState.PARTLY):
        schedule_wakeups(scope, row, at=after.again_at)


def is_manual(row: Delivery) -> bool:
    """Return True if a member must post the delivery manually."""
    return row.reason is not None and row.reason["code"] == WAITS_FOR_MANUAL_POSTING


def postpone_delivery(
    scope: Scope, delivery_id: UUID, refusal: NotClaimable | PermitDenied
) -> timedelta | None:
    """Put a delivery on hold after a refused claim, or return the delay until the next attempt.

    The next attempt is made no later than the moment at which the delivery becomes too late, so
    that members are notified.
    """
    row = get_delivery(scope, delivery_id)
    if isinstance(refusal, MissedTogether):
        missed_posts.register_missed_posts(scope, row.channel_id)
        # Also if another worker registered the downtime: its deliveries have new outbox rows.
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
    # A millisecond later, because at `late_until` itself the delivery is in time.
    return min(again, row.late_until - scope.now + timedelta(milliseconds=1))


def _handle_denial(
    scope: Scope, row: Delivery, denied: PermitDenied
) -> tuple[Message | None, timedelta | None]:
    """Return the reason for which a member must decide, or the delay until the next attempt."""
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
    """Put on hold a delivery whose request was refused before its first byte was sent, and would be
    refused again.

    If the attempt does not prove that nothing was sent, a lookup must find the outcome.
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
    """Put a delivery on hold because of an internal error."""
    _hold_delivery(scope, get_delivery(scope, delivery_id), Message("delivery.bug"))


def recover_unsettled(scope: Scope, delivery_id: UUID, *, recorded: RecordedOutcome) -> int | None:
    """Settle a delivery whose attempt ended without a settlement; return the part to look up, or
    None.

    Raises `outbox.RetryLater` while the attempt may still be in progress.
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
        if outcome is not None:  # the response was stored, but the worker stopped before the settle
            settle_delivery(scope, delivery_id, outcome)
        elif reconciliation.is_possibly_published(scope, delivery_subject(delivery_id), part):
            transition_delivery(
                scope,
                row,
                DeliveryState.UNCERTAIN,
                reason=Message("delivery.no_answer"),
                uncertain_since=scope.now,
            )
        else:  # proof that no publishing request was sent
            _apply_settlement(scope, row, Settlement(retry_state(row.part_ids), again_at=scope.now))
            reconciliation.mark_absent(scope, delivery_subject(delivery_id), part)
    return (
        current_part(row)
        if row.state in (DeliveryState.UNCERTAIN, DeliveryState.PROCESSING)
        else None
    )


def settle_lookup(scope: Scope, delivery_id: UUID, sighting: LookupResult) -> None:
    """Settle a delivery by the result of a lookup.

    Found means that it is published; Failed means that it failed, or is retried once after a
    platform error. If the post is proven absent, it is sent again with the same key. Otherwise
    another lookup follows, or a member decides.
    """
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
            held = send_limits.send_block(scope, row.channel_id, brake=True, posts=True)
            if held is None:
                _resend_delivery(scope, row)
            else:  # Looked up again then, because a key may have expired while the account waits.
                schedule_lookup(scope, row, held.until)
        case Absent() | Unknown():
            next_at = reconciliation.next_look_at(
                scope, delivery_subject(row.id), current_part(row)
            )
            if next_at is not None:
                schedule_lookup(scope, row, next_at)
            elif row.state == DeliveryState.PROCESSING:
                # Accepted but never seen: members are notified.
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
    """Return True if this is the first platform error and a retry would be in time."""
    late = row.late_until is not None and scope.now + again > row.late_until
    return not late and not reconciliation.has_refused_attempt(
        scope, delivery_subject(row.id), current_part(row)
    )


def _retry_after_rejection(scope: Scope, row: Delivery, reason: Message, at: datetime) -> None:
    """Schedule another attempt after the platform reported that nothing is published."""
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
    """Send an uncertain delivery again after a member stated that it is not published.

    The idempotency key stays the same and the permit is new; a late post is not sent. Raises
    Conflict unless the delivery is uncertain.
    """
    row = get_delivery(scope, delivery_id)
    if row.state != DeliveryState.UNCERTAIN:
        raise Conflict("delivery.not_in_doubt")
    _resend_delivery(scope, row)


def record_live_link(scope: Scope, delivery_id: UUID, *, native_id: str, url: str) -> None:
    """Record an uncertain delivery as published, with the ID and address that a member entered.

    Raises Conflict unless the delivery is uncertain or processing, or if another delivery of the
    account has the ID.
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
    """Raise Conflict if another delivery of the account has this address.

    Some platforms use two addresses for one post, before and after it becomes public.
    """
    _check_link_unused(scope, channel_id, col(Delivery.url) == url)


def _check_link_unused(scope: Scope, channel_id: UUID, known: ColumnElement[bool]) -> None:
    here = (col(Delivery.tenant_id) == scope.tenant_id, col(Delivery.channel_id) == channel_id)
    if scope.session.exec(select(Delivery.id).where(*here, known)).first() is not None:
        raise Conflict(LINKED_ELSEWHERE)


def _has_part_id_condition(native_id: str) -> ColumnElement[bool]:
    """Return the condition that a part of a thread has this native ID."""
    return type_coerce(Delivery.part_ids, JSONB).contains([native_id])


def resume_account_posts(scope: Scope, channel_id: UUID) -> int:
    """Schedule the posts that waited for their account, its destination check or its assignee.

    Returns the number of posts.
    """
    reasons = (ACCOUNT_LOST, UNSEEN, assignees.NO_ASSIGNEE, assignees.NO_ASSIGNEE_PHONE)
    return _resume_held(scope, col(Delivery.channel_id) == channel_id, reasons)


def resume_creator_posts(scope: Scope, creator_id: UUID) -> int:
    """Schedule the posts that waited for the reactivation of their creator. Returns the number of
    posts; those that are too late are held again for a decision."""
    return _resume_held(scope, col(Delivery.creator_id) == creator_id, (CREATOR_INACTIVE,))


def _resume_held(scope: Scope, whose: ColumnElement[bool], reasons: Sequence[str]) -> int:
    rows = scope.session.exec(
        select(Delivery).where(
            Delivery.tenant_id == scope.tenant_id,
            whose,
            col(Delivery.state).in_([str(DeliveryState.HELD), str(DeliveryState.BROKEN_OFF)]),
            col(Delivery.reason)["code"].astext.in_(reasons),
        )
    ).all()
    for row in rows:
        transition_delivery(scope, row, retry_state(row.part_ids))
        schedule_wakeups(scope, row)
    return len(rows)
