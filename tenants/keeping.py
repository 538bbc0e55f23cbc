"""How long the room's rows are kept, and the event that has every room's looked through."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.inbox import InboxRow
from foundation.keeping import Rule
from foundation.outbox import Queue
from tenants.models import AuditEntry, HookCall, LoginLink, LoginSession, Notice, Sighting
from tenants.models_mails import Mail


@dataclass(frozen=True)
class KeepingDue:
    """Delete what is over of a tenant; both ids are the tenant's."""

    kind: ClassVar[str] = "rows.purge"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


RULES = (
    Rule(InboxRow, "o.created_at"),
    Rule(LoginLink, "o.expires_at", clock="people_now"),
    Rule(LoginSession, "o.expires_at", clock="people_now"),
    Rule(Sighting, "CAST(o.seen_on AS timestamptz)", role="gate", clock="people_now"),
    Rule(Notice, "o.settled_at"),
    Rule(HookCall, "o.created_at"),
    Rule(Mail, "o.created_at"),
    Rule(AuditEntry, "o.created_at", role="gate"),
)
