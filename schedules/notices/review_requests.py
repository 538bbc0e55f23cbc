"""Notices about posts that are pending approval: one for each creator, with their number.

Members are notified again when the number grows. Home and Approvals list the posts themselves, so
the notice only informs.
"""

from collections import Counter
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.approvals import pending_decisions, review_queue
from tenants.agencies import queries
from tenants.notices import notices

CAUSE = "submitted:"
"""Prefix of the causes, before the creator's ID."""


def refresh_review_request_notices(scope: Scope) -> int:
    """Update the notices of all creators, and return the number of posts. Idempotent."""
    names = {one.id: one.name for one in queries.list_creators(scope)}
    found = review_queue.list_review_queue(scope, names, limit=pending_decisions.COUNT_LIMIT)
    pending = Counter(one.creator_id for one in found)
    causes = {f"{CAUSE}{creator_id}": creator_id for creator_id in pending}
    notices.close_others(scope, CAUSE, causes)
    for cause, creator_id in causes.items():
        _put_notice(scope, cause, creator_id, names[creator_id], pending[creator_id])
    return pending.total()


def _put_notice(scope: Scope, cause: str, creator_id: UUID, name: str, count: int) -> None:
    code = "approval.submitted_one" if count == 1 else "approval.submitted"
    message = Message(code, {"creator": name} | ({"count": count} if count > 1 else {}))
    if notices.put(scope, message, cause=cause, creator_id=creator_id, informs=True):
        return
    before = notices.open_message(scope, cause)
    if before is None or before == message:
        return
    if count > int(before.params.get("count", 1)):
        notices.renew_message(scope, message, cause=cause)
    else:
        notices.update_message(scope, message, cause=cause)
