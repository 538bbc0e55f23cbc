"""Crisis and age signals are detected in every state of a conversation, and a member is alerted."""

import pytest

from connectors.contract.chats import ChatUpdate
from foundation.ids import uuid7
from gate.contract.states import AssuranceState
from gate.viewers import age_assurance
from subscribers.conversations.states import OwnerState
from subscribers.intake import update_intake
from tests.subscribers.builders import Studio


def told(studio: Studio) -> set[str]:
    """Return the codes of the members' urgent open notices."""
    sql = "SELECT message FROM notices WHERE tenant_id = :tenant AND urgent AND settled_at IS NULL"
    return {row.message["code"] for row in studio.rows(sql)}


def pictured(text: str, number: int = 1) -> ChatUpdate:
    """Return a picture with a caption, as platforms report it."""
    key = f"p{number}"
    return ChatUpdate(
        key, "unsupported", "tim", native_id=key, language="fr", text=text, shows="picture"
    )


def take(studio: Studio, name: str) -> None:
    with studio.scope() as scope:
        update_intake.assign_to_member(scope, studio.thread(name).id, uuid7())


def test_age_in_a_caption_is_detected(studio: Studio) -> None:
    studio.say("tim", "bonjour")
    studio.receive(pictured("j'ai 15 ans"))
    studio.go()
    assert "réservée aux adultes" in studio.texts("tim")[-1]
    with studio.scope() as scope:
        assert age_assurance.get_assurance(scope, "sandbox", "tim").state is AssuranceState.BLOCKED


def test_crisis_in_a_caption_is_detected(studio: Studio) -> None:
    studio.say("tim", "bonjour")
    studio.receive(pictured("je veux mourir"))
    studio.go()
    assert "3114" in studio.texts("tim")[-1]
    assert told(studio) == {"chat.crisis"}


@pytest.mark.parametrize("said", ["j'ai 15 ans et je veux mourir", "j'ai 15 ans, envie de mourir"])
def test_minor_in_crisis_gets_helplines(studio: Studio, said: str) -> None:
    studio.say("tim", "bonjour")
    studio.say("tim", said)
    assert any("3114" in text for text in studio.texts("tim"))
    assert told(studio) == {"chat.crisis", "chat.minor"}
    before = len(studio.texts("tim"))
    studio.say("tim", said)
    assert [text for text in studio.texts("tim")[before:] if "3114" in text]


@pytest.mark.parametrize(
    ("said", "code"), [("je veux mourir", "chat.crisis"), ("j'ai 15 ans", "chat.minor")]
)
def test_conversation_pending_a_human_still_raises_the_alarm(
    studio: Studio, said: str, code: str
) -> None:
    studio.say("tim", "/human")
    assert told(studio) == set()
    studio.say("tim", said)
    assert told(studio) == {code}
    thread = studio.thread("tim")
    assert thread.reason is not None
    assert thread.reason.code == code
    studio.drain(hours=1)
    assert studio.thread("tim").owner is OwnerState.PENDING_HUMAN


@pytest.mark.parametrize(
    ("said", "code"), [("je veux mourir", "chat.crisis"), ("j'ai 15 ans", "chat.minor")]
)
def test_conversation_held_by_a_member_still_raises_the_alarm(
    studio: Studio, said: str, code: str
) -> None:
    studio.say("tim", "bonjour")
    take(studio, "tim")
    studio.say("tim", "vous êtes là ?")
    studio.say("tim", said)
    assert told(studio) == {code}
    with studio.scope() as scope:
        update_intake.return_to_bot(scope, studio.thread("tim").id)
    assert told(studio) == set()


def test_minor_after_stop_is_shown_to_a_member(
    studio: Studio,
) -> None:
    studio.say("tim", "bonjour")
    studio.say("tim", "/stop all")
    studio.say("tim", "j'ai 15 ans")
    assert studio.thread("tim").owner is OwnerState.PENDING_HUMAN
