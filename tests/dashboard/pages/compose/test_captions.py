"""Captions by AI in the composer: requested, suggested, used; the post is marked."""

import json
from collections.abc import Iterator

import pytest

from connectors.registry import loader
from generators.contract.engines import TextEngine
from generators.engines.text.ollama import OllamaEngine
from generators.engines.text.templates import TemplateEngine
from schedules.suggestions.captions.kind import CaptionKind
from schedules.suggestions.events import CaptionSetDue
from schedules.suggestions.shared.engine import generate_suggestions
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected, posts, written
from tests.dashboard.streamlit_client import Stream, stream
from tests.fakes.generators import ollama as fake
from tests.fakes.generators.ollama import FakeOllama, ScriptedAnswer
from tests.schedules.suggestions.captions.test_prompts import GOOD

VERSION = "Réveil en douceur sur les quais, avec les mouettes."
HOSTILE = {
    **GOOD,
    "caption": "Le port <3 & « a » s’éveille [ici](javascript:alert) ce matin.",
}


@pytest.fixture
def server() -> Iterator[FakeOllama]:
    with fake.serving() as found:
        yield found


def work(who: Agency, door: Door, engine: TextEngine) -> None:
    """Generate the captions as the worker does; the page itself has no engine."""
    with who.scope() as scope:
        ids = scope.run(
            "SELECT id FROM text_kits WHERE tenant_id = :t AND written_at IS NULL", t=who.tenant_id
        ).scalars()
        found = list(ids)
    for one in found:
        event = CaptionSetDue(who.tenant_id, one)
        kind = CaptionKind(loader.load_connectors())
        generate_suggestions(event, kind=kind, tenant=door.tenant, open_engine=lambda: engine)


def model(server: FakeOllama, *answers: object) -> TextEngine:
    server.script.extend(ScriptedAnswer(json.dumps(one)) for one in answers)
    return OllamaEngine(server.url, "llama3.2")


def asked(page: Stream, idea: str = "Le port au matin") -> str:
    page.type("Sujet", idea)
    return page.press("Générer")


def test_captions_are_requested_used_and_the_post_is_marked(
    door: Door, lumiere: Agency, server: FakeOllama
) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        page.choose("Comptes", "Sandbox")
        page.check("Une version par compte")
        said = asked(page)
        assert "Génération des textes" in said
        work(lumiere, door, model(server, GOOD, {"text": VERSION}))
        text = page.tick() + page.again()
        assert all(
            part in text
            for part in (GOOD["caption"], GOOD["description"], "#port #matin #bretagne", VERSION)
        )
        page.press("Utiliser comme texte")
        page.press("Utiliser comme titre")
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    assert (post.body, post.title, post.text_ai) == (GOOD["caption"], GOOD["title"], "generated")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post.id)
        page.press("Modifier")
        page.type("Texte", "D’autres mots")
        page.press("Enregistrer")
    (post,) = posts(lumiere)
    assert (post.body, post.text_ai) == ("D’autres mots", "generated")


def test_edited_caption_is_assisted_and_replaced_caption_is_unmarked(
    door: Door, lumiere: Agency, server: FakeOllama
) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="")
        asked(page)
        work(lumiere, door, model(server, GOOD))
        page.again()
        page.press("Utiliser comme texte")
        page.type("Texte", f"{GOOD['caption']} Venez !")
        page.press("Soumettre pour validation")
        assert posts(lumiere)[-1].text_ai == "assisted"
        written(page, "Sandbox", words="Rien que mes mots")
        page.press("Soumettre pour validation")
    assert posts(lumiere)[-1].text_ai == "none"


def test_version_is_used_for_its_account_only(
    door: Door, lumiere: Agency, server: FakeOllama
) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="À moi")
        page.check("Une version par compte")
        page.check("Légende, titre", on=False)
        asked(page)
        work(lumiere, door, model(server, {"text": VERSION}))
        page.again()
        page.press("Utiliser pour ce compte")
        page.press("Soumettre pour validation")
    (post,) = posts(lumiere)
    assert (post.body, post.text_ai) == ("À moi", "generated")
    assert post.others[0].body == VERSION


def test_templates_are_labelled_and_the_post_is_marked(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="")
        asked(page)
        work(lumiere, door, TemplateEngine())
        text = page.again()
        assert "sans IA" in text
        assert "Légende · Modèle de phrase" in text
        assert "Texte alternatif · Modèle" not in text
        page.press("Utiliser comme texte")
        page.press("Soumettre pour validation")
        (post,) = posts(lumiere)
        assert post.body.startswith("Le port au matin. ")
        assert post.text_ai == "template"
        written(page, "Sandbox", words="")
        asked(page)
        work(lumiere, door, TemplateEngine())
        page.again()
        page.press("Utiliser comme texte")
        page.type("Texte", "Mes mots à la place")
        page.press("Soumettre pour validation")
    assert posts(lumiere)[-1].text_ai == "none"


def test_missing_model_is_explained(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="Un texte à traduire pour la suite")
        page.check("Légende, titre", on=False)
        page.choose("Traduire en", "allemand")
        asked(page)
        work(lumiere, door, TemplateEngine())
        assert "Aucun modèle de texte" in page.again()


def test_generated_text_is_escaped(door: Door, lumiere: Agency, server: FakeOllama) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        asked(page)
        work(lumiere, door, model(server, HOSTILE, HOSTILE))
        text = page.again()
    assert "<3" not in text
    assert "&lt;3" in text


def test_accountant_is_offered_no_captions(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere, Role.ACCOUNTANT)) as page:
        page.open("/calendar", new=1)
        assert "Générer" not in page.labels()


def test_captions_need_a_subject_and_refuse_minors(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        assert "Saisissez un sujet" in page.press("Générer")
        assert "moins de 18 ans" in asked(page, "Une lycéenne sur la plage")
