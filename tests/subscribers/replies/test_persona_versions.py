"""Versions of a persona: none is written for an empty form, and none without a change."""

from dataclasses import replace

import pytest

from foundation.errors import BadInput
from subscribers.replies import persona
from subscribers.replies.persona import LorebookEntry, PersonaExample, PersonaVersion
from tests.subscribers.builders import NOVA, Studio

EMPTY = persona.default_persona("Nova", "virtual", ("fr",))
BLANKS = (EMPTY, replace(EMPTY, card=" \n", voice="\t"), replace(EMPTY, languages=("fr", "en")))
CHANGES: dict[str, object] = {
    "card": "Une biographie",
    "voice": "Calme",
    "greeting": "Bonjour !",
    "suggestions": "Phrases courtes",
    "rules": ("Vouvoyer",),
    "forbidden": ("politique",),
    "examples": (PersonaExample("Bonjour", "Bonsoir"),),
    "lorebook": (LorebookEntry(("port",), "Le port du matin"),),
}


def save(studio: Studio, version: PersonaVersion) -> int:
    """Save a version, and return the number of versions."""
    with studio.scope() as scope:
        persona.create_persona_version(scope, studio.world.creator_id, version)
    with studio.scope() as scope:
        return len(persona.list_personas(scope, studio.world.creator_id))


@pytest.mark.parametrize("version", BLANKS)
def test_empty_persona_is_refused(studio: Studio, version: PersonaVersion) -> None:
    with pytest.raises(BadInput, match=r"persona\.empty"):
        save(studio, version)
    with studio.scope() as scope:
        assert len(persona.list_personas(scope, studio.world.creator_id)) == 1


def test_each_change_is_one_version_and_a_repetition_is_none(studio: Studio) -> None:
    assert save(studio, NOVA) == 1
    for number, (field, value) in enumerate(CHANGES.items(), start=2):
        changed = replace(EMPTY, **{field: value})  # type: ignore[arg-type]  # fields of a persona
        assert save(studio, changed) == save(studio, changed) == number


def test_content_of_a_retired_version_can_be_saved_again(studio: Studio) -> None:
    other = replace(NOVA, card="Une autre biographie")
    with studio.scope() as scope:
        made = persona.create_persona_version(scope, studio.world.creator_id, other)
        persona.activate_persona(scope, made)
    assert save(studio, NOVA) == 3
    assert save(studio, NOVA) == 3
