"""The heartbeat renews the lease of a row during its task, and stops the task if the lease is lost."""

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


def test_heartbeat_continues_during_task() -> None:
    beaten = Event()
    with heartbeat.heartbeat(lambda: not beaten.set(), every=0.01) as pulse:
        assert beaten.wait(60)
        pulse.check_lease()


def test_lost_lease_stops_task_at_next_check() -> None:
    asked = Event()

    def beat() -> bool:
        asked.set()
        return False

    with heartbeat.heartbeat(beat, every=0.01) as pulse:
        assert asked.wait(60)
        wait_until(lambda: lost(pulse))
        with pytest.raises(LeaseLost):
            pulse.check_lease()


def test_failed_heartbeat_is_retried() -> None:
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


def test_heartbeat_uses_running_row_if_any() -> None:
    beaten = Event()
    with heartbeat.running_row(lambda: not beaten.set()), heartbeat.heartbeat(every=0.01):
        assert beaten.wait(60)
    with heartbeat.heartbeat() as pulse:
        pulse.check_lease()
