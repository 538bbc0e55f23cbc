"""Series after a downtime, and after an update of the time zone database."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4

from foundation.ops.wall_time import parse_wall_time
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import time_zone_updates
from schedules.posts.states import DeliveryState
from schedules.recurrence import handlers
from schedules.recurrence.events import ClocksDue
from schedules.recurrence.rules import Recurrence, RecurrenceRule, RecurrenceUnit
from tenants.notices.queries import list_open_notices
from tests.schedules.builders import ZONE, SandboxAgency
from tests.schedules.series_builders import (
    DAILY,
    allow_any_lateness,
    approve_and_release,
    build_recurrence,
    list_deliveries,
    local_time_ahead,
    start_series,
)

# After a downtime


def test_after_downtime_only_latest_missed_occurrence_is_published(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    lea.run()
    allow_any_lateness(lea, post_id)
    approve_and_release(lea, post_id)
    kept = list_deliveries(lea, post_id)[1]
    lea.act(
        reschedule_delivery,
        kept.id,
        at=type(parse_wall_time(kept.wall_time, "UTC"))(*local_time_ahead(lea, hours=30), "UTC"),
    )
    lea.pass_time(days=5)
    lea.live(minutes=30)
    ours = list_deliveries(lea, post_id)
    passed = [row for row in ours if row.state == DeliveryState.CANCELLED]
    assert len(passed) == 3
    assert {row.reason["code"] for row in passed if row.reason} == {"series.passed_over"}
    assert [row.state for row in ours if row.id == kept.id] == [
        DeliveryState.PUBLISHED
    ]  # a member had chosen that time
    assert len(lea.texts()) == 2
    assert "series.some_passed_over" in lea.notices().values()
    first = parse_wall_time(passed[0].wall_time, ZONE)
    with lea.scope() as scope:
        told = [
            one.message
            for one in list_open_notices(scope)
            if one.message.code == "series.some_passed_over"
        ]
    assert [one.params["since"] for one in told] == [f"{first.day:%d/%m/%Y} {first.clock:%H:%M}"]


def test_missed_occurrences_past_deadline_cause_one_hold(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    lea.run()
    approve_and_release(lea, post_id)
    lea.pass_time(days=5)
    lea.run()
    states = [row.state for row in list_deliveries(lea, post_id)[:6]]
    assert states.count(DeliveryState.HELD) == 1
    assert states.count(DeliveryState.CANCELLED) == 4
    assert lea.texts() == []


# Time zones


def altered(lea: SandboxAgency, post_id: UUID, **by: float) -> None:
    """Shift the due times, as if another time zone database had been in use."""
    with lea.scope() as scope:
        scope.run(
            "UPDATE deliveries SET due_at = due_at + :by, late_until = late_until + :by WHERE "
            "post_id = :id",
            by=timedelta(**by),
            id=post_id,
        )


def test_time_zone_update_moves_instants_and_keeps_wall_times(lea: SandboxAgency) -> None:
    day, clock = local_time_ahead(lea, hours=30)
    post_id = start_series(
        lea, Recurrence(RecurrenceRule(RecurrenceUnit.WEEK, 12), day, clock, ZONE)
    )
    lea.run()
    approve_and_release(lea, post_id)
    moved = list_deliveries(lea, post_id)[2]
    at = parse_wall_time(moved.wall_time, ZONE)
    lea.act(reschedule_delivery, moved.id, at=type(at)(at.day + timedelta(days=2), time(3), ZONE))
    before = {
        row.id: (row.due_at, row.late_until, row.wall_time) for row in list_deliveries(lea, post_id)
    }
    altered(lea, post_id, hours=1)
    lookup = ClocksDue(lea.tenant_id, lea.tenant_id)
    for _ in range(2):
        handlers.handle_clocks_due(lookup, tenant=lea.tenant)
    after = list_deliveries(lea, post_id)
    assert {row.id: (row.due_at, row.late_until, row.wall_time) for row in after} == before
    woken = {row.subject_id: row.available_at for row in lea.rows("delivery.publish")}
    assert woken == {row.id: row.due_at for row in after}
    told = [code for cause, code in lea.notices().items() if cause.startswith("clocks:")]
    assert told == ["clocks.moved"]
    assert lea.act(time_zone_updates.recompute_due_times) == 0


def test_time_zone_update_keeps_time_of_published_delivery(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery()
    lea.live(minutes=1)
    with lea.scope() as scope:
        scope.run(
            "UPDATE deliveries SET due_at = due_at - interval '1 hour' WHERE id = :id",
            id=delivery_id,
        )
    assert lea.act(time_zone_updates.recompute_due_times) == 0


def test_unknown_time_zone_does_not_stop_update(lea: SandboxAgency) -> None:
    day, clock = local_time_ahead(lea, hours=30)
    post_id = start_series(
        lea, Recurrence(RecurrenceRule(RecurrenceUnit.WEEK, 3), day, clock, ZONE)
    )
    lea.run()
    altered(lea, post_id, hours=1)
    lost = list_deliveries(lea, post_id)[0]
    with lea.scope() as scope:
        scope.run("UPDATE deliveries SET zone = 'Moon/Base' WHERE id = :id", id=lost.id)
    assert lea.act(time_zone_updates.recompute_due_times) == 2
    assert list_deliveries(lea, post_id)[0].due_at == lost.due_at


def test_stalled_series_is_woken(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    with lea.scope() as scope:
        scope.run(
            "DELETE FROM outbox WHERE tenant_id = :t AND kind = 'series.extend'", t=lea.tenant_id
        )
    lea.pass_time(hours=1.1)
    handlers.handle_clocks_due(ClocksDue(lea.tenant_id, uuid4()), tenant=lea.tenant)
    lea.run()
    assert len(list_deliveries(lea, post_id)) == 90


def test_series_in_gap_and_overlap_of_paris() -> None:
    """02:30 does not exist on 28 March 2027 and exists twice on 31 October."""
    daily = Recurrence(DAILY, date(2026, 11, 1), time(2, 30), "Europe/Paris")
    spring = daily.occurrences_between(
        datetime(2027, 3, 27, tzinfo=UTC), datetime(2027, 3, 30, tzinfo=UTC)
    )
    assert [f"{wall.instant():%d %H:%M}" for wall in spring] == ["27 01:30", "28 01:30", "29 00:30"]
    assert [wall.is_in_dst_gap for wall in spring] == [False, True, False]
    autumn = daily.occurrences_between(
        datetime(2027, 10, 30, tzinfo=UTC), datetime(2027, 11, 2, tzinfo=UTC)
    )
    assert [f"{wall.instant():%d %H:%M}" for wall in autumn] == ["30 00:30", "31 00:30", "01 01:30"]
