"""Expiring age proofs and permissions: members are notified 30, 14 and 7 days before, and after
they expire."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.outbox.outbox import Queue
from tenants.agencies import queries
from tenants.notices import notices
from tenants.notices.queries import list_open_notices
from tenants.scope import list_tenant_ids

ACTOR = "system:people"
REMINDER_DAYS = (7, 14, 30)
"""Days before the expiry on which members are notified, nearest first."""

CAUSE = "person-ends"
TOLD_AFTER = timedelta(days=7)
"""Time after the expiry within which members are still notified."""

AGE_PROOF = "age"


@dataclass(frozen=True)
class PaperReminderDue:
    """Check which proofs and permissions expire. `tenant_id` and `subject_id` are those of the
    installation."""

    kind: ClassVar[str] = "consent.expire"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ExpiringPaper:
    """The age proof or permission (`depict`, …) of a person with the latest expiry of its kind."""

    person_id: UUID
    name: str
    what: str
    at: datetime


_ENDINGS = """
SELECT * FROM (
  SELECT p.id, p.display_ref, 'age' AS what, max(coalesce(i.valid_until, 'infinity')) AS at
  FROM persons p JOIN identity_checks i ON i.tenant_id = p.tenant_id AND i.person_id = p.id
  WHERE p.tenant_id = :tenant AND p.state = 'active' AND i.withdrawn_at IS NULL
  GROUP BY p.id, p.display_ref
  UNION ALL
  SELECT p.id, p.display_ref, g.scope, max(g.valid_until)
  FROM persons p JOIN consent_grants g ON g.tenant_id = p.tenant_id AND g.person_id = p.id
  WHERE p.tenant_id = :tenant AND p.state = 'active' AND g.revoked_at IS NULL AND g.card_id IS NULL
  GROUP BY p.id, p.display_ref, g.scope) each
WHERE at < house_now() + CAST(:ahead AS interval) AND at > house_now() - CAST(:after AS interval)
ORDER BY at, display_ref, what LIMIT 500
"""
"""Selects the expiring proofs and permissions. Permissions on a shoot card are left out, because
they end with the card."""


def list_expiring(scope: Scope) -> list[ExpiringPaper]:
    """Return what expires within a month or has expired within a week, most urgent first. Only the
    latest of each kind counts."""
    rows = scope.run(
        _ENDINGS,
        tenant=scope.tenant_id,
        ahead=timedelta(days=max(REMINDER_DAYS) + 1),
        after=TOLD_AFTER,
    )
    return [ExpiringPaper(row.id, row.display_ref, row.what, row.at) for row in rows]


def send_expiry_reminders(event: PaperReminderDue, *, tenant: OpenScope) -> None:
    """Notify every agency of expiring proofs and permissions, in one transaction per agency."""
    for tenant_id in list_tenant_ids(tenant):
        with tenant(tenant_id, ACTOR) as scope:
            if not queries.get_agency(scope).demo:
                put_expiry_notices(scope, list_expiring(scope))


def put_expiry_notices(scope: Scope, found: Iterable[ExpiringPaper]) -> None:
    """Put one notice for each expiry and reminder, and close the notices of earlier reminders."""
    wanted: dict[str, Message] = {}
    for one in found:
        days = (one.at - scope.now).days if one.at > scope.now else -1
        step = next((step for step in REMINDER_DAYS if days < step), None) if days >= 0 else -1
        if step is None:
            continue
        kind = "age" if one.what == AGE_PROOF else "permission"
        code = f"person.{kind}_ended" if days < 0 else f"person.{kind}_ends"
        params: dict[str, str | int] = {"name": one.name, "day": one.at.date().isoformat()}
        cause = f"{CAUSE}:{one.person_id}:{kind}:{one.at.date()}:{step}"
        wanted[cause] = Message(code, params)
    for notice in list_open_notices(scope, limit=1000):
        if notice.cause.startswith(f"{CAUSE}:") and notice.cause not in wanted:
            notices.close(scope, notice.cause)
    for cause, message in wanted.items():
        if not notices.has_been_notified(
            scope, cause
        ):  # A dismissed notice returns only at the next reminder.
            notices.put(scope, message, cause=cause)
