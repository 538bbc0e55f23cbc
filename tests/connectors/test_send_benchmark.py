"""The benchmark beside the libraries, small: the platform takes in what is counted, and every
figure is told."""

from math import isfinite

import pytest

from tests.bench import library_comparison
from tests.bench.platform_libraries import LIBRARIES

FIGURES = {
    *(f"{way}_{rank}_ms" for way in library_comparison.WAYS for rank in ("p50", "p95")),
    *("send_over_bare", "kept_over_bare", "send_requests", "bare_requests"),
}
TRIED = ("telegram", "bluesky")
"""One on a loop and one with keys of its own form: each is a process of its own, and takes seconds
to start."""


@pytest.mark.nightly
@pytest.mark.slow
def test_the_house_and_a_library_post_to_the_same_fake() -> None:
    found = library_comparison.measure_platforms(TRIED, rounds=2, warm=1)
    assert found.keys() == {f"{platform}_{name}" for platform in TRIED for name in FIGURES}
    assert all(isfinite(value) and value > 0 for value in found.values())
    said = library_comparison.render_table(found)
    assert [f"| {LIBRARIES[platform][0]} ({platform}) |" in said for platform in TRIED] == [
        True,
        True,
    ]
    assert len(said.splitlines()) == 4


def test_a_post_that_did_not_arrive_ends_it() -> None:
    before, asked = library_comparison.ReceivedRequests(10, 3), {"send": 2, "kept": 2, "bare": 1}
    library_comparison.check_received_posts(
        before, library_comparison.ReceivedRequests(60, 33), asked, 10
    )
    for requests, posts in ((60, 32), (60, 34), (61, 33)):
        with pytest.raises(RuntimeError, match="of 10 rounds"):
            library_comparison.check_received_posts(
                before, library_comparison.ReceivedRequests(requests, posts), asked, 10
            )
