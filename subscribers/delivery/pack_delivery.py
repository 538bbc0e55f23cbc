"""Delivery of paid packs: each is sent once, and the fan can request it again at any time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never
from uuid import UUID

from sqlmodel import select

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.limits import send_limits
from channels.sending import reconciliation, step_runner
from channels.sending.step_runner import PreparedStep, StagedUploads
from connectors.contract.connector import Connector
from connectors.contract.outcomes import (
    Disconnected,
    Found,
    LookupResult,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.shared.http_responses import READER_GONE
from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.units import Subject, Unit
from gate.permits import issuance
from gate.permits.issuance import MintPermit
from studio.packs import packs
from subscribers.conversations import conversation_rows, outgoing_messages
from subscribers.conversations.events import ChatReconcile
from subscribers.conversations.models import Conversation
from subscribers.conversations.states import FULFILMENT_STATES, ORDER_STATES, DraftState
from subscribers.delivery import message_delivery, send_deadlines
from subscribers.delivery.message_delivery import NotClaimable
from subscribers.delivery.send_deadlines import RECHECK_BOUNDS, SEND_MARGIN
from subscribers.fans import directory
from subscribers.orders import order_rows, refunds
from subscribers.orders.events import OrderFulfil
from subscribers.orders.models import Fulfilment
from subscribers.orders.states import FulfilmentState, OrderState
from subscribers.rails import installed_rails
from subscribers.subscriptions import subscription_rows
from tenants.notices import notices

ACT = timedelta(seconds=60)
"""Time limit for sending a pack, which may contain many files."""

WORRY = timedelta(minutes=15)
"""Delay of a paid pack after which members are notified."""
GIVE_UP = timedelta(hours=24)
"""Delay of a paid pack after which the payment is refunded."""

HELD_AGAIN = timedelta(minutes=5)
"""Delay between attempts during a safety hold."""
MAX_SHOWN = 6
"""Maximum number of buttons in the list of a fan's packs, newest first."""


def pack_subject(fulfilment_id: UUID) -> Subject:
    """Return the subject under which a fulfilment is delivered."""
    return Subject("fulfilment", fulfilment_id)


def compose_pack(scope: Scope, row: Fulfilment, channel: Channel) -> Unit:
    """Return the pack as its buyer will see it. Raises NotFound."""
    fan = directory.get_fan_identity(scope, row.fan_id, channel.id)
    pack = packs.get_pack(scope, row.pack_id)
    return message_delivery.build_message_unit(
        scope, channel, fan, pack_subject(row.id), text=pack.title, media=pack.media
    )


def judge_pack(scope: Scope, fulfilment_id: UUID) -> None:
    """Let the gate judge a sale as soon as it is made; it decides again at delivery."""
    row = _get_fulfilment(scope, fulfilment_id)
    unit = compose_pack(scope, row, queries.get_channel(scope, row.channel_id))
    issuance.judge_unit(scope, unit, author=scope.actor)


def claim_pack_delivery(
    scope: Scope, fulfilment_id: UUID, *, mint: MintPermit, connectors: Mapping[str, Connector]
) -> PreparedStep | Outcome | StagedUploads:
    """Claim a paid pack for its single delivery, in the global lock order.

    Raises NotClaimable or PermitDenied; both roll back the transaction.
    """
    row = _get_fulfilment(scope, fulfilment_id)
    if row.state != FulfilmentState.WAITING:
        raise NotClaimable
    channel = queries.get_channel(scope, row.channel_id)
    unit = compose_pack(scope, row, channel)
    issuance.lock_unit(scope, unit)
    blocked = send_limits.claim_send_slot(scope, channel)
    if blocked is not None:
        raise NotClaimable(max(blocked.until - scope.now, RECHECK_BOUNDS))
    talk = conversation_rows.lock_conversation(scope, row.conversation_id)
    if talk.safety_hold:
        raise NotClaimable
    order = order_rows.get_order(scope, row.order_id, lock=True)
    row = _get_fulfilment(scope, fulfilment_id, lock=True)
    if row.state != FulfilmentState.WAITING or order.state not in (
        OrderState.PAID,
        OrderState.FULFILLING,
    ):
        raise NotClaimable
    if order.state == OrderState.PAID:
        order_rows.transition_order(scope, order, OrderState.FULFILLING)
    deadline = scope.now + ACT
    _transition_fulfilment(scope, row, FulfilmentState.SENDING)
    row.attempt = row.attempt + 1
    row.deadline_at = deadline
    scope.add(row)
    outbox.put(
        scope,
        ChatReconcile(scope.tenant_id, fulfilment_id, "fulfilment"),
        at=deadline + SEND_MARGIN,
    )
    return step_runner.prepare_step(
        scope, channel=channel, unit=unit, kind="send", act=ACT, mint=mint, connectors=connectors
    )


def postpone_pack_delivery(
    scope: Scope, fulfilment_id: UUID, again: timedelta | None
) -> timedelta | None:
    """Handle a fulfilment that could not be claimed, and report it when overdue. Return the delay,
    or None if it ended."""
    talk = conversation_rows.lock_conversation(
        scope, _get_fulfilment(scope, fulfilment_id).conversation_id
    )
    row = _get_fulfilment(scope, fulfilment_id, lock=True)
    if row.state == FulfilmentState.SENDING:
        return send_deadlines.next_check_time(scope, row.deadline_at)
    if row.state != FulfilmentState.WAITING:
        return None
    _handle_overdue(scope, talk, row)
    if talk.safety_hold and again is None:
        _schedule_retry(scope, row, HELD_AGAIN)
    return again


def refund_denied_pack(
    scope: Scope, fulfilment_id: UUID, decision: issuance.Decision
) -> timedelta | None:
    """Refund a paid pack that the gate denies and notify the members; a temporary stop is retried
    instead. Return None."""
    talk = conversation_rows.lock_conversation(
        scope, _get_fulfilment(scope, fulfilment_id).conversation_id
    )
    row = _get_fulfilment(scope, fulfilment_id, lock=True)
    if row.state == FulfilmentState.SENDING:  # Denied between two steps: nothing became visible.
        _transition_fulfilment(scope, row, FulfilmentState.WAITING)
        step_runner.close_attempt(
            scope, pack_subject(fulfilment_id), Rejected(Message("draft.denied"), permanent=False)
        )
    if row.state != FulfilmentState.WAITING:
        return None
    if decision.is_transient or decision.is_stale:
        _handle_overdue(scope, talk, row)
        _schedule_retry(
            scope,
            row,
            message_delivery.STOP_RETRY_DELAY if decision.is_transient else RECHECK_BOUNDS,
        )
        return None
    reason = message_delivery.denial_message(decision)
    _transition_fulfilment(scope, row, FulfilmentState.REFUSED, reason)
    refunds.request_refund(scope, row.payment_id, reason=Message("refund.not_cleared"))
    notices.put(
        scope, reason, cause=f"fulfilment:{row.id}:refused", urgent=True, creator_id=row.creator_id
    )
    return None


def settle_pack_delivery(scope: Scope, fulfilment_id: UUID, outcome: Outcome) -> timedelta | None:
    """Record the outcome of the delivery. Return the delay before the next attempt, or None if it
    ended."""
    talk = conversation_rows.lock_conversation(
        scope, _get_fulfilment(scope, fulfilment_id).conversation_id
    )
    order = order_rows.get_order(scope, _get_fulfilment(scope, fulfilment_id).order_id, lock=True)
    row = _get_fulfilment(scope, fulfilment_id, lock=True)
    open_still = row.state in (FulfilmentState.SENDING, FulfilmentState.UNCERTAIN)
    wait = _settle_fulfilment(scope, talk, row, outcome) if open_still else None
    if row.state == FulfilmentState.DELIVERED and ORDER_STATES.allows(
        OrderState(order.state), OrderState.FULFILLED
    ):
        order_rows.transition_order(scope, order, OrderState.FULFILLED)
    step_runner.close_attempt(
        scope, pack_subject(fulfilment_id), outcome, note_copy=issuance.record_copy
    )
    return wait


def _settle_fulfilment(
    scope: Scope, talk: Conversation, row: Fulfilment, outcome: Outcome
) -> timedelta | None:
    match outcome:
        case Published(native_id=native_id):
            _record_delivered(scope, talk, row, native_id)
        case Retry(after=after, reason=reason):
            if row.state == FulfilmentState.SENDING:
                _transition_fulfilment(scope, row, FulfilmentState.WAITING, reason)
            _handle_overdue(scope, talk, row)
            return after
        case Rejected(reason=reason) | Reauthorize(reason=reason) | Disconnected(reason=reason):
            if row.state == FulfilmentState.SENDING:
                _transition_fulfilment(scope, row, FulfilmentState.FAILED, reason)
            if reason.code == READER_GONE:
                directory.mark_unreachable(scope, row.fan_id, row.channel_id)
            _notify_overdue(scope, talk, row)
        case Uncertain(reason=reason):
            _mark_uncertain(scope, row, reason)
        case Processing():
            _mark_uncertain(scope, row, Message("draft.unsure"))
        case _:
            assert_never(outcome)
    return None


def _record_delivered(scope: Scope, talk: Conversation, row: Fulfilment, native_id: str) -> None:
    _transition_fulfilment(scope, row, FulfilmentState.DELIVERED)
    row.native_id = native_id
    row.settled_at = scope.now
    scope.add(row)
    pack = packs.get_pack(scope, row.pack_id)
    media = tuple(medium.sha256 for medium in pack.media)
    conversation_rows.record_our_line(
        scope,
        talk,
        author="system",
        native_id=native_id,
        kind="pack",
        body=pack.title,
        media=media,
    )
    outbox.cancel(scope, ChatReconcile.kind, row.id)
    notices.close(scope, f"fulfilment:{row.id}:late")
    directory.rebuild_facts(scope, row.fan_id)


def _mark_uncertain(scope: Scope, row: Fulfilment, reason: Message) -> None:
    """Mark the fulfilment as uncertain and schedule a lookup. It is not sent again; the receipt's
    button sends it on request."""
    if row.state == FulfilmentState.SENDING:
        _transition_fulfilment(scope, row, FulfilmentState.UNCERTAIN, reason)
    at = reconciliation.next_look_at(scope, pack_subject(row.id)) or scope.now + SEND_MARGIN
    outbox.cancel(scope, ChatReconcile.kind, row.id)
    outbox.put(scope, ChatReconcile(scope.tenant_id, row.id, "fulfilment"), at=at)


def _schedule_retry(scope: Scope, row: Fulfilment, after: timedelta) -> None:
    """Schedule another attempt with a new row, so that the lane stays free for crisis and other
    messages in the meantime."""
    again = OrderFulfil(scope.tenant_id, row.id)
    lane = conversation_rows.chat_lane(row.conversation_id)
    outbox.put(scope, again, at=scope.now + after, lane=lane, holds_lane=True, priority=2)


def _handle_overdue(scope: Scope, talk: Conversation, row: Fulfilment) -> None:
    """Notify members of a paid pack that is overdue, and refund it after `GIVE_UP`."""
    waited = scope.now - (row.created_at or scope.now)
    if waited > GIVE_UP:
        refunds.request_refund(scope, row.payment_id, reason=Message("refund.not_delivered"))
    if waited > WORRY:
        _notify_overdue(scope, talk, row)


def _notify_overdue(scope: Scope, talk: Conversation, row: Fulfilment) -> None:
    late = Message("fulfilment.late")
    notices.put(
        scope, late, cause=f"fulfilment:{row.id}:late", urgent=True, creator_id=row.creator_id
    )
    conversation_rows.escalate_to_member(scope, talk, late, urgent=True)


def is_pack_delivery_uncertain(scope: Scope, fulfilment_id: UUID) -> bool:
    """Return True if the response is missing. A fulfilment in `sending` past its deadline becomes
    uncertain here."""
    row = _get_fulfilment(scope, fulfilment_id, lock=True)
    if (
        row.state == FulfilmentState.SENDING
        and row.deadline_at is not None
        and row.deadline_at < scope.now
    ):
        _transition_fulfilment(scope, row, FulfilmentState.UNCERTAIN, Message("draft.unsure"))
    return row.state == FulfilmentState.UNCERTAIN


def settle_pack_lookup(scope: Scope, fulfilment_id: UUID, sighting: LookupResult) -> None:
    """Resolve an uncertain fulfilment: delivered, or sent again if it is proven absent."""
    if isinstance(sighting, Found):
        settle_pack_delivery(
            scope, fulfilment_id, Published(sighting.native_id, sighting.url, sighting.at)
        )
        return
    row = _get_fulfilment(scope, fulfilment_id, lock=True)
    if row.state != FulfilmentState.UNCERTAIN:
        return
    what = pack_subject(fulfilment_id)
    if not reconciliation.is_possibly_published(scope, what) or reconciliation.is_proven_absent(
        scope, what
    ):
        reconciliation.mark_absent(scope, what)
        _transition_fulfilment(scope, row, FulfilmentState.WAITING)
        _schedule_retry(scope, row, timedelta())
        return
    at = reconciliation.next_look_at(scope, what)
    if at is None:
        late = Message("fulfilment.unsure")
        notices.put(
            scope, late, cause=f"fulfilment:{row.id}:late", urgent=True, creator_id=row.creator_id
        )
        return
    outbox.put(scope, ChatReconcile(scope.tenant_id, fulfilment_id, "fulfilment"), at=at)


@dataclass(frozen=True)
class OwnedPack:
    """A pack that a fan may see: bought by the order, or included in a subscription while that
    runs."""

    pack_id: UUID
    title: str
    order_id: UUID | None


def send_owned_packs(scope: Scope, talk: Conversation, pack_id: UUID | None) -> None:
    """Send the fan one of their packs again, or the list of all; each request sends a
    new message."""
    owned = [
        one
        for one in list_owned_packs(scope, talk.fan_id)
        if pack_id is None or one.pack_id == pack_id
    ]
    if not owned:
        outgoing_messages.send_automated_message(scope, talk, Message("service.purchases.none"))
    elif _opened_here(scope, talk):
        outgoing_messages.send_automated_message(scope, talk, Message("service.purchases.here"))
    elif pack_id is None and len(owned) > 1:
        _send_purchase_list(scope, talk, owned)
    else:
        resend_pack(scope, talk, owned[0])


def _opened_here(scope: Scope, talk: Conversation) -> bool:
    """Return True if the platform itself shows bought content in the chat."""
    rail = installed_rails.rail_terms_by_platform().get(
        queries.get_channel(scope, talk.channel_id).platform
    )
    return rail is not None and rail.locked


def resend_pack(scope: Scope, talk: Conversation, owned: OwnedPack) -> None:
    """Send a pack again at its owner's request. The gate decides on it again."""
    pack = packs.get_pack(scope, owned.pack_id)
    draft = outgoing_messages.create_draft(
        scope,
        talk,
        origin="auto",
        kind="pack",
        state=DraftState.AUTO,
        text=pack.title,
        media=pack.media,
        order_id=owned.order_id,
    )
    message_delivery.judge_message(scope, draft)
    outgoing_messages.schedule_message_draft(
        scope, draft, priority=outgoing_messages.PAYMENT_SEND_PRIORITY
    )


def _send_purchase_list(scope: Scope, talk: Conversation, owned: list[OwnedPack]) -> None:
    outgoing_messages.send_automated_message(
        scope,
        talk,
        Message("service.purchases.list"),
        buttons=[
            outgoing_messages.owned_pack_button(talk.language, one.title, one.pack_id)
            for one in owned[:MAX_SHOWN]
        ],
    )


def list_owned_packs(scope: Scope, fan_id: UUID) -> list[OwnedPack]:
    """Return all packs of a fan: those bought, newest first, then those included in a
    subscription."""
    rows = scope.run(
        "SELECT e.pack_id, e.title, p.order_id FROM entitlements e JOIN payments p ON p.tenant_id "
        "= e.tenant_id"
        " AND p.id = e.payment_id WHERE e.tenant_id = :tenant AND e.fan_id = :fan AND e.state = "
        "'active'"
        " ORDER BY e.id DESC",
        tenant=scope.tenant_id,
        fan=fan_id,
    )
    bought = [OwnedPack(row.pack_id, row.title, row.order_id) for row in rows]
    known = {one.pack_id for one in bought}
    opened = [
        packs.get_pack(scope, one)
        for one in subscription_rows.packs_opened_for_fan(scope, fan_id)
        if one not in known
    ]
    return [*bought, *(OwnedPack(pack.id, pack.title, None) for pack in opened if pack.media)]


def _get_fulfilment(scope: Scope, fulfilment_id: UUID, *, lock: bool = False) -> Fulfilment:
    statement = select(Fulfilment).where(
        Fulfilment.tenant_id == scope.tenant_id, Fulfilment.id == fulfilment_id
    )
    statement = statement.with_for_update() if lock else statement
    row = scope.session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound("fulfilment.unknown")
    return row


def _transition_fulfilment(
    scope: Scope, row: Fulfilment, after: FulfilmentState, reason: Message | None = None
) -> None:
    FULFILMENT_STATES.check(FulfilmentState(row.state), after)
    row.state = str(after)
    row.reason = stored_message(reason)
    scope.add(row)
