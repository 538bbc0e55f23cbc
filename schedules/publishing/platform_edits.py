"""Sending of edits: claim a due edit, send its request and settle the published text."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol, assert_never
from uuid import UUID

from sqlmodel import select

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.connections import destination_settings_check
from channels.limits import send_limits
from channels.sending.edits import (
    close_edit,
    copy_by_native_id,
    is_edit_uncertain,
    last_known_unit,
    other_edits_arrive_until,
    prepare_edit,
    recorded_edit,
    resolve_edit,
)
from channels.sending.step_runner import PreparedStep, SettleAttempt
from connectors.contract.connector import Connector
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.transport.transport import EgressForbidden
from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict, GreenroomError, NotFound
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.units import Unit, combine_parts
from gate.copies.live_copies import LiveCopy
from gate.permits import issuance
from gate.permits.issuance import MintPermit, PermitDenied
from schedules.approvals.decisions import is_approved
from schedules.downtime.account_blocks import STOP_RECHECK_INTERVAL
from schedules.edits import edits
from schedules.edits.edits import EDITED_POST_REMOVED
from schedules.edits.events import EditDue, EditResolved
from schedules.edits.models import PostEdit
from schedules.edits.states import EditState
from schedules.posts import dry_run_state
from schedules.posts.content_digest import current_digest
from schedules.posts.deliveries import get_post
from schedules.posts.delivery_units import (
    compose_thread_units,
    compose_unit,
    delivery_subject,
    load_unit_material,
    mark_units,
)
from schedules.posts.models import Delivery, Post
from schedules.posts.states import ACT_TIMEOUT, TIMEOUT_MARGIN, DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.publishing.settlement import IMMEDIATE_RETRY_DELAY

S = DeliveryState
E = EditState
EDITING = "system:editing"

ACCOUNT_AGAIN = timedelta(minutes=10)
"""Delay before the next attempt after the account was refused: it may be reconnected by then."""

GAVE_UP = Message("edit.gave_up")
BROKEN = Message("delivery.bug")


class RunEditSteps(Protocol):
    """`channels.sending.step_runner.run_steps` for the steps of `channels.sending.edits`, with
    bound collaborators."""

    def __call__(self, step: PreparedStep, settle: SettleAttempt, /) -> object: ...


class EditNotClaimable(GreenroomError):
    """The claim was refused.

    `again` is the delay until the next attempt. Without it, `after` is the new state of the edit
    and `why` the reason.
    """

    def __init__(
        self,
        *,
        again: timedelta | None = None,
        after: EditState | None = None,
        why: Message | None = None,
    ) -> None:
        super().__init__("edit.not_now")
        self.again = again
        self.after = after
        self.why = why


@dataclass(frozen=True)
class _Ready:
    """An edit with its delivery, and the copy it changes."""

    row: PostEdit
    there: Delivery
    channel: Channel
    unit: Unit
    whole: Unit | None
    author: str
    copy: LiveCopy


def claim_edit(
    scope: Scope, edit_id: UUID, *, mint: MintPermit, connectors: Mapping[str, Connector]
) -> tuple[PreparedStep | Outcome, int] | None:
    """Claim a due edit, locking epochs, channel, delivery, edit and permit in this order.

    Returns the prepared request, or an outcome if no request is needed, and the number of the
    attempt. Returns None if the edit is not due. Raises EditNotClaimable, PermitDenied, and
    Conflict if the edit or its delivery changed in the meantime.
    """
    row = edits.get_edit(scope, edit_id)
    if row.state != E.DUE:
        return None
    ready = _prepare_edit(scope, row, connectors)
    row = ready.row
    attempt = ready.row.attempt + 1
    edits.transition_edit(
        scope, row, E.SENDING, attempt=attempt, deadline_at=scope.now + ACT_TIMEOUT
    )
    turn = prepare_edit(
        scope,
        channel=ready.channel,
        unit=ready.unit,
        copy=ready.copy,
        native_id=ready.there.native_id or "",
        act=ACT_TIMEOUT,
        author=ready.author,
        whole=ready.whole,
        mint=mint,
        connectors=connectors,
    )
    return turn, attempt


def _prepare_edit(scope: Scope, row: PostEdit, connectors: Mapping[str, Connector]) -> _Ready:
    there = get_delivery(scope, row.delivery_id)
    owner = get_post(scope, row.post_id)
    channel = queries.get_channel(scope, row.channel_id)
    _check_approved_content(scope, row, owner)
    try:
        of = load_unit_material(scope, owner, [channel])
    except NotFound as missing:
        raise EditNotClaimable(after=E.REFUSED, why=Message("delivery.media_missing")) from missing
    can = account_connectors.connector_for(connectors, channel).capabilities
    raw = compose_thread_units(
        compose_unit(scope, there, owner, channel, of), owner, channel, can, of
    )
    issuance.lock_unit(scope, combine_parts(raw))
    blocked = send_limits.claim_send_slot(scope, channel)
    if blocked is not None:
        raise EditNotClaimable(again=blocked.until - scope.now)
    if dry_run_state.is_dry_run(scope, there):
        raise EditNotClaimable(again=STOP_RECHECK_INTERVAL)
    there, row = _lock_delivery_and_edit(scope, row)
    units = mark_units(scope, raw)
    native_id = there.native_id or ""
    copy = copy_by_native_id(scope, delivery_subject(there.id), native_id)
    if there.state != S.PUBLISHED or copy is None:
        raise EditNotClaimable(after=E.DROPPED, why=EDITED_POST_REMOVED)
    _check_only_text_changes(scope, units[0], copy, native_id)
    until = other_edits_arrive_until(scope, units[0], native_id)
    if until is not None and scope.now < until + TIMEOUT_MARGIN:
        raise EditNotClaimable(again=until + TIMEOUT_MARGIN - scope.now)
    whole = units[-1] if len(units) > 1 else None
    return _Ready(row, there, channel, units[0], whole, owner.author, copy)


def _check_approved_content(scope: Scope, row: PostEdit, owner: Post) -> None:
    """Raise EditNotClaimable unless the edit is current and its exact content is approved."""
    if scope.now > row.until:
        raise EditNotClaimable(after=E.REFUSED, why=GAVE_UP)
    try:
        same = current_digest(scope, owner) == row.digest == owner.digest
    except NotFound as missing:
        raise EditNotClaimable(after=E.REFUSED, why=Message("delivery.media_missing")) from missing
    if not same:
        raise EditNotClaimable(after=E.REFUSED, why=Message("delivery.changed"))
    if not is_approved(scope, owner, scope.now):
        raise EditNotClaimable(after=E.WAITING)


def _lock_delivery_and_edit(scope: Scope, row: PostEdit) -> tuple[Delivery, PostEdit]:
    """Lock and return delivery and edit. A concurrent removal waits for this lock, or is visible
    here."""
    query = select(Delivery).where(
        Delivery.tenant_id == scope.tenant_id, Delivery.id == row.delivery_id
    )
    held = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    there = scope.session.exec(held).one()
    now = edits.get_edit(scope, row.id, held=True)
    if now.state != E.DUE:
        raise Conflict("edit.moved_meanwhile")
    return there, now


def _check_only_text_changes(scope: Scope, unit: Unit, copy: LiveCopy, native_id: str) -> None:
    """Raise EditNotClaimable if the media, marks or price differ, which would make another post."""
    stands = last_known_unit(scope, delivery_subject(copy.subject.id), native_id)
    if stands is None or [one.sha256 for one in stands.media] != [one.sha256 for one in unit.media]:
        raise EditNotClaimable(after=E.REFUSED, why=Message("edit.other_media"))
    if set(copy.flags) != set(unit.flags):
        raise EditNotClaimable(after=E.REFUSED, why=Message("edit.other_marks"))
    if unit.price is not None or copy.sold:
        raise EditNotClaimable(after=E.REFUSED, why=Message("edit.sold"))


def postpone_edit(
    scope: Scope, edit_id: UUID, refusal: EditNotClaimable | PermitDenied
) -> timedelta | None:
    """Move an edit to the state that the refusal requires, or return the delay until its next
    attempt."""
    row = _get_locked_edit(scope, edit_id)
    if row.state != E.DUE:
        return None
    if isinstance(refusal, PermitDenied):
        again = _handle_denial(scope, row, refusal)
        if again is not None:
            return min(again, max(row.until - scope.now, IMMEDIATE_RETRY_DELAY))
        _refuse_edit(scope, row, refusal.decision.main_reason)
        return None
    if refusal.again is not None:
        return refusal.again
    if refusal.after == E.REFUSED:
        _refuse_edit(scope, row, refusal.why)
    elif refusal.after is not None:
        done = {"settled_at": scope.now} if refusal.after == E.DROPPED else {}
        edits.transition_edit(scope, row, refusal.after, reason=refusal.why, **done)
    return None


def _get_locked_edit(scope: Scope, edit_id: UUID) -> PostEdit:
    """Return an edit, locked after its delivery."""
    row = edits.get_edit(scope, edit_id)
    query = select(Delivery.id).where(
        Delivery.tenant_id == scope.tenant_id, Delivery.id == row.delivery_id
    )
    scope.session.exec(query.with_for_update(key_share=True)).one()
    return edits.get_edit(scope, edit_id, held=True)


def _handle_denial(scope: Scope, row: PostEdit, denied: PermitDenied) -> timedelta | None:
    """Return the delay until the next attempt, or None if a member must decide."""
    decision = denied.decision
    if decision.is_transient or decision.is_stale:
        return STOP_RECHECK_INTERVAL if decision.is_transient else IMMEDIATE_RETRY_DELAY
    if decision.needs_place_check and destination_settings_check.request_destination_check(
        scope, row.channel_id
    ):
        again = destination_settings_check.destination_check_wait(scope, row.channel_id)
        if again is not None:
            return again
    issuance.record_denial(scope, denied)
    return None


def _refuse_edit(scope: Scope, row: PostEdit, why: Message | None) -> None:
    """Refuse an edit. It is uncertain instead if an earlier request may have changed the text."""
    there = get_delivery(scope, row.delivery_id)
    unsure = is_edit_uncertain(scope, delivery_subject(there.id), there.native_id or "")
    edits.transition_edit(
        scope, row, E.UNSURE if unsure else E.REFUSED, reason=why, settled_at=scope.now
    )


def settle_edit(
    scope: Scope, edit_id: UUID, outcome: Outcome, *, attempt: int, attempt_id: UUID | None
) -> timedelta | None:
    """Record the outcome of an edit; return the delay until the next attempt, or None if there is
    none.

    If a later claim or a removal was faster, the outcome is stored only in the attempt.
    """
    if attempt_id is not None:
        close_edit(scope, attempt_id, outcome)
    row = _get_locked_edit(scope, edit_id)
    if row.state != E.SENDING or row.attempt != attempt:
        return None
    match outcome:
        case Published():
            edits.transition_edit(scope, row, E.DONE, settled_at=scope.now)
            return None
        case Retry(after=after, reason=reason):
            return _retry_edit_later(scope, row, after, reason)
        case Uncertain(reason=reason):
            return _retry_edit_later(scope, row, TIMEOUT_MARGIN, reason)
        case Reauthorize(reason=reason) | Disconnected(reason=reason):
            return _retry_edit_later(scope, row, ACCOUNT_AGAIN, reason)
        case Rejected(reason=reason):
            _refuse_edit(scope, row, reason)
            return None
        case Processing():
            return _retry_edit_later(scope, row, TIMEOUT_MARGIN, Message("attempt.not_proven"))
        case _:
            assert_never(outcome)


def _retry_edit_later(
    scope: Scope, row: PostEdit, after: timedelta, reason: Message
) -> timedelta | None:
    there = get_delivery(scope, row.delivery_id)
    if there.state != S.PUBLISHED:
        edits.transition_edit(
            scope, row, E.DROPPED, reason=EDITED_POST_REMOVED, settled_at=scope.now
        )
        return None
    if scope.now + after > row.until:
        _refuse_edit(scope, row, reason)
        return None
    edits.transition_edit(scope, row, E.DUE, reason=reason)
    return after


def recover_edit(scope: Scope, edit_id: UUID, *, connectors: Mapping[str, Connector]) -> None:
    """Settle an edit whose attempt ended without a settlement; the same text may be sent again.

    Raises `outbox.RetryLater` while the attempt may still be in progress.
    """
    row = _get_locked_edit(scope, edit_id)
    if row.state != E.SENDING:
        return
    until = (row.deadline_at or scope.now) + TIMEOUT_MARGIN
    if scope.now < until:
        raise outbox.RetryLater(until - scope.now)
    there = get_delivery(scope, row.delivery_id)
    known = recorded_edit(
        scope, delivery_subject(there.id), there.native_id or "", connectors=connectors
    )
    if known is not None:
        settle_edit(scope, edit_id, known[1], attempt=row.attempt, attempt_id=known[0])
    else:
        _retry_edit_later(scope, row, timedelta(), Message("delivery.no_answer"))


def send_edit(
    event: EditDue,
    *,
    tenant: OpenScope,
    mint: MintPermit,
    connectors: Mapping[str, Connector],
    carry: RunEditSteps,
) -> None:
    """Claim an edit, send it and settle the outcome. Raises `outbox.RetryLater` for another
    attempt."""
    with tenant(event.tenant_id, EDITING) as scope:
        recover_edit(scope, event.subject_id, connectors=connectors)
    try:
        with tenant(event.tenant_id, EDITING) as scope:
            taken = claim_edit(scope, event.subject_id, mint=mint, connectors=connectors)
    except (EditNotClaimable, PermitDenied) as refusal:
        with tenant(event.tenant_id, EDITING) as scope:
            again = postpone_edit(scope, event.subject_id, refusal)
        if again is not None:
            raise outbox.RetryLater(again) from refusal
        return
    except Conflict as moved:
        raise outbox.RetryLater(IMMEDIATE_RETRY_DELAY) from moved
    if taken is not None:
        _run_edit_step(event, *taken, tenant=tenant, carry=carry)


def _run_edit_step(
    event: EditDue,
    turn: PreparedStep | Outcome,
    attempt: int,
    *,
    tenant: OpenScope,
    carry: RunEditSteps,
) -> None:
    later: list[timedelta | None] = []

    def settled(scope: Scope, armed: PreparedStep | None, outcome: Outcome) -> None:
        ours = replace(scope, actor=EDITING)
        attempt_id = armed.attempt_id if armed is not None else None
        later.append(
            settle_edit(ours, event.subject_id, outcome, attempt=attempt, attempt_id=attempt_id)
        )

    if isinstance(turn, PreparedStep):
        try:
            carry(turn, settled)
        except (NotFound, EgressForbidden) as unsent:
            with tenant(event.tenant_id, EDITING) as scope:
                lost = isinstance(unsent, NotFound)
                settled(
                    scope,
                    turn,
                    Rejected(
                        Message("delivery.media_missing") if lost else BROKEN, permanent=False
                    ),
                )
            raise
    else:
        with tenant(event.tenant_id, EDITING) as scope:
            settled(scope, None, turn)
    if later and later[-1] is not None:
        raise outbox.RetryLater(later[-1])


def hold_failed_edit(event: EditDue, *, tenant: OpenScope) -> None:
    """Refuse an edit if its event failed too often, which indicates an internal error."""
    with tenant(event.tenant_id, EDITING) as scope:
        row = _get_locked_edit(scope, event.subject_id)
        if row.state in (E.DUE, E.SENDING):
            _refuse_edit(scope, row, BROKEN)


def apply_edit_resolution(event: EditResolved, *, tenant: OpenScope) -> None:
    """Apply a member's statement about which text is published, unless the edit is resolved
    already."""
    with tenant(event.tenant_id, event.by) as scope:
        row = _get_locked_edit(scope, event.subject_id)
        if row.state != E.UNSURE:
            return
        there = get_delivery(scope, row.delivery_id)
        resolve_edit(
            scope, delivery_subject(there.id), there.native_id or "", came_through=event.came
        )
        edits.transition_edit(
            scope, row, E.DONE if event.came else E.REFUSED, reason=None, settled_at=scope.now
        )
