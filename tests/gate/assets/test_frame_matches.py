"""Frame matches: blocked films are recognized as films, excerpts and stills; partial inspections
remain open."""

import random
from typing import Any

import pytest

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from gate.assets import asset_records
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating
from gate.permits import issuance
from gate.ratings import inspections
from gate.removal import recall
from tests.gate.builders import World, picture, unit, world
from tests.gate.ratings.test_inspections import EYES, rated, reasons, say

DRAWN = random.Random(34)
FRAMES = [f"{DRAWN.getrandbits(64):016x}" for _ in range(40)]
"""Random frame hashes; any two differ in about half of their bits."""


@pytest.fixture
def here(tenant: OpenScope, tenant_id: Any) -> World:
    return world(tenant, tenant_id)


def near(frame: str, bits: int) -> str:
    return f"{int(frame, 16) ^ (1 << bits) - 1:016x}"


def brought(here: World, frames: list[str], *, look: str | None = None) -> Medium:
    """Record a medium with these frame hashes and, by default, no picture hash."""
    with here.scope() as scope:
        medium = picture(scope, here, phash=look)
        inspections.record_file_inspection(scope, medium.sha256, hidden=False, frames=frames)
    return medium


def block(here: World, medium: Medium, look: str | None = None) -> None:
    with here.scope() as scope:
        recall.block_bytes(scope, medium.sha256, category="shown", phash=look)


def verdict(here: World, medium: Medium) -> str:
    with here.scope() as scope:
        return str(
            issuance.preview_decision(
                scope, unit(here, media=[medium]), author=f"member:{here.ann}"
            ).verdict
        )


GONE = FRAMES[:10]
BACK: dict[str, tuple[list[str], str]] = {
    "all frames": (GONE, "B"),
    "all frames, saved again": ([near(frame, 8) for frame in GONE], "B"),
    "all frames, beyond the near limit": ([near(frame, 9) for frame in GONE], "A"),
    "30 % of the frames in a long film": ([*GONE[:3], *FRAMES[10:40]], "B"),
    "20 % of the frames in a long film": ([*GONE[:2], *FRAMES[10:40]], "H"),
    "short excerpt": (GONE[4:5], "B"),
    "short excerpt with other frames": ([GONE[4], *FRAMES[10:12]], "B"),
    "no common frames": (FRAMES[10:20], "A"),
    "no frames": ([], "A"),
}


@pytest.mark.parametrize("first", [True, False], ids=["blocked first", "uploaded first"])
@pytest.mark.parametrize("how", BACK)
def test_blocked_film_is_matched_by_share_of_frames(here: World, how: str, first: bool) -> None:
    frames, answer = BACK[how]
    gone = brought(here, GONE)
    if first:
        block(here, gone)
    back = brought(here, frames)
    if not first:
        block(here, gone)
    assert verdict(here, back) == answer
    assert reasons(here, back) == (set() if answer == "A" else {Reason.BLOCKLIST_NEAR})
    assert reasons(here, gone) >= {Reason.BLOCKLIST_EXACT}


@pytest.mark.parametrize("first", [True, False], ids=["blocked first", "uploaded first"])
@pytest.mark.parametrize(("bits", "answer"), [(0, "B"), (8, "B"), (12, "H"), (13, "A")])
def test_blocked_frames_match_pictures_and_blocked_pictures_match_frames(
    here: World, bits: int, answer: str, first: bool
) -> None:
    gone, shown = brought(here, GONE), brought(here, [], look=FRAMES[20])
    if first:
        block(here, gone)
        block(here, shown, FRAMES[20])
    still = brought(here, [], look=near(GONE[5], bits))
    film = brought(here, [*FRAMES[30:39], near(FRAMES[20], bits)])
    if not first:
        block(here, gone)
        block(here, shown, FRAMES[20])
    assert (verdict(here, still), verdict(here, film)) == (answer, answer)


def test_shared_poster_frame_is_not_a_match(here: World) -> None:
    """For films, the share of frames counts, even if the poster is the only frame in common."""
    gone = brought(here, GONE)
    block(here, gone)
    assert verdict(here, brought(here, [*FRAMES[10:39], GONE[0]], look=GONE[0])) == "H"


def test_block_of_another_agency_has_no_effect(here: World, tenant: OpenScope) -> None:
    block(here, brought(here, GONE))
    other = world(tenant, uuid7())
    assert verdict(other, brought(other, GONE)) == "A"


def test_partial_inspection_requires_full_inspection_or_member_rating(here: World) -> None:
    medium, other = rated(here, ("rule:drawn", Rating.G)), rated(here, ("rule:drawn", Rating.G))
    for one in (medium, other):
        with here.scope() as scope:
            inspections.record_partial_inspection(scope, one.sha256)
        say(here, one, EYES, Rating.G)
        assert reasons(here, one) == {Reason.CLASSIFIER_UNAVAILABLE}
    with here.scope() as scope:
        assert inspections.needs_inspection(scope, medium.sha256)
        inspections.record_full_inspection(scope, medium.sha256)
        assert not inspections.needs_inspection(scope, medium.sha256)
    say(here, other, f"member:{here.ann}", Rating.G)
    assert reasons(here, medium) == reasons(here, other) == set()


def test_subtitles_are_rated(here: World) -> None:
    medium = rated(here, (f"member:{here.ann}", Rating.G))
    with here.scope() as scope:
        inspections.record_file_inspection(
            scope, medium.sha256, hidden=False, words=["EXPLICIT-MARKER-A"]
        )
    found = reasons(here, medium, surface="sandbox.as_instagram")
    assert Reason.RATING_EXCEEDS_SURFACE in found


def test_renditions_of_film_are_listed_in_order(here: World) -> None:
    with here.scope() as scope:
        medium = picture(scope, here)
        asset = asset_records.find_rendition_by_digest(scope, medium.sha256).asset_id
        for number, profile in enumerate(["sheet", "poster", "sheet"]):
            sha256 = f"{number:064x}"
            asset_records.record_rendition(
                scope,
                asset,
                sha256=sha256,
                mime="image/jpeg",
                size=1,
                width=1,
                height=1,
                profile=profile,
            )
        assert asset_records.rendition_digests(scope, asset, "sheet") == [f"{0:064x}", f"{2:064x}"]
        assert asset_records.rendition_digests(scope, here.creator_id, "sheet") == []
