"""Reposts: publish a published post again on the same account, as a separate delivery."""

from collections.abc import Mapping
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from connectors.contract.connector import Connector
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, Refused
from foundation.ops.wall_time import WallTime
from schedules.approvals import decisions, time_changes
from schedules.downtime.misfires import original_occurrence_key
from schedules.drafts import duplicates
from schedules.posts import deliveries
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from tenants import audit

REPOSTABLE_STATES = frozenset({DeliveryState.PUBLISHED, DeliveryState.REMOVED})
"""States of a delivery that was published."""

WAITING = frozenset(
    {
        DeliveryState.DRAFT,
        DeliveryState.APPROVED,
        DeliveryState.SCHEDULED,
        DeliveryState.HELD,
        DeliveryState.PUBLISHING,
        DeliveryState.PROCESSING,
        DeliveryState.UNCERTAIN,
    }
)
"""States of a repost that is requested and not published yet."""


def repost_delivery(
    scope: Scope, delivery_id: UUID, *, at: WallTime, connectors: Mapping[str, Connector]
) -> UUID:
    """Create a repost at a local time and return its ID. It is scheduled if the post is approved.

    Raises Conflict if the delivery was not published or another repost is waiting, BadInput for a
    time in the past, Refused if the platform never accepts the same text twice.
    """
    row = get_delivery(scope, delivery_id)
    if row.state not in REPOSTABLE_STATES:
        raise Conflict("delivery.not_posted")
    owner = deliveries.get_post(scope, row.post_id)
    late = deliveries.late_deadline(owner, at.instant(), at.zone)
    if late is not None and late < scope.now:
        raise BadInput("delivery.time_passed")
    first = original_occurrence_key(row.occurrence_key)
    if _has_pending_repost(scope, row, first):
        raise Conflict("delivery.again_waits")
    time_changes.reopen_time_approval(scope, row, at.instant())
    # The occurrence key is unique for each post and channel, so a repost needs a new one.
    key = next_repost_key(scope, row.post_id, row.channel_id, first)
    made = deliveries.create_delivery(
        scope, row.post_id, row.channel_id, at=at, occurrence_key=key, variant=row.variant
    )
    if any(
        one.refused
        for one in duplicates.find_delivery_duplicates(scope, made, connectors=connectors)
    ):
        raise Refused(
            "delivery.never_twice", account=queries.get_channel(scope, row.channel_id).name
        )
    audit.record(scope, "delivery.once_more", f"delivery:{made}", first=str(delivery_id))
    if decisions.is_approved(scope, owner, scope.now):
        # The graph has no edge from DRAFT to SCHEDULED.
        new = get_delivery(scope, made)
        transition_delivery(scope, new, DeliveryState.APPROVED)
        deliveries.schedule_approved(scope, [new])
    return made


def next_repost_key(scope: Scope, post_id: UUID, channel_id: UUID, key: str) -> str:
    """Return an unused occurrence key for a repost on the account: `again-1`, `again-2` …"""
    used = set(
        scope.session.exec(
            select(Delivery.occurrence_key).where(
                Delivery.tenant_id == scope.tenant_id,
                Delivery.post_id == post_id,
                Delivery.channel_id == channel_id,
            )
        )
    )
    further = (f"{key}{'.' * bool(key)}again-{number}" for number in range(1, len(used) + 2))
    return next(one for one in further if one not in used)


def _has_pending_repost(scope: Scope, row: Delivery, first: str) -> bool:
    rows = scope.session.exec(
        select(Delivery.occurrence_key).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.post_id == row.post_id,
            Delivery.channel_id == row.channel_id,
            Delivery.id != row.id,
            col(Delivery.state).in_(sorted(map(str, WAITING))),
        )
    )
    return any(key != first and original_occurrence_key(key) == first for key in rows)
