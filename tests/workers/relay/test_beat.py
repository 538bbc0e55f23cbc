"""The beat: its ticks run one after the other, and none after the relay ends."""

from datetime import timedelta
from queue import Empty, Queue
from threading import Event, Timer
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.ops.clock import sleep, wall_now
from workers.relay.beat import Beat, Tick


def test_ticks_run_in_sequence_and_none_after_the_end(tenant: OpenScope, tenant_id: UUID) -> None:
    ran: list[str] = []
    began, over = Event(), Event()

    def slow(_: OpenScope) -> None:
        ran.append("slow")
        began.set()
        over.wait(60)

    def behind(opened: OpenScope) -> None:
        with opened(tenant_id, "system:test"):
            ran.append("behind")

    with Beat([Tick(3600, slow, "slow"), Tick(3600, behind, "behind")], tenant):
        assert began.wait(60)
        sleep(0.3)
        assert ran == ["slow"]
        Timer(0.3, over.set).start()
    assert ran == ["slow"], "the next leader starts with it"


def test_tick_stops_at_the_next_agency_when_the_relay_ends(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    began, over, reached = Event(), Event(), Event()

    def through_all(opened: OpenScope) -> None:
        began.set()
        over.wait(60)
        with opened(tenant_id, "system:test"):
            reached.set()

    with Beat([Tick(3600, through_all, "all")], tenant):
        assert began.wait(60)
        Timer(0.3, over.set).start()
    assert not reached.is_set()


def test_ticks_over_all_agencies_do_not_delay_installation_ticks(tenant: OpenScope) -> None:
    over, came = Event(), Event()

    def waits(_: OpenScope) -> None:
        over.wait(60)

    ticks = [
        Tick(3600, waits, "all"),
        Tick(3600, lambda _: came.set(), "checkpoints", "house"),
    ]
    with Beat(ticks, tenant):
        assert came.wait(60)
        over.set()


def test_failing_tick_stops_no_other(tenant: OpenScope) -> None:
    came = Event()

    def fails(_: OpenScope) -> None:
        raise OSError("down")

    with Beat([Tick(3600, fails, "fails"), Tick(3600, lambda _: came.set(), "next")], tenant):
        assert came.wait(60)


def test_clock_rollback_stops_no_tick(tenant: OpenScope) -> None:
    ran: Queue[str] = Queue()
    set_back = timedelta()
    beat = Beat(
        [Tick(3600, lambda _: ran.put("tick"), "hourly")],
        tenant,
        clock=lambda: wall_now() - set_back,
    )
    with beat:
        ran.get(timeout=60)
        beat.follow_clock_rollback()
        with pytest.raises(Empty):  # the next tick is an hour away
            ran.get(timeout=0.3)
        set_back = timedelta(hours=1)  # and now two
        beat.follow_clock_rollback()
        ran.get(timeout=60)
