"""Events of policy: an emergency stop that was requested, and one that took effect."""

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
class EmergencyStopRequested:
    """A page asks for a stop, or for its end: pages hold no right to the gate's tables. `by` is
    `member:<id>`."""

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
    """What they signed with a passkey, by its id; empty where they did not."""

    since: str = ""
    """When the stop whose end they ask for was pressed, as they saw it (ISO 8601): one pressed
    later stays."""
