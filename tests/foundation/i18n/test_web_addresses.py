"""Addresses end where readers see their end, in every script, punctuation and markup."""

import itertools
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.i18n.web_addresses import (
    is_web_address,
    iterate_web_addresses,
    list_web_addresses,
    replace_web_addresses,
)
from foundation.ops.clock import monotonic

ADDRESSES = (
    "https://example.com/a",
    "http://example.com",
    "https://example.com/a_(b)",
    "https://example.com/a?b=c&d=e#f",
    "https://xn--e1afmkfd.example:8443/~user/_x-1",
    "https://example.com/été",
    "https://пример.рф/путь",
    "https://zh.wikipedia.org/wiki/中文",
)
AFTER = (
    *("、次", "。", "）", "」", "』", "】", "》", "！", "？", "，", "：", "；", "…"),
    *(
        "を見て",
        "で",
        "カタカナ",
        "ที่นี่",
        " x",
        "\n",
        ".",
        ",",
        ";",
        ":",
        "!",
        "?",
        ")",
        "]",
        "'",
        '"',
    ),
    *("»", "”", "’", ">", "<b>", "`", "", ". Next", ").", "!!"),
)
BEFORE = ("", "a", "見て", "を", "(", "（", "「", " ", "\n", ":", "«", "“", "é", "1", "<", "[t](")
MARKS = ("**", "||", "__", "~~", "*", "_", "`", "***", "||**", "```")


@pytest.mark.parametrize("address", ADDRESSES)
def test_address_ends_before_the_text_around_it(address: str) -> None:
    for before, after in itertools.product(BEFORE, AFTER):
        text = f"{before}{address}{after}"
        assert list_web_addresses(text) == [address], text


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("mark", MARKS)
def test_marks_stay_outside(address: str, mark: str) -> None:
    for text in (
        f"{mark}{address}{mark}",
        f"x {mark}{address}{mark} y",
        f"{mark}{address}{mark}。",
    ):
        assert list_web_addresses(text) == [address], text


@pytest.mark.parametrize(
    "text",
    [
        "[https://example.com/a](https://example.com/a)",
        "https://example.com/a https://example.com/a",
    ],
)
def test_two_addresses_are_found_apart(text: str) -> None:
    assert list_web_addresses(text) == ["https://example.com/a"] * 2


@given(st.text(max_size=80) | st.text("https:/.()[]*_~|a。を ", max_size=80))
def test_addresses_are_ordered_parts_of_the_text(text: str) -> None:
    last = 0
    for start, end in iterate_web_addresses(text):
        assert last <= start < end <= len(text)
        assert text[start:end].lower().startswith(("http://", "https://"))
        last = end


@pytest.mark.parametrize("address", [*ADDRESSES, "www.example.com/a"])
def test_addresses_are_replaced_and_recognized_as_a_whole(address: str) -> None:
    for before, after in itertools.product(("", "(", "« ", "**"), ("", ")", "。", "**")):
        text = f"{before}{address}{after}"
        assert replace_web_addresses(text, "X", www=True) == f"{before}X{after}"
    assert is_web_address(address) == address.startswith("http")
    assert not is_web_address(f"{address} ")
    assert not is_web_address(f"{address}<b>")


@pytest.mark.parametrize("filler", [")", "]", "_", "*)", "https://a_)", "]("])
def test_long_endings_are_read_quickly(filler: str) -> None:
    text = "https://example.com/a" + filler * 20_000
    started = monotonic()
    assert list_web_addresses(text)
    assert monotonic() - started < 2


@pytest.mark.skipif("GREENROOM_SHARED" not in os.environ, reason="needs the shared field files")
def test_addresses_from_the_field() -> None:
    path = Path(os.environ["GREENROOM_SHARED"]) / "data" / "field2" / "texts.json"
    field = json.loads(path.read_text())
    for text in (*field["bluesky_cjk"], *field["links_in_markup"]):
        assert list_web_addresses(text) == ["https://example.com/a"]
