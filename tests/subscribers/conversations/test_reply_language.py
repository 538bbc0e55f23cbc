"""Which language a fan is answered in: the platform's word, else what they write, else the
creator's first."""

from typing import Literal

import pytest

from connectors.contract.chats import ChatUpdate
from tests.subscribers.builders import Studio

SERIES = "tu as d'autres photos de la mer ?"
MORE = "do you have more pictures of the sea?"


def hear(
    studio: Studio, text: str, *, language: str = "", kind: Literal["message", "button"] = "message"
) -> tuple[str, str]:
    """The languages of the fan and of their conversation after a message."""
    number = len(studio.rows("SELECT 1 FROM messages WHERE tenant_id = :tenant"))
    key = f"said-{number}-{text[:5]}"
    studio.receive(
        ChatUpdate(key=key, kind=kind, fan="leo", language=language, native_id=key, text=text)
    )
    (row,) = studio.rows(
        "SELECT f.language AS fan, c.language AS talk FROM fans f JOIN conversations c ON "
        "c.fan_id = f.id"
        " WHERE f.tenant_id = :tenant"
    )
    return row.fan, row.talk


@pytest.mark.parametrize(
    ("text", "language"), [(SERIES, "fr"), (MORE, "en"), ("ok", "fr"), ("", "fr")]
)
def test_where_the_platform_tells_none_the_words_do(
    studio: Studio, text: str, language: str
) -> None:
    assert hear(studio, text) == (language, language)


def test_a_creator_whose_first_language_is_english_greets_in_it(studio: Studio) -> None:
    with studio.scope() as scope:
        scope.run(
            'UPDATE creators SET languages = \'["en", "fr"]\' WHERE tenant_id = :tenant',
            tenant=scope.tenant_id,
        )
    assert hear(studio, "ok") == ("en", "en")


def test_who_goes_on_in_another_language_is_answered_in_it(studio: Studio) -> None:
    assert hear(studio, "ok") == ("fr", "fr")
    assert hear(studio, MORE) == ("en", "en")
    assert hear(studio, "ok") == ("en", "en"), "too few words change nothing"
    assert hear(studio, "guten Tag, wie geht es dir") == ("en", "en"), (
        "a language that is not ours changes nothing"
    )
    assert hear(studio, SERIES) == ("fr", "fr")


def test_what_the_platform_says_of_them_counts_more_than_their_words(studio: Studio) -> None:
    assert hear(studio, SERIES, language="en-GB") == ("en", "en")
    assert hear(studio, SERIES, language="en-GB") == ("en", "en")


def test_a_pressed_button_is_no_words_of_theirs(studio: Studio) -> None:
    assert hear(studio, SERIES) == ("fr", "fr")
    assert hear(studio, MORE, kind="button") == ("fr", "fr")


def test_the_notice_that_a_machine_answers_is_in_the_language_they_wrote(studio: Studio) -> None:
    hear(studio, MORE)
    studio.go()
    (notice,) = studio.rows("SELECT text FROM drafts WHERE tenant_id = :tenant AND kind = 'notice'")
    assert "artificial intelligence" in notice.text
