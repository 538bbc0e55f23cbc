"""The simulated day of the review queue: every item in it results from the rules."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.review_workload import ReviewDay, simulate_day
from foundation.db.database import OpenScope
from foundation.storage.object_store import FileStore

SMALL = ReviewDay(
    creators=2,
    posts=20,
    nude=4,
    explicit=1,
    refused=1,
    plain=3,
    suggestive=1,
    raised=2,
    link=10,
    strange=13,
)


@pytest.mark.heavy
def test_review_items_are_counted_by_kind(tenant: OpenScope, tmp_path: Path) -> None:
    found = simulate_day(tenant, FileStore(tmp_path), SMALL)
    read = found.pop(
        "desk_read_per_day"
    )  # drawn at random: none to all of the four Suggestive pictures
    assert 0 <= read <= 4
    assert {**found, "desk_items_per_day": found["desk_items_per_day"] - read} == {
        "desk_items_per_day": 10,
        "desk_sheets_per_day": 6,  # for each of two creators: two sheets to rate, one to review
        "desk_pictures_per_day": 1,  # a picture whose rating was raised is reviewed again
        "desk_held_per_day": 3,  # two addresses and one text that is not read
        "desk_single_per_day": 26 + read,
    }
    easy = simulate_day(
        tenant, FileStore(tmp_path), replace(SMALL, posts=9, raised=1000, refused=0)
    )
    assert (easy["desk_pictures_per_day"], easy["desk_held_per_day"]) == (1, 0)
