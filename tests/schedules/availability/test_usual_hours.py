"""The hours that are proposed: none in which nothing is to be posted."""

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


def test_the_next_free_hour_lies_behind_a_pause(lea: SandboxAgency) -> None:
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


def test_what_holds_for_one_account_counts_for_it_alone(lea: SandboxAgency) -> None:
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


def test_hours_that_are_never_open_are_still_proposed(lea: SandboxAgency) -> None:
    """There is no other hour to propose; who plans is warned of it."""
    hours = {"label": "", "zone": ZONE, "weekday": None, "start": time(18), "end": time(19)}
    lea.act(quiet_periods.add_quiet_hours, lea.creator_id, None, **hours)
    assert lea.act(find_next_usual_time, lea.creator_id, ZONE).clock == DEFAULT_USUAL_HOUR


def test_closed_hours_are_of_their_creator(lea: SandboxAgency) -> None:
    keep(lea, 0, 1)
    with lea.scope() as scope:
        known = quiet_periods.list_quiet_periods(scope, [lea.creator_id])
    assert filter_closing_periods(known, lea.creator_id) == known
    assert filter_closing_periods(known, lea.tenant_id) == []
