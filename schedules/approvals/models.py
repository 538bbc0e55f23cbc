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
    """A verdict of a person on one digest of a post; append-only. Expired verdicts can be given
    again."""

    __tablename__ = "approvals"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        Index("approvals_said", "tenant_id", "post_id", "digest"),
        about="creator",
        keep="while the tenant exists",
    )
    post_id: UUID
    digest: str
    tier: int
    principal_id: UUID
    verdict: str
    note: str
    expires_at: datetime = timestamp_column()
    why: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Reason code of a rejection or change request, from `schedules/approvals/decisions.py`."""
    content: dict[str, Any] | None = Field(
        default=None, sa_type=JSONB(none_as_null=True), nullable=True
    )
    """The content at the time of the verdict, in the form of `schedules/approvals/revisions.py`."""


class PostComment(CreatorOwnedRow, table=True):
    """A review comment; `part` and `asset_id` are its anchor in the version `digest`."""

    __tablename__ = "comments"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        ForeignKeyConstraint(["tenant_id", "thread_id"], ["comments.tenant_id", "comments.id"]),
        Index("comments_post", "tenant_id", "post_id", "id"),
        about="creator",
        keep="while the tenant exists",
    )
    post_id: UUID
    thread_id: UUID | None = None
    """The comment it replies to; null for the first of a thread."""
    part: int = 0
    """0 is the post itself, then the further parts."""
    asset_id: UUID | None = None
    digest: str
    principal_id: UUID
    words: str
    named: list[str] = jsonb_column(list)
    """Principals that it mentions."""
    internal: bool = True
    """Only for members of the agency: neither the creator nor a client can read it. Replies inherit
    it."""
    resolved_at: datetime | None = timestamp_column(optional=True)
    resolved_by: UUID | None = None


class ApprovalLink(CreatorOwnedRow, table=True):
    """A link by which a client answers once for one version of a post; only digests are stored."""

    __tablename__ = "approval_links"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "token", name="approval_links_token"),
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        Index("approval_links_found", "token"),
        Index("approval_links_post", "tenant_id", "post_id", "id"),
        about="creator",
        keep="while the tenant exists",
    )
    post_id: UUID
    digest: str
    """The version it was created for. It shows and accepts nothing for another one."""
    token: str
    name: str
    """The client's name, as the creating member entered it."""
    principal_id: UUID
    """The client's principal. The same name for the same creator is the same person."""
    by: str
    expires_at: datetime = timestamp_column()
    session: str = ""
    """Digest of the session of the browser that opened it. It works in no other browser."""
    opened_at: datetime | None = timestamp_column(optional=True)
    ended: str = ""
    """yes, change, replaced, taken_back or moved; empty while it can be answered."""
    ended_at: datetime | None = timestamp_column(optional=True)
