"""Event of intake: a fan completed the age check."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class AgeCheckAnswered:
    """An age check ended (`age.answered`): inform the fan in the chat where they requested it."""

    kind: ClassVar[str] = "chat.age"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    channel_id: UUID
    user_id: str
    state: str
