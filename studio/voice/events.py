"""Events of voice: a text to speak, and a voice catalog to refresh."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class SpeechDue:
    """A text waits to be said."""

    kind: ClassVar[str] = "speech.say"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class VoiceCatalogDue:
    """Somebody wants to know which voices there are; both ids are the tenant's."""

    kind: ClassVar[str] = "voices.list"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
