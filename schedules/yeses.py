"""Whose yes to a post counts, and as which of those that are asked for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from foundation.words import Message
from schedules.models import Approval, Post

UNAPPROVED, HALF, OVER = Message("delivery.unapproved"), Message("delivery.half_approved"), Message("delivery.yes_over")
"""What is missing of a post: every yes; the second of two; one that was said and has run out."""

MISSING = frozenset({UNAPPROVED.code, HALF.code, OVER.code})
CURED = MISSING | {"delivery.changed"}
"""Reasons of a hold that a yes takes away."""


@dataclass(frozen=True)
class Word:
    """What somebody said of the content as it stands."""

    principal_id: UUID
    tier: int
    verdict: str
    note: str
    at: datetime


def of_posts(scope: Scope, posts: Mapping[UUID, Post]) -> dict[UUID, list[Word]]:
    """The last word of each person and tier on what each post is now, but for a yes that has run out."""
    if not posts:
        return {}
    rows = scope.session.exec(
        select(Approval)
        .where(Approval.tenant_id == scope.tenant_id, col(Approval.post_id).in_(list(posts)))
        .order_by(col(Approval.created_at), col(Approval.id))
    )
    said = [row for row in rows if row.digest == posts[row.post_id].digest]
    last = {(row.post_id, row.principal_id, row.tier): row for row in said}
    found: dict[UUID, list[Word]] = {}
    for row in last.values():
        if row.verdict != "yes" or row.expires_at > scope.now:
            word = Word(row.principal_id, row.tier, row.verdict, row.note, row.created_at or scope.now)
            found.setdefault(row.post_id, []).append(word)
    return found


def counting(words: Collection[Word], since: datetime | None) -> tuple[list[Word], list[Word]]:
    """The words that count for a post as it waits, and the yeses that do not: those said before the last account was
    added to it (`since`, UTC-aware); pure."""
    past = [word for word in words if word.verdict == "yes" and since is not None and word.at <= since]
    return [word for word in words if word not in past], past


def tier_for(principal_id: UUID | None, words: Sequence[Word], past: Sequence[Word], tiers: int) -> int | None:
    """Which of the yeses that are asked for this person (None: somebody) may give, as `counting` sorted the words: the
    first that nobody gave. None for who has said theirs: of two yeses, one person gives one. Where all have been said,
    as after a no that was taken back, anybody's puts it on the calendar; pure."""
    said = {word.tier for word in words if word.verdict == "yes"}
    theirs = {word.tier for word in (*words, *past) if word.verdict == "yes" and word.principal_id == principal_id}
    missing = [tier for tier in range(1, max(tiers, 1) + 1) if tier not in said]
    if not missing:
        return min(theirs, default=1)
    return next((tier for tier in missing if not theirs or tier in theirs), None)
