"""Texts of characters: an age under 18 or another sign of a minor is refused."""

import pytest

from foundation.db.database import Database
from foundation.errors import Refused
from foundation.ids import uuid7
from gate.permits.character_texts import check_character_texts


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (("Nova", "a shy schoolgirl, 15 years old"), "gate.character_minor"),
        (("Nova", "a loli"), "gate.character_minor"),
        (("Nova", "an underage girl"), "gate.character_minor"),
        (("Nova", "Mia ist 15 Jahre alt"), "gate.character_minor"),
        (("Nova", "tiene quince años"), "gate.character_minor"),
        (("Nova", "aged 17, likes the sea"), "gate.character_minor"),
        (("Nova", "a traveller of 30"), ""),
        (("Nova", "has painted for 10 years", "mother of two kids"), ""),
        (("Nova", "born in 1999, photographe depuis 12 ans"), ""),
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
