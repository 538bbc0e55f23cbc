"""The comparison with client libraries, at small scale: posts are counted at the fake and every
figure is reported."""

from math import isfinite

import pytest

from tests.bench import library_comparison
from tests.bench.platform_libraries import LIBRARIES

FIGURES = {
    *(f"{way}_{rank}_ms" for way in library_comparison.WAYS for rank in ("p50", "p95")),
    *("send_over_bare", "kept_over_bare", "send_requests", "bare_requests"),
}
TRIED = ("telegram", "bluesky")
"""Platforms measured: one with an asyncio library and one with its own record keys. Each runs in
its own process and takes seconds to start."""


@pytest.mark.nightly
@pytest.mark.slow
def test_benchmark_measures_greenroom_and_a_library_on_one_fake() -> None:
    found = library_comparison.measure_platforms(TRIED, rounds=2, warm=1)
    assert found.keys() == {f"{platform}_{name}" for platform in TRIED for name in FIGURES}
    assert all(isfinite(value) and value > 0 for value in found.values())
    said = library_comparison.render_table(found)
    assert [f"| {LIBRARIES[platform][0]} ({platform}) |" in said for platform in TRIED] == [
        True,
        True,
    ]
    assert len(said.splitlines()) == 4


def test_missing_or_extra_posts_abort_the_benchmark() -> None:
    before, asked = library_comparison.ReceivedRequests(10, 3), {"send": 2, "kept": 2, "bare": 1}
    library_comparison.check_received_posts(
        before, library_comparison.ReceivedRequests(60, 33), asked, 10
    )
    for requests, posts in ((60, 32), (60, 34), (61, 33)):
        with pytest.raises(RuntimeError, match="of 10 rounds"):
            library_comparison.check_received_posts(
                before, library_comparison.ReceivedRequests(requests, posts), asked, 10
            )
