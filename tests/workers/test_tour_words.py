"""What the tour posts by itself passes the safety check, whatever its numbers."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from foundation.words import LANGUAGES, Message, say
from gate import language, lexicon
from workers.tour_acts import mark

LEXICON = lexicon.shipped()


@pytest.mark.parametrize("tongue", LANGUAGES)
@given(press_id=some.uuids(), number=some.integers(1, 30))
def test_words_of_the_burst_are_read(tongue: str, press_id: UUID, number: int) -> None:
    words = say(Message("tour.burst_words", {"number": number, "of": 30, "run": mark(press_id)}), tongue)
    assert language.read([words], lexicon=LEXICON).supported
