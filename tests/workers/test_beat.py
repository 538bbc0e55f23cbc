"""The beat: its ticks one after the other, and none once the relay ends."""

from threading import Event, Timer

from foundation.clock import pause
from foundation.database import OpenScope
from workers.beat import Beat, Tick


def test_ticks_come_one_after_the_other_and_none_after_the_end(tenant: OpenScope) -> None:
    ran: list[str] = []
    began, over = Event(), Event()

    def slow(_: OpenScope) -> None:
        ran.append("slow")
        began.set()
        over.wait(60)

    def behind(_: OpenScope) -> None:
        ran.append("behind")

    with Beat([Tick(3600, slow, "slow"), Tick(3600, behind, "behind")], tenant):
        assert began.wait(60)
        pause(0.3)
        assert ran == ["slow"]
        Timer(0.3, over.set).start()
    assert ran == ["slow"], "whoever leads next begins with it"


def test_a_tick_that_fails_stops_no_other(tenant: OpenScope) -> None:
    came = Event()

    def fails(_: OpenScope) -> None:
        raise OSError("down")

    with Beat([Tick(3600, fails, "fails"), Tick(3600, lambda _: came.set(), "next")], tenant):
        assert came.wait(60)
