"""Texts that the tour posts pass the language check for every number."""

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
def test_texts_of_the_burst_pass_the_language_check(
    tongue: str, press_id: UUID, number: int
) -> None:
    words = render_message(
        Message("tour.burst_words", {"number": number, "of": 30, "run": press_mark(press_id)}),
        tongue,
    )
    assert language_check.read_language([words], lexicon=LEXICON).supported
