"""Subscriptions as rows: plans, subscriptions and paid months."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, col, select

import subscribers.fans.models
import subscribers.orders.models  # noqa: F401  foreign keys refer to its tables
from channels.accounts import queries
from connectors.contract.reader_roles import ADMISSION_FIELD, ADMITS_SUBSCRIBERS
from foundation.db.database import Scope
from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)
from foundation.errors import NotFound
from foundation.outbox import outbox
from subscribers.conversations.states import SUBSCRIPTION_STATES
from subscribers.rails.contract import SUBSCRIPTION_PERIOD
from subscribers.subscriptions.events import (
    RoleCheckDue,
    SubscriptionEnd,
    SubscriptionNear,
    SubscriptionStop,
)
from subscribers.subscriptions.states import SubscriptionState
from subscribers.table_columns import accounting_table_args, amount_column


class Plan(CreatorOwnedRow, table=True):
    """A plan with its monthly price on one account and its packs. `state` is active or retired."""

    __tablename__ = "plans"
    __table_args__ = table_arguments(
        Index("plans_of_channel", "tenant_id", "channel_id", "state"),
        CheckConstraint("amount_minor > 0", name="plans_positive"),
        about="none",
        keep="forever",
    )
    channel_id: UUID
    title: str
    description: str
    rail: str
    currency: str
    amount_minor: int = amount_column()
    packs: list[str] = jsonb_column(list)
    state: str


class Subscription(CreatorOwnedRow, table=True):
    """A fan's subscription at the offered price, paid until `until`.

    An unpaid offer can be paid until `expires_at`. `first_charge` identifies the subscription at
    its platform.
    """

    __tablename__ = "subscriptions"
    __table_args__ = accounting_table_args(
        Index("subscriptions_of_fan", "tenant_id", "fan_id", "state"),
        Index("subscriptions_of_plan", "tenant_id", "plan_id", "state"),
        tenant_foreign_key("fan_id", "fans"),
        tenant_foreign_key("plan_id", "plans"),
    )
    fan_id: UUID
    conversation_id: UUID
    channel_id: UUID
    plan_id: UUID
    title: str
    rail: str
    currency: str
    amount_minor: int = amount_column()
    state: str
    expires_at: datetime = timestamp_column()
    checkout_at: datetime | None = timestamp_column(optional=True)
    until: datetime | None = timestamp_column(optional=True)
    first_charge: str = Field(default="")
    begun_at: datetime | None = timestamp_column(optional=True)
    stopped_at: datetime | None = timestamp_column(optional=True)


class SubscriptionMonth(CreatorOwnedRow, table=True):
    """A payment of a subscription, and the end of the period it pays for."""

    __tablename__ = "subscription_months"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "payment_id"),
        Index("subscription_months_of", "tenant_id", "subscription_id"),
        tenant_foreign_key("subscription_id", "subscriptions"),
        tenant_foreign_key("payment_id", "payments"),
    )
    subscription_id: UUID
    payment_id: UUID
    until: datetime = timestamp_column()


def get_subscription(scope: Scope, subscription_id: UUID, *, lock: bool = False) -> Subscription:
    """Return the current state of a subscription. Raises NotFound, also for another tenant's
    subscription."""
    statement = select(Subscription).where(
        Subscription.tenant_id == scope.tenant_id, Subscription.id == subscription_id
    )
    statement = statement.with_for_update() if lock else statement
    row = scope.session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound("subscription.unknown")
    return row


def subscription_of_payment(scope: Scope, payment_id: UUID) -> Subscription | None:
    """Return the subscription that a payment is a month of, or None."""
    found = scope.run(
        "SELECT subscription_id FROM subscription_months WHERE tenant_id = :tenant AND payment_id "
        "= :payment",
        tenant=scope.tenant_id,
        payment=payment_id,
    ).scalar()
    return get_subscription(scope, found) if found is not None else None


def paying_fans(scope: Scope, channels: Collection[UUID], *, only: str = "") -> list[str]:
    """Return the platform IDs of the fans with a paid subscription on these accounts. `only` limits
    the result to one fan; "" means all.

    A cancelled subscription counts until its end, and an active one also while its next month is
    awaited.
    """
    rows = scope.run(
        "SELECT DISTINCT i.native_id FROM subscriptions s JOIN fan_identities i ON i.tenant_id = "
        "s.tenant_id"
        " AND i.fan_id = s.fan_id AND i.channel_id = s.channel_id WHERE s.tenant_id = :tenant"
        " AND s.channel_id = ANY(:channels) AND s.state IN ('active', 'stopped')"
        " AND (CAST(:only AS text) = '' OR i.native_id = :only) ORDER BY i.native_id",
        tenant=scope.tenant_id,
        channels=list(channels),
        only=only,
    )
    return list(rows.scalars())


def announce_access_change(scope: Scope, row: Subscription) -> None:
    """Schedule a role check for a fan who starts or stops paying, if the account admits
    subscribers."""
    channel = queries.get_channel(scope, row.channel_id)
    if channel.options.get(ADMISSION_FIELD) != ADMITS_SUBSCRIBERS:
        return
    user_id = scope.run(
        "SELECT native_id FROM fan_identities WHERE tenant_id = :tenant AND fan_id = :fan AND "
        "channel_id = :channel",
        tenant=scope.tenant_id,
        fan=row.fan_id,
        channel=row.channel_id,
    ).scalar()
    if user_id is not None:
        outbox.put(scope, RoleCheckDue(scope.tenant_id, row.id, channel.platform, user_id))


def transition_subscription(scope: Scope, row: Subscription, after: SubscriptionState) -> None:
    """Change the state of a subscription that this transaction has locked. Raises Conflict for a
    transition that is not allowed."""
    if row.state != after:
        SUBSCRIPTION_STATES.check(SubscriptionState(row.state), after)
    row.state = str(after)
    scope.add(row)


def recompute_paid_until(scope: Scope, row: Subscription) -> None:
    """Set the end of the paid period to the latest of the months that are not refunded, in whatever
    order they were paid."""
    row.until = scope.run(
        "SELECT max(m.until) FROM subscription_months m LEFT JOIN refunds r ON r.tenant_id = "
        "m.tenant_id"
        " AND r.payment_id = m.payment_id AND r.state = 'done' WHERE m.tenant_id = :tenant"
        " AND m.subscription_id = :id AND r.id IS NULL",
        tenant=scope.tenant_id,
        id=row.id,
    ).scalar()
    scope.add(row)


def is_month_paid(scope: Scope, row: Subscription, until: datetime) -> bool:
    """Return True if the month that ends around `until` is paid, and no refund of it was
    requested."""
    found = scope.run(
        "SELECT 1 FROM subscription_months m LEFT JOIN refunds r ON r.tenant_id = m.tenant_id"
        " AND r.payment_id = m.payment_id AND r.state <> 'failed' WHERE m.tenant_id = :tenant"
        " AND m.subscription_id = :id AND r.id IS NULL AND m.until > :after AND m.until < :before",
        tenant=scope.tenant_id,
        id=row.id,
        after=until - SUBSCRIPTION_PERIOD / 2,
        before=until + SUBSCRIPTION_PERIOD / 2,
    )
    return found.scalar() is not None


def packs_opened_for_fan(scope: Scope, fan_id: UUID) -> list[UUID]:
    """Return the packs included in a fan's subscriptions now."""
    rows = scope.run(
        "SELECT DISTINCT CAST(opened.pack AS uuid) AS pack_id FROM subscriptions s JOIN plans p"
        " ON p.tenant_id = s.tenant_id AND p.id = s.plan_id CROSS JOIN LATERAL "
        "jsonb_array_elements_text(p.packs)"
        " AS opened (pack) WHERE s.tenant_id = :tenant AND s.fan_id = :fan AND s.state IN "
        "('active', 'stopped')"
        " AND s.until > :now ORDER BY pack_id",
        tenant=scope.tenant_id,
        fan=fan_id,
        now=scope.now,
    )
    return list(rows.scalars())


def record_month_refunded(scope: Scope, subscription_id: UUID) -> None:
    """Record the refund of a month. A subscription without any paid time left ends and no longer
    renews."""
    row = get_subscription(scope, subscription_id, lock=True)
    recompute_paid_until(scope, row)
    if row.until is not None and row.until > scope.now:
        return
    if row.state in (SubscriptionState.ACTIVE, SubscriptionState.STOPPED):
        end_subscription(scope, row)


def stop_all_subscriptions(scope: Scope, fan_id: UUID) -> None:
    """End all running subscriptions of a fan who is erased or may be a minor, and stop their
    renewal."""
    running = scope.session.exec(
        select(Subscription).where(
            Subscription.tenant_id == scope.tenant_id,
            Subscription.fan_id == fan_id,
            col(Subscription.state).in_((SubscriptionState.ACTIVE, SubscriptionState.STOPPED)),
        )
    ).all()
    for row in running:
        payer = scope.run(
            "SELECT native_id FROM fan_identities WHERE tenant_id = :tenant AND fan_id = :fan"
            " AND channel_id = :channel",
            tenant=scope.tenant_id,
            fan=fan_id,
            channel=row.channel_id,
        ).scalar()
        end_subscription(scope, row, payer=payer or "")


def end_subscription(scope: Scope, row: Subscription, *, payer: str = "") -> None:
    """End a subscription, and stop its renewal if the platform may still charge a month."""
    # Named by its charge: the fan may have subscribed again by the time the platform is called.
    if row.stopped_at is None and row.first_charge:
        stop = SubscriptionStop(scope.tenant_id, row.id, payer, row.first_charge)
        outbox.put(scope, stop, lane=f"order:{row.id}", priority=2)
    transition_subscription(scope, row, SubscriptionState.ENDED)
    for kind in (SubscriptionEnd.kind, SubscriptionNear.kind):
        outbox.cancel(scope, kind, row.id)
    scope.session.flush()
    announce_access_change(scope, row)
