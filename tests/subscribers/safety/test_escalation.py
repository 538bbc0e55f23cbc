"""Whoever is in danger, or says that they are a minor, is heard whatever else they do, and a person
is called."""

import pytest

from connectors.contract.chats import ChatUpdate
from foundation.ids import uuid7
from gate.contract.states import AssuranceState
from gate.viewers import age_assurance
from subscribers.conversations.states import OwnerState
from subscribers.intake import update_intake
from tests.subscribers.builders import Studio


def told(studio: Studio) -> set[str]:
    """The codes of what members are told at once."""
    sql = "SELECT message FROM notices WHERE tenant_id = :tenant AND urgent AND settled_at IS NULL"
    return {row.message["code"] for row in studio.rows(sql)}


def pictured(text: str, number: int = 1) -> ChatUpdate:
    """A picture with words beside it, as platforms tell it."""
    key = f"p{number}"
    return ChatUpdate(
        key, "unsupported", "tim", native_id=key, language="fr", text=text, shows="picture"
    )


def take(studio: Studio, name: str) -> None:
    with studio.scope() as scope:
        update_intake.assign_to_member(scope, studio.thread(name).id, uuid7())


def test_an_age_beside_a_picture_is_heard(studio: Studio) -> None:
    studio.say("tim", "bonjour")
    studio.receive(pictured("j'ai 15 ans"))
    studio.go()
    assert "réservée aux adultes" in studio.texts("tim")[-1]
    with studio.scope() as scope:
        assert age_assurance.get_assurance(scope, "sandbox", "tim").state is AssuranceState.BLOCKED


def test_a_cry_for_help_beside_a_picture_is_heard(studio: Studio) -> None:
    studio.say("tim", "bonjour")
    studio.receive(pictured("je veux mourir"))
    studio.go()
    assert "3114" in studio.texts("tim")[-1]
    assert told(studio) == {"chat.crisis"}


@pytest.mark.parametrize("said", ["j'ai 15 ans et je veux mourir", "j'ai 15 ans, envie de mourir"])
def test_a_minor_in_danger_reads_where_help_is(studio: Studio, said: str) -> None:
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
def test_a_chat_that_waits_for_a_person_already_still_raises_the_alarm(
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
def test_a_chat_that_a_member_holds_still_raises_the_alarm(
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


def test_who_wanted_no_more_messages_and_says_to_be_a_minor_is_shown_to_a_person(
    studio: Studio,
) -> None:
    studio.say("tim", "bonjour")
    studio.say("tim", "/stop all")
    studio.say("tim", "j'ai 15 ans")
    assert studio.thread("tim").owner is OwnerState.PENDING_HUMAN
