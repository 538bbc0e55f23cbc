"""Feed previews by platform: fold positions, visible text, covers and warnings."""

import json
from dataclasses import replace

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract.capabilities import Capabilities
from connectors.contract.connector import Send
from connectors.contract.feed_layout import (
    NEUTRAL_LAYOUT,
    NO_FOLD,
    FeedLayout,
    FoldRule,
    is_valid_layout,
)
from connectors.platforms.telegram import content_checks
from connectors.registry.loader import load_connectors
from connectors.shared import feed_preview, text_counting, unit_checks
from gate.contract.units import PlatformOption, Text
from tests.connectors.shared.test_text_counting import ACCOUNTS, FAMILY, unit

LINES = "\n".join(map(str, range(1, 41)))
FOLDS = {
    "bluesky": 25,
    "mastodon": 32,
    "own_page": 40,
    "telegram": 40,
    **dict.fromkeys(
        ("discord", "facebook", "fanvue", "instagram", "reddit", "threads", "tiktok", "youtube"),
        None,
    ),
}
"""Lines of a forty-line text that are visible at first; None if the platform documents no limit. X
folds by length."""

MEASURES = {
    "graphemes": unit_checks.count_graphemes,
    "utf-16": content_checks.telegram_text_length,
    "weighted": text_counting.x_text_length,
    "bytes of emoji": text_counting.threads_text_length,
    "characters": len,
}


@pytest.mark.parametrize("name", sorted(load_connectors()))
def test_feed_text_folds_at_the_declared_limit(name: str) -> None:
    can = load_connectors()[name].capabilities
    showing = can.feed_layout(can.surfaces[0])
    above, below = feed_preview.fold_feed_text(LINES, showing.fold)
    assert above + below == LINES
    if name in FOLDS:
        assert (showing.fold is None) == (FOLDS[name] is None)
        assert len(above.splitlines()) == (FOLDS[name] or 40)
        assert not is_valid_layout(replace(showing, form="hologram"))
    elif name == "x":
        assert feed_preview.fold_feed_text("é" * 300, showing.fold) == ("é" * 280, "é" * 20)
        assert feed_preview.fold_feed_text("漢" * 141, showing.fold) == ("漢" * 140, "漢")
        assert feed_preview.fold_feed_text(FAMILY * 141, showing.fold) == (FAMILY * 140, FAMILY)
    else:
        assert name in ("sandbox", "byhand"), f"{name} says nothing of how it shows a post"


@given(
    text=st.text("aé漢👍\u200d👩‍👧\u0301\n ", max_size=60),
    most=st.integers(1, 40),
    lines=st.integers(0, 4),
)
@pytest.mark.parametrize("measure", sorted(MEASURES))
def test_fold_keeps_the_text_and_splits_no_character(
    text: str, measure: str, most: int, lines: int
) -> None:
    at = FoldRule(lines=lines, length=most, measure=MEASURES[measure])
    above, below = feed_preview.fold_feed_text(text, at)
    assert above + below == text
    assert at.measure(above) <= most
    if below and not lines:
        following = regex.findall(r"\X", text)[len(regex.findall(r"\X", above))]
        assert at.measure(above + following) > most, "another character would have fit"
    if not lines:
        assert regex.findall(r"\X", above) + regex.findall(r"\X", below) == regex.findall(
            r"\X", text
        )


def test_content_warning_folds_only_where_the_platform_does() -> None:
    assert feed_preview.fold_feed_text(
        LINES, load_connectors()["mastodon"].capabilities.feed_layout("").fold, warned=True
    ) == (LINES, "")
    assert feed_preview.fold_feed_text(LINES, FoldRule(lines=3), warned=True)[0] == "1\n2\n3"
    assert (
        feed_preview.fold_feed_text(LINES, NO_FOLD)
        == feed_preview.fold_feed_text(LINES, None)
        == (LINES, "")
    )


@pytest.mark.parametrize(
    "name", ["bluesky", "discord", "telegram", "threads", "x", "mastodon", "reddit"]
)
@pytest.mark.parametrize(("title", "body"), [("Au port", "Ce matin"), ("", "Ce matin\nla mer")])
def test_previewed_text_is_the_text_sent(name: str, title: str, body: str) -> None:
    connector = load_connectors()[name]
    one = replace(unit(connector, body), texts=(Text("title", title), Text("body", body)))
    step = connector.next_step(one, ())
    assert isinstance(step, Send)
    wire = json.dumps(step.step.json, ensure_ascii=False)
    shown = [
        words
        for words in feed_preview.feed_text(
            connector.capabilities.feed_layout(one.surface), title, body
        )
        if words
    ]
    assert all(json.dumps(words, ensure_ascii=False) in wire for words in shown), wire
    assert ("Au port" in wire) == any("Au port" in words for words in shown)


def test_preview_covers_and_warnings_match_the_request() -> None:
    reddit, mastodon = load_connectors()["reddit"], load_connectors()["mastodon"]
    showing = reddit.capabilities.feed_layout("other")
    plain = unit(reddit, "x")
    assert not feed_preview.is_covered(showing, plain)
    assert feed_preview.is_covered(
        showing, replace(plain, options=(PlatformOption("spoiler", ("true",)),))
    )
    assert feed_preview.is_covered(showing, replace(plain, flags=("nsfw=true",)))
    warned = replace(
        unit(mastodon, "x"),
        flags=("sensitive=true", "spoiler_text non-empty"),
        options=(PlatformOption("warning", ("Mer",), read=True),),
    )
    step = mastodon.next_step(warned, ())
    assert isinstance(step, Send)
    assert (
        feed_preview.content_warning(warned, mastodon)
        == (step.step.json or {})["spoiler_text"]
        == "18+ · NSFW · Mer"
    )
    assert (
        feed_preview.content_warning(plain, reddit)
        == feed_preview.content_warning(plain, None)
        == ""
    )


@pytest.mark.parametrize(
    "text", ["voir https://a.example/x. #mer et @mia@b.example", "<b>#</b> a@b.c https://", "", "#"]
)
def test_text_pieces_join_to_the_text(text: str) -> None:
    assert "".join(piece.text for piece in feed_preview.text_pieces(text)) == text


def test_only_links_hashtags_and_mentions_are_marked() -> None:
    marked = [
        one.text
        for one in feed_preview.text_pieces("Voir https://a.example/x. #mer, a@b.c @mia &#39;")
        if one.marked
    ]
    assert marked == ["https://a.example/x", "#mer", "@mia"]
    assert feed_preview.first_address("rien") == ""


def test_platform_without_layout_uses_the_neutral_layout() -> None:
    can: Capabilities = replace(load_connectors()["x"].capabilities, shows={})
    assert can.feed_layout("x.post") == NEUTRAL_LAYOUT
    assert replace(can, shows={"post": FeedLayout("post")}).feed_layout("x.post").form == "post"
    assert set(ACCOUNTS) <= set(load_connectors())
