"""The allowed delay of a post, chosen by its author and changeable later."""

from datetime import UTC, date, datetime, time, timedelta
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
from schedules.posts.lateness import (
    AT_ONCE,
    LateLimit,
    approval_deadline,
    deadline_after_approval,
    late_span,
    latest_publish_time,
)
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
def test_delay_until_end_of_day_ends_at_local_midnight(day: date, clock: time, zone: str) -> None:
    due = WallTime(day, clock, zone).instant()
    end = lateness.latest_publish_time(None, due, zone, until_midnight=True)
    assert end is not None
    assert due <= end <= due + timedelta(hours=25)
    assert local_day(end, zone) > local_day(due, zone) or end == due


def test_late_limit_round_trips() -> None:
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
def test_late_limit_sets_deadline(
    lea: SandboxAgency, late: LateLimit | None, minutes: int | None
) -> None:
    post_id = planned(lea, late)
    with lea.scope() as scope:
        (row,) = deliveries_of_post(scope, post_id)
        assert row.late_until == (
            None if minutes is None else row.due_at + timedelta(minutes=minutes)
        )
        assert queries.get_stored_post(scope, post_id).late is (late or LateLimit.HALF_AN_HOUR)


def test_deadline_at_end_of_day_follows_rescheduling(lea: SandboxAgency) -> None:
    post_id = planned(lea, LateLimit.DAY)
    with lea.scope() as scope:
        (row,) = deliveries_of_post(scope, post_id)
    day = local_day(lea.now(), ZONE) + timedelta(days=3)
    lea.act(reschedule_delivery, row.id, at=WallTime(day, time(10), ZONE))
    with lea.scope() as scope:
        (row,) = deliveries_of_post(scope, post_id)
    assert row.late_until == WallTime(day + timedelta(days=1), time(0), ZONE).instant()


def test_past_time_within_late_limit_is_accepted(lea: SandboxAgency) -> None:
    planned(lea, LateLimit.TWO_HOURS, after=-3600)
    with pytest.raises(BadInput):
        planned(lea, LateLimit.FIVE_MINUTES, after=-3600)


def test_changed_late_limit_applies_to_coming_occurrences(lea: SandboxAgency) -> None:
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
    assert len(ahead) > 85, "the approval is still valid"
    assert {(row.late_until or row.due_at) - row.due_at for row in ahead} == {timedelta(hours=2)}


def test_longer_late_limit_lets_missed_post_publish(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("late", after=600)
    post_id = lea.entry(delivery_id).post_id
    with lea.scope() as scope:
        version = queries.get_stored_post(scope, post_id).version
    lea.act(priority.set_late_limit, post_id, LateLimit.ALWAYS, version=version)
    lea.pass_time(hours=5)
    lea.run()
    assert lea.state(delivery_id) in (DeliveryState.PUBLISHED, DeliveryState.SCHEDULED)
    assert lea.why(delivery_id) != "delivery.too_late"


def test_late_limit_can_be_set_without_deliveries(lea: SandboxAgency) -> None:
    post_id = lea.write()
    lea.act(priority.set_late_limit, post_id, LateLimit.TWO_HOURS, version=1)
    with lea.scope() as scope:
        assert deliveries.get_post(scope, post_id).late_ok == timedelta(hours=2)


def test_late_limit_of_published_post_cannot_change(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("out")
    lea.run()
    post_id = lea.entry(delivery_id).post_id
    with lea.scope() as scope:
        version = queries.get_stored_post(scope, post_id).version
    with pytest.raises(Conflict):
        lea.act(priority.set_late_limit, post_id, LateLimit.ALWAYS, version=version)


def test_imported_end_of_day_limit_is_kept(lea: SandboxAgency) -> None:
    """The import stored it as a number of minutes: after a reschedule it ran past midnight, and the
    export contained `840m`."""
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


_INSTANTS = st.integers(0, 2**31 - 1).map(lambda second: datetime.fromtimestamp(second, UTC))
_SPANS = st.integers(60, 10080).map(lambda minutes: timedelta(minutes=minutes))


@given(
    st.sampled_from(LateLimit),
    _INSTANTS,
    st.integers(-7200, 7200).map(lambda seconds: timedelta(seconds=seconds)),
    _SPANS,
    st.sampled_from(["UTC", "Europe/Paris", "America/Los_Angeles", "Asia/Kathmandu"]),
)
def test_draft_due_at_once_can_be_approved_for_the_time_of_the_agency(
    choice: LateLimit, now: datetime, ahead: timedelta, span: timedelta, zone: str
) -> None:
    due = now + ahead
    own = latest_publish_time(late_span(choice), due, zone, until_midnight=choice is LateLimit.DAY)
    deadline = approval_deadline(own, due, now, span)
    if own is None or own < now or ahead > AT_ONCE:
        assert deadline == own
    else:
        assert deadline is not None
        assert deadline >= max(own, now + span)
    approved = deadline_after_approval(deadline, own)
    assert approved == own


@given(_INSTANTS, _SPANS, st.floats(0, 1))
def test_late_approval_never_extends_the_deadline(
    now: datetime, span: timedelta, part: float
) -> None:
    deadline = approval_deadline(now + timedelta(minutes=5), now, now, span)
    assert deadline == now + span
    approved = now + span * part
    assert deadline_after_approval(deadline, approved + timedelta(minutes=5)) == min(
        deadline, approved + timedelta(minutes=5)
    )
