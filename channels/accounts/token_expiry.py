"""Notices about accounts whose access ends soon and that only a member can connect again, because
the platform offers no renewal."""

from datetime import timedelta

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


def report_expiring_tokens(scope: Scope) -> int:
    """Update the notices of accounts whose access ends soon, and return their number. Idempotent;
    runs two statements if there is none."""
    rows = scope.run(
        _ENDING,
        tenant=scope.tenant_id,
        now=scope.now,
        until=scope.now + ANNOUNCED,
        announced=ANNOUNCED,
    ).all()
    causes = {f"{CAUSE}{row.id}": row for row in rows}
    notices.close_others(scope, CAUSE, causes)
    for cause, row in causes.items():
        days = (row.expires_at - scope.now).days
        message = Message("channel.token_ends_soon", {"account": row.name})
        if days:
            message = Message("channel.token_ends", {"account": row.name, "days": days + 1})
        told = notices.put(scope, message, cause=cause, urgent=not days, creator_id=row.creator_id)
        if not told:
            notices.update_message(scope, message, cause=cause)
    return len(causes)
