"""What the tour posts by itself passes the safety check, whatever its numbers."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from demo.tour.actions import press_mark
from foundation.i18n.translation import LANGUAGES, Message, render_message
from gate.text import language_check, lexicon

LEXICON = lexicon.shipped_lexicon()


@pytest.mark.parametrize("tongue", LANGUAGES)
@given(press_id=some.uuids(), number=some.integers(1, 30))
def test_words_of_the_burst_are_read(tongue: str, press_id: UUID, number: int) -> None:
    words = render_message(
        Message("tour.burst_words", {"number": number, "of": 30, "run": press_mark(press_id)}),
        tongue,
    )
    assert language_check.read_language([words], lexicon=LEXICON).supported
