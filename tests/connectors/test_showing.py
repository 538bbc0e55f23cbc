"""How a platform's feed shows a post: where each folds a text, what is shown of its words, what is covered."""

import json
from dataclasses import replace

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from connectors import fitting, folding, telegram_requests, threads_text, x_text
from connectors.capabilities import Capabilities
from connectors.contract import Send
from connectors.registry import load
from connectors.showing import NEUTRAL, WHOLE, Fold, Showing, is_whole
from gate.units import Setting, Text
from tests.connectors.test_counting import ACCOUNTS, FAMILY, unit

LINES = "\n".join(map(str, range(1, 41)))
FOLDS = {
    "bluesky": 25,
    "mastodon": 32,
    "own_page": 40,
    "telegram": 40,
    **dict.fromkeys(("discord", "facebook", "fanvue", "instagram", "reddit", "threads", "tiktok", "youtube"), None),
}
"""Lines of forty that are shown at once; None where nobody says. X folds by length."""

MEASURES = {
    "graphemes": fitting.graphemes,
    "utf-16": telegram_requests.length,
    "weighted": x_text.length,
    "bytes of emoji": threads_text.length,
    "characters": len,
}


@pytest.mark.parametrize("name", sorted(load()))
def test_each_platform_folds_where_it_says_it_does(name: str) -> None:
    can = load()[name].capabilities
    showing = can.showing(can.surfaces[0])
    above, below = folding.fold(LINES, showing.fold)
    assert above + below == LINES
    if name in FOLDS:
        assert (showing.fold is None) == (FOLDS[name] is None)
        assert len(above.splitlines()) == (FOLDS[name] or 40)
        assert not is_whole(replace(showing, form="hologram"))
    elif name == "x":
        assert folding.fold("é" * 300, showing.fold) == ("é" * 280, "é" * 20)
        assert folding.fold("漢" * 141, showing.fold) == ("漢" * 140, "漢")
        assert folding.fold(FAMILY * 141, showing.fold) == (FAMILY * 140, FAMILY)
    else:
        assert name in ("sandbox", "byhand"), f"{name} says nothing of how it shows a post"


@given(text=st.text("aé漢👍\u200d👩‍👧\u0301\n ", max_size=60), most=st.integers(1, 40), lines=st.integers(0, 4))
@pytest.mark.parametrize("measure", sorted(MEASURES))
def test_a_fold_keeps_all_of_the_text_and_cuts_no_character(text: str, measure: str, most: int, lines: int) -> None:
    at = Fold(lines=lines, length=most, measure=MEASURES[measure])
    above, below = folding.fold(text, at)
    assert above + below == text
    assert at.measure(above) <= most
    if below and not lines:
        following = regex.findall(r"\X", text)[len(regex.findall(r"\X", above))]
        assert at.measure(above + following) > most, "one more would have been shown"
    if not lines:
        assert regex.findall(r"\X", above) + regex.findall(r"\X", below) == regex.findall(r"\X", text)


def test_what_is_behind_a_warning_is_folded_only_where_that_is_so() -> None:
    assert folding.fold(LINES, load()["mastodon"].capabilities.showing("").fold, warned=True) == (LINES, "")
    assert folding.fold(LINES, Fold(lines=3), warned=True)[0] == "1\n2\n3"
    assert folding.fold(LINES, WHOLE) == folding.fold(LINES, None) == (LINES, "")


@pytest.mark.parametrize("name", ["bluesky", "discord", "telegram", "threads", "x", "mastodon", "reddit"])
@pytest.mark.parametrize(("title", "body"), [("Au port", "Ce matin"), ("", "Ce matin\nla mer")])
def test_the_words_shown_are_those_that_are_sent(name: str, title: str, body: str) -> None:
    connector = load()[name]
    one = replace(unit(connector, body), texts=(Text("title", title), Text("body", body)))
    step = connector.next(one, ())
    assert isinstance(step, Send)
    wire = json.dumps(step.step.json, ensure_ascii=False)
    shown = [words for words in folding.words(connector.capabilities.showing(one.surface), title, body) if words]
    assert all(json.dumps(words, ensure_ascii=False) in wire for words in shown), wire
    assert ("Au port" in wire) == any("Au port" in words for words in shown)


def test_covers_and_warnings_are_those_that_are_sent() -> None:
    reddit, mastodon = load()["reddit"], load()["mastodon"]
    showing = reddit.capabilities.showing("other")
    plain = unit(reddit, "x")
    assert not folding.covered(showing, plain)
    assert folding.covered(showing, replace(plain, options=(Setting("spoiler", ("true",)),)))
    assert folding.covered(showing, replace(plain, flags=("nsfw=true",)))
    warned = replace(
        unit(mastodon, "x"),
        flags=("sensitive=true", "spoiler_text non-empty"),
        options=(Setting("warning", ("Mer",), read=True),),
    )
    step = mastodon.next(warned, ())
    assert isinstance(step, Send)
    assert folding.warning(warned, mastodon) == (step.step.json or {})["spoiler_text"] == "18+ · NSFW · Mer"
    assert folding.warning(plain, reddit) == folding.warning(plain, None) == ""


@pytest.mark.parametrize(
    "text", ["voir https://a.example/x. #mer et @mia@b.example", "<b>#</b> a@b.c https://", "", "#"]
)
def test_pieces_are_the_text(text: str) -> None:
    assert "".join(piece.text for piece in folding.pieces(text)) == text


def test_only_addresses_tags_and_names_are_set_apart() -> None:
    marked = [one.text for one in folding.pieces("Voir https://a.example/x. #mer, a@b.c @mia &#39;") if one.marked]
    assert marked == ["https://a.example/x", "#mer", "@mia"]
    assert folding.first_address("rien") == ""


def test_a_platform_of_which_nothing_is_written_has_the_neutral_form() -> None:
    can: Capabilities = replace(load()["x"].capabilities, shows={})
    assert can.showing("x.post") == NEUTRAL
    assert replace(can, shows={"post": Showing("post")}).showing("x.post").form == "post"
    assert set(ACCOUNTS) <= set(load())
