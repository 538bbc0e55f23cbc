"""The room's event kinds: what looking at a demonstration asks of the workers."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class DemoSceneRequested:
    """Somebody opened Home in a demonstration, at `opened_at`: what a minute of work looks like
    begins."""

    kind: ClassVar[str] = "demo.scene"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    opened_at: datetime


@dataclass(frozen=True)
class DemoSceneStep:
    """A later moment of that minute: `fan` writes, `pictures` are asked for, and it is `over`."""

    kind: ClassVar[str] = "demo.scene_step"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    opened_at: datetime
    step: str
