"""What each event of the room does. No transaction is open while a platform or a model is asked."""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from channels.carrying import Armed, Staged
from connectors.outcomes import Outcome, Sighting
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.words import Message
from gate import minting
from gate.minting import Decision, Denied
from gate.units import Subject
from studio.text_costs import FREE, Billing, Purpose, Sitting
from subscribers import conversation, fulfilling, orders, refunding, sending, turns
from subscribers.events import (
    AgeTold,
    ChatReconcile,
    ChatSend,
    ChatSettle,
    ChatTurn,
    OfferExpire,
    OrderFulfil,
    OrderRefund,
    PaymentSettle,
    RemarkModerate,
    RemarkSuggest,
    SubscriptionStop,
)
from subscribers.rails.contract import Rails
from subscribers.refunding import GiveBack
from subscribers.sending import NotClaimable
from subscribers.turns import Write
from tenants import notices

CHAT = "system:chat"

Lost = ChatTurn | ChatSend | OrderFulfil | OrderRefund | RemarkModerate | RemarkSuggest | SubscriptionStop

Claim = Callable[[Scope, UUID], Armed | Outcome | Staged]
"""`sending.claim` or `fulfilling.claim` with `mint` and `connectors` bound."""

Carry = Callable[[Armed], Outcome | Staged]
"""`channels.carrying.carry` with its collaborators bound."""

Look = Callable[[UUID, Subject], Sighting]
"""`channels.reconciling.look` with its collaborators bound."""


class Desk(Protocol):
    """What a module knows about one kind of subject: how each end of carrying it is written down.

    The first three return how long to wait before the row comes back, None when it ended.
    """

    def put_off(self, scope: Scope, subject_id: UUID, again: timedelta | None, /) -> timedelta | None: ...

    def deny(self, scope: Scope, subject_id: UUID, decision: Decision, /) -> timedelta | None: ...

    def settle(self, scope: Scope, subject_id: UUID, outcome: Outcome, /) -> timedelta | None: ...

    def doubtful(self, scope: Scope, subject_id: UUID, /) -> bool: ...

    def settle_sighting(self, scope: Scope, subject_id: UUID, sighting: Sighting, /) -> None: ...


DRAFTS: Desk = sending
FULFILMENTS: Desk = fulfilling


def turn(event: ChatTurn, *, tenant: OpenScope, write: Write, rails: Rails, billing: Billing = FREE) -> None:
    """Gather, ask the model with nothing open, settle. `billing` says what models cost."""
    with tenant(event.tenant_id, CHAT) as scope:
        begun = turns.begin(scope, event.subject_id, rails=rails)
    if begun is None:
        return
    sitting = Sitting(tenant, event.tenant_id, begun.creator_id, Purpose.CHAT, begun.conversation_id, billing)
    spoken = turns.think(begun, sitting.counting(write))
    with tenant(event.tenant_id, CHAT) as scope:
        if turns.finish(scope, begun, spoken):
            sitting.kept(scope)


def send(event: ChatSend, *, tenant: OpenScope, claim: Claim, carry: Carry) -> None:
    """Claim, act, settle a message."""
    _carry(event, DRAFTS, tenant=tenant, claim=claim, carry=carry)


def fulfil(event: OrderFulfil, *, tenant: OpenScope, claim: Claim, carry: Carry) -> None:
    """Claim, act, settle the one push of a paid pack."""
    _carry(event, FULFILMENTS, tenant=tenant, claim=claim, carry=carry)


def _carry(event: ChatSend | OrderFulfil, desk: Desk, *, tenant: OpenScope, claim: Claim, carry: Carry) -> None:
    tenant_id, subject_id = event.tenant_id, event.subject_id
    try:
        with tenant(tenant_id, CHAT) as scope:
            armed = claim(scope, subject_id)
        outcome = carry(armed) if isinstance(armed, Armed) else armed
    except NotClaimable as refusal:
        with tenant(tenant_id, CHAT) as scope:
            wait = desk.put_off(scope, subject_id, refusal.again)
    except Denied as denied:
        with tenant(tenant_id, CHAT) as scope:
            minting.record_denial(scope, denied)
            wait = desk.deny(scope, subject_id, denied.decision)
    else:
        if isinstance(outcome, Staged):
            raise TypeError("a message is sent whole")
        with tenant(tenant_id, CHAT) as scope:
            wait = desk.settle(scope, subject_id, outcome)
    if wait is not None:
        raise outbox.Later(wait)


def reconcile(event: ChatReconcile, *, tenant: OpenScope, look: Look) -> None:
    """Bring a message or a push out of doubt: look, then settle what was seen. Nothing is sent again blindly."""
    desk = FULFILMENTS if event.what == "fulfilment" else DRAFTS
    with tenant(event.tenant_id, CHAT) as scope:
        doubtful = desk.doubtful(scope, event.subject_id)
    if not doubtful:
        return
    sighting = look(event.tenant_id, Subject(event.what, event.subject_id))
    with tenant(event.tenant_id, CHAT) as scope:
        desk.settle_sighting(scope, event.subject_id, sighting)


def settle_by_word(event: ChatSettle, *, tenant: OpenScope) -> None:
    """End the doubt about a message as the member who looked says."""
    with tenant(event.tenant_id, event.by) as scope:
        sending.settle_by_word(scope, event.subject_id, arrived=event.arrived)


def settle_payment(event: PaymentSettle, *, tenant: OpenScope) -> None:
    """Take an unmatched payment for the order a member named."""
    with tenant(event.tenant_id, event.by) as scope:
        orders.settle_unmatched(scope, event.subject_id, event.order_id)


def age_told(event: AgeTold, *, tenant: OpenScope) -> None:
    """Say in the chat how a check of age ended."""
    with tenant(event.tenant_id, CHAT) as scope:
        conversation.proof_told(scope, event.channel_id, event.user_id, event.state)


def expire(event: OfferExpire, *, tenant: OpenScope) -> None:
    """The time to pay an order is over."""
    with tenant(event.tenant_id, CHAT) as scope:
        orders.expire(scope, event.subject_id)


def refund(event: OrderRefund, *, tenant: OpenScope, give_back: GiveBack) -> None:
    """Give a payment back; a rail that lost its answer is asked again, and gives once."""
    with tenant(event.tenant_id, CHAT) as scope:
        call = refunding.due(scope, event.subject_id)
    if call is None:
        return
    if isinstance(call, timedelta):
        raise outbox.Later(call)
    outcome = give_back(call.tenant_id, call.subject, call.channel_id, call.step, seen=call.seen)
    with tenant(event.tenant_id, CHAT) as scope:
        wait = refunding.settle(scope, event.subject_id, outcome)
    if wait is not None:
        raise outbox.Later(wait)


def gave_up(event: Lost, *, tenant: OpenScope) -> None:
    """A row failed too often: a fault of ours, and a fan waits. A person is told."""
    with tenant(event.tenant_id, CHAT) as scope:
        notices.put(scope, Message("chat.stuck"), cause=f"{event.kind}:{event.subject_id}:dead", urgent=True)
