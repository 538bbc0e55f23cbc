"""Numbers of posts that a platform tells by itself and answers to nobody: the last one told of each post is kept.

Each tells how many there are in all, so what comes twice or late changes nothing: the newest counts. What was never
told of is not known; it is no zero.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, col, select

from channels.models import of_channel
from channels.reads import Channel
from connectors.contract import Update
from foundation.database import Scope, TenantRow, instant, table
from foundation.ids import uuid7

METRIC = "likes"
"""What reactions are counted as, as on other platforms; who reacted is not told, and not asked for."""


class HeardCountRow(TenantRow, table=True):
    """How many reactions one message of a place has, as of `at`; `number` orders what was told of one second."""

    __tablename__ = "heard_counts"
    __table_args__ = table(
        UniqueConstraint("tenant_id", "channel_id", "native_id", name="heard_counts_once"),
        of_channel(),
        about="creator",
        keep="400 days",
    )
    channel_id: UUID
    native_id: str
    likes: int = Field(sa_type=BigInteger)
    at: datetime = instant()
    number: int = Field(sa_type=BigInteger)


_HEAR = """
INSERT INTO heard_counts AS h (tenant_id, id, channel_id, native_id, likes, at, number)
VALUES (:tenant, :id, :channel, :native, :likes, :at, :number)
ON CONFLICT (tenant_id, channel_id, native_id) DO UPDATE SET likes = EXCLUDED.likes, at = EXCLUDED.at,
  number = EXCLUDED.number, updated_at = house_now()
WHERE (EXCLUDED.at, EXCLUDED.number) > (h.at, h.number)
"""


def hear(scope: Scope, channel: Channel, update: Update) -> None:
    """Keep how many reactions a message of the place that is posted to has; another place's are not ours."""
    if update.ref != channel.destination or update.at is None:
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


def told(scope: Scope, channel_id: UUID, messages: Collection[str]) -> Mapping[str, int] | None:
    """The numbers of a post that stands as these messages, by metric; None where none of them was told of."""
    found = scope.session.exec(
        select(HeardCountRow.likes).where(
            HeardCountRow.tenant_id == scope.tenant_id,
            HeardCountRow.channel_id == channel_id,
            col(HeardCountRow.native_id).in_(list(messages)),
        )
    ).all()
    return {METRIC: sum(found)} if found else None
