"""Events of the policy: an emergency stop was requested, or took effect."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


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
class CreatorEpochDue:
    """Listener of `creator.state_changed`: decisions about a creator are void; the subject is the
    creator."""

    kind: ClassVar[str] = "gate.creator_changed"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class EmergencyStopRequested:
    """A member requests a stop, or its end, on a page: pages have no right to write the tables of
    the gate. `by` is `member:<id>`."""

    kind: ClassVar[str] = "switch.set"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    scope: str
    target: str
    feature: str
    open: bool
    by: str
    reason: str
    signed: str = ""
    """ID of the passkey signature; empty without one."""

    since: str = ""
    """Time at which the stop to be ended was pressed, as the member saw it (ISO 8601). A stop
    pressed later remains."""
