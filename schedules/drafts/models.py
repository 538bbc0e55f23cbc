"""Table of duplicate waivers: a member allowed a delivery to repeat a post."""

from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint

import schedules.posts.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import CreatorOwnedRow, table_arguments


class DuplicateWaiver(CreatorOwnedRow, table=True):
    """A person's word that a delivery may leave although it repeats a post, both as they were then;
    append-only."""

    __tablename__ = "repeat_words"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(
            ["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.id"]
        ),
        UniqueConstraint("tenant_id", "delivery_id", "digest", "like_id", "like_digest"),
        about="creator",
        keep="while the tenant is here",
    )
    delivery_id: UUID
    digest: str
    like_id: UUID
    """The post it repeats."""
    like_digest: str
    by: str
