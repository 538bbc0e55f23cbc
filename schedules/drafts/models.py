"""Tables of duplicate waivers, of unsaved composer fields and of saved snippets."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field

import schedules.posts.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import CreatorOwnedRow, TenantRow, jsonb_column, table_arguments


class DuplicateWaiver(CreatorOwnedRow, table=True):
    """A member's permission for a delivery to repeat a post, with the digests of both;
    append-only."""

    __tablename__ = "repeat_words"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(
            ["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.id"]
        ),
        UniqueConstraint("tenant_id", "delivery_id", "digest", "like_id", "like_digest"),
        about="creator",
        keep="while the tenant exists",
    )
    delivery_id: UUID
    digest: str
    like_id: UUID
    """The post that the delivery may repeat."""
    like_digest: str
    by: str


class UnsavedPost(CreatorOwnedRow, table=True):
    """The unsaved composer fields of a member for one post."""

    __tablename__ = "unsaved_posts"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "member_id", "subject_id"),
        about="creator",
        keep="until saved, 90 days at most",
    )
    member_id: UUID
    subject_id: UUID
    """The ID of the edited post, or the temporary ID of a new one."""
    is_new: bool
    fields: dict[str, Any] = jsonb_column()
    """Values by field name."""
    seen: str = ""
    """Digest of the post's content when it was opened."""
    version: int = Field(default=1, sa_type=BigInteger)
    """Number of the stored state. A window that knows an earlier one does not overwrite it."""


class SnippetRow(TenantRow, table=True):
    """A text or a set of hashtags that members insert into posts, of one creator or of the
    agency."""

    __tablename__ = "snippets"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "name", postgresql_nulls_not_distinct=True),
        about="creator",
        keep="while the tenant exists",
    )
    creator_id: UUID | None = None
    kind: str
    """"text" or "hashtags"."""
    name: str
    text: str
