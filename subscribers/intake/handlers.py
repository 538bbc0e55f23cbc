"""Handlers of chat events. No transaction is open during a request to a platform or a model."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from channels.sending.step_runner import PreparedStep, StagedUploads
from connectors.contract.outcomes import LookupResult, Outcome
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.units import Subject
from gate.permits import issuance
from gate.permits.issuance import Decision, PermitDenied
from studio.costs.text_requests import FREE_BILLING, TextBilling, TextPurpose, TextSession
from subscribers.checkout import order_payments
from subscribers.checkout.events import PaymentSettle
from subscribers.comments.events import CommentAnswerDue, CommentModerationDue
from subscribers.conversations.events import (
    ChatReconcile,
    ChatSend,
    ChatTurn,
    UncertainMessageResolved,
)
from subscribers.delivery import message_delivery, pack_delivery
from subscribers.delivery.message_delivery import NotClaimable
from subscribers.intake import update_intake
from subscribers.intake.events import AgeCheckAnswered
from subscribers.orders import refunds
from subscribers.orders.events import OfferExpire, OrderFulfil, OrderRefund
from subscribers.orders.refunds import CallRailRefund
from subscribers.rails.contract import Rails
from subscribers.replies import reply_generation
from subscribers.replies.reply_generation import WriteText
from subscribers.subscriptions.events import SubscriptionStop
from tenants.notices import notices

CHAT = "system:chat"

Lost = (
    ChatTurn
    | ChatSend
    | OrderFulfil
    | OrderRefund
    | CommentModerationDue
    | CommentAnswerDue
    | SubscriptionStop
)


class ClaimDelivery(Protocol):
    """The signature of `message_delivery.claim_message` or `pack_delivery.claim_pack_delivery` with
    `mint` and `connectors` bound."""

    def __call__(
        self, scope: Scope, subject_id: UUID, /
    ) -> PreparedStep | Outcome | StagedUploads: ...


class RunSteps(Protocol):
    """The signature of `channels.sending.step_runner.run_steps` with its collaborators bound."""

    def __call__(self, step: PreparedStep, /) -> Outcome | StagedUploads: ...


class LookUpAttempt(Protocol):
    """The signature of `channels.sending.reconciliation.look_up_attempt` with its collaborators
    bound."""

    def __call__(self, tenant_id: UUID, subject: Subject, /) -> LookupResult: ...


@dataclass(frozen=True)
class DeliveryServices:
    """The functions that record each result of a delivery, for one kind of subject.

    The first three return the delay before the row is retried, or None if it ended.
    """

    postpone: Callable[[Scope, UUID, timedelta | None], timedelta | None]
    deny: Callable[[Scope, UUID, Decision], timedelta | None]
    settle: Callable[[Scope, UUID, Outcome], timedelta | None]
    is_uncertain: Callable[[Scope, UUID], bool]
    settle_lookup: Callable[[Scope, UUID, LookupResult], None]


MESSAGES = DeliveryServices(
    postpone=message_delivery.postpone_message,
    deny=message_delivery.deny_message,
    settle=message_delivery.settle_message,
    is_uncertain=message_delivery.is_message_uncertain,
    settle_lookup=message_delivery.settle_message_lookup,
)
PACKS = DeliveryServices(
    postpone=pack_delivery.postpone_pack_delivery,
    deny=pack_delivery.refund_denied_pack,
    settle=pack_delivery.settle_pack_delivery,
    is_uncertain=pack_delivery.is_pack_delivery_uncertain,
    settle_lookup=pack_delivery.settle_pack_lookup,
)


def generate_reply(
    event: ChatTurn,
    *,
    tenant: OpenScope,
    write: WriteText,
    rails: Rails,
    billing: TextBilling = FREE_BILLING,
) -> None:
    """Load the context, call the model outside any transaction, and record the reply. `billing`
    contains the prices of models."""
    with tenant(event.tenant_id, CHAT) as scope:
        begun = reply_generation.begin_reply_turn(scope, event.subject_id, rails=rails)
    if begun is None:
        return
    sitting = TextSession(
        tenant, event.tenant_id, begun.creator_id, TextPurpose.CHAT, begun.conversation_id, billing
    )
    spoken = reply_generation.request_reply(begun, sitting.counted_writer(write))
    with tenant(event.tenant_id, CHAT) as scope:
        if reply_generation.finish_reply_turn(scope, begun, spoken):
            sitting.mark_used(scope)


def send_message(
    event: ChatSend, *, tenant: OpenScope, claim: ClaimDelivery, carry: RunSteps
) -> None:
    """Claim, send and settle a message."""
    _run_delivery(event, MESSAGES, tenant=tenant, claim=claim, carry=carry)


def deliver_pack(
    event: OrderFulfil, *, tenant: OpenScope, claim: ClaimDelivery, carry: RunSteps
) -> None:
    """Claim, send and settle the single delivery of a paid pack."""
    _run_delivery(event, PACKS, tenant=tenant, claim=claim, carry=carry)


def _run_delivery(
    event: ChatSend | OrderFulfil,
    desk: DeliveryServices,
    *,
    tenant: OpenScope,
    claim: ClaimDelivery,
    carry: RunSteps,
) -> None:
    tenant_id = event.tenant_id
    subject_id = event.subject_id
    try:
        with tenant(tenant_id, CHAT) as scope:
            armed = claim(scope, subject_id)
        outcome = carry(armed) if isinstance(armed, PreparedStep) else armed
    except NotClaimable as refusal:
        with tenant(tenant_id, CHAT) as scope:
            wait = desk.postpone(scope, subject_id, refusal.again)
    except PermitDenied as denied:
        with tenant(tenant_id, CHAT) as scope:
            issuance.record_denial(scope, denied)
            wait = desk.deny(scope, subject_id, denied.decision)
    else:
        if isinstance(outcome, StagedUploads):
            raise TypeError("a message is sent whole")
        with tenant(tenant_id, CHAT) as scope:
            wait = desk.settle(scope, subject_id, outcome)
    if wait is not None:
        raise outbox.RetryLater(wait)


def reconcile_message(event: ChatReconcile, *, tenant: OpenScope, look: LookUpAttempt) -> None:
    """Resolve an uncertain message or pack by a lookup. Nothing is resent blindly."""
    desk = PACKS if event.what == "fulfilment" else MESSAGES
    with tenant(event.tenant_id, CHAT) as scope:
        doubtful = desk.is_uncertain(scope, event.subject_id)
    if not doubtful:
        return
    sighting = look(event.tenant_id, Subject(event.what, event.subject_id))
    with tenant(event.tenant_id, CHAT) as scope:
        desk.settle_lookup(scope, event.subject_id, sighting)


def resolve_uncertain_message(event: UncertainMessageResolved, *, tenant: OpenScope) -> None:
    """Resolve an uncertain message as the member who checked it decided."""
    with tenant(event.tenant_id, event.by) as scope:
        message_delivery.settle_message_by_member(scope, event.subject_id, arrived=event.arrived)


def assign_unmatched_payment(event: PaymentSettle, *, tenant: OpenScope) -> None:
    """Assign an unmatched payment to the order that a member chose."""
    with tenant(event.tenant_id, event.by) as scope:
        order_payments.assign_payment_to_order(scope, event.subject_id, event.order_id)


def answer_age_check(event: AgeCheckAnswered, *, tenant: OpenScope) -> None:
    """Inform the fan in the chat about the result of the age check."""
    with tenant(event.tenant_id, CHAT) as scope:
        update_intake.notify_age_check_result(scope, event.channel_id, event.user_id, event.state)


def expire_offer(event: OfferExpire, *, tenant: OpenScope) -> None:
    """Expire an order whose payment period is over."""
    with tenant(event.tenant_id, CHAT) as scope:
        order_payments.expire_order(scope, event.subject_id)


def refund_order_payment(
    event: OrderRefund, *, tenant: OpenScope, give_back: CallRailRefund
) -> None:
    """Refund a payment at its rail. A lost response is retried; the rail refunds once."""
    with tenant(event.tenant_id, CHAT) as scope:
        call = refunds.next_refund_request(scope, event.subject_id)
    if call is None:
        return
    if isinstance(call, timedelta):
        raise outbox.RetryLater(call)
    outcome = give_back(call.tenant_id, call.subject, call.channel_id, call.step, seen=call.seen)
    with tenant(event.tenant_id, CHAT) as scope:
        wait = refunds.settle_refund(scope, event.subject_id, outcome)
    if wait is not None:
        raise outbox.RetryLater(wait)


def notify_failed_event(event: Lost, *, tenant: OpenScope) -> None:
    """Notify members of an event that failed too often while a fan waits."""
    with tenant(event.tenant_id, CHAT) as scope:
        notices.put(
            scope, Message("chat.stuck"), cause=f"{event.kind}:{event.subject_id}:dead", urgent=True
        )
