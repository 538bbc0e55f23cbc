"""Reaction counts that a platform only pushes: the latest one of each post is stored.

Each update contains the total, so repeated and late updates do no harm: the newest counts. A post
without an update has an unknown count, not zero.
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
"""Metric of reactions, as on other platforms. The people who reacted are neither reported nor
requested."""


_HEAR = """
INSERT INTO heard_counts AS h (tenant_id, id, channel_id, native_id, likes, at, number)
VALUES (:tenant, :id, :channel, :native, :likes, :at, :number)
ON CONFLICT (tenant_id, channel_id, native_id) DO UPDATE SET likes = EXCLUDED.likes, at =
EXCLUDED.at,
  number = EXCLUDED.number, updated_at = house_now()
WHERE (EXCLUDED.at, EXCLUDED.number) > (h.at, h.number)
"""


def store_reaction_count(scope: Scope, channel: Channel, update: ChatUpdate) -> None:
    """Store the reaction count of a message at the account's destination. Updates of other
    destinations are ignored."""
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
    """Return the counts of a post that consists of these messages, by metric, or None without any
    update."""
    found = scope.session.exec(
        select(ReactionCountRow.likes).where(
            ReactionCountRow.tenant_id == scope.tenant_id,
            ReactionCountRow.channel_id == channel_id,
            col(ReactionCountRow.native_id).in_(list(messages)),
        )
    ).all()
    return {REACTIONS_METRIC: sum(found)} if found else None
