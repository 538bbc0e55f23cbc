"""Reminders of posts without an approval, a day and two hours before they are due.

Each is sent once, and closed when the post is approved, moved or cancelled.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, func, select

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.approvals import decisions, verdicts
from schedules.approvals.verdicts import APPROVAL_EXPIRED, HALF_APPROVED
from schedules.posts.models import Delivery, Post
from schedules.posts.states import DeliveryState
from tenants.notices import notices

FIRST = timedelta(hours=24)
LAST = timedelta(hours=2)
MAX_POSTS_NAMED = 30
"""Maximum number of posts with an open reminder, by due time; others follow when some of them are
approved."""

CAUSE = "unapproved:"


def refresh_missing_approval_notices(scope: Scope) -> int:
    """Update the reminders of unapproved posts that are due soon, and return their number.
    Idempotent."""
    stand = [
        (row, due)
        for row, due in _list_unapproved_near_posts(scope)
        if not _is_approved_through(scope, row, due)
    ]
    told = {_approval_notice_cause(row.id, due, scope.now): (row, due) for row, due in stand}
    notices.close_others(scope, CAUSE, told)
    for cause, (row, due) in told.items():
        said = Message(
            _resolve_message_code(scope, row, due), {"post": (row.title or row.body)[:60]}
        )
        if notices.has_been_notified(scope, cause):
            notices.update_message(scope, said, cause=cause)
        else:
            notices.put(
                scope, said, cause=cause, urgent=cause.endswith(":last"), creator_id=row.creator_id
            )
    return len(told)


def _is_approved_through(scope: Scope, row: Post, due: datetime) -> bool:
    """Return True if the post has every approval it needs, valid at its due time."""
    until = decisions.approved_until(
        scope, row, scope.now, since=decisions.channel_review_requested_at(scope, row.id)
    )
    return until is not None and until > due


def _resolve_message_code(scope: Scope, row: Post, due: datetime) -> str:
    if decisions.is_rejected(scope, row, scope.now):
        return "approval.change_missing"
    lacks = decisions.missing_approval(
        scope, row, due, since=decisions.channel_review_requested_at(scope, row.id)
    )
    return {
        HALF_APPROVED.code: "approval.half_missing",
        APPROVAL_EXPIRED.code: "approval.over_missing",
    }.get(lacks.code, "approval.missing")


def _list_unapproved_near_posts(scope: Scope) -> list[tuple[Post, datetime]]:
    """Return the posts, with due times, that are due soon and have no approval or one that expires
    before."""
    due = func.min(Delivery.due_at)
    near = (
        Delivery.tenant_id == scope.tenant_id,
        col(Delivery.due_at) > scope.now,
        col(Delivery.due_at) <= scope.now + FIRST,
    )
    waits = select(Delivery.id).where(*near, Delivery.state == str(DeliveryState.DRAFT))
    # Match by id, not by either condition: no index serves both, so PostgreSQL would read every
    # scheduled delivery.
    asks = verdicts.matches_any_query(
        scope, waits, verdicts.expiring_approvals_query(scope, within=FIRST)
    )
    if asks is None:
        return []
    nearest = (
        select(Delivery.post_id, due.label("due"))
        .where(*near, asks)
        .group_by(col(Delivery.post_id))
        .order_by(due, col(Delivery.post_id))
        .limit(MAX_POSTS_NAMED)
        .subquery()
    )
    rows = scope.session.execute(
        select(Post, nearest.c.due)
        .join(
            nearest, (col(Post.id) == nearest.c.post_id) & (col(Post.tenant_id) == scope.tenant_id)
        )
        .order_by(nearest.c.due, col(Post.id))
    )
    return [(post, at) for post, at in rows]


def _approval_notice_cause(post_id: UUID, due: datetime, now: datetime) -> str:
    """Return the notice cause. It contains the due time, so that a moved post gets a new
    reminder."""
    return f"{CAUSE}{post_id}:{int(due.timestamp())}:{'last' if due - now <= LAST else 'first'}"
