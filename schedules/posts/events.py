"""Event kinds of posts; their handlers are in `schedules/publishing/handlers.py`."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class PublishDue:
    """A delivery is due."""

    kind: ClassVar[str] = "delivery.publish"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class PreflightDue:
    """A preflight check of a delivery is due: a day before its time, and ten minutes before."""

    kind: ClassVar[str] = "delivery.preflight"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class StageDue:
    """The uploads of a delivery are due, ten minutes before its time. Lane `stage:<channel>`.

    Only the request that publishes remains after them.
    """

    kind: ClassVar[str] = "delivery.stage"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ReconcileDue:
    """The outcome of a delivery whose response was lost must be looked up."""

    kind: ClassVar[str] = "delivery.reconcile"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ExtendDue:
    """The next deliveries of a series must be created; the subject is the series."""

    kind: ClassVar[str] = "series.extend"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
