"""Reminders of posts that need a decision, after an hour and then daily.

One reminder covers all posts of a creator, because each post already had a notice. The owners are
notified of deliveries that have been uncertain for a day.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.posts.states import NEEDS_DECISION, DeliveryState
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tenants.notices import notices

FIRST = timedelta(hours=1)
AGAIN = timedelta(days=1)
DOUBT = timedelta(days=1)
"""Time after which lookups end and the owner must decide on an uncertain delivery."""

WAITS = "waiting:"
UNSURE = "unsure:"
"""Prefixes of the notice causes, before the creator ID."""

_SINCE = """
SELECT d.creator_id, d.state, (SELECT max(m.created_at) FROM delivery_moves m WHERE m.tenant_id =
d.tenant_id
  AND m.delivery_id = d.id AND m.after = d.state) AS since
FROM deliveries d WHERE d.tenant_id = :tenant AND d.state = ANY(:states)
"""


@dataclass(frozen=True)
class UndecidedPost:
    """A delivery that needs a decision, and the time since which it does (UTC-aware)."""

    creator_id: UUID
    state: DeliveryState
    since: datetime


def list_undecided_posts(
    scope: Scope, states: Collection[DeliveryState] = NEEDS_DECISION
) -> list[UndecidedPost]:
    """Return the deliveries of the agency in these states."""
    rows = scope.run(_SINCE, tenant=scope.tenant_id, states=sorted(map(str, states)))
    return [
        UndecidedPost(row.creator_id, DeliveryState(row.state), row.since)
        for row in rows
        if row.since is not None
    ]


def refresh_undecided_notices(scope: Scope) -> None:
    """Update the reminders of undecided posts, and the notices to owners of uncertain
    deliveries."""
    waits: dict[UUID, list[datetime]] = defaultdict(list)
    doubts: dict[UUID, int] = defaultdict(int)
    for one in list_undecided_posts(scope):
        if one.since <= scope.now - FIRST:
            waits[one.creator_id].append(one.since)
        if one.state is DeliveryState.UNCERTAIN and one.since <= scope.now - DOUBT:
            doubts[one.creator_id] += 1
    for creator_id, since in sorted(waits.items()):
        _put_reminder(scope, creator_id, since)
    notices.close_others(scope, WAITS, {f"{WAITS}{one}" for one in waits})
    told = {
        cause
        for creator_id, count in sorted(doubts.items())
        for cause in _escalate_to_owners(scope, creator_id, count)
    }
    notices.close_others(scope, UNSURE, told)


def _put_reminder(scope: Scope, creator_id: UUID, since: Sequence[datetime]) -> None:
    cause = f"{WAITS}{creator_id}"
    told = Message("waiting.remind", {"posts": len(since)})
    last = notices.opened_at(scope, cause)
    if last is not None and not is_reminder_due(last, since, scope.now):
        notices.update_message(scope, told, cause=cause)
        return
    # Members are notified again only of a new notice.
    notices.close(scope, cause)
    notices.put(scope, told, cause=cause, urgent=True, creator_id=creator_id)


def is_reminder_due(last: datetime, since: Sequence[datetime], now: datetime) -> bool:
    """Return True if a reminder sent at `last` must be repeated; pure.

    It is repeated daily, and after an hour if another post has been undecided for an hour.
    """
    another = any(last < one + FIRST <= now for one in since)
    return now - last >= AGAIN or (another and now - last >= FIRST)


def _escalate_to_owners(scope: Scope, creator_id: UUID, count: int) -> list[str]:
    """Notify each owner once, and return the notice causes."""
    owners = {one.principal_id for one in queries.list_members(scope) if one.role is Role.OWNER}
    said = Message("waiting.unsure", {"posts": count})
    causes = []
    for principal in sorted(owners):
        cause = f"{UNSURE}{creator_id}:{principal}"
        if not notices.put(
            scope, said, cause=cause, urgent=True, creator_id=creator_id, to=principal
        ):
            notices.update_message(scope, said, cause=cause)
        causes.append(cause)
    return causes
