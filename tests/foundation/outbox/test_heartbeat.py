"""A heartbeat keeps the row while the work lasts, and stops the work when the row is gone."""

from threading import Event

import pytest

from foundation.errors import LeaseLost
from foundation.outbox import heartbeat
from tests.conftest import wait_until


def lost(pulse: heartbeat.Heartbeat) -> bool:
    try:
        pulse.check_lease()
    except LeaseLost:
        return True
    return False


def test_it_beats_while_the_work_lasts() -> None:
    beaten = Event()
    with heartbeat.heartbeat(lambda: not beaten.set(), every=0.01) as pulse:
        assert beaten.wait(60)
        pulse.check_lease()


def test_a_lost_row_stops_the_work_at_its_next_step() -> None:
    asked = Event()

    def beat() -> bool:
        asked.set()
        return False

    with heartbeat.heartbeat(beat, every=0.01) as pulse:
        assert asked.wait(60)
        wait_until(lambda: lost(pulse))
        with pytest.raises(LeaseLost):
            pulse.check_lease()


def test_a_beat_that_cannot_reach_the_database_is_tried_again() -> None:
    calls: list[int] = []
    enough = Event()

    def beat() -> bool:
        calls.append(1)
        if len(calls) >= 3:
            enough.set()
            return True
        raise ConnectionError

    with heartbeat.heartbeat(beat, every=0.01) as pulse:
        assert enough.wait(60)
        pulse.check_lease()


def test_it_finds_the_beat_of_the_running_row_and_works_without_one() -> None:
    beaten = Event()
    with heartbeat.running_row(lambda: not beaten.set()), heartbeat.heartbeat(every=0.01):
        assert beaten.wait(60)
    with heartbeat.heartbeat() as pulse:
        pulse.check_lease()
