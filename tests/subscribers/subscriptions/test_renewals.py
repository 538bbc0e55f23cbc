"""Renewals by month: a renewal within three days counts, months are local, and churn needs a month
that is over."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from uuid import UUID

import pytest

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from subscribers.conversations.models import Conversation
from subscribers.fans.models import Fan
from subscribers.orders.models import Payment
from subscribers.subscriptions import renewals
from subscribers.subscriptions.subscription_rows import Plan, Subscription, SubscriptionMonth
from tenants.agencies import agencies
from tenants.agencies.queries import Creator
from tests.subscribers.sales_builders import ZONES, add_channel, add_creators

MONTH = timedelta(days=30)


@dataclass
class Subscribers:
    """A creator with a plan, and subscriptions that begin when a test says."""

    scope: Scope
    creator: Creator

    def subscribe(self, begun: datetime, *, months: int = 1) -> UUID:
        """Add a subscription that was paid for some months without a gap."""
        scope, creator_id = self.scope, self.creator.id
        own = {"tenant_id": scope.tenant_id, "creator_id": creator_id}
        fan = Fan(**own, id=uuid7(), display_name="Paul", language="fr")
        price = {"title": "Circle", "rail": "stars", "currency": "XTR", "amount_minor": 300}
        channel = add_channel(scope, self.creator)
        plan = Plan(
            **own, **price, id=uuid7(), channel_id=channel, description="", packs=[], state="active"
        )
        scope.add(fan, plan)
        scope.session.flush()
        talk = Conversation(
            **own, id=uuid7(), fan_id=fan.id, channel_id=channel, owner="bot", language="fr"
        )
        scope.add(talk)
        scope.session.flush()
        row = Subscription(
            **own,
            **price,
            id=uuid7(),
            fan_id=fan.id,
            conversation_id=talk.id,
            channel_id=channel,
            plan_id=plan.id,
            state="active",
            expires_at=begun,
            begun_at=begun,
            until=begun + months * MONTH,
        )
        scope.add(row)
        scope.session.flush()
        for number in range(months):
            payment = Payment(
                **own,
                id=uuid7(),
                rail="stars",
                account="x",
                channel_id=channel,
                charge_id=str(uuid7()),
                fan_id=fan.id,
                payer="1",
                amount_minor=300,
                currency="XTR",
                product="",
                kind="matched",
                at=begun + number * MONTH,
            )
            scope.add(payment)
            scope.session.flush()
            until = begun + (number + 1) * MONTH
            scope.add(
                SubscriptionMonth(**own, subscription_id=row.id, payment_id=payment.id, until=until)
            )
        scope.session.flush()
        return row.id


def test_months_count_started_renewed_and_ended(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Lumière", language="fr", zone=ZONES[0])
        creator, other = add_creators(scope)
        people = Subscribers(scope, creator)
        # 31 January 23:30 UTC is 1 February in Paris; paid for February, ended on 5 March.
        people.subscribe(datetime(2025, 1, 31, 23, 30, tzinfo=UTC))
        # Paid for three months: renewed in February and March, ended on 7 April.
        people.subscribe(datetime(2025, 1, 4, tzinfo=UTC), months=3)
        found = renewals.load_renewals(scope, [creator], date(2025, 1, 9), date(2025, 5, 1))
        assert renewals.load_renewals(scope, [other], date(2025, 1, 9), date(2025, 5, 1)) == []
    counts = [(one.running, one.started, one.renewed, one.ended) for one in found]
    assert counts == [(0, 1, 0, 0), (1, 1, 1, 0), (2, 0, 1, 1), (1, 0, 0, 1), (0, 0, 0, 0)]
    assert [one.churn for one in found] == [None, 0, Fraction(1, 2), 1, None]


@pytest.mark.parametrize(("days_ago", "ended"), [(32, 0), (34, 1)])
def test_subscription_ends_after_its_grace(
    tenant: OpenScope, tenant_id: UUID, days_ago: int, ended: int
) -> None:
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Lumière", language="fr", zone=ZONES[0])
        creator, _ = add_creators(scope)
        Subscribers(scope, creator).subscribe(scope.now - timedelta(days=days_ago))
        today = scope.now.date()
        found = renewals.load_renewals(scope, [creator], today - timedelta(days=90), today)
    assert sum(one.ended for one in found) == ended
    assert found[-1].churn is None, "the current month is not over"
