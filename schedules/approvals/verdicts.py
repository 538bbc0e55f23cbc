"""Whose yes to a post counts, as which of those that are asked for, and until when."""

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
"""What is missing of a post: every yes; the second of two; one that was said and has run out."""

APPROVAL_EXPIRES_FIRST = "delivery.yes_ends"
"""Why what is planned would not leave, though all yeses stand: one of them ends before."""


RENEWAL_WINDOW = timedelta(days=7)
"""So long before a post leaves, a yes that ends before is asked anew."""

SELF_PUBLISHING_STATES = frozenset({DeliveryState.APPROVED, DeliveryState.SCHEDULED})
"""States of what leaves by itself, as far as yeses go."""


def is_held_for_approval(row: Delivery) -> bool:
    """Whether a delivery was put on hold for want of a yes, and leaves by one; pure."""
    return (
        row.state == DeliveryState.HELD
        and row.reason is not None
        and row.reason["code"] in RELEASED_BY_APPROVAL
    )


@dataclass(frozen=True)
class ApprovalVerdict:
    """What somebody said of the content as it stands."""

    principal_id: UUID
    tier: int
    verdict: str
    note: str
    at: datetime
    until: datetime
    """When a yes runs out."""


def verdicts_of_posts(
    scope: Scope, posts: Mapping[UUID, Post]
) -> dict[UUID, list[ApprovalVerdict]]:
    """The last word of each person and tier on what each post is now, but for a yes that has run
    out."""
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
    """A query for the deliveries that leave by themselves `within` a time, of a post to which a yes
    ends before.

    Those are found first, whatever the database believes: a plan that began with the posts would
    read all their dates.
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
    """That a delivery is one of those which these queries find, each by itself and before; None
    where they find none.

    One plan over all of it, kept from before the tables were filled, took eight minutes for a
    thousand posts.
    """
    found = list(scope.session.scalars(union_all(*queries)))
    return None if not found else col(Delivery.id) == any_(literal(found, ARRAY(Uuid())))


def split_counting_verdicts(
    words: Collection[ApprovalVerdict], since: datetime | None, until: datetime | None = None
) -> tuple[list[ApprovalVerdict], list[ApprovalVerdict]]:
    """The words that count for a post as it waits, and the yeses that do not: those said before the
    last account was added to it (`since`), and those that end before it leaves (`until`); both
    UTC-aware; pure."""

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
    """Which of the yeses that are asked for this person (None: somebody) may give, as `counting`
    sorted the words: the first that nobody gave. None for who has said theirs: of two yeses, one
    person gives one. Where all have been said, as after a no that was taken back, anybody's puts it
    on the calendar; pure."""
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
