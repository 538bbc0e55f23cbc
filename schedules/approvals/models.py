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
    """A person's verdict on one digest of a post; append-only. An expired verdict can be given
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
    """A review comment; `part` and `asset_id` locate it in the version `digest`."""

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
    """The first comment of the thread; null for that comment itself."""
    part: int = 0
    """The part of the post that the comment is about: 0 is the post itself, higher numbers its
    further parts."""
    asset_id: UUID | None = None
    digest: str
    principal_id: UUID
    words: str
    named: list[str] = jsonb_column(list)
    """Principals mentioned in the comment."""
    internal: bool = True
    """True if only members of the agency can read it, neither the creator nor a client. Replies
    inherit the value."""
    resolved_at: datetime | None = timestamp_column(optional=True)
    resolved_by: UUID | None = None
    """The principal who resolved the thread."""


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
    """The version it was created for. The link shows no other version and accepts no answer for
    one."""
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
    """The way in which it ended: yes, change, replaced, taken_back or moved; empty while it can be
    answered."""
    ended_at: datetime | None = timestamp_column(optional=True)
