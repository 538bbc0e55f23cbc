"""A persona, an imported card and the reply of a test chat are judged with the agency's own terms,
its banned people, written ages and disguises."""

from dataclasses import replace
from typing import Any

import pytest

from foundation.errors import Refused
from foundation.ids import uuid7
from gate.people import depiction_bans
from gate.reviews import own_terms
from subscribers.replies import content_checks, trial_chats
from subscribers.replies.events import PersonaTrialDue
from subscribers.replies.persona import LorebookEntry, PersonaExample, PersonaVersion
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.subscribers.builders import NOVA, ScriptedModel, Studio, build_model_reply
from tests.subscribers.inbox.test_member_actions import act

NAME = "Zorvek Plumquav"
CODES = {
    "minor": "gate.character_minor",
    "prohibited": "gate.character_prohibited",
    "banned": "never.named",
}
PLACES: dict[str, Any] = {
    "card": lambda text: text,
    "voice": lambda text: text,
    "greeting": lambda text: text,
    "suggestions": lambda text: text,
    "rules": lambda text: (text,),
    "forbidden": lambda text: (text,),
    "examples": lambda text: (PersonaExample("Bonjour", text),),
    "lorebook": lambda text: (LorebookEntry(("port", text), "Le port"),),
}


def ban(studio: Studio, kind: str) -> None:
    with studio.scope() as scope:
        owner = agencies.add_member(
            scope, name="Olga", email="o@x.test", role=Role.OWNER, language="en", zone="UTC"
        )
    if kind == "banned":
        act(studio, owner, depiction_bans.add_depiction_ban, NAME)
    else:
        act(studio, owner, own_terms.add_own_terms, kind, (NAME,))


def refusal(studio: Studio, check: Any, *args: Any) -> str:
    """Return the code of a check, or "" if it refuses nothing."""
    with studio.scope() as scope:
        try:
            check(scope, *args)
        except Refused as refused:
            return refused.message.code
    return ""


def persona_with(place: str, text: str) -> PersonaVersion:
    return replace(NOVA, **{place: PLACES[place](text)})


@pytest.mark.parametrize("kind", CODES)
def test_banned_word_is_refused_in_every_text_of_a_persona(studio: Studio, kind: str) -> None:
    personas = [persona_with(place, f"so {NAME}") for place in PLACES]
    checks = (content_checks.check_persona, content_checks.check_character)
    assert {refusal(studio, check, one) for check in checks for one in personas} == {""}
    ban(studio, kind)
    for check in checks:
        assert {refusal(studio, check, one) for one in personas} == {CODES[kind]}
    assert refusal(studio, content_checks.check_card_texts, ["Nova", f"so {NAME}"]) == CODES[kind]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Elle a quinze ans", "gate.character_minor"),
        ("PROHIBITED-MARKER-A", "gate.character_prohibited"),
        ("gооd mоrning", "gate.TEXT_OBFUSCATED"),
    ],
)
def test_persona_is_refused_for_one_text(studio: Studio, place: str, text: str, code: str) -> None:
    assert refusal(studio, content_checks.check_persona, persona_with(place, text)) == code


def test_persona_has_no_link_but_its_card_may_be_signed_with_one(studio: Studio) -> None:
    link = "see https://nova.example/a"
    assert refusal(studio, content_checks.check_persona, persona_with("card", link)) == (
        "persona.has_link"
    )
    assert refusal(studio, content_checks.check_card_texts, [link]) == ""
    signed = [link, "she is 15 years old"]
    assert refusal(studio, content_checks.check_card_texts, signed) == "gate.character_minor"


def test_adult_character_is_admissible(studio: Studio) -> None:
    adult = persona_with("card", "A widow of 40, EXPLICIT-MARKER-A, mother of two kids")
    assert refusal(studio, content_checks.check_persona, adult) == ""


@pytest.mark.parametrize("kind", CODES)
def test_reply_of_a_test_chat_with_a_banned_word_is_held(studio: Studio, kind: str) -> None:
    ban(studio, kind)
    creator_id = studio.world.creator_id
    for said, is_held in (("Bonjour !", False), (f"Bonjour de {NAME} !", True)):
        who, key = uuid7(), uuid7()
        with studio.scope() as scope:
            trial_chats.say_in_trial(scope, creator_id, who, NOVA, "Bonjour", key=key)
        model = ScriptedModel(says=[build_model_reply(said)])
        trial_chats.answer_trial(
            PersonaTrialDue(studio.world.tenant_id, key), tenant=studio.world.tenant, write=model
        )
        with studio.scope() as scope:
            chat = trial_chats.load_trial(scope, creator_id, who)
        assert chat is not None
        assert chat.reply is not None
        assert chat.reply.findings is not None
        assert chat.reply.findings.is_held is is_held
