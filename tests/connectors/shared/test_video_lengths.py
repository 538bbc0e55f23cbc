"""Video length limits: checked before anything is sent, and not part of a unit's digest."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.attempts.serialization import unit_from_json, unit_to_json
from connectors.contract.outcomes import Rejected
from connectors.registry import loader
from connectors.shared import unit_checks
from foundation.ids import uuid7
from gate.contract.units import Medium, Subject, Text, Unit

SAYING = {
    name: one
    for name, one in loader.load_connectors().items()
    if one.capabilities.film_seconds != (0, 0)
}


def film(seconds: int) -> Medium:
    return Medium(
        "a" * 64, "video/mp4", 100_000, alt="waves", width=720, height=1280, seconds=seconds
    )


def post(platform: str, seconds: int) -> Unit:
    return Unit(
        tenant_id=uuid7(),
        creator_id=uuid7(),
        subject=Subject("delivery", uuid7()),
        platform=platform,
        surface=f"{platform}.{SAYING[platform].capabilities.surfaces[0]}",
        channel_id=uuid7(),
        account="lea",
        audience="public",
        texts=(Text("body", "Bonjour"),),
        media=(film(seconds),),
    )


def why(platform: str, seconds: int) -> str:
    found = SAYING[platform].next_step(post(platform, seconds), ())
    return found.reason.code if isinstance(found, Rejected) else ""


def test_platforms_with_documented_length_are_known() -> None:
    assert SAYING.keys() == {"x", "bluesky", "tiktok", "instagram", "threads"}


@pytest.mark.parametrize("platform", SAYING)
def test_video_outside_the_length_bounds_is_rejected(platform: str) -> None:
    least, most = SAYING[platform].capabilities.film_seconds
    assert why(platform, most + 1) == "connectors.film_too_long"
    assert why(platform, most) not in {"connectors.film_too_long", "connectors.film_too_short"}
    assert why(platform, 0) not in {"connectors.film_too_long", "connectors.film_too_short"}, (
        "the length is unknown"
    )
    if least:
        assert why(platform, least - 1) == "connectors.film_too_short"


@given(st.integers(0, 10_000), st.sampled_from(sorted(SAYING)))
def test_length_problem_matches_the_bounds(seconds: int, platform: str) -> None:
    least, most = SAYING[platform].capabilities.film_seconds
    refused = unit_checks.video_length_problem(seconds, SAYING[platform].capabilities) is not None
    assert refused == (seconds > most or 0 < seconds < least)


def test_length_is_stored_without_changing_the_digest() -> None:
    unit = post("x", 12)
    assert unit_from_json(unit_to_json(unit)).media[0].seconds == 12
    before = replace(unit, media=(replace(unit.media[0], seconds=0),))
    assert unit.digest() == before.digest()
    stored = unit_to_json(before)
    del stored["media"][0]["seconds"]
    assert unit_from_json(stored).digest() == unit.digest(), "as stored before media had a length"
