"""Values derived from a unit alone: the record key, its time, and the positions of links and
hashtags."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.platforms.bluesky.record import record_key, record_key_time
from connectors.platforms.bluesky.text import build_facets
from connectors.shared.unit_checks import count_graphemes
from foundation.canonical_json import canonical_json
from tests.fakes.bluesky.lexicons import TID, Lexicons, LexiconViolation

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
instants = st.integers(0, 2**52).map(lambda micros: EPOCH + timedelta(microseconds=micros))
pieces = st.sampled_from(
    [
        "https://a.example/é?x=(1)",
        "http://b.example.",
        "#fleurs",
        "＃tag",
        "#1",
        " ",
        "\n",
        "👩‍👩‍👧‍👦",
        "(",
        ")",
        "é",
        "#été!",
        "x",
    ]
)


@given(instants, st.text())
def test_record_key_is_a_tid_with_its_time(at: datetime, key: str) -> None:
    made = record_key(key, at)
    assert TID.fullmatch(made)
    assert record_key_time(made) == at
    assert record_key(key, at) == made


@given(instants, st.integers(1, 10**9))
def test_record_keys_sort_by_time(at: datetime, later: int) -> None:
    assert record_key("a", at) < record_key("b", at + timedelta(microseconds=later))


@given(st.text())
def test_invalid_key_has_no_time(text: str) -> None:
    assert (record_key_time(text) is None) == (TID.fullmatch(text) is None)


@given(st.lists(pieces | st.text(max_size=5)).map("".join))
def test_facets_cover_the_exact_bytes(text: str) -> None:
    raw, end = text.encode(), 0
    for facet in build_facets(text):
        start, stop = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        assert end <= start < stop <= len(raw), "facets are ordered and do not overlap"
        words, feature = raw[start:stop].decode(), facet["features"][0]
        if "uri" in feature:
            assert words == feature["uri"]
            assert re.match("https?://", words, re.IGNORECASE)
        else:
            assert words[0] in "#＃"
            assert words[1:] == feature["tag"]
            assert count_graphemes(feature["tag"]) <= 64
        end = stop
    assert canonical_json(build_facets(text)) == canonical_json(build_facets(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("voir https://lea.example/p/1.", ["https://lea.example/p/1"]),
        ("(https://lea.example/a_(b))!", ["https://lea.example/a_(b)"]),
        ("« https://lea.example » et #Été, #2026 #a1", ["https://lea.example", "Été", "a1"]),
        ("👩‍👩‍👧‍👦 #famille", ["famille"]),
        ("c#maj mailto:x@y.z lea.example #!!", []),
        ("#" + "x" * 65, []),
        ("https:// #", []),
        ("https://a.example/#ancre", ["https://a.example/#ancre"]),
    ],
)
def test_links_and_hashtags_are_found(text: str, found: list[str]) -> None:
    features = [facet["features"][0] for facet in build_facets(text)]
    assert [feature.get("uri") or feature.get("tag") for feature in features] == found


@pytest.fixture(scope="session")
def lexicons(shared: Path) -> Lexicons:
    """Return the official lexicons."""
    return Lexicons(shared / "platforms" / "specs" / "bluesky")


@given(st.data())
def test_every_facet_matches_the_lexicon(lexicons: Lexicons, data: st.DataObject) -> None:
    text = data.draw(st.lists(pieces, max_size=20).map("".join))
    made = {
        "$type": "app.bsky.feed.post",
        "text": text[:300],
        "createdAt": "2026-01-01T00:00:00Z",
        "langs": ["fr"],
    }
    lexicons.check_record("app.bsky.feed.post", {**made, "facets": build_facets(text[:300])})


@pytest.mark.parametrize(
    "change",
    [
        {"text": "x" * 301},
        {"text": 7},
        {"createdAt": "yesterday"},
        {"langs": ["a", "fr"]},
        {"langs": ["fr"] * 4},
        {"facets": [{"index": {"byteStart": -1, "byteEnd": 2}, "features": []}]},
        {"facets": [{"features": []}]},
        {"embed": {"images": []}},
        {"labels": {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "x" * 129}]}},
        {"$type": "app.bsky.feed.like"},
    ],
)
def test_fake_rejects_records_that_violate_the_lexicon(
    lexicons: Lexicons, change: dict[str, object]
) -> None:
    made = {"$type": "app.bsky.feed.post", "text": "x", "createdAt": "2026-01-01T00:00:00Z"}
    lexicons.check_record("app.bsky.feed.post", made)
    with pytest.raises(LexiconViolation):
        lexicons.check_record("app.bsky.feed.post", {**made, **change})
