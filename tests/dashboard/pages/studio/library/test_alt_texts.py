"""Alt texts by a vision model: in Studio and in the composer."""

import json
from collections.abc import Iterator
from uuid import UUID

import pytest

from dashboard.shell.widgets import escape_markdown
from foundation.db.database import OpenScope
from foundation.ops.settings import GeneratorsSettings
from gate.contract.units import Rating
from generators import registry
from schedules.suggestions.alt_texts.kind import AltTextKind
from schedules.suggestions.events import AltTextDue
from schedules.suggestions.shared.engine import generate_suggestions
from studio.library import assets as library
from studio.library.states import ShelfState
from studio.recipes import specs
from studio.runs import runner
from tenants.agencies.rights import Role
from tests.conftest import Cluster
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door, serving
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.compose.test_page import connected
from tests.dashboard.pages.studio.test_page import pick, store, word
from tests.dashboard.streamlit_client import stream
from tests.fakes.generators import ollama as fake
from tests.fakes.generators.ollama import FakeOllama, ScriptedAnswer
from tests.schedules.suggestions.alt_texts.test_proposals import GOOD, SEES
from tests.studio.builders import build_spec

HOSTILE = {
    **GOOD,
    "alt": "Un port <3 & des bateaux blancs au lever du soleil.",
}


@pytest.fixture(scope="module")
def able(
    door: Door, cluster: Cluster, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """A dashboard whose settings name a vision model, which no page calls. The fixture `door` must
    start first, or it would inherit these settings."""
    folders = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREENROOM_GENERATORS__OLLAMA_VISION_MODEL", SEES)
        with serving(cluster.url("greenroom_pages", "house"), *folders) as (url, log):
            yield Door(url, log, tenant)


@pytest.fixture
def server() -> Iterator[FakeOllama]:
    with fake.serving(FakeOllama(models=[SEES], sees={SEES})) as found:
        yield found


def work(door: Door, who: Agency, server: FakeOllama, *answers: object) -> None:
    """Generate the requested alt texts as the workers do."""
    server.script.extend(ScriptedAnswer(json.dumps(one)) for one in answers)
    with who.scope() as scope:
        rows = scope.run(
            "SELECT id FROM picture_words WHERE tenant_id = :t AND state = 'waiting'",
            t=who.tenant_id,
        )
        found = list(rows.scalars())
    for one in found:
        generate_suggestions(
            AltTextDue(who.tenant_id, one),
            kind=AltTextKind(store(door), lambda engine: None),
            tenant=door.tenant,
            open_engine=lambda: registry.load_vision_engine(
                GeneratorsSettings(ollama_url=server.url, ollama_vision_model=SEES)
            ),
        )


def alt(who: Agency, asset: UUID) -> str:
    with who.scope() as scope:
        return library.get_asset(scope, asset).alt


@pytest.mark.heavy
def test_suggested_alt_text_is_shown_edited_and_accepted(
    able: Door, lumiere: Agency, server: FakeOllama
) -> None:
    asset = picture(able, lumiere, rating=Rating.G)
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        assert word("alt.waiting", count=1) in page.press(word("alt.ask"))
        work(able, lumiere, server, HOSTILE)
        shown = page.tick() + page.again()
        assert "<script>" not in shown
        assert alt(lumiere, asset) == "la mer"
        page.type(escape_markdown(word("alt.proposed", model=SEES)), "Des bateaux blancs au port")
        assert word("studio.alt_kept") in page.press(word("alt.take"))
        assert GOOD["shows"].replace("’", "’") in page.again()
    assert alt(lumiere, asset) == "Des bateaux blancs au port"


@pytest.mark.heavy
def test_refused_suggestion_is_explained_and_newer_text_remains(
    able: Door, lumiere: Agency, server: FakeOllama
) -> None:
    asset = picture(able, lumiere, rating=Rating.G)
    young = {**GOOD, "alt": "Une jeune fille de 16 ans."}
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        page.press(word("alt.ask"))
        work(able, lumiere, server, young, young)
        page.tick()
        assert "16 ans" not in page.again()
        page.press(word("alt.seen"))
        page.press(word("alt.ask"))
        work(able, lumiere, server, GOOD)
        page.tick()
        page.again()
        with lumiere.scope() as scope:
            library.set_alt_text(scope, asset, "Mes mots")
        assert word("alt.changed") in page.press(word("alt.take"))
        assert alt(lumiere, asset) == "Mes mots"
        page.press(word("alt.refuse"))
        assert word("alt.take") not in page.labels()


@pytest.mark.heavy
def test_pictures_are_described_in_the_composer(
    able: Door, lumiere: Agency, server: FakeOllama
) -> None:
    connected(lumiere)
    asset = picture(able, lumiere, rating=Rating.G)
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/calendar", new=1, asset=asset)
        page.press(word("alt.ask_chosen", count=1))
        work(able, lumiere, server, GOOD)
        page.tick()
        page.again()
        page.press(word("alt.take"))
        assert page.find(word("compose.alt", number=1)).label
    assert alt(lumiere, asset) == GOOD["alt"]


@pytest.mark.heavy
def test_selected_pictures_of_a_run_are_described_together(
    able: Door, lumiere: Agency, server: FakeOllama
) -> None:
    assets = [picture(able, lumiere, seed=seed, rating=Rating.G) for seed in (1, 2, 3)]
    with lumiere.scope() as scope:
        recipe_id = specs.save_recipe(scope, lumiere.creator_id, build_spec())
        job = runner.start_run(
            scope, creator_id=lumiere.creator_id, recipe_id=recipe_id, seed=1, key="run"
        )
        scope.run(
            "UPDATE creations SET job_id = :job WHERE tenant_id = :t", job=job, t=scope.tenant_id
        )
        scope.run(
            "UPDATE jobs SET state = 'done', done = 3 WHERE tenant_id = :t", t=scope.tenant_id
        )
        for asset in assets[:2]:
            library.set_shelf_state(scope, asset, ShelfState.KEPT)
    other = {**GOOD, "alt": "Une barque bleue posée sur le sable, à marée basse."}
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        page.press(word("studio.compare"))
        page.press(word("alt.ask_kept", count=2))
        work(able, lumiere, server, GOOD, other)
        page.tick()
        page.again()
        assert page.labels().count(word("alt.take")) == 2
        page.press(word("alt.take"))
        assert page.labels().count(word("alt.take")) == 1
    said = [alt(lumiere, asset) for asset in assets]
    assert said.count("la mer") == 2
    assert {GOOD["alt"], other["alt"]} & set(said)


@pytest.mark.heavy
def test_missing_vision_model_is_explained(door: Door, lumiere: Agency) -> None:
    picture(door, lumiere, rating=Rating.G)
    with stream(door.url, door.cookie(lumiere, Role.OWNER)) as page:
        page.open("/studio")
        pick(page)
        assert "GREENROOM_GENERATORS__OLLAMA_VISION_MODEL" in page.again()
        assert word("alt.ask") not in page.labels()
