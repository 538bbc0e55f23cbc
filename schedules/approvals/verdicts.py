"""Rules that decide which approvals count for a post, at which tier, and when they expire."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, literal, union_all
from sqlmodel import col, func, select

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.approvals.models import Approval
from schedules.posts.models import Delivery, Post
from schedules.posts.states import RELEASED_BY_APPROVAL, DeliveryState

UNAPPROVED = Message("delivery.unapproved")
HALF_APPROVED = Message("delivery.half_approved")
APPROVAL_EXPIRED = Message("delivery.yes_over")
"""Reasons that a post is not approved: no approval, only one of two, or an expired one."""

APPROVAL_EXPIRES_FIRST = "delivery.yes_ends"
"""The reason that a scheduled delivery would not be published: its approval expires before the
publish time."""


RENEWAL_WINDOW = timedelta(days=7)
"""Time before publishing during which an approval that expires too early must be renewed."""

SELF_PUBLISHING_STATES = frozenset({DeliveryState.APPROVED, DeliveryState.SCHEDULED})
"""States of a delivery that is published without a further approval."""


def is_held_for_approval(row: Delivery) -> bool:
    """Return True if a missing approval is the only reason that holds the delivery; pure."""
    return (
        row.state == DeliveryState.HELD
        and row.reason is not None
        and row.reason["code"] in RELEASED_BY_APPROVAL
    )


@dataclass(frozen=True)
class ApprovalVerdict:
    """A verdict on the current content of a post."""

    principal_id: UUID
    tier: int
    verdict: str
    note: str
    at: datetime
    until: datetime
    """The expiry of an approval."""


def verdicts_of_posts(
    scope: Scope, posts: Mapping[UUID, Post]
) -> dict[UUID, list[ApprovalVerdict]]:
    """Return the last verdict of each person and tier on the current content, excluding expired
    approvals."""
    if not posts:
        return {}
    rows = scope.session.exec(
        select(Approval)
        .where(Approval.tenant_id == scope.tenant_id, col(Approval.post_id).in_(list(posts)))
        .order_by(col(Approval.created_at), col(Approval.id))
    )
    said = [row for row in rows if row.digest == posts[row.post_id].digest]
    last = {(row.post_id, row.principal_id, row.tier): row for row in said}
    found: dict[UUID, list[ApprovalVerdict]] = {}
    for row in last.values():
        if row.verdict != "yes" or row.expires_at > scope.now:
            at = row.created_at or scope.now
            word = ApprovalVerdict(
                row.principal_id, row.tier, row.verdict, row.note, at, row.expires_at
            )
            found.setdefault(row.post_id, []).append(word)
    return found


def expiring_approvals_query(scope: Scope, *, within: timedelta = RENEWAL_WINDOW) -> Any:
    """Return a query of the deliveries that are due `within` a time and whose approval expires
    before they are due.

    The CTE is MATERIALIZED because a plan that begins with the posts would read all their
    deliveries.
    """
    soon = (
        select(Delivery.id, Delivery.post_id, Delivery.due_at)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.state).in_(sorted(map(str, SELF_PUBLISHING_STATES))),
            col(Delivery.due_at) <= scope.now + within,
        )
        .cte("soon")
        .prefix_with("MATERIALIZED")
    )
    said = (
        (col(Approval.tenant_id) == col(Post.tenant_id))
        & (col(Approval.post_id) == col(Post.id))
        & (col(Approval.digest) == col(Post.digest))
    )
    return (
        select(soon.c.id)
        .join(Post, (col(Post.tenant_id) == scope.tenant_id) & (col(Post.id) == soon.c.post_id))
        .join(Approval, said)
        .where(Approval.verdict == "yes")
        .group_by(soon.c.id, soon.c.due_at, col(Approval.tier))
        .having(func.max(Approval.expires_at) <= soon.c.due_at)
    )


def matches_any_query(scope: Scope, *queries: Any) -> ColumnElement[bool] | None:
    """Return the condition that a delivery is in the result of one of these queries, or None if all
    results are empty.

    The queries run first, separately. A single plan for everything, cached while the tables were
    empty, took eight minutes for a thousand posts.
    """
    found = list(scope.session.scalars(union_all(*queries)))
    return None if not found else col(Delivery.id) == any_(literal(found, ARRAY(Uuid())))


def split_counting_verdicts(
    words: Collection[ApprovalVerdict], since: datetime | None, until: datetime | None = None
) -> tuple[list[ApprovalVerdict], list[ApprovalVerdict]]:
    """Split verdicts into those that count and approvals that do not; pure.

    An approval does not count if it is from before `since`, when the last account was added, or
    expires before `until`, the publish time. Both are UTC-aware.
    """

    def is_past(word: ApprovalVerdict) -> bool:
        return (since is not None and word.at <= since) or (
            until is not None and word.until <= until
        )

    past = [word for word in words if word.verdict == "yes" and is_past(word)]
    return [word for word in words if word not in past], past


def open_tier_for(
    principal_id: UUID | None,
    words: Sequence[ApprovalVerdict],
    past: Sequence[ApprovalVerdict],
    tiers: int,
) -> int | None:
    """Return the first tier without an approval that a person (None: anyone) can approve; pure.

    `words` and `past` come from `split_counting_verdicts`. Returns None for a person who already
    approved, because two approvals need two people. If none is missing, for example after a
    rejection was withdrawn, any approval schedules the post.
    """
    said = {word.tier for word in words if word.verdict == "yes"}
    theirs = {
        word.tier
        for word in (*words, *past)
        if word.verdict == "yes" and word.principal_id == principal_id
    }
    missing = [tier for tier in range(1, max(tiers, 1) + 1) if tier not in said]
    if not missing:
        return min(theirs, default=1)
    return next((tier for tier in missing if not theirs or tier in theirs), None)
