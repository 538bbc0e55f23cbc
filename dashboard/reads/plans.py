"""What the Shop page shows of subscriptions: plans with who pays for them, and what another one can be made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from channels import reads as channel_reads
from channels.reads import Channel
from dashboard.frame import Page
from foundation.database import Scope
from foundation.errors import NotFound
from studio import packs
from studio.packs import Ware
from studio.states import PackState
from subscribers import plans, subscribing
from subscribers.plans import Running, Standing
from subscribers.rails import registry
from subscribers.subscribing import Subscription
from tenants.reads import Creator


@dataclass(frozen=True)
class Circle:
    """A creator's plans and subscribers; `accounts` can sell another plan, that opens some of `wares`."""

    now: datetime
    creator: Creator
    standings: Sequence[Standing]
    running: Sequence[Running]
    accounts: Mapping[UUID, Channel]
    wares: Sequence[Ware]


def circle(scope: Scope, creator: Creator) -> Circle:
    """A creator's plans and subscribers."""
    monthly = {platform for platform, terms in registry.terms().items() if terms.monthly}
    channels = channel_reads.channels_of(scope, creator.id)
    return Circle(
        now=scope.now,
        creator=creator,
        standings=plans.standings(scope, [creator.id]),
        running=plans.running(scope, [creator.id]),
        accounts={one.id: one for one in channels if one.chat_surface and one.platform in monthly},
        wares=packs.wares(scope, [creator.id], states=(PackState.ACTIVE,)),
    )


def plan(scope: Scope, page: Page, plan_id: UUID) -> UUID:
    """A plan of this member's creators. Raises NotFound; anybody else's looks like nobody's."""
    found = plans.find(scope, plan_id)
    try:
        page.my(scope, found.creator_id)
    except NotFound:
        raise NotFound("plan.unknown") from None
    return found.id


def subscription(scope: Scope, page: Page, subscription_id: UUID) -> Subscription:
    """A subscription to one of this member's creators. Raises NotFound likewise."""
    found = subscribing.find(scope, subscription_id)
    try:
        page.my(scope, found.creator_id)
    except NotFound:
        raise NotFound("subscription.unknown") from None
    return found
