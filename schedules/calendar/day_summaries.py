"""Summaries of posts by local day: the first few posts of each day and the number of all posts.

A page of ninety days shows a few posts per day. With five thousand posts, loading all deliveries
took more than half of the page's response time.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from foundation.db.database import Scope
from foundation.i18n.search_words import clean_search
from foundation.ops.wall_time import day_bounds
from schedules.posts.states import DeliveryState

MAX_CANDIDATES = 1000
"""Number of matching posts, the newest ones, of which those nearest to now are returned."""

WORDS = 200
"""Number of characters read of each text; pages show only the beginning."""

_DAYS = """
WITH here AS (
  SELECT creator_id, post_id, due_at, width_bucket(due_at, CAST(:starts AS timestamptz[])) AS
  nth_day,
    min(occurrence_key) AS key, array_agg(id ORDER BY id) AS ids, array_agg(version ORDER BY id)
    AS versions,
    array_agg(state ORDER BY id) AS states, array_agg(channel_id ORDER BY id) AS channels
  FROM deliveries
  WHERE tenant_id = :tenant AND creator_id = ANY(:creators) AND due_at >= :since AND due_at < :until
    AND state = ANY(:states) AND (CAST(:account AS uuid) IS NULL OR channel_id = :account)
    AND (CAST(:label AS uuid) IS NULL
      OR post_id IN (SELECT post_id FROM post_labels WHERE tenant_id = :tenant AND label_id =
      :label))
  GROUP BY creator_id, post_id, due_at
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY nth_day ORDER BY due_at, post_id) AS nth,
    count(*) OVER (PARTITION BY nth_day) AS of_day
  FROM here
)
SELECT r.nth_day, r.of_day, r.creator_id, r.post_id, r.due_at, r.ids, r.versions, r.states, r.key,
  r.channels, left(COALESCE(NULLIF(p.title, ''), p.body), :words) AS words,
  CAST(p.media ->> 0 AS uuid) AS picture
FROM ranked r JOIN posts p ON p.tenant_id = :tenant AND p.id = r.post_id
WHERE r.nth <= :most ORDER BY r.due_at, r.post_id
"""
"""Selects the first posts of each day with the number of posts of the day. The application computes
the day boundaries, because the database server may have another version of the time zone rules."""

_MATCHES = """
WITH here AS (
  SELECT d.creator_id, d.post_id, d.due_at, min(d.occurrence_key) AS key,
    array_agg(d.id ORDER BY d.id) AS ids, array_agg(d.version ORDER BY d.id) AS versions,
    array_agg(d.state ORDER BY d.id) AS states, array_agg(d.channel_id ORDER BY d.id) AS channels
  FROM search_posts(:search, CAST(:creators AS uuid[]), :candidates) f
  JOIN deliveries d ON d.tenant_id = :tenant AND d.post_id = f.post_id
  WHERE d.creator_id = ANY(:creators)
    AND d.state = ANY(:states) AND (CAST(:account AS uuid) IS NULL OR d.channel_id = :account)
    AND (CAST(:label AS uuid) IS NULL
      OR d.post_id IN (SELECT post_id FROM post_labels WHERE tenant_id = :tenant AND label_id =
      :label))
  GROUP BY d.creator_id, d.post_id, d.due_at
  ORDER BY abs(extract(epoch FROM d.due_at - :now)), d.post_id LIMIT :most
)
SELECT h.creator_id, h.post_id, h.due_at, h.ids, h.versions, h.states, h.key, h.channels,
  left(COALESCE(NULLIF(p.title, ''), p.body), :words) AS words,
  CAST(p.media ->> 0 AS uuid) AS picture
FROM here h JOIN posts p ON p.tenant_id = :tenant AND p.id = h.post_id
ORDER BY h.due_at, h.post_id
"""
"""Selects the posts whose title or text contains the words of a search, those nearest to now."""

_ANY = """
SELECT EXISTS (SELECT 1 FROM deliveries
  WHERE tenant_id = :tenant AND creator_id = ANY(:creators) AND due_at >= :since AND due_at <
  :until)
"""


@dataclass(frozen=True)
class PostSummary:
    """A post at one time, on all its accounts at that time; `words` is the beginning of its
    text."""

    creator_id: UUID
    post_id: UUID
    due_at: datetime
    words: str
    states: tuple[DeliveryState, ...]
    versions: Mapping[UUID, int]
    """Versions by delivery ID. A page sends them with a change, so that a stale page changes
    nothing."""
    occurrence_key: str
    """The occurrence of the post that this summary describes."""
    channels: tuple[UUID, ...] = ()
    """IDs of the accounts, in the order of `states`."""
    picture: UUID | None = None
    """The first picture or video of the post."""


@dataclass(frozen=True)
class DaySummaries:
    """The first posts of each local day, by time, and the number of posts of each day."""

    posts: Mapping[date, Sequence[PostSummary]]
    counts: Mapping[date, int]

    @property
    def posts_on_day(self) -> int:
        """The total number of posts on all days."""
        return sum(self.counts.values())


def summarize_days(
    scope: Scope,
    zones: Mapping[UUID, str],
    days: tuple[date, int],
    *,
    states: Collection[DeliveryState],
    account: UUID | None = None,
    label: UUID | None = None,
    most: int,
) -> DaySummaries:
    """Summarize a range of days with at most `most` posts per day.

    `days` is the first day and the number of days. Posts are limited to `states`, and to one
    account or label if given. `zones` maps creators to their time zones.
    """
    posts: dict[date, list[PostSummary]] = {}
    counts: dict[date, int] = {}
    for zone in set(zones.values()):
        theirs = [creator for creator, one in zones.items() if one == zone]
        starts = _day_boundaries(days, zone)
        span = {"starts": starts[:-1], "since": starts[0], "until": starts[-1]}
        narrow = {"states": [str(one) for one in states], "account": account, "label": label}
        asked = {"creators": theirs, **span, **narrow}
        rows = scope.run(_DAYS, tenant=scope.tenant_id, most=most, words=WORDS, **asked).all()
        there = {days[0] + timedelta(days=row.nth_day - 1): row.of_day for row in rows}
        counts |= {day: counts.get(day, 0) + count for day, count in there.items()}
        for row in rows:
            day = days[0] + timedelta(days=row.nth_day - 1)
            posts.setdefault(day, []).append(_summary_of_row(row))
    first = {
        day: sorted(each, key=lambda one: (one.due_at, one.post_id))[:most]
        for day, each in posts.items()
    }
    return DaySummaries(first, counts)


def find_posts(
    scope: Scope,
    creators: Collection[UUID],
    text: str,
    *,
    states: Collection[DeliveryState],
    account: UUID | None = None,
    label: UUID | None = None,
    most: int,
) -> list[PostSummary]:
    """Return the posts of these creators that match a search, earliest first.

    Words are found by their beginning, as in `schedules.posts.search`. If there are more than
    `most`, those nearest to now are returned.
    """
    wanted = clean_search(text)
    if not wanted or not creators:
        return []
    rows = scope.run(
        _MATCHES,
        tenant=scope.tenant_id,
        creators=list(creators),
        search=wanted,
        candidates=MAX_CANDIDATES,
        states=[str(one) for one in states],
        account=account,
        label=label,
        now=scope.now,
        most=most,
        words=WORDS,
    )
    return [_summary_of_row(row) for row in rows]


def _summary_of_row(row: Row[Any]) -> PostSummary:
    return PostSummary(
        row.creator_id,
        row.post_id,
        row.due_at,
        row.words,
        tuple(map(DeliveryState, row.states)),
        dict(zip(row.ids, row.versions, strict=True)),
        row.key,
        tuple(row.channels),
        row.picture,
    )


def has_posts_in_days(scope: Scope, zones: Mapping[UUID, str], days: tuple[date, int]) -> bool:
    """Return True if any delivery, in any state, is due in these days."""
    # Without creators the range is empty.
    spans = [_day_boundaries(days, zone) for zone in set(zones.values())] or [[scope.now]]
    since = min(one[0] for one in spans)
    until = max(one[-1] for one in spans)
    found = scope.run(_ANY, tenant=scope.tenant_id, creators=list(zones), since=since, until=until)
    return bool(found.scalar_one())


def _day_boundaries(days: tuple[date, int], zone: str) -> list[datetime]:
    """Return the start of each day and the end of the last one."""
    first, count = days
    return [day_bounds(first + timedelta(days=number), zone)[0] for number in range(count + 1)]
