"""The unit in which a platform counts is found from its connector, for every text."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract.connector import SupportsTextCount
from connectors.registry import loader
from connectors.shared.text_counting import threads_text_length, x_text_length
from connectors.shared.unit_checks import count_graphemes, count_utf8_bytes
from gate.contract.units import Subject, Text, Unit
from schedules.drafts.text_measures import PLAIN_MEASURE, CountUnit, find_text_measure

NONE = UUID(int=0)
LENGTHS: Mapping[CountUnit, Callable[[str], int]] = {
    "characters": len,
    "graphemes": count_graphemes,
    "utf16": lambda text: len(text.encode("utf-16-le")) // 2,
    "bytes": count_utf8_bytes,
    "x": x_text_length,
    "threads": threads_text_length,
}
WORDS = st.text(st.sampled_from("aé ß字👩🏽‍👩‍👧😀\n1#"), max_size=40)


def unit_on(platform: str, surface: str, body: str = "") -> Unit:
    return Unit(
        tenant_id=NONE,
        creator_id=NONE,
        subject=Subject("delivery", NONE),
        platform=platform,
        surface=surface,
        channel_id=NONE,
        account="a",
        audience="public",
        texts=(Text("body", body),),
        media=(),
    )


COUNTING = [
    (platform, surface)
    for platform, one in loader.load_connectors().items()
    if isinstance(one, SupportsTextCount)
    for surface in one.capabilities.surfaces
    if surface not in ("message", "bot_dm", "dm")
]


@pytest.mark.parametrize(("platform", "surface"), COUNTING)
def test_measure_counts_like_the_connector(platform: str, surface: str) -> None:
    connector = loader.load_connectors()[platform]
    assert isinstance(connector, SupportsTextCount)
    start = unit_on(platform, surface, "title\nstart ")
    length = LENGTHS[find_text_measure(start, connector).unit]

    @settings(max_examples=40, deadline=None)
    @given(WORDS)
    def check(more: str) -> None:
        whole = replace(start, texts=(Text("body", f"title\nstart {more}."),))
        counted = connector.count_text(whole)[0] - connector.count_text(start)[0]
        assert counted == length(f"start {more}.") - length("start ")

    check()


def test_addresses_count_as_on_their_platform() -> None:
    known = loader.load_connectors()
    measures = {
        name: find_text_measure(unit_on(name, known[name].capabilities.surfaces[0]), known[name])
        for name in ("x", "mastodon", "bluesky", "telegram")
    }
    assert {name: (one.unit, one.link) for name, one in measures.items()} == {
        "x": ("x", 23),
        "mastodon": ("graphemes", 23),
        "bluesky": ("graphemes", 0),
        "telegram": ("utf16", 0),
    }


def test_platform_without_its_own_count_counts_characters() -> None:
    assert find_text_measure(unit_on("nowhere", "post"), None) == PLAIN_MEASURE
