"""Costs of posts: media with everything they were made from, and generated texts.

An item counts once, for the first post that uses it; later posts report it as shared. Therefore the
posts of a month and the unused items add up to the total spending of the month.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import NotFound
from gate.assets.derivations import ancestors_by_asset, descendants_by_asset
from schedules.posts.asset_usage import assets_of_post, posts_by_asset_used
from schedules.posts.states import DASHBOARD_ORIGIN
from studio.costs import cost_report
from studio.costs.cost_report import SpendingTotal, SpentItem, total_spending
from studio.costs.text_requests import draft_subject


@dataclass(frozen=True)
class PostCost:
    """The cost of a post: `own` items count for it, `shared` items count for an earlier post.

    `called` is the post's title, or its text if it has none.
    """

    post_id: UUID
    called: str
    own: SpendingTotal
    shared: SpendingTotal


@dataclass(frozen=True)
class MonthCost:
    """The spending of a creator in a month. The `own` costs of `posts` plus `unassigned` are the
    `total`."""

    month: str
    total: SpendingTotal
    posts: Sequence[PostCost]
    unassigned: SpendingTotal


_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class _Post:
    id: UUID
    called: str


_POSTS = """
SELECT p.id, coalesce(nullif(p.title, ''), p.body) AS called, p.origin, p.origin_key, w.id AS line
FROM posts p LEFT JOIN week_lines w ON w.tenant_id = p.tenant_id AND w.post_id = p.id
WHERE p.tenant_id = :tenant AND p.creator_id = :creator
"""


def load_post_cost(scope: Scope, creators: Collection[UUID], post_id: UUID) -> PostCost:
    """Return the total cost of one post.

    Raises NotFound if it is not a post of these creators.
    """
    creator_id = scope.run(
        "SELECT creator_id FROM posts WHERE tenant_id = :tenant AND id = :post",
        tenant=scope.tenant_id,
        post=post_id,
    ).scalar()
    if creator_id is None or creator_id not in creators:
        raise NotFound("post.unknown")
    subjects, posts = _load_posts_by_subject(scope, creator_id, " AND p.id = :post", post=post_id)
    shows = assets_of_post(scope, creator_id, post_id)
    line = frozenset().union(*ancestors_by_asset(scope, shows).values())
    things = [
        *cost_report.spent_on_assets(scope, line),
        *cost_report.spent_on_subjects(scope, [*subjects, *line]),
    ]
    return _compute_post_cost(
        posts[post_id], things, _load_posts_by_item(scope, creator_id, things, subjects)
    )


def load_month_cost(scope: Scope, creator_id: UUID, month: str) -> MonthCost:
    """Return the spending of a creator in a month (`2026-11`, in the agency's time zone), by
    post."""
    things = cost_report.spent_in_month(scope, creator_id, month)
    subjects, posts = _load_posts_by_subject(scope, creator_id)
    uses = _load_posts_by_item(scope, creator_id, things, subjects)
    used: dict[UUID, list[SpentItem]] = {}
    for one in things:
        for post_id in uses.get(one.id, ()):
            used.setdefault(post_id, []).append(one)
    rows = [
        _compute_post_cost(posts[post_id], used[post_id], uses)
        for post_id in sorted(used, reverse=True)
    ]
    return MonthCost(
        month,
        total_spending(things),
        rows,
        total_spending(one for one in things if not uses.get(one.id)),
    )


def _compute_post_cost(
    post: _Post, things: Iterable[SpentItem], uses: Mapping[UUID, Sequence[UUID]]
) -> PostCost:
    mine = [one for one in things if post.id in uses.get(one.id, ())]
    own, shared = (
        [one for one in mine if (uses[one.id][0] == post.id) is first] for first in (True, False)
    )
    return PostCost(post.id, post.called, total_spending(own), total_spending(shared))


def _load_posts_by_item(
    scope: Scope, creator_id: UUID, things: Sequence[SpentItem], subjects: Mapping[UUID, UUID]
) -> dict[UUID, list[UUID]]:
    """Map each item to the posts that use it, oldest first: post IDs increase with time."""
    made = descendants_by_asset(scope, {one.asset_id for one in things if one.asset_id is not None})
    shown = posts_by_asset_used(scope, creator_id, frozenset().union(*made.values()))
    uses: dict[UUID, list[UUID]] = {}
    for one in things:
        written = subjects.get(one.subject_id) if one.subject_id is not None else None
        users = {written} if written is not None else set()
        if one.asset_id is not None:
            users.update(
                post for asset in made.get(one.asset_id, ()) for post in shown.get(asset, ())
            )
        if users:
            uses[one.id] = sorted(users)
    return uses


def _load_posts_by_subject(
    scope: Scope, creator_id: UUID, where: str = "", **which: UUID
) -> tuple[dict[UUID, UUID], dict[UUID, _Post]]:
    """Return the post of each subject that texts may be written for, and the posts by ID."""
    subjects: dict[UUID, UUID] = {}
    posts: dict[UUID, _Post] = {}
    for row in scope.run(_POSTS + where, tenant=scope.tenant_id, creator=creator_id, **which):
        posts[row.id] = _Post(row.id, row.called)
        subjects[draft_subject(row.origin, row.origin_key)] = row.id
        if row.line is not None:
            subjects[row.line] = row.id
        if row.origin == DASHBOARD_ORIGIN and _ID.fullmatch(row.origin_key):
            subjects[UUID(row.origin_key)] = row.id  # the composer page on which it was written
    return subjects, posts
