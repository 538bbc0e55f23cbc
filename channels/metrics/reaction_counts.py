"""Numbers of posts that a platform tells by itself and answers to nobody: the last one told of each
post is kept.

Each tells how many there are in all, so what comes twice or late changes nothing: the newest
counts. What was never told of is not known; it is no zero.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlmodel import col, select

from channels.accounts.queries import Channel
from channels.metrics.models import ReactionCountRow
from connectors.contract.chats import ChatUpdate
from foundation.db.database import Scope
from foundation.ids import uuid7

REACTIONS_METRIC = "likes"
"""What reactions are counted as, as on other platforms; who reacted is not told, and not asked
for."""


_HEAR = """
INSERT INTO heard_counts AS h (tenant_id, id, channel_id, native_id, likes, at, number)
VALUES (:tenant, :id, :channel, :native, :likes, :at, :number)
ON CONFLICT (tenant_id, channel_id, native_id) DO UPDATE SET likes = EXCLUDED.likes, at =
EXCLUDED.at,
  number = EXCLUDED.number, updated_at = house_now()
WHERE (EXCLUDED.at, EXCLUDED.number) > (h.at, h.number)
"""


def store_reaction_count(scope: Scope, channel: Channel, update: ChatUpdate) -> None:
    """Keep how many reactions a message of the place that is posted to has; another place's are not
    ours."""
    if update.ref != channel.destination_id or update.at is None:
        return
    scope.run(
        _HEAR,
        tenant=scope.tenant_id,
        id=uuid7(),
        channel=channel.id,
        native=update.native_id,
        likes=update.amount_minor,
        at=update.at,
        number=int(update.key) if update.key.isdigit() else 0,
    )


def reaction_counts(
    scope: Scope, channel_id: UUID, messages: Collection[str]
) -> Mapping[str, int] | None:
    """The numbers of a post that stands as these messages, by metric; None where none of them was
    told of."""
    found = scope.session.exec(
        select(ReactionCountRow.likes).where(
            ReactionCountRow.tenant_id == scope.tenant_id,
            ReactionCountRow.channel_id == channel_id,
            col(ReactionCountRow.native_id).in_(list(messages)),
        )
    ).all()
    return {REACTIONS_METRIC: sum(found)} if found else None
