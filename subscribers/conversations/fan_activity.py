"""Activity of fans: the hours in which they write, and their languages, as counts without texts or
names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from foundation.db.database import Scope
from foundation.ops.wall_time import day_bounds
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class ActiveHour:
    """Messages of fans in one hour of the week, in each creator's time zone, and the number of
    conversations in which they were written. `weekday` is 0 for Monday."""

    weekday: int
    hour: int
    messages: int
    conversations: int


_PERIODS = """
WITH periods AS (SELECT * FROM unnest(CAST(:creators AS uuid[]), CAST(:zones AS text[]),
  CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
  AS p (creator_id, zone, since, until))
"""

_MESSAGES = """
FROM periods p JOIN messages m ON m.tenant_id = :tenant AND m.creator_id = p.creator_id
  AND m.at >= p.since AND m.at < p.until AND m.direction = 'in'
  AND m.kind NOT IN ('remark', 'edited')
  AND m.creator_id = ANY(:creators) AND m.at >= :earliest AND m.at < :latest
"""


def load_active_hours(
    scope: Scope, creators: Sequence[Creator], first: date, last: date
) -> list[ActiveHour]:
    """Return the hours of the week in which fans wrote messages from `first` to `last` inclusive;
    public comments are not counted."""
    rows = scope.run(
        _PERIODS  # noqa: S608  two constants
        + "SELECT CAST(extract(isodow FROM m.at AT TIME ZONE p.zone) AS integer) - 1 AS day,"
        " CAST(extract(hour FROM m.at AT TIME ZONE p.zone) AS integer) AS hour,"
        " count(*) AS messages, count(DISTINCT m.conversation_id) AS conversations"
        + _MESSAGES
        + " GROUP BY 1, 2 ORDER BY 1, 2",
        **_parameters(scope, creators, first, last),
    )
    return [ActiveHour(row.day, row.hour, row.messages, row.conversations) for row in rows]


def count_writing_fans(
    scope: Scope, creators: Sequence[Creator], first: date, last: date
) -> Mapping[UUID, int]:
    """Return the number of fans who wrote a message from `first` to `last` inclusive, by creator;
    creators without one are absent."""
    rows = scope.run(
        _PERIODS
        + "SELECT m.creator_id, count(DISTINCT c.fan_id) AS fans"
        + _MESSAGES
        + " JOIN conversations c ON c.tenant_id = :tenant AND c.id = m.conversation_id"
        " GROUP BY m.creator_id",
        **_parameters(scope, creators, first, last),
    )
    return {row.creator_id: row.fans for row in rows}


def count_fan_languages(scope: Scope, creators: Sequence[Creator]) -> list[tuple[str, int]]:
    """Return the languages of the fans who are not blocked, merged or erased, most frequent
    first."""
    rows = scope.run(
        "SELECT language, count(*) AS fans FROM fans WHERE tenant_id = :tenant"
        " AND creator_id = ANY(:creators) AND status = 'active'"
        " GROUP BY language ORDER BY fans DESC, language",
        tenant=scope.tenant_id,
        creators=[one.id for one in creators],
    )
    return [(row.language, row.fans) for row in rows]


def _parameters(
    scope: Scope, creators: Sequence[Creator], first: date, last: date
) -> dict[str, object]:
    since = [day_bounds(first, one.zone)[0] for one in creators]
    until = [day_bounds(last, one.zone)[1] for one in creators]
    return {
        "tenant": scope.tenant_id,
        "creators": [one.id for one in creators],
        "zones": [one.zone for one in creators],
        "since": since,
        "until": until,
        # The planner cannot estimate a join with the bounds of each creator.
        "earliest": min(since),
        "latest": max(until),
    }
