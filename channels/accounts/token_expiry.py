"""Notices about accounts whose access ends soon and that only a member can connect again, because
the platform offers no renewal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from tenants.notices import notices

ANNOUNCED = timedelta(days=7)
"""Time before the end of the access from which members are notified; urgently on the last day."""

CAUSE = "token:"
"""Prefix of the causes, before the account's ID."""

_ENDING = """
SELECT c.id, c.name, c.creator_id, t.expires_at FROM tokens t
JOIN channels c ON c.tenant_id = t.tenant_id AND c.id = t.channel_id
WHERE t.tenant_id = :tenant AND t.refresh_box IS NULL AND c.state IN ('active', 'paused')
  AND t.expires_at BETWEEN :now AND :until
  AND t.expires_at - t.since > CAST(:announced AS interval)
"""
"""Tokens that are valid for less than `ANNOUNCED` would be announced all the time."""


@dataclass(frozen=True)
class ExpiringAccess:
    """An account whose access ends at `ends` (UTC-aware) unless a member connects it again."""

    channel_id: UUID
    name: str
    creator_id: UUID
    ends: datetime


def list_expiring_accounts(scope: Scope, within: timedelta = ANNOUNCED) -> list[ExpiringAccess]:
    """Return the accounts whose access ends within this time, except those whose access is always
    that short."""
    rows = scope.run(
        _ENDING,
        tenant=scope.tenant_id,
        now=scope.now,
        until=scope.now + within,
        announced=within,
    )
    return [ExpiringAccess(row.id, row.name, row.creator_id, row.expires_at) for row in rows]


def report_expiring_tokens(scope: Scope) -> int:
    """Update the notices of accounts whose access ends soon, and return their number. Idempotent;
    runs two statements if there is none."""
    causes = {f"{CAUSE}{one.channel_id}": one for one in list_expiring_accounts(scope)}
    notices.close_others(scope, CAUSE, causes)
    for cause, one in causes.items():
        days = (one.ends - scope.now).days
        message = Message("channel.token_ends_soon", {"account": one.name})
        if days:
            message = Message("channel.token_ends", {"account": one.name, "days": days + 1})
        told = notices.put(scope, message, cause=cause, urgent=not days, creator_id=one.creator_id)
        if not told:
            notices.update_message(scope, message, cause=cause)
    return len(causes)
