"""Texts of characters: an age under 18 or another sign of a minor is refused."""

import pytest

from foundation.db.database import Database
from foundation.errors import Refused
from foundation.ids import uuid7
from gate.permits.character_texts import check_character_texts, describes_minor


@pytest.mark.parametrize(
    "text",
    [
        "A 16-year-old girl",
        "she is fifteen years old",
        "Mia, aged 17, likes the sea",
        "Age: 14",
        "just turned 16",
        "une lycéenne de seize ans",
        "Elle a 15 ans.",
        "Mia, 17 ans, aime la mer",
        "âgée de 16 ans",
        "Âge : 13 ans",
        "an underage girl",
        "une jeune lycéenne",
    ],
)
def test_age_under_18_is_found(text: str) -> None:
    assert describes_minor(text)


@pytest.mark.parametrize(
    "text",
    [
        "A 26-year-old photographer",
        "has painted for 10 years",
        "il y a 10 ans",
        "photographe depuis 12 ans",
        "Elle a 25 ans.",
        "Mia, 34 ans",
        "turned 21",
        "two cats, 3 years together",
    ],
)
def test_other_numbers_are_not_ages(text: str) -> None:
    assert not describes_minor(text)


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (("Nova", "a shy schoolgirl, 15 years old"), "gate.character_minor"),
        (("Nova", "a loli"), "gate.character_minor"),
        (("Nova", "a traveller of 30"), ""),
    ],
)
def test_one_text_about_a_minor_refuses_the_character(
    database: Database, texts: tuple[str, ...], code: str
) -> None:
    with database.scope(uuid7(), "system:test") as scope:
        if not code:
            check_character_texts(scope, texts)
            return
        with pytest.raises(Refused) as refused:
            check_character_texts(scope, texts)
    assert refused.value.message.code == code
