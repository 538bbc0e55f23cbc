"""What the room states, once each; who hears of it is listed in `workers/event_routes/registry.py`."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class TakedownOpened:
    """A copy has to go; `subject_id` is the jti of the permit it lies under."""

    kind: ClassVar[str] = "takedown.opened"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    channel_id: UUID


@dataclass(frozen=True)
class ConsentRevoked:
    """A person took a permission back; `subject_id` is the person."""

    kind: ClassVar[str] = "consent.revoked"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    scope: str


@dataclass(frozen=True)
class SwitchClosed:
    """An emergency stop was pressed; `subject_id` is the switch."""

    kind: ClassVar[str] = "switch.closed"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    scope: str
    target: str
    feature: str


@dataclass(frozen=True)
class ViewerChanged:
    """What is known of a reader's age changed; `subject_id` is the record."""

    kind: ClassVar[str] = "viewer.changed"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    user_id: str
    state: str


@dataclass(frozen=True)
class LinkRegistered:
    """A member said what lies behind an address; `subject_id` is the creator whose posts may carry it."""

    kind: ClassVar[str] = "link.registered"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    url: str
