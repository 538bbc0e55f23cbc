"""Tables of approvals: verdicts, review comments, and links for clients."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

import schedules.posts.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import CreatorOwnedRow, jsonb_column, table_arguments, timestamp_column


class Approval(CreatorOwnedRow, table=True):
    """A person's word on one digest of a post; append-only. A word that has run out may be said
    again."""

    __tablename__ = "approvals"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        Index("approvals_said", "tenant_id", "post_id", "digest"),
        about="creator",
        keep="while the tenant is here",
    )
    post_id: UUID
    digest: str
    tier: int
    principal_id: UUID
    verdict: str
    note: str
    expires_at: datetime = timestamp_column()
    why: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Of a no, or a wish for a change: a code of `schedules/approvals/decisions.py`."""
    content: dict[str, Any] | None = Field(
        default=None, sa_type=JSONB(none_as_null=True), nullable=True
    )
    """What the post said then: `schedules/approvals/revisions.py` reads and writes it."""


class PostComment(CreatorOwnedRow, table=True):
    """What a member said about a post; `part` and `asset_id` are what of it was meant, in the
    version of `digest`."""

    __tablename__ = "comments"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        ForeignKeyConstraint(["tenant_id", "thread_id"], ["comments.tenant_id", "comments.id"]),
        Index("comments_post", "tenant_id", "post_id", "id"),
        about="creator",
        keep="while the tenant is here",
    )
    post_id: UUID
    thread_id: UUID | None = None
    """What it answers; nothing of one that began."""
    part: int = 0
    """0 is the post itself, then what follows it."""
    asset_id: UUID | None = None
    digest: str
    principal_id: UUID
    words: str
    named: list[str] = jsonb_column(list)
    """Principals it is addressed to."""
    internal: bool = True
    """For who works here alone: neither the creator nor a client reads it. Answers are as what they
    answer."""
    resolved_at: datetime | None = timestamp_column(optional=True)
    resolved_by: UUID | None = None


class ApprovalLink(CreatorOwnedRow, table=True):
    """A link by which somebody without an account answers once for one version of a post; only
    digests are kept."""

    __tablename__ = "approval_links"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "token", name="approval_links_token"),
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        Index("approval_links_found", "token"),
        Index("approval_links_post", "tenant_id", "post_id", "id"),
        about="creator",
        keep="while the tenant is here",
    )
    post_id: UUID
    digest: str
    """The version it was made for: of another one nothing is shown, and nothing is answered."""
    token: str
    name: str
    """Whom it was made for, as the member who made it calls them."""
    principal_id: UUID
    """Who that is for us: the same name of one creator is the same person."""
    by: str
    expires_at: datetime = timestamp_column()
    session: str = ""
    """The browser it was opened in; nobody else's opens it afterwards."""
    opened_at: datetime | None = timestamp_column(optional=True)
    ended: str = ""
    """yes, change, replaced, taken_back or moved; nothing while it may be answered."""
    ended_at: datetime | None = timestamp_column(optional=True)
