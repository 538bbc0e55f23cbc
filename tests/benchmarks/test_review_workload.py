"""The day whose desk is counted: each thing that lands there is one the rules put there."""

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
def test_what_lands_on_the_desk_is_counted_by_what_it_is(tenant: OpenScope, tmp_path: Path) -> None:
    found = simulate_day(tenant, FileStore(tmp_path), SMALL)
    read = found.pop(
        "desk_read_per_day"
    )  # drawn anew each time: none to all of the four that are Suggestive
    assert 0 <= read <= 4
    assert {**found, "desk_items_per_day": found["desk_items_per_day"] - read} == {
        "desk_items_per_day": 10,
        "desk_sheets_per_day": 6,  # of each of two creators: two sheets to rate, one to look at
        "desk_pictures_per_day": 1,  # what was raised comes again
        "desk_held_per_day": 3,  # two addresses, one text that is not read
        "desk_single_per_day": 26 + read,
    }
    easy = simulate_day(
        tenant, FileStore(tmp_path), replace(SMALL, posts=9, raised=1000, refused=0)
    )
    assert (easy["desk_pictures_per_day"], easy["desk_held_per_day"]) == (1, 0)
