"""Retention rules of the package, and the event that purges expired rows of all packages."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.db.retention import RetentionRule
from foundation.outbox.inbox import InboxRow
from foundation.outbox.outbox import Queue
from tenants.audit import AuditChange, AuditEntry
from tenants.auth.models import DeviceFingerprint, LoginLink, LoginSession
from tenants.notices.models import EmailRow, NoticeRow
from tenants.presence.models import MemberPresence
from tenants.webhooks.models import WebhookCallRow


@dataclass(frozen=True)
class RetentionDue:
    """Purge the expired rows of a tenant; both IDs are the tenant's."""

    kind: ClassVar[str] = "rows.purge"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


TENANTS_RETENTION = (
    RetentionRule(InboxRow, "o.created_at"),
    RetentionRule(LoginLink, "o.expires_at", clock="people_now"),
    RetentionRule(LoginSession, "o.expires_at", clock="people_now"),
    RetentionRule(
        DeviceFingerprint, "CAST(o.seen_on AS timestamptz)", role="gate", clock="people_now"
    ),
    RetentionRule(NoticeRow, "o.settled_at"),
    RetentionRule(WebhookCallRow, "o.created_at"),
    RetentionRule(EmailRow, "o.created_at"),
    RetentionRule(MemberPresence, "o.seen_at"),
    RetentionRule(AuditEntry, "o.created_at", role="gate"),
    RetentionRule(AuditChange, "o.created_at", role="gate"),
)
