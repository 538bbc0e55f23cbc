"""Proposed hours: none lies in a quiet period."""

from datetime import time, timedelta

from foundation.ops.wall_time import local_day
from schedules.availability import quiet_periods
from schedules.availability.usual_hours import (
    DEFAULT_USUAL_HOUR,
    filter_closing_periods,
    find_next_usual_time,
)
from tests.schedules.builders import ZONE, SandboxAgency
from tests.schedules.rescheduling.test_skipped_occurrences import keep


def test_next_usual_time_is_after_quiet_days(lea: SandboxAgency) -> None:
    today = local_day(lea.now(), ZONE)
    for last in (3, 40):  # within two weeks, and beyond
        lea.act(
            quiet_periods.add_quiet_days,
            lea.creator_id,
            None,
            label="repos",
            zone=ZONE,
            first=today,
            last=today + timedelta(days=last),
        )
        found = lea.act(find_next_usual_time, lea.creator_id, ZONE)
        assert (found.day, found.clock) == (today + timedelta(days=last + 1), DEFAULT_USUAL_HOUR)


def test_quiet_days_of_one_account_do_not_affect_others(lea: SandboxAgency) -> None:
    lea.connect("second")
    today, main = local_day(lea.now(), ZONE), lea.channels["main"]
    lea.act(
        quiet_periods.add_quiet_days,
        lea.creator_id,
        main,
        label="x",
        zone=ZONE,
        first=today,
        last=today + timedelta(days=5),
    )
    ahead = today + timedelta(days=6)
    assert lea.act(find_next_usual_time, lea.creator_id, ZONE, channels=[main]).day == ahead
    assert (
        lea.act(find_next_usual_time, lea.creator_id, ZONE, channels=[lea.channels["second"]]).day
        < ahead
    )
    assert lea.act(find_next_usual_time, lea.creator_id, ZONE).day < ahead


def test_default_hour_is_proposed_if_always_quiet(lea: SandboxAgency) -> None:
    """There is no other hour to propose; the member who schedules gets a warning."""
    hours = {"label": "", "zone": ZONE, "weekday": None, "start": time(18), "end": time(19)}
    lea.act(quiet_periods.add_quiet_hours, lea.creator_id, None, **hours)
    assert lea.act(find_next_usual_time, lea.creator_id, ZONE).clock == DEFAULT_USUAL_HOUR


def test_quiet_hours_apply_to_their_creator_only(lea: SandboxAgency) -> None:
    keep(lea, 0, 1)
    with lea.scope() as scope:
        known = quiet_periods.list_quiet_periods(scope, [lea.creator_id])
    assert filter_closing_periods(known, lea.creator_id) == known
    assert filter_closing_periods(known, lea.tenant_id) == []
