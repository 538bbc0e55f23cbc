"""One date of a series that becomes a post of its own: the series leaves it out, and what is said there may change."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from foundation.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.ids import derived
from schedules import assigning, drafting, planning, reads, series, series_rule
from schedules.calendar import WallTime, parse
from schedules.models import Delivery, Series
from schedules.series import AHEAD


def detach(scope: Scope, series_id: UUID, day: date, *, author: str) -> UUID:
    """Leave one date out of a series, and write what it says as a post of its own that goes where and when that date
    would have: moved ones at the time they were given. It asks for a yes as any new post. Its id; once per date.

    Raises BadInput for a day the series does not fall on and for a time that has passed; Conflict where something of
    that date has left or is on its way, where nothing of it is planned, once the series is stopped, and while a test
    runs on it; NotFound.
    """
    row = series.series(scope, series_id, lock=True)
    key = derived(row.id, "apart", day)
    known = reads.written(scope, drafting.OF_SERIES, str(key)).get(str(key))
    if known is not None:
        return known
    assigning.untested(scope, row)
    if day in series_rule.skipped(row):
        raise Conflict("series.none_that_day", day=f"{day:%d/%m/%Y}")
    series.extend(scope, series_id)  # of one that was just planned most is not made yet
    places = _places(scope, row, day, series.skip(scope, series_id, day, why="series.apart"))
    if not places:
        raise Conflict("series.none_that_day", day=f"{day:%d/%m/%Y}")
    post_id = series.write_beside(scope, row, _as_said(scope, row), key=key, author=author)
    for channel_id, at, before in places:
        planning.add_delivery(scope, post_id, channel_id, at=at, instead_of=before, by_rule=True)
    drafting.settle(scope, post_id)
    return post_id


def _as_said(scope: Scope, row: Series) -> drafting.Draft:
    """What the series says now, to be written once more."""
    post = planning.post(scope, row.post_id)
    scope.session.refresh(post)  # somebody else may have changed its words while this waited for the series
    return replace(drafting.as_written(reads.written_of(post)), post_id=None)


def _places(
    scope: Scope, row: Series, day: date, taken: Sequence[Delivery]
) -> list[tuple[UUID, WallTime, Delivery | None]]:
    """Where and when that date leaves: as what was taken off the calendar, or by the rule beyond what is made."""
    if any(one.late_until is not None and one.late_until < scope.now for one in taken):
        raise BadInput("delivery.time_passed")
    wall = series_rule.repeat_of(row).at(day)
    if taken or wall.instant() <= scope.now + AHEAD:
        return [(one.channel_id, parse(one.wall_time, one.zone), one) for one in taken]
    closed = series_rule.shut_of(scope, row)
    return [(channel, wall, None) for channel in closed if series.leaves(closed, channel, wall)]
