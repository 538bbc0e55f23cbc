"""Lookup of a Discord message with a title in the channel history, without a nonce."""

from dataclasses import replace

import pytest

from connectors.contract.connector import Send
from connectors.contract.outcomes import Found
from gate.contract.units import Text
from tests.connectors.platforms.discord.test_publisher import (
    SOUGHT,
    UNIT,
    listing,
    look,
    sent,
    written,
)


@pytest.mark.parametrize(
    ("title", "text", "shown"),
    [
        ("Tonight", "hello", "Tonight\n\nhello"),
        ("Tonight", "", "Tonight"),
        ("", "a\n\nb", "a\n\nb"),
    ],
)
def test_lookup_compares_title_and_text(title: str, text: str, shown: str) -> None:
    """A title alone is not an empty message, and the texts of two titles differ."""
    sought = replace(SOUGHT, title=title, text=text)
    unit = replace(UNIT, texts=(Text("title", title), Text("body", text)))
    assert sent(unit).json["content"] == shown
    found = look(listing(written(content=shown)), sought=sought)
    assert isinstance(found, Found)
    other = look(listing(written(content=f"Yesterday\n\n{shown}")), sought=sought)
    assert isinstance(other, Send)
    assert other.step.name == "channel", "no message matches: only the channel is read after that"
