"""The memory on the fan's card: shown with its source, added, changed, pinned and deleted."""

import pytest

from foundation.i18n.translation import Message, render_message
from subscribers.memory import facts
from tenants.agencies.rights import Role
from tests.dashboard.pages.inbox.test_page import CHATTERS, House, house, running

__all__ = ["house", "running"]

VALUE = "Que doit retenir le bot ?"


def memories(house: House) -> list[tuple[str, str, bool]]:
    with house.studio.scope() as scope:
        found = facts.list_facts(scope, house.studio.thread("leo").fan_id)
    return [(str(one.key), one.value, one.pinned) for one in found]


def test_memory_is_shown_changed_pinned_and_deleted(house: House) -> None:
    house.studio.say("leo", "Bonjour, je m'appelle Léo et j'adore la voile")
    with house.look(chat=house.talk()) as page:
        text = page.again()
        assert "Prénom : Léo" in text
        assert "Aime : la voile" in text
        assert "dit par l’abonné" in text
        page.choose("Souvenir", "Aime : la voile")
        page.type("Texte du souvenir", "la voile en mer")
        text = page.press("Enregistrer")
        assert "Aime : la voile en mer" in text
        assert ("like", "la voile en mer", True) in memories(house)
        page.choose("Souvenir", "Aime : la voile en mer")
        page.press("Désépingler")
        assert ("like", "la voile en mer", False) in memories(house)
        page.press("Supprimer le souvenir")
    assert [key for key, _, _ in memories(house)] == ["name"]


def test_refused_memory_has_a_reason_and_keeps_the_text(house: House) -> None:
    house.studio.say("leo", "bonjour")
    with house.look(chat=house.talk()) as page:
        page.choose("Type", "Aime")
        page.type(VALUE, "aller à la messe à l'église")
        for _ in range(2):  # The field still contains the text when the button is pressed again.
            text = page.press("Enregistrer le souvenir")
            assert render_message(Message("memory.refused.sensitive", {"most": 120}), "fr") in text
        page.type(VALUE, "la randonnée")
        text = page.press("Enregistrer le souvenir")
        assert "Aime : la randonnée" in text
        assert page.find(VALUE, "text_input").drawn.value == ""
    assert memories(house) == [("like", "la randonnée", True)]


@pytest.mark.parametrize("role", sorted(set(Role) - CHATTERS - {Role.GUEST, Role.CUSTODIAN}))
def test_other_roles_change_no_memory(house: House, role: Role) -> None:
    house.studio.say("leo", "Bonjour, je m'appelle Léo")
    with house.look(role, chat=house.talk()) as page:
        page.again()
        assert not {"Enregistrer le souvenir", "Supprimer le souvenir"} & set(page.labels())
