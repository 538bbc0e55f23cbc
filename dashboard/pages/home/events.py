"""Events of demo scenes, sent from the dashboard to the workers."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class DemoSceneRequested:
    """A member opened the home page of a demo agency at `opened_at`, which starts a scene."""

    kind: ClassVar[str] = "demo.scene"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    opened_at: datetime


@dataclass(frozen=True)
class DemoSceneStep:
    """A later step of a scene: `fan` sends a message, `pictures` requests generation, `over` ends
    the scene."""

    kind: ClassVar[str] = "demo.scene_step"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    opened_at: datetime
    step: str
