"""Ideas from past results in the composer: requested, suggested with their source, dismissed."""

import json
from collections.abc import Iterator

import pytest

from generators.contract.engines import TextEngine
from generators.engines.text.ollama import OllamaEngine
from generators.engines.text.templates import TemplateEngine
from schedules.suggestions.events import IdeasDue
from schedules.suggestions.ideas.kind import IdeaKind
from schedules.suggestions.shared.engine import generate_suggestions
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected, posts
from tests.dashboard.streamlit_client import stream
from tests.fakes.generators import ollama as fake
from tests.fakes.generators.ollama import FakeOllama, ScriptedAnswer
from tests.schedules.suggestions.ideas.test_proposals import GOOD, SAID

ASK = "Suggérer 5 idées"


@pytest.fixture
def server() -> Iterator[FakeOllama]:
    with fake.serving() as found:
        yield found


def work(who: Agency, door: Door, engine: TextEngine) -> None:
    """Generate the ideas as the worker does; the page itself has no engine."""
    with who.scope() as scope:
        query = "SELECT id FROM idea_rounds WHERE tenant_id = :t AND written_at IS NULL"
        found = list(scope.run(query, t=who.tenant_id).scalars())
    for one in found:
        event = IdeasDue(who.tenant_id, one)
        generate_suggestions(event, kind=IdeaKind(), tenant=door.tenant, open_engine=lambda: engine)


def model(server: FakeOllama, *answers: object) -> TextEngine:
    server.script.extend(ScriptedAnswer(json.dumps(one)) for one in answers)
    return OllamaEngine(server.url, "llama3.2")


def test_ideas_are_requested_used_and_dismissed(
    door: Door, lumiere: Agency, server: FakeOllama
) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        assert "Génération des idées" in page.press(ASK)
        hostile = {**GOOD[1], "title": "Le marché <script>alert(1)</script>"}
        work(lumiere, door, model(server, GOOD[0], hostile, *GOOD[2:]))
        text = page.tick() + page.again()
        assert SAID[0][1] in text
        assert "Résultats insuffisants" in text
        assert "<script>" not in text
        assert "Idée ajoutée à" in page.press("Utiliser cette idée")
        page.press("Écarter")
        assert SAID[0][1] not in page.again()
        page.press("Générer")
        assert posts(lumiere) == [], "ideas create no post"
    with lumiere.scope() as scope:
        wish = scope.run(
            "SELECT wish FROM text_kits WHERE tenant_id = :t", t=lumiere.tenant_id
        ).scalar_one()
    assert wish["idea"] == f"{SAID[0][0]}. {SAID[0][1]}"


def test_missing_model_is_explained(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        page.press(ASK)
        work(lumiere, door, TemplateEngine())
        assert "Aucun modèle de texte" in page.again()


def test_accountant_is_offered_no_ideas(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere, Role.ACCOUNTANT)) as page:
        page.open("/calendar", new=1)
        assert ASK not in page.labels()
