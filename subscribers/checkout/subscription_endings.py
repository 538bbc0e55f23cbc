"""Endings of subscriptions: cancelled by a fan or a member, expired, or refunded. The fan is
notified, and no further month is charged."""

from datetime import datetime, timedelta
from typing import Protocol, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

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
from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message, format_date
from foundation.money import Money
from foundation.outbox import outbox
from subscribers.conversations import conversation_rows, outgoing_messages
from subscribers.conversations.models import Conversation
from subscribers.fans import directory
from subscribers.rails.price_text import format_price
from subscribers.subscriptions import subscription_rows
from subscribers.subscriptions.events import SubscriptionEnd, SubscriptionNear, SubscriptionStop
from subscribers.subscriptions.states import SubscriptionState
from subscribers.subscriptions.subscription_rows import Subscription
from tenants.agencies import queries
from tenants.notices import notices

GRACE = timedelta(days=3)
"""Period after the paid time in which a late renewal is awaited."""

END_REMINDER_LEAD = timedelta(days=3)
"""Time before the end of the paid period from which the next month may be charged, and at which a
cancelled fan is reminded."""

AGAIN = timedelta(seconds=30)
"""Minimum delay before the platform is called again."""
REST = timedelta(minutes=5)
"""Delay before the platform is called again after it rejected the token."""
CHATTING = "system:chat"
RUNNING_STATES = (SubscriptionState.ACTIVE, SubscriptionState.STOPPED)


class StopRenewal(Protocol):
    """The signature of `channels.sending.account_actions.stop_subscription_renewal` with its
    collaborators bound."""

    def __call__(self, tenant_id: UUID, channel_id: UUID, user: str, charge_id: str) -> Outcome: ...


def month_price_text(row: Subscription) -> str:
    """Return the monthly price as text."""
    return format_price(Money(row.amount_minor, row.currency))


def subscription_message_params(row: Subscription) -> dict[str, str | int]:
    """Return the parameters of automated messages about a subscription."""
    return {"title": outgoing_messages.template_value(row.title), "amount": month_price_text(row)}


def paid_until_day(scope: Scope, row: Subscription, talk: Conversation) -> str:
    """Return the last paid day as text, in the creator's time zone and the conversation's
    language."""
    zone = ZoneInfo(queries.get_creator(scope, row.creator_id).zone)
    return format_date((row.until or scope.now).astimezone(zone).date(), talk.language)


def schedule_subscription_end(scope: Scope, row: Subscription) -> None:
    """Schedule the end of the paid period and its reminder, and cancel those scheduled before."""
    for kind in (SubscriptionEnd.kind, SubscriptionNear.kind):
        outbox.cancel(scope, kind, row.id)
    subscription_rows.announce_access_change(scope, row)
    if row.until is None:
        return
    outbox.put(scope, SubscriptionEnd(scope.tenant_id, row.id), at=_over_at(row, row.until))
    if row.state == SubscriptionState.STOPPED and row.until - END_REMINDER_LEAD > scope.now:
        outbox.put(
            scope, SubscriptionNear(scope.tenant_id, row.id), at=row.until - END_REMINDER_LEAD
        )


def _over_at(row: Subscription, until: datetime) -> datetime:
    """Return the time at which the subscription ends. While it renews, this includes a grace period
    for a late charge."""
    return until if row.state == SubscriptionState.STOPPED else until + GRACE


def handle_subscription_end(event: SubscriptionEnd, *, tenant: OpenScope) -> None:
    """End a subscription whose paid period is over. Do nothing if another month was paid in the
    meantime."""
    with tenant(event.tenant_id, CHATTING) as scope:
        talk = conversation_rows.lock_conversation(
            scope, subscription_rows.get_subscription(scope, event.subject_id).conversation_id
        )
        row = subscription_rows.get_subscription(scope, event.subject_id, lock=True)
        if row.state not in RUNNING_STATES or (
            row.until is not None and _over_at(row, row.until) > scope.now
        ):
            return
        subscription_rows.end_subscription(scope, row)
        outgoing_messages.send_automated_message(
            scope,
            talk,
            Message(
                "service.subscription.ended", {"title": outgoing_messages.template_value(row.title)}
            ),
        )


def remind_of_subscription_end(event: SubscriptionNear, *, tenant: OpenScope) -> None:
    """Remind a fan whose subscription does not renew that it ends soon."""
    with tenant(event.tenant_id, CHATTING) as scope:
        row = subscription_rows.get_subscription(scope, event.subject_id)
        if row.state != SubscriptionState.STOPPED or row.until is None or row.until <= scope.now:
            return
        talk = conversation_rows.get_conversation(scope, row.conversation_id)
        told = {
            "title": outgoing_messages.template_value(row.title),
            "until": paid_until_day(scope, row, talk),
        }
        outgoing_messages.send_automated_message(
            scope, talk, Message("service.subscription.near", told)
        )


def request_renewal_stop(
    scope: Scope, subscription_id: UUID, *, fan_id: UUID | None = None
) -> bool:
    """Request that no further month is charged, for the fan `fan_id` or a member. Return False if
    the subscription is not active.

    Raises NotFound, also for another fan's subscription.
    """
    row = subscription_rows.get_subscription(scope, subscription_id)
    if fan_id is not None and row.fan_id != fan_id:
        raise NotFound("subscription.unknown")
    if row.state != SubscriptionState.ACTIVE:
        return False
    outbox.put(scope, SubscriptionStop(scope.tenant_id, row.id), lane=f"order:{row.id}", priority=2)
    return True


def stop_renewal(event: SubscriptionStop, *, tenant: OpenScope, ask: StopRenewal) -> None:
    """Stop the renewal at the platform. If the response is lost, the request is sent again; this is
    safe because the platform stops a renewal only once."""
    with tenant(event.tenant_id, CHATTING) as scope:
        row = subscription_rows.get_subscription(scope, event.subject_id)
        channel_id = row.channel_id
        charge_id = event.charge_id or row.first_charge
        if not charge_id or (row.stopped_at is not None and not event.payer):
            return
        user = (
            event.payer or directory.get_fan_identity(scope, row.fan_id, row.channel_id).native_id
        )
    outcome = ask(event.tenant_id, channel_id, user, charge_id)
    with tenant(event.tenant_id, CHATTING) as scope:
        wait = settle_renewal_stop(scope, event.subject_id, outcome, beside=bool(event.charge_id))
    if wait is not None:
        raise outbox.RetryLater(wait)


def settle_renewal_stop(
    scope: Scope, subscription_id: UUID, outcome: Outcome, *, beside: bool = False
) -> timedelta | None:
    """Record the platform's outcome. Return the delay before the next try, or None if there is
    none.

    `beside` means that the request was to stop a charge other than that of the subscription itself.
    """
    talk = conversation_rows.lock_conversation(
        scope, subscription_rows.get_subscription(scope, subscription_id).conversation_id
    )
    row = subscription_rows.get_subscription(scope, subscription_id, lock=True)
    match outcome:
        case Published() | Rejected() if beside:
            return None
        case Published():
            _record_stop(scope, talk, row)
        case Rejected(reason=reason):
            _not_stopped(scope, talk, row, reason)
        case Retry(after=after):
            return max(after, AGAIN)
        case Uncertain() | Processing():
            return AGAIN
        case Reauthorize() | Disconnected():
            return REST
        case _:
            assert_never(outcome)
    return None


def _record_stop(scope: Scope, talk: Conversation, row: Subscription) -> None:
    notices.close(scope, _stop_cause(row.id))
    if row.stopped_at is None:
        row.stopped_at = scope.now
        scope.add(row)
    if row.state != SubscriptionState.ACTIVE:
        return
    subscription_rows.transition_subscription(scope, row, SubscriptionState.STOPPED)
    schedule_subscription_end(scope, row)
    told = Message(
        "service.subscription.stopped",
        {**subscription_message_params(row), "until": paid_until_day(scope, row, talk)},
    )
    outgoing_messages.send_automated_message(scope, talk, told)


def _not_stopped(scope: Scope, talk: Conversation, row: Subscription, reason: Message) -> None:
    """Inform the fan how to cancel on the platform, and notify members of its refusal."""
    # The subscription already ended here, and perhaps on the platform too.
    if row.state != SubscriptionState.ACTIVE:
        return
    told = Message("subscription.not_stopped", {"title": row.title, "reason": reason.code})
    notices.put(scope, told, cause=_stop_cause(row.id), urgent=True, creator_id=row.creator_id)
    outgoing_messages.send_automated_message(
        scope, talk, Message("service.subscription.not_stopped")
    )


def _stop_cause(subscription_id: UUID) -> str:
    return f"subscription:{subscription_id}:stop"
