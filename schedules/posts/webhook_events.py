"""Webhook events of posts, recorded in the transaction of the change: IDs, states, times and
links."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from schedules.posts.models import Delivery, Post
from schedules.posts.states import DeliveryState
from tenants.webhooks.outgoing_calls import has_listener, record_webhook_event

TOLD = frozenset(
    {
        DeliveryState.PUBLISHED,
        DeliveryState.FAILED,
        DeliveryState.HELD,
        DeliveryState.UNCERTAIN,
        DeliveryState.BROKEN_OFF,
        DeliveryState.CANCELLED,
        DeliveryState.REMOVED,
    }
)
"""States that webhooks announce. The steps between them can be read through the API."""


def announce_transition(scope: Scope, row: Delivery, before: DeliveryState) -> None:
    """Record the webhook event of a delivery's new state."""
    if row.state not in TOLD:
        return
    record_webhook_event(
        scope,
        f"delivery.{row.state}",
        creator_id=row.creator_id,
        delivery_id=row.id,
        post_id=row.post_id,
        channel_id=row.channel_id,
        state=str(row.state),
        before=str(before),
        due_at=row.due_at,
        url=row.url,
    )


def announce_cancellations(scope: Scope, deliveries: Sequence[tuple[UUID, DeliveryState]]) -> None:
    """Record events of many cancelled deliveries, given with their previous states.

    No rows are read if no webhook is subscribed.
    """
    if not (deliveries and has_listener(scope, f"delivery.{DeliveryState.CANCELLED}")):
        return
    before = dict(deliveries)
    rows = select(Delivery).where(
        Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(list(before))
    )
    for row in scope.session.exec(
        rows.order_by(col(Delivery.id)).execution_options(populate_existing=True)
    ).all():
        announce_transition(scope, row, before[row.id])


def announce_approval(scope: Scope, row: Post) -> None:
    """Record that a post has every approval it needs."""
    record_webhook_event(scope, "post.approved", creator_id=row.creator_id, post_id=row.id)
