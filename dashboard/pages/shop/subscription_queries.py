"""Queries of the subscriptions view: plans with their subscribers, and the accounts and packs
available for a new plan."""

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
    """A creator's plans and subscribers. `accounts` can sell a new plan, which gives access to some
    of the packs in `wares`."""

    now: datetime
    creator: Creator
    standings: Sequence[PlanSummary]
    running: Sequence[RunningSubscription]
    accounts: Mapping[UUID, Channel]
    wares: Sequence[PackListing]


def load_subscriptions(scope: Scope, creator: Creator) -> SubscriptionsView:
    """Return a creator's plans and subscribers."""
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
    """Return the ID of a plan of one of the member's creators.

    Raise NotFound for any other plan, so that the response does not reveal whether it exists.
    """
    found = plans.get_plan(scope, plan_id)
    try:
        page.get_creator(scope, found.creator_id)
    except NotFound:
        raise NotFound("plan.unknown") from None
    return found.id


def require_own_subscription(
    scope: Scope, page: PageContext, subscription_id: UUID
) -> Subscription:
    """Return a subscription to one of the member's creators. Raise NotFound for any other
    subscription."""
    found = subscription_rows.get_subscription(scope, subscription_id)
    try:
        page.get_creator(scope, found.creator_id)
    except NotFound:
        raise NotFound("subscription.unknown") from None
    return found
