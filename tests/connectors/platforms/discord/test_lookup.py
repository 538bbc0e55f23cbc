"""A message of Discord with a title, sought in its channel's history, where no nonce is told."""

from dataclasses import replace

import pytest

from connectors.contract.outcomes import Absent, Found
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
def test_a_title_is_sought_with_its_words(title: str, text: str, shown: str) -> None:
    """As it was sent: a title alone is no message of nothing, and the words of one title are not
    those of another."""
    sought = replace(SOUGHT, title=title, text=text)
    unit = replace(UNIT, texts=(Text("title", title), Text("body", text)))
    assert sent(unit).json["content"] == shown
    found = look(listing(written(content=shown)), sought=sought)
    assert isinstance(found, Found)
    assert look(listing(written(content=f"Yesterday\n\n{shown}")), sought=sought) == Absent()
