"""The quick benchmark of publishing: both systems post under every fault, and each figure is
reported."""

import socket
import threading
from math import isfinite
from xml.etree import ElementTree

import pytest

from benchmarks import measurement
from benchmarks.publishing import comparison, fault_outcomes, growth_chart, refused_port
from foundation.errors import BadInput

SPEED = (
    "light_p50_s",
    "light_p95_s",
    "burst120_p50_s",
    "burst120_p95_s",
    "posts_per_s",
    "cpu_ms_per_post",
)


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_greenroom_neither_loses_nor_duplicates_posts_under_faults() -> None:
    found = comparison.measure_publishing(quick=True)
    assert all(isfinite(value) and value >= 0 for value in found.values())
    ratios = {"posts_of_plain", "cpu_of_plain", "slow_of_lanes"}
    assert {*SPEED, *ratios, "db_connections"} <= found.keys()
    assert {f"plain_{one}" for one in SPEED} <= found.keys()
    for name in fault_outcomes.QUICK_SIZE.names:
        assert (found[f"{name}_doubled"], found[f"{name}_lost"]) == (0, 0), name
        assert f"plain_{name}_lost" in found
    # otherwise the fault had no effect
    assert found["plain_reset_doubled"] == fault_outcomes.QUICK_SIZE.each
    assert found["plain_db_connections"] == 0 < found["db_connections"]


def test_port_refuses_connections_until_it_accepts() -> None:
    with (
        socket.create_server((refused_port.HOST, 0)) as server,
        refused_port.refused_port(server.getsockname()[1]) as line,
    ):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((refused_port.HOST, line.port), timeout=5)
        line.start_accepting()
        threading.Thread(target=_shout, args=(server,), daemon=True).start()
        with socket.create_connection((refused_port.HOST, line.port), timeout=5) as near:
            near.sendall(b"hear me")
            assert near.recv(20) == b"HEAR ME"


def _shout(server: socket.socket) -> None:
    far, _ = server.accept()
    with far:
        far.sendall(far.recv(20).upper())


LATE = {
    "late_p95_s_1k_1": 0.1,
    "late_p95_s_1m_1": 0.4,
    "late_p95_s_1k_4": 0.2,
    "late_p95_s_1m_4": 0.2,
    "other": 9.0,
}


def test_growth_chart_has_a_line_for_each_number_of_workers() -> None:
    lines = growth_chart.growth_lines(LATE)
    assert lines == {"1": {"1k": 0.1, "1m": 0.4}, "4": {"1k": 0.2, "1m": 0.2}}
    drawn = ElementTree.fromstring(growth_chart.render_chart(lines))
    paths = [
        _points(one.attrib["points"]) for one in drawn.iter("{http://www.w3.org/2000/svg}polyline")
    ]
    (left, low), (right, high) = paths[0]
    assert left < right
    assert low > high  # y grows downwards: a later value is drawn higher
    assert paths[1][0][1] == paths[1][1][1]


def test_chart_of_analytics_has_a_line_for_each_page() -> None:
    figures = {
        f"analytics_s_{rows}_{name}": 0.1
        for rows in ("10k", "1m")
        for name in ("ingest", "content")
    }
    (chart,) = growth_chart.charts_of(figures)
    assert chart is growth_chart.ANALYTICS
    drawn = growth_chart.render_chart(growth_chart.growth_lines(figures, chart), chart)
    assert "Content (p95)" in drawn
    assert "goal 0.2 s" in drawn


def test_chart_of_machines_shows_their_rates() -> None:
    figures = {**LATE, "machines_posts_per_s_1": 15.0, "machines_posts_per_s_4": 58.0}
    charts = growth_chart.charts_of(figures)
    assert charts == [growth_chart.LATENESS, growth_chart.MACHINES]
    drawn = growth_chart.render_chart(growth_chart.growth_lines(figures, charts[1]), charts[1])
    assert "60.00 /s" in drawn
    assert "goal" not in drawn


def _points(said: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, _, y in (one.partition(",") for one in said.split())]


def test_benchmark_page_shows_the_chart_and_a_row_for_each_fault() -> None:
    counted = {
        "hang_doubled": 0.0,
        "hang_lost": 0.0,
        "hang_delayed": 2.0,
        "plain_hang_doubled": 20.0,
    }
    page = measurement.render_benchmark_page(
        [measurement.Measurement("scale", {**LATE, **counted, "light_p95_s": 0.1}, "here", 1)]
    )
    assert f"]({measurement.CHART_FOLDER}/growth.svg)" in page
    assert "| `light_p95_s` | 0.1 | ≤ 0.3 |" in page
    assert "| `hang` | 0 | 0 | 2 | 20 | 0 |" in page
    assert measurement.goal_for("hang_lost") == "0"
    assert not measurement.goal_for("plain_hang_lost")


def test_benchmark_without_quick_mode_refuses_quick() -> None:
    with pytest.raises(BadInput, match=r"bench\.not_quick"):
        measurement.run_benchmark("outbox", quick=True)
