"""The page Persona: the form, versions, card import, the test chat and autonomy."""

import json
from collections.abc import Iterator

import pytest

from foundation.db.database import OpenScope
from subscribers.replies import autonomy, persona, trial_chats
from subscribers.replies.events import PersonaTrialDue
from subscribers.replies.persona import PersonaVersion
from tenants import audit
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import Stream, stream
from tests.subscribers.builders import ScriptedModel, build_model_reply


@pytest.fixture
def page(door: Door, lumiere: Agency) -> Iterator[Stream]:
    with stream(door.url, door.cookie(lumiere)) as opened:
        opened.open("/persona")
        yield opened


def speaking(lumiere: Agency) -> PersonaVersion | None:
    with lumiere.scope() as scope:
        return persona.active_persona(scope, lumiere.creator_id)


def test_saved_draft_is_activated_and_an_earlier_version_restored(
    page: Stream, lumiere: Agency
) -> None:
    page.type("Biographie", "Photographe de ports")
    page.type("À faire et à éviter", "Tutoie\nNe promet rien")
    page.type("Lundi", "09:00-12:00, 14:00-22:00")
    assert "Brouillon enregistré" in page.press("Enregistrer comme brouillon")
    assert speaking(lumiere) is None, "a draft does not answer"
    assert "Version activée" in page.press("Activer")
    found = speaking(lumiere)
    assert found is not None
    assert (found.card, found.rules) == ("Photographe de ports", ("Tutoie", "Ne promet rien"))
    assert [str(one) for one in found.opening_hours] == ["0 09:00-12:00", "0 14:00-22:00"]
    page.type("Biographie", "Photographe de montagnes")
    page.press("Enregistrer comme brouillon")
    page.press("Activer")
    text = page.press("Restaurer comme brouillon")
    assert "+ Lundi 09:00-12:00" in text
    assert "+ Propose un pack quand l’abonné le demande" in text
    page.press("Activer")
    restored = speaking(lumiere)
    assert restored is not None
    assert restored.card == "Photographe de ports"
    with lumiere.scope() as scope:
        assert [one.state for one in persona.list_personas(scope, lumiere.creator_id)] == [
            "active",
            "retired",
            "retired",
        ]
        acts = [one.act for one in audit.list_recent_acts(scope)]
    assert acts.count("persona.activated") == 3


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("Nom", "", "Saisissez un nom."),
        ("Lundi", "9h-18h", "09:00 et 18:00"),
        ("Message d’accueil", "Mon numéro : 06 12 34 56 78", "ni numéro"),
        ("Biographie", "Une lycéenne de 16 ans", "mineur"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_typed_is_lost(
    page: Stream, lumiere: Agency, field: str, text: str, said: str
) -> None:
    page.type("Ton", "Chaleureuse et brève")
    page.type(field, text)
    assert said in page.press("Enregistrer comme brouillon")
    with lumiere.scope() as scope:
        assert persona.list_personas(scope, lumiere.creator_id) == []
    page.type(field, "" if field != "Nom" else "Mia")
    page.press("Enregistrer comme brouillon")
    with lumiere.scope() as scope:
        kept = persona.list_personas(scope, lumiere.creator_id)
    assert [one.persona.voice for one in kept] == ["Chaleureuse et brève"]


def test_imported_card_is_shown_as_changes_and_stored_only_when_saved(
    page: Stream, lumiere: Agency
) -> None:
    card = {
        "spec": "chara_card_v2",
        "spec_version": "2.0",
        "data": {"name": "Nova", "description": "Voyageuse", "system_prompt": "Obey me."},
    }
    text = page.attach(
        "Character Card V2 ou V3 : JSON, PNG ou CHARX", {"nova.json": json.dumps(card).encode()}
    )
    assert "+ Voyageuse" in text
    assert "suggestions de style" in text
    page.check("Le personnage est majeur")
    page.press("Utiliser cette fiche")
    page.press("Enregistrer comme brouillon")
    with lumiere.scope() as scope:
        saved = persona.list_personas(scope, lumiere.creator_id)[0].persona
    assert (saved.name, saved.card, saved.suggestions) == ("Nova", "Voyageuse", "Obey me.")
    assert saved.rules == ()


def test_card_about_a_minor_is_refused(page: Stream) -> None:
    card = {"spec": "chara_card_v3", "data": {"name": "X", "creator_notes": "She is 15 years old"}}
    text = page.attach(
        "Character Card V2 ou V3 : JSON, PNG ou CHARX", {"x.json": json.dumps(card).encode()}
    )
    assert "mineur" in text
    assert "Changements de la fiche importée" not in text


def test_test_chat_answers_as_the_typed_persona_and_sends_nothing(
    page: Stream, lumiere: Agency, tenant: OpenScope
) -> None:
    page.type("Ton", "Joueuse")
    page.type("Message d’un abonné", "Tu aimes la mer ?")
    assert "Rédaction" in page.press("Tester")
    with lumiere.scope() as scope:
        waiting = scope.run("SELECT id FROM persona_trials").scalar_one()
    model = ScriptedModel(says=[build_model_reply("J’adore la mer !", confidence=0.6)])
    trial_chats.answer_trial(
        PersonaTrialDue(lumiere.tenant_id, waiting), tenant=tenant, write=model
    )
    assert "Voice: Joueuse" in model.asked[0].system
    text = page.again()
    assert "J’adore la mer !" in text
    assert "Confiance : 60 %" in text
    assert "« Autonome » l’enverrait" in text
    with lumiere.scope() as scope:
        counts = [
            scope.run(f"SELECT count(*) FROM {table}").scalar_one()
            for table in ("fans", "conversations", "drafts", "messages")
        ]
    assert counts == [0, 0, 0, 0]
    assert "J’adore" not in page.press("Effacer")


def test_higher_level_needs_evidence_and_off_does_not(page: Stream, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        written = PersonaVersion("Mia", False, "Mia", "", ("fr",))
        persona.activate_persona(
            scope, persona.create_persona_version(scope, lumiere.creator_id, written)
        )
    text = page.again()
    assert "Brouillons relus : 0 sur 60" in text
    assert "Brouillons relus : 0 sur 1000" in text
    assert "Le bot est désactivé" in page.press("Désactiver")
    with lumiere.scope() as scope:
        assert autonomy.current_level(scope, lumiere.creator_id) == "off"
        assert audit.list_recent_acts(scope)[0].details == {"before": "copilot", "after": "off"}


@pytest.mark.parametrize(
    ("role", "opens"), [(Role.MANAGER, True), (Role.CREATOR, True), (Role.CHATTER, False)]
)
def test_page_opens_for_roles_that_plan_or_approve(
    door: Door, lumiere: Agency, role: Role, opens: bool
) -> None:
    with stream(door.url, door.cookie(lumiere, role)) as page:
        assert ("Les membres répondent tant" in page.open("/persona")) == opens
        assert ("Enregistrer comme brouillon" in page.labels()) == (role is Role.MANAGER)
