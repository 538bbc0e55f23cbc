"""Messages about who replies say what is true: an AI is announced where one replies, and only
there."""

import re
from collections.abc import Sequence

import pytest

from foundation.i18n.translation import LANGUAGES, load_catalogue
from subscribers.conversations import conversation_rows
from subscribers.conversations.states import OwnerState
from subscribers.replies import persona
from tests.subscribers.builders import Studio

AI = re.compile(r"\b(?:IA|AI)\b|intelligence artificielle|artificial intelligence")
QUESTION = "Tu es un robot ?"
CRISIS = "j'ai envie de mourir"
BOT = re.compile(r"automatique|automatic")


def remove_speaker(studio: Studio, kind: str, *, virtual: bool) -> None:
    """Leave the creator without an AI that replies: no persona, or one that is switched off."""
    with studio.scope() as scope:
        scope.run(
            "UPDATE creators SET kind = :kind WHERE tenant_id = :tenant",
            tenant=scope.tenant_id,
            kind="virtual" if virtual else "human",
        )
        if kind == "none":
            scope.run(
                "UPDATE personas SET state = 'retired' WHERE tenant_id = :tenant",
                tenant=scope.tenant_id,
            )
        else:
            persona.set_autonomy_level(scope, studio.world.creator_id, "off")
            scope.run(
                "UPDATE personas SET virtual = :virtual WHERE tenant_id = :tenant",
                tenant=scope.tenant_id,
                virtual=virtual,
            )


def service_texts(studio: Studio) -> list[tuple[str, str]]:
    return [
        (row.service, row.text)
        for row in studio.rows(
            "SELECT service, text FROM drafts WHERE tenant_id = :tenant AND service <> ''"
            " ORDER BY id"
        )
    ]


@pytest.mark.parametrize("virtual", [True, False])
@pytest.mark.parametrize("kind", ["none", "off"])
def test_no_ai_is_announced_where_members_reply(studio: Studio, kind: str, virtual: bool) -> None:
    remove_speaker(studio, kind, virtual=virtual)
    for said in ("bonjour", QUESTION, "/human", "bonjour"):
        studio.say("leo", said)
    with studio.scope() as scope:
        talk = conversation_rows.lock_conversation(scope, studio.thread("leo").id)
        conversation_rows.change_owner(scope, talk, OwnerState.HUMAN, None)
    studio.say("leo", QUESTION)
    studio.say("leo", CRISIS)
    texts = service_texts(studio)
    suffix = "virtual_team" if virtual else "team"
    codes = [code for code, _ in texts]
    assert codes.count(f"service.notice.{suffix}") == 1
    assert {f"service.truth.{suffix}", f"service.truth_person.{suffix}"} <= set(codes)
    assert "service.safety.crisis" in codes
    spoken = [load_catalogue(language)[code] for code in codes for language in LANGUAGES]
    assert not [text for text in (*spoken, *(text for _, text in texts)) if AI.search(text)]
    assert all(BOT.search(text) for code, text in texts if code.startswith("service.truth."))


def test_ai_discloses_itself_when_it_starts_to_reply(studio: Studio) -> None:
    remove_speaker(studio, "off", virtual=True)
    studio.say("leo", "bonjour")
    assert not [text for text in studio.texts("leo") if AI.search(text)]
    with studio.scope() as scope:
        persona.set_autonomy_level(scope, studio.world.creator_id, "autopilot")
        talk = conversation_rows.lock_conversation(scope, studio.thread("leo").id)
        conversation_rows.change_owner(scope, talk, OwnerState.BOT, None)
    before = len(studio.texts("leo"))
    studio.say("leo", "merci, c'est joli")
    notice, reply, *_ = studio.texts("leo")[before:]
    assert AI.search(notice)
    assert not reply.startswith("Bonjour !")


def test_ai_that_was_switched_off_is_no_longer_announced(studio: Studio) -> None:
    studio.say("leo", "bonjour")
    assert AI.search(studio.texts("leo")[0])
    remove_speaker(studio, "off", virtual=True)
    before = len(studio.texts("leo"))
    studio.say("leo", "merci, c'est joli")
    assert "service.notice.virtual_team" in [code for code, _ in service_texts(studio)]
    assert not [text for text in studio.texts("leo")[before:] if AI.search(text)]


def future_claims(language: str) -> Sequence[str]:
    """Return the receipts that promise something: another message may arrive before them."""
    promise = re.compile(r"\bwill\b|\bsoon\b|\barrivera?\b|\bsera\b|\bbientôt\b")
    return [
        code
        for code, text in load_catalogue(language).items()
        if code.startswith("service.receipt.") and promise.search(text)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_receipts_hold_before_and_after_the_delivery(language: str) -> None:
    # A refund that the platform does not make is arranged by a member; nothing is sent before.
    assert set(future_claims(language)) <= {"service.receipt.owed"}
