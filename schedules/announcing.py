"""What the agency's own systems hear of posts: ids, states, times and links, in the transaction that made it so."""

from foundation.database import Scope
from schedules.models import Delivery, Post
from schedules.states import DeliveryState
from tenants import hooks

S = DeliveryState
TOLD = frozenset({S.PUBLISHED, S.FAILED, S.HELD, S.UNCERTAIN, S.BROKEN_OFF, S.CANCELLED, S.REMOVED})
"""States somebody outside waits for; the steps between them are read where they are wanted."""


def moved(scope: Scope, row: Delivery, before: DeliveryState) -> None:
    """A delivery came to a state."""
    if row.state not in TOLD:
        return
    hooks.tell(
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


def approved(scope: Scope, row: Post) -> None:
    """Everybody who is asked has said yes to a post as it stands."""
    hooks.tell(scope, "post.approved", creator_id=row.creator_id, post_id=row.id)
