"""Event of remote workers: a submitted image to ingest."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class RemotePictureDue:
    """An image submitted by a remote worker is to be ingested."""

    kind: ClassVar[str] = "picture.home"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
