"""Event of intake: a fan answered the age check."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class AgeCheckAnswered:
    """A fan's check of age has its end (`age.answered`): tell them in the chat they asked for it
    in."""

    kind: ClassVar[str] = "chat.age"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    channel_id: UUID
    user_id: str
    state: str
