"""Recent activity: state changes of posts, messages and sales."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from foundation.db.database import Scope
from schedules.calendar.board import RecentMove
from schedules.posts.states import DeliveryState
from studio.library import demo_separation
from studio.runs.queries import RunProgress
from subscribers.history import recent_activity
from subscribers.history.recent_activity import RecentMessage, RecentSale

ACTIVITY_WINDOW = timedelta(minutes=10)
"""Age up to which an event is shown."""

SHOWN = 12
"""Maximum number of lines, newest first."""

ALIKE = 3
"""Maximum number of lines with the same creator and the same transition, so that a burst of posts
does not hide other activity."""

_GONE = frozenset({DeliveryState.REMOVING, DeliveryState.REMOVED})
"""States of removed posts. They are shown without a picture, because the file may be gone."""

ActivityLine = tuple[Literal["moved", "said", "sold"], RecentMove | RecentMessage | RecentSale]
"""The kind of an event and the event itself."""


def load_live_activity(
    scope: Scope,
    creators: Sequence[UUID],
    moved: Sequence[RecentMove],
    *,
    since: datetime,
    talk: bool,
    money: bool,
) -> list[ActivityLine]:
    """Return the events of the last minutes, newest first. `talk` and `money` include messages and
    sales if the member may see them."""
    gone = {one.post_id for one in moved if one.after in _GONE}
    lines: list[ActivityLine] = [
        ("moved", replace(one, picture=None) if one.post_id in gone else one)
        for one in _limit_similar_moves(moved)
    ]
    lines += [
        ("said", one)
        for one in (
            recent_activity.list_recent_messages(scope, creators, since=since) if talk else ()
        )
    ]
    lines += [
        ("sold", one)
        for one in (
            recent_activity.list_recent_sales(scope, creators, since=since) if money else ()
        )
    ]
    return sorted(lines, key=lambda line: line[1].at, reverse=True)[:SHOWN]


def without_demo_runs(
    scope: Scope, runs: Sequence[RunProgress], lines: Sequence[ActivityLine]
) -> tuple[list[RunProgress], list[ActivityLine]]:
    """Remove demo pictures from runs and events if the page also shows pictures of a real model."""
    shown = [
        [one.picture] if isinstance(one, RecentMove) and one.picture else [] for _, one in lines
    ]
    fit = demo_separation.same_kind_indexes(scope, [*(one.assets for one in runs), *shown])
    told: list[ActivityLine] = [
        (kind, replace(one, picture=None) if isinstance(one, RecentMove) and at not in fit else one)
        for at, (kind, one) in enumerate(lines, len(runs))
    ]
    return [
        one if at in fit else replace(one, assets=(), scores=()) for at, one in enumerate(runs)
    ], told


def _limit_similar_moves(moved: Sequence[RecentMove]) -> list[RecentMove]:
    """Limit `moved` (newest first) to a few lines of each kind. Each post has one line before any
    post has a second one."""
    told: Counter[tuple[UUID, DeliveryState, DeliveryState]] = Counter()
    kept = []
    for one in _interleave_posts(moved):
        alike = (one.creator_id, one.before, one.after)
        told[alike] += 1
        if told[alike] <= ALIKE:
            kept.append(one)
    return kept


def _interleave_posts(moved: Sequence[RecentMove]) -> list[RecentMove]:
    before: Counter[tuple[UUID, DeliveryState, DeliveryState]] = Counter()
    ranked = []
    for one in moved:
        same = (one.post_id, one.before, one.after)
        ranked.append((before[same], one))
        before[same] += 1
    return [one for _, one in sorted(ranked, key=lambda rank_and_one: rank_and_one[0])]
