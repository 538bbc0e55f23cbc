"""Events of voice: a text to speak, and a voice catalog to refresh."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class SpeechDue:
    """A text is to be spoken."""

    kind: ClassVar[str] = "speech.say"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class VoiceCatalogDue:
    """The voice catalog is to be refreshed; both IDs are the tenant's."""

    kind: ClassVar[str] = "voices.list"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
