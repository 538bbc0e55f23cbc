"""Table of imported files, with the findings of their validation."""

from typing import Any

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import Field

import schedules.posts.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import TenantRow, jsonb_column, message_column, table_arguments


class Import(TenantRow, table=True):
    """An uploaded file of posts, the findings of its validation, and its outcome."""

    __tablename__ = "imports"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", "turn"), about="creator", keep="1 year"
    )
    by: str
    """The actor who uploaded it, and the author of its posts."""
    name: str
    creators: list[str] = jsonb_column(list)
    """Creators whose posts the file can contain: before validation those of the uploader,
    afterwards those that the file names."""
    digest: str
    """SHA-256 of the file: the same file is the same import, except after an undo."""
    turn: int = 1
    content: bytes = Field(sa_type=LargeBinary)
    """The file, until its posts are written."""
    state: str = "waiting"
    plan: bool = False
    """True if posts that need no approval are scheduled instead of staying drafts."""
    done: int = 0
    lines: int = 0
    problems: int = 0
    marks: int = 0
    report: list[dict[str, Any]] = jsonb_column(list)
    reason: dict[str, Any] | None = message_column()
    posts: int = 0
    taken: int = 0
    left_before: int = 0
