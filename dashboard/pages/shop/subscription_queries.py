"""What the Shop page shows of subscriptions: plans with who pays for them, and what another one can
be made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.errors import NotFound
from studio.packs import packs
from studio.packs.packs import PackListing
from studio.packs.states import PackState
from subscribers.rails import installed_rails
from subscribers.subscriptions import plans, subscription_rows
from subscribers.subscriptions.plans import PlanSummary, RunningSubscription
from subscribers.subscriptions.subscription_rows import Subscription
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class SubscriptionsView:
    """A creator's plans and subscribers; `accounts` can sell another plan, that opens some of
    `wares`."""

    now: datetime
    creator: Creator
    standings: Sequence[PlanSummary]
    running: Sequence[RunningSubscription]
    accounts: Mapping[UUID, Channel]
    wares: Sequence[PackListing]


def load_subscriptions(scope: Scope, creator: Creator) -> SubscriptionsView:
    """A creator's plans and subscribers."""
    monthly = {
        platform
        for platform, terms in installed_rails.rail_terms_by_platform().items()
        if terms.monthly
    }
    channels = queries.list_creator_channels(scope, creator.id)
    return SubscriptionsView(
        now=scope.now,
        creator=creator,
        standings=plans.list_plan_summaries(scope, [creator.id]),
        running=plans.list_running_subscriptions(scope, [creator.id]),
        accounts={one.id: one for one in channels if one.chat_surface and one.platform in monthly},
        wares=packs.list_packs(scope, [creator.id], states=(PackState.ACTIVE,)),
    )


def require_own_plan(scope: Scope, page: PageContext, plan_id: UUID) -> UUID:
    """A plan of this member's creators. Raises NotFound; anybody else's looks like nobody's."""
    found = plans.get_plan(scope, plan_id)
    try:
        page.get_creator(scope, found.creator_id)
    except NotFound:
        raise NotFound("plan.unknown") from None
    return found.id


def require_own_subscription(
    scope: Scope, page: PageContext, subscription_id: UUID
) -> Subscription:
    """A subscription to one of this member's creators. Raises NotFound likewise."""
    found = subscription_rows.get_subscription(scope, subscription_id)
    try:
        page.get_creator(scope, found.creator_id)
    except NotFound:
        raise NotFound("subscription.unknown") from None
    return found
