"""Plans: the monthly price on one account, and the packs included while it is paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from foundation.money import Money
from gate.contract.units import Rating, highest_rating
from studio.packs import packs
from studio.packs.packs import PackView
from subscribers.rails import installed_rails
from subscribers.rails.contract import SUBSCRIPTION_PERIOD
from subscribers.rails.price_text import format_price
from subscribers.subscriptions.subscription_rows import Plan

MAX_PLAN_TITLE_LENGTH = packs.MAX_TITLE
MAX_PLAN_DESCRIPTION_LENGTH = packs.MAX_DESCRIPTION
MAX_PACKS_PER_PLAN = 12

PLAN_ACTIVE = "active"
RETIRED = "retired"


@dataclass(frozen=True)
class PlanSummary:
    """A plan in the list: its paying fans (`active`), those of them who cancelled (`stopped`), and
    those lost within the last period (`lost`)."""

    id: UUID
    creator_id: UUID
    account: str
    title: str
    price: Money
    packs: int
    state: str
    active: int
    stopped: int
    lost: int

    @property
    def monthly(self) -> Money:
        """The expected renewals of one period."""
        return Money(self.price.minor * (self.active - self.stopped), self.price.currency)


@dataclass(frozen=True)
class RunningSubscription:
    """A paid subscription. `state` is active if it renews, or stopped."""

    id: UUID
    fan_id: UUID
    fan: str
    title: str
    price: Money
    state: str
    until: datetime | None


def create_plan(
    scope: Scope,
    *,
    creator_id: UUID,
    channel_id: UUID,
    title: str,
    description: str,
    price_minor: int,
    opens: Sequence[UUID],
) -> UUID:
    """Create a plan on an account at a price in its rail's minor units. Return its ID.

    Raises BadInput, and NotFound for an account or a pack of another creator, or an account without
    monthly payments.
    """
    channel = queries.get_channel(scope, channel_id)
    rail = installed_rails.rail_terms_by_platform().get(channel.platform)
    if (
        channel.creator_id != creator_id
        or rail is None
        or not rail.monthly
        or not channel.chat_surface
    ):
        raise NotFound("plan.not_here")
    if (
        not 0 < len(title) <= MAX_PLAN_TITLE_LENGTH
        or not 0 < len(description) <= MAX_PLAN_DESCRIPTION_LENGTH
    ):
        raise BadInput(
            "plan.invalid", title=MAX_PLAN_TITLE_LENGTH, description=MAX_PLAN_DESCRIPTION_LENGTH
        )
    if not rail.least <= price_minor <= rail.monthly:
        most = format_price(Money(rail.monthly, rail.currency))
        raise BadInput(
            "plan.price", least=format_price(Money(rail.least, rail.currency)), most=most
        )
    chosen = [packs.get_pack(scope, one) for one in dict.fromkeys(opens)]
    if not 0 < len(chosen) <= MAX_PACKS_PER_PLAN:
        raise BadInput("plan.packs", most=MAX_PACKS_PER_PLAN)
    if any(pack.creator_id != creator_id for pack in chosen):
        raise NotFound("pack.unknown")
    row = Plan(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=creator_id,
        channel_id=channel_id,
        title=title,
        description=description,
        rail=rail.name,
        currency=rail.currency,
        amount_minor=price_minor,
        packs=[str(pack.id) for pack in chosen],
        state=PLAN_ACTIVE,
    )
    scope.add(row)
    return row.id


def retire_plan(scope: Scope, plan_id: UUID) -> None:
    """Stop selling a plan; existing subscriptions continue to renew. Raises NotFound."""
    row = get_plan(scope, plan_id)
    row.state = RETIRED
    scope.add(row)


def get_plan(scope: Scope, plan_id: UUID) -> Plan:
    """Return a plan. Raises NotFound, also for another tenant's plan."""
    row = scope.session.exec(
        select(Plan).where(Plan.tenant_id == scope.tenant_id, Plan.id == plan_id)
    ).one_or_none()
    if row is None:
        raise NotFound("plan.unknown")
    return row


def list_plans_on_sale(scope: Scope, channel_id: UUID) -> list[Plan]:
    """Return the plans on sale on an account, cheapest first."""
    rows = scope.session.exec(
        select(Plan)
        .where(
            Plan.tenant_id == scope.tenant_id,
            Plan.channel_id == channel_id,
            Plan.state == PLAN_ACTIVE,
        )
        .order_by(col(Plan.amount_minor), col(Plan.id))
    )
    return list(rows)


def packs_of_plan(scope: Scope, plan: Plan) -> list[PackView]:
    """Return the packs included in a plan."""
    return [packs.get_pack(scope, UUID(one)) for one in plan.packs]


def plan_rating(found: Sequence[PackView]) -> Rating:
    """Return the highest rating of these packs."""
    return highest_rating([pack.rating for pack in found])


def list_plan_summaries(scope: Scope, creators: Sequence[UUID]) -> list[PlanSummary]:
    """Return all plans of these creators with their numbers of fans, those on sale first."""
    rows = scope.run(
        "SELECT p.id, p.creator_id, p.channel_id, p.title, p.amount_minor, p.currency, p.state,"
        " jsonb_array_length(p.packs) AS packs, count(s.id) FILTER (WHERE s.state = 'active') AS "
        "renewing,"
        " count(s.id) FILTER (WHERE s.state = 'stopped') AS stopped,"
        " count(s.id) FILTER (WHERE s.state = 'ended' AND s.updated_at > :since) AS lost"
        " FROM plans p LEFT JOIN subscriptions s ON s.tenant_id = p.tenant_id AND s.plan_id = p.id"
        " WHERE p.tenant_id = :tenant AND p.creator_id = ANY(:creators) GROUP BY p.tenant_id, p.id"
        " ORDER BY p.state, p.created_at, p.id",
        tenant=scope.tenant_id,
        creators=list(creators),
        since=scope.now - SUBSCRIPTION_PERIOD,
    ).all()
    accounts = {
        one: queries.get_channel(scope, one).account for one in {row.channel_id for row in rows}
    }
    return [
        PlanSummary(
            id=row.id,
            creator_id=row.creator_id,
            account=accounts[row.channel_id],
            title=row.title,
            price=Money(row.amount_minor, row.currency),
            packs=row.packs,
            state=row.state,
            active=row.renewing + row.stopped,
            stopped=row.stopped,
            lost=row.lost,
        )
        for row in rows
    ]


def list_running_subscriptions(
    scope: Scope, creators: Sequence[UUID], *, most: int = 60
) -> list[RunningSubscription]:
    """Return the paid subscriptions to these creators, those that end soonest first."""
    rows = scope.run(
        "SELECT s.id, s.fan_id, f.display_name, s.title, s.amount_minor, s.currency, s.state, "
        "s.until"
        " FROM subscriptions s JOIN fans f ON f.tenant_id = s.tenant_id AND f.id = s.fan_id"
        " WHERE s.tenant_id = :tenant AND s.creator_id = ANY(:creators) AND s.state IN ('active', "
        "'stopped')"
        " ORDER BY s.until, s.id LIMIT :most",
        tenant=scope.tenant_id,
        creators=list(creators),
        most=most,
    )
    return [
        RunningSubscription(
            id=row.id,
            fan_id=row.fan_id,
            fan=row.display_name,
            title=row.title,
            price=Money(row.amount_minor, row.currency),
            state=row.state,
            until=row.until,
        )
        for row in rows
    ]
