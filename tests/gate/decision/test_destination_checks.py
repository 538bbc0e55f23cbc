"""Destination checks: unchecked destinations hold, wrong ones block nudity, General content is not
checked."""

from dataclasses import replace

import pytest

from gate.contract.units import Rating
from gate.decision.decide import decide_unit
from tests.gate.decision.test_decide import BUNDLE, NOW, SYNTHETIC, known, said, snapshot, unit

CHANNEL = BUNDLE.row("telegram", "telegram.private_channel", on=BUNDLE.read_on)
PRIVATE, BY_REQUEST, NO_GROUP, ASSURED = (probe.see for probe in CHANNEL.probes)
FLAGS = ("has_spoiler=true", "protect_content=true")


def there(rating: Rating, seen: tuple[str, ...] | None) -> tuple[str, set[str]]:
    """Judge a picture of this rating for a private channel with these check results."""
    shown = unit(platform="telegram", surface="telegram.private_channel", flags=FLAGS, seen=seen)
    return said(snapshot(known(rating, SYNTHETIC), persons=(SYNTHETIC,)), shown)


def test_explicit_requires_all_destination_checks() -> None:
    whole = (PRIVATE, BY_REQUEST, NO_GROUP, ASSURED)
    assert there(Rating.E, whole) == ("F", set())
    for missing in whole:
        verdict, reasons = there(Rating.E, tuple(each for each in whole if each != missing))
        assert verdict == "B"
        assert reasons == {"AUDIENCE_CHANGED" if missing == PRIVATE else "AUDIENCE_UNKNOWN"}


@pytest.mark.parametrize("rating", [Rating.S, Rating.N, Rating.E])
def test_missing_destination_check_is_only_reason(rating: Rating) -> None:
    assert there(rating, None) == ("H", {"DESTINATION_PROBE_STALE"})


def test_suggestive_requires_private_channel_only() -> None:
    assert there(Rating.S, (PRIVATE,))[0] in "AF"
    assert there(Rating.S, ()) == ("H", {"AUDIENCE_CHANGED"})


def test_general_requires_no_destination_check() -> None:
    assert there(Rating.G, None)[0] in "AF"
    assert there(Rating.G, ())[0] in "AF"


def test_destination_without_age_assurance_blocks_nudity() -> None:
    row = BUNDLE.rows["telegram.private_channel"]
    probes = [probe.model_copy(update={"assures": False}) for probe in row.probe or ()]
    told = {**BUNDLE.rows, "telegram.private_channel": row.model_copy(update={"probe": probes})}
    facts = snapshot(known(Rating.N, SYNTHETIC), persons=(SYNTHETIC,))
    seen = tuple(probe.see for probe in probes)
    whole = unit(platform="telegram", surface="telegram.private_channel", flags=FLAGS, seen=seen)
    assert "AUDIENCE_UNKNOWN" in decide_unit(facts, whole, replace(BUNDLE, rows=told), NOW).reasons
