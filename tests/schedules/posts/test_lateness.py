"""How late a post may still leave is its author's choice, and may be another one later."""

from datetime import date, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput, Conflict
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, local_day
from schedules.approvals.time_changes import reschedule_delivery
from schedules.calendar import exports
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries, lateness, queries
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.lateness import LateLimit
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.recurrence import series
from schedules.recurrence.rules import Recurrence
from schedules.rescheduling import priority
from tests.foundation.ops.test_wall_time import CLOCKS, DAYS, ZONES
from tests.schedules.builders import ZONE, SandboxAgency, wall_time_after
from tests.schedules.csv_files import FileImporter, format_csv
from tests.schedules.series_builders import DAILY, approve_and_release


@given(DAYS, CLOCKS, st.sampled_from(ZONES))
def test_its_day_ends_where_its_clocks_say_so(day: date, clock: time, zone: str) -> None:
    due = WallTime(day, clock, zone).instant()
    end = lateness.latest_publish_time(None, due, zone, until_midnight=True)
    assert end is not None
    assert due <= end <= due + timedelta(hours=25)
    assert local_day(end, zone) > local_day(due, zone) or end == due


def test_a_choice_is_read_back_as_it_was_made() -> None:
    for one in LateLimit:
        assert (
            lateness.late_limit_of(lateness.late_span(one), until_midnight=one is LateLimit.DAY)
            is one
        )
    assert lateness.late_limit_of(timedelta(hours=3), until_midnight=False) is None


def planned(lea: SandboxAgency, late: LateLimit | None, *, after: float = 3600) -> UUID:
    draft = Draft(lea.creator_id, "", f"late {late}", (), (lea.channels["main"],), late=late)
    with lea.scope(f"member:{lea.author}") as scope:
        at = wall_time_after(scope.now, after)
        return drafts.plan_draft(
            scope, draft, key=uuid7(), at=at, author=f"member:{lea.author}"
        ).post_id


@pytest.mark.parametrize(
    ("late", "minutes"),
    [(None, 30), (LateLimit.FIVE_MINUTES, 5), (LateLimit.TWO_HOURS, 120), (LateLimit.ALWAYS, None)],
)
def test_what_is_chosen_is_when_it_is_too_late(
    lea: SandboxAgency, late: LateLimit | None, minutes: int | None
) -> None:
    post_id = planned(lea, late)
    with lea.scope() as scope:
        (row,) = deliveries_of_post(scope, post_id)
        assert row.late_until == (
            None if minutes is None else row.due_at + timedelta(minutes=minutes)
        )
        assert queries.get_stored_post(scope, post_id).late is (late or LateLimit.HALF_AN_HOUR)


def test_until_its_day_is_over_follows_the_hour_it_gets(lea: SandboxAgency) -> None:
    post_id = planned(lea, LateLimit.DAY)
    with lea.scope() as scope:
        (row,) = deliveries_of_post(scope, post_id)
    day = local_day(lea.now(), ZONE) + timedelta(days=3)
    lea.act(reschedule_delivery, row.id, at=WallTime(day, time(10), ZONE))
    with lea.scope() as scope:
        (row,) = deliveries_of_post(scope, post_id)
    assert row.late_until == WallTime(day + timedelta(days=1), time(0), ZONE).instant()


def test_a_time_is_past_only_once_it_is_too_late(lea: SandboxAgency) -> None:
    planned(lea, LateLimit.TWO_HOURS, after=-3600)
    with pytest.raises(BadInput):
        planned(lea, LateLimit.FIVE_MINUTES, after=-3600)


def test_another_choice_counts_for_all_that_is_to_come(lea: SandboxAgency) -> None:
    draft = Draft(
        lea.creator_id, "", "again", (), (lea.channels["main"],), late=LateLimit.FIVE_MINUTES
    )
    repeat = Recurrence(DAILY, local_day(lea.now(), "UTC") + timedelta(days=1), time(12), "UTC")
    with lea.scope(f"member:{lea.author}") as scope:
        post_id = series.plan_series(
            scope, draft, repeat, key=uuid7(), author=f"member:{lea.author}", confirmed=True
        ).post_id
    lea.run()
    approve_and_release(lea, post_id)
    with lea.scope() as scope:
        version = queries.get_stored_post(scope, post_id).version
    lea.act(priority.set_late_limit, post_id, LateLimit.TWO_HOURS, version=version)
    with pytest.raises(Conflict):
        lea.act(priority.set_late_limit, post_id, LateLimit.ALWAYS, version=version)
    lea.pass_time(days=0.5)
    lea.live(days=1)
    with lea.scope() as scope:
        rows = deliveries_of_post(scope, post_id)
    ahead = [row for row in rows if row.state == DeliveryState.SCHEDULED]
    assert len(ahead) > 85, "the yes stands"
    assert {(row.late_until or row.due_at) - row.due_at for row in ahead} == {timedelta(hours=2)}


def test_what_missed_its_hour_leaves_within_the_longer_time(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("late", after=600)
    post_id = lea.entry(delivery_id).post_id
    with lea.scope() as scope:
        version = queries.get_stored_post(scope, post_id).version
    lea.act(priority.set_late_limit, post_id, LateLimit.ALWAYS, version=version)
    lea.pass_time(hours=5)
    lea.run()
    assert lea.state(delivery_id) in (DeliveryState.PUBLISHED, DeliveryState.SCHEDULED)
    assert lea.why(delivery_id) != "delivery.too_late"


def test_what_goes_nowhere_yet_has_one(lea: SandboxAgency) -> None:
    post_id = lea.write()
    lea.act(priority.set_late_limit, post_id, LateLimit.TWO_HOURS, version=1)
    with lea.scope() as scope:
        assert deliveries.get_post(scope, post_id).late_ok == timedelta(hours=2)


def test_what_has_left_has_no_lateness(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("out")
    lea.run()
    post_id = lea.entry(delivery_id).post_id
    with lea.scope() as scope:
        version = queries.get_stored_post(scope, post_id).version
    with pytest.raises(Conflict):
        lea.act(priority.set_late_limit, post_id, LateLimit.ALWAYS, version=version)


def test_until_its_day_is_over_stays_so_in_a_file(lea: SandboxAgency) -> None:
    """It became so many hours: moved to another hour it ran past midnight, and went out as
    `840m`."""
    clerk = FileImporter(lea)
    clerk.write(format_csv([clerk.row(1, late_ok="day")]))
    (row,) = clerk.rows("SELECT * FROM deliveries WHERE tenant_id = :tenant")
    day = date.fromisoformat(clerk.day(3))
    clerk.desk.act(reschedule_delivery, row.id, at=WallTime(day, time(20), "Europe/Paris"))
    with clerk.desk.scope() as scope:
        (line,) = exports.load_export_rows(
            scope, [clerk.desk.creator_id], scope.now, scope.now + timedelta(days=9)
        )
        late_until = get_delivery(scope, row.id).late_until
    assert late_until == WallTime(day + timedelta(days=1), time(0), "Europe/Paris").instant()
    assert b",day," in exports.render_csv([line], {})
