"""The quick benchmark of analytics: readings are stored, rolled up and read."""

import pytest

from benchmarks import analytics_speed
from benchmarks.publishing import growth_chart


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_analytics_benchmark_reports_every_figure() -> None:
    found = analytics_speed.measure_analytics(quick=True)
    assert found["analytics_readings_10k"] > 9000
    assert all(value > 0 for value in found.values())
    lines = growth_chart.growth_lines(found, growth_chart.ANALYTICS)
    assert set(lines) == growth_chart.ANALYTICS.names.keys()
