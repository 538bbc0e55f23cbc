"""Detach one date of a series: the date becomes a separate post whose content may change."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.ids import derived_uuid
from foundation.ops.wall_time import WallTime, parse_wall_time
from schedules.approvals.release import release_post
from schedules.drafts import drafts
from schedules.posts import deliveries, queries
from schedules.posts.models import Delivery, Series
from schedules.posts.states import SERIES_ORIGIN
from schedules.recurrence import occurrences, series, variant_assignment
from schedules.recurrence.series import SERIES_HORIZON


def detach_occurrence(scope: Scope, series_id: UUID, day: date, *, author: str) -> UUID:
    """Skip one date of a series and create a post with its content, times and accounts; return its
    ID.

    Moved deliveries keep their new times. The post requires approval like any new post. Idempotent
    per date. Raises BadInput if the series has no occurrence on the day or its time has passed;
    Conflict if a delivery of that date is or may be live, if none is planned, if the series is
    stopped, or while an A/B test runs on it; and NotFound.
    """
    row = series.get_series(scope, series_id, lock=True)
    key = derived_uuid(row.id, "apart", day)
    known = queries.post_ids_by_origin_key(scope, SERIES_ORIGIN, str(key)).get(str(key))
    if known is not None:
        return known
    variant_assignment.require_no_running_test(scope, row)
    if day in occurrences.skipped_dates(row):
        raise Conflict("series.none_that_day", day=f"{day:%d/%m/%Y}")
    # a new series has no deliveries beyond the first ones yet
    series.extend_series(scope, series_id)
    places = _list_publishing_places(
        scope, row, day, series.skip_occurrence(scope, series_id, day, why="series.apart")
    )
    if not places:
        raise Conflict("series.none_that_day", day=f"{day:%d/%m/%Y}")
    post_id = series.write_replacement_post(
        scope, row, _draft_from_series(scope, row), key=key, author=author
    )
    for channel_id, at, before in places:
        deliveries.create_delivery(
            scope, post_id, channel_id, at=at, instead_of=before, by_rule=True
        )
    release_post(scope, post_id)
    return post_id


def _draft_from_series(scope: Scope, row: Series) -> drafts.Draft:
    """Return the current content of a series as a draft."""
    post = deliveries.get_post(scope, row.post_id)
    # The text may have changed while this transaction waited for the lock.
    scope.session.refresh(post)
    return replace(drafts.draft_of_post(queries.build_stored_post(post)), post_id=None)


def _list_publishing_places(
    scope: Scope, row: Series, day: date, taken: Sequence[Delivery]
) -> list[tuple[UUID, WallTime, Delivery | None]]:
    """Return the accounts and times of a date, each with the cancelled delivery it replaces.

    Beyond the horizon of created deliveries, they are computed from the rule.
    """
    if any(one.late_until is not None and one.late_until < scope.now for one in taken):
        raise BadInput("delivery.time_passed")
    wall = occurrences.recurrence_of_series(row).occurrence_on(day)
    if taken or wall.instant() <= scope.now + SERIES_HORIZON:
        return [(one.channel_id, parse_wall_time(one.wall_time, one.zone), one) for one in taken]
    closed = occurrences.quiet_periods_of_series(scope, row)
    return [
        (channel, wall, None)
        for channel in closed
        if series.can_publish_on_channel(closed, channel, wall)
    ]
