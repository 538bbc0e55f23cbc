"""Language of replies: the fan's messages, before a clear one the platform's setting, otherwise the
creator's first language."""

from typing import Literal

import pytest

from connectors.contract.chats import ChatUpdate
from tests.subscribers.builders import Studio

SERIES = "tu as d'autres photos de la mer ?"
MORE = "do you have more pictures of the sea?"


def hear(
    studio: Studio, text: str, *, language: str = "", kind: Literal["message", "button"] = "message"
) -> tuple[str, str]:
    """Return the languages of the fan and the conversation after a message."""
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
def test_language_is_detected_without_a_platform_setting(
    studio: Studio, text: str, language: str
) -> None:
    assert hear(studio, text) == (language, language)


def test_creators_first_language_is_the_default(studio: Studio) -> None:
    with studio.scope() as scope:
        scope.run(
            'UPDATE creators SET languages = \'["en", "fr"]\' WHERE tenant_id = :tenant',
            tenant=scope.tenant_id,
        )
    assert hear(studio, "ok") == ("en", "en")


def test_reply_language_follows_the_fans_messages(studio: Studio) -> None:
    assert hear(studio, "ok") == ("fr", "fr")
    assert hear(studio, MORE) == ("en", "en")
    assert hear(studio, "ok") == ("en", "en"), "too few words change nothing"
    assert hear(studio, "guten Tag, wie geht es dir") == ("en", "en"), (
        "an unsupported language changes nothing"
    )
    assert hear(studio, SERIES) == ("fr", "fr")


def test_platform_setting_applies_until_the_fan_clearly_writes_another_language(
    studio: Studio,
) -> None:
    assert hear(studio, "salut", language="en-GB") == ("en", "en"), "one word changes nothing"
    assert hear(studio, SERIES, language="en-GB") == ("fr", "fr")
    assert hear(studio, "ok", language="en-GB") == ("fr", "fr")
    assert hear(studio, MORE, language="en-GB") == ("en", "en")


def test_button_press_is_not_used_for_detection(studio: Studio) -> None:
    assert hear(studio, SERIES) == ("fr", "fr")
    assert hear(studio, MORE, kind="button") == ("fr", "fr")


def test_ai_notice_is_in_the_detected_language(studio: Studio) -> None:
    hear(studio, MORE)
    studio.go()
    (notice,) = studio.rows("SELECT text FROM drafts WHERE tenant_id = :tenant AND kind = 'notice'")
    assert "artificial intelligence" in notice.text
