"""The benchmark of publishing, small: both sides post through every fault, and each figure is told."""

import socket
import threading
from math import isfinite
from xml.etree import ElementTree

import pytest

from foundation.errors import BadInput
from workers import bench, bench_beside, bench_faults, bench_line, bench_plot

SPEED = ("light_p50_s", "light_p95_s", "burst120_p50_s", "burst120_p95_s", "posts_per_s", "cpu_ms_per_post")


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_both_sides_post_through_faults_and_ours_loses_and_doubles_nothing() -> None:
    found = bench_beside.figures(quick=True)
    assert all(isfinite(value) and value >= 0 for value in found.values())
    assert {*SPEED, "db_connections", "slow_of_lanes"} <= found.keys()
    assert {f"plain_{one}" for one in SPEED} <= found.keys()
    for name in bench_faults.QUICK.names:
        assert (found[f"{name}_doubled"], found[f"{name}_lost"]) == (0, 0), name
        assert f"plain_{name}_lost" in found
    assert found["plain_reset_doubled"] == bench_faults.QUICK.each  # or the fault was none
    assert found["plain_db_connections"] == 0 < found["db_connections"]


def test_a_line_is_refused_until_it_is_open() -> None:
    with socket.create_server((bench_line.HOST, 0)) as server, bench_line.line(server.getsockname()[1]) as line:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((bench_line.HOST, line.port), timeout=5)
        line.open()
        threading.Thread(target=_shout, args=(server,), daemon=True).start()
        with socket.create_connection((bench_line.HOST, line.port), timeout=5) as near:
            near.sendall(b"hear me")
            assert near.recv(20) == b"HEAR ME"


def _shout(server: socket.socket) -> None:
    far, _ = server.accept()
    with far:
        far.sendall(far.recv(20).upper())


LATE = {"late_p95_s_1k_1": 0.1, "late_p95_s_1m_1": 0.4, "late_p95_s_1k_4": 0.2, "late_p95_s_1m_4": 0.2, "other": 9.0}


def test_growth_is_drawn_with_a_line_for_each_number_of_workers() -> None:
    lines = bench_plot.growth(LATE)
    assert lines == {"1": {"1k": 0.1, "1m": 0.4}, "4": {"1k": 0.2, "1m": 0.2}}
    drawn = ElementTree.fromstring(bench_plot.drawn(lines))
    paths = [_points(one.attrib["points"]) for one in drawn.iter("{http://www.w3.org/2000/svg}polyline")]
    (left, low), (right, high) = paths[0]
    assert left < right
    assert low > high  # y grows downwards: later is higher up
    assert paths[1][0][1] == paths[1][1][1]


def _points(said: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, _, y in (one.partition(",") for one in said.split())]


def test_the_page_shows_the_picture_and_a_line_for_each_fault() -> None:
    counted = {"hang_doubled": 0.0, "hang_lost": 0.0, "hang_spaced": 2.0, "plain_hang_doubled": 20.0}
    page = bench.page([bench.Measured("scale", {**LATE, **counted, "light_p95_s": 0.1}, "here", 1)])
    assert f"]({bench.PICTURE})" in page
    assert "| `light_p95_s` | 0.1 | ≤ 0.3 |" in page
    assert "| `hang` | 0 | 0 | 2 | 20 | 0 |" in page
    assert bench.goal("hang_lost") == "0"
    assert not bench.goal("plain_hang_lost")


def test_only_some_benchmarks_can_be_run_small() -> None:
    with pytest.raises(BadInput, match=r"bench\.not_quick"):
        bench.measure("outbox", quick=True)
