"""How subscriptions end: stopped by who pays or by a member, run out, given back; told, and taken no more."""

from datetime import datetime, timedelta
from typing import Protocol, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from connectors.outcomes import Disconnected, Outcome, Processing, Published, Reauthorize, Rejected, Retry, Uncertain
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.money import Money
from foundation.words import Message, day
from subscribers import directory, drafts, offers, subscribing, talks
from subscribers.events import SubscriptionEnd, SubscriptionNear, SubscriptionStop
from subscribers.models import Conversation
from subscribers.states import SubscriptionState
from subscribers.subscribing import Subscription
from tenants import notices
from tenants import reads as tenant_reads

GRACE = timedelta(days=3)
"""A month that does not come is waited for so long after its time."""

EARLY = timedelta(days=3)
"""Before the end of a month, the next one may be asked for, and who does not renew is told of it."""

AGAIN, REST = timedelta(seconds=30), timedelta(minutes=5)
CHATTING = "system:chat"
S = SubscriptionState
RUNNING = (S.ACTIVE, S.STOPPED)


class StopRenewal(Protocol):
    """`channels.controlling.stop_renewal` with its collaborators bound."""

    def __call__(self, tenant_id: UUID, channel_id: UUID, user: str, charge_id: str) -> Outcome: ...


def price(row: Subscription) -> str:
    """What a month costs, as a fan reads it."""
    return offers.shown_price(Money(row.amount_minor, row.currency))


def named(row: Subscription) -> dict[str, str | int]:
    """A subscription as fixed sentences name it."""
    return {"title": drafts.slot(row.title), "amount": price(row)}


def day_of(scope: Scope, row: Subscription, talk: Conversation) -> str:
    """The day on which what is paid ends, where the creator lives."""
    zone = ZoneInfo(tenant_reads.creator(scope, row.creator_id).zone)
    return day((row.until or scope.now).astimezone(zone).date(), talk.language)


def wait_for_end(scope: Scope, row: Subscription) -> None:
    """Put down when what is paid is over, and when its fan is told that it will be, in the place of what was."""
    for kind in (SubscriptionEnd.kind, SubscriptionNear.kind):
        outbox.cancel(scope, kind, row.id)
    subscribing.right_changed(scope, row)
    if row.until is None:
        return
    outbox.put(scope, SubscriptionEnd(scope.tenant_id, row.id), at=_over_at(row, row.until))
    if row.state == S.STOPPED and row.until - EARLY > scope.now:
        outbox.put(scope, SubscriptionNear(scope.tenant_id, row.id), at=row.until - EARLY)


def _over_at(row: Subscription, until: datetime) -> datetime:
    """When it is surely over: a month that its platform still tries to take is waited for."""
    return until if row.state == S.STOPPED else until + GRACE


def ended(event: SubscriptionEnd, *, tenant: OpenScope) -> None:
    """The time that was paid is over; where another month came meanwhile, its own end comes."""
    with tenant(event.tenant_id, CHATTING) as scope:
        talk = talks.locked(scope, subscribing.find(scope, event.subject_id).conversation_id)
        row = subscribing.find(scope, event.subject_id, lock=True)
        if row.state not in RUNNING or (row.until is not None and _over_at(row, row.until) > scope.now):
            return
        subscribing.end(scope, row)
        drafts.say_service(scope, talk, Message("service.subscription.ended", {"title": drafts.slot(row.title)}))


def near(event: SubscriptionNear, *, tenant: OpenScope) -> None:
    """A fan who does not renew is told that their time ends soon."""
    with tenant(event.tenant_id, CHATTING) as scope:
        row = subscribing.find(scope, event.subject_id)
        if row.state != S.STOPPED or row.until is None or row.until <= scope.now:
            return
        talk = talks.read(scope, row.conversation_id)
        told = {"title": drafts.slot(row.title), "until": day_of(scope, row, talk)}
        drafts.say_service(scope, talk, Message("service.subscription.near", told))


def ask_stop(scope: Scope, subscription_id: UUID, *, fan_id: UUID | None = None) -> bool:
    """Take no further month of it: the fan `fan_id` says so, or a member. Whether there was something to stop.

    Raises NotFound; another fan's looks the same.
    """
    row = subscribing.find(scope, subscription_id)
    if fan_id is not None and row.fan_id != fan_id:
        raise NotFound("subscription.unknown")
    if row.state != S.ACTIVE:
        return False
    outbox.put(scope, SubscriptionStop(scope.tenant_id, row.id), lane=f"order:{row.id}", priority=2)
    return True


def stop(event: SubscriptionStop, *, tenant: OpenScope, ask: StopRenewal) -> None:
    """Have the platform take no further month; where its answer is lost it is asked again, and stops once."""
    with tenant(event.tenant_id, CHATTING) as scope:
        row = subscribing.find(scope, event.subject_id)
        channel_id, charge_id = row.channel_id, event.charge_id or row.first_charge
        if not charge_id or (row.stopped_at is not None and not event.payer):
            return
        user = event.payer or directory.identity_on(scope, row.fan_id, row.channel_id).native_id
    outcome = ask(event.tenant_id, channel_id, user, charge_id)
    with tenant(event.tenant_id, CHATTING) as scope:
        wait = settle_stop(scope, event.subject_id, outcome, beside=bool(event.charge_id))
    if wait is not None:
        raise outbox.Later(wait)


def settle_stop(scope: Scope, subscription_id: UUID, outcome: Outcome, *, beside: bool = False) -> timedelta | None:
    """Write what the platform said; how long to wait before it is asked again, None when it ended. `beside`: it was
    not the subscription itself that was to be stopped."""
    talk = talks.locked(scope, subscribing.find(scope, subscription_id).conversation_id)
    row = subscribing.find(scope, subscription_id, lock=True)
    match outcome:
        case Published() | Rejected() if beside:
            return None
        case Published():
            _stopped(scope, talk, row)
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


def _stopped(scope: Scope, talk: Conversation, row: Subscription) -> None:
    notices.settle(scope, _stuck(row.id))
    if row.stopped_at is None:
        row.stopped_at = scope.now
        scope.add(row)
    if row.state != S.ACTIVE:
        return
    subscribing.move(scope, row, S.STOPPED)
    wait_for_end(scope, row)
    told = Message("service.subscription.stopped", {**named(row), "until": day_of(scope, row, talk)})
    drafts.say_service(scope, talk, told)


def _not_stopped(scope: Scope, talk: Conversation, row: Subscription, reason: Message) -> None:
    """The platform does not do it: who pays is told where they can, and the members that it is so."""
    if row.state != S.ACTIVE:  # it is over here, and perhaps there
        return
    told = Message("subscription.not_stopped", {"title": row.title, "reason": reason.code})
    notices.put(scope, told, cause=_stuck(row.id), urgent=True, creator_id=row.creator_id)
    drafts.say_service(scope, talk, Message("service.subscription.not_stopped"))


def _stuck(subscription_id: UUID) -> str:
    return f"subscription:{subscription_id}:stop"
