"""Event types of these tests, one for each queue they use, and functions that write outbox rows."""

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from foundation.outbox.outbox import Queue, put


@dataclass(frozen=True)
class PostDue:
    kind: ClassVar[str] = "test.post"
    queue: ClassVar[Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    note: str = ""


@dataclass(frozen=True)
class ChatDue:
    kind: ClassVar[str] = "test.chat"
    queue: ClassVar[Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    number: int


@dataclass(frozen=True)
class DayDue:
    kind: ClassVar[str] = "test.day"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    day: date
    offer_id: UUID | None = None
    label: str | None = None


@dataclass(frozen=True)
class Sold:
    """A test fact with an amount."""

    kind: ClassVar[str] = "test.sold"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    amount: int


@dataclass(frozen=True)
class CountSale:
    """Event created for each `Sold`, with its amount."""

    kind: ClassVar[str] = "test.count"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    amount: int


@dataclass(frozen=True)
class ThankBuyer:
    """Event created for each `Sold`, with its IDs only."""

    kind: ClassVar[str] = "test.thank"
    queue: ClassVar[Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


def put_chat(tenant: OpenScope, tenant_id: UUID, number: int, **options: Any) -> UUID | None:
    """Write one chat row in its own transaction."""
    with tenant(tenant_id, "system:test") as scope:
        return put(scope, ChatDue(tenant_id, uuid7(), number), **options)


def put_posts(tenant: OpenScope, tenant_id: UUID, count: int, **options: Any) -> list[UUID]:
    """Write `count` post rows in one transaction and return their subjects."""
    subjects = [uuid7() for _ in range(count)]
    with tenant(tenant_id, "system:test") as scope:
        for subject in subjects:
            put(scope, PostDue(tenant_id, subject), **options)
    return subjects


def count_states(tenant: OpenScope, tenant_id: UUID) -> dict[str, int]:
    """Return the number of outbox rows of the tenant in each state."""
    with tenant(tenant_id, "system:test") as scope:
        rows = scope.run("SELECT state, count(*) AS n FROM outbox GROUP BY state")
        return {row.state: row.n for row in rows}
