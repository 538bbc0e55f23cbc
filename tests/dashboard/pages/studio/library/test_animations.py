"""Studio: animations of a picture, where a model is installed; otherwise the page says what is
missing."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from dashboard.pages.studio.recipes.queries import RECENT_WINDOW
from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES
from foundation.ops.settings import GeneratorsSettings
from gate.contract.units import Rating
from generators.engines.video.diffusion_video import DiffusionVideoEngine
from studio.runs.states import JobState
from studio.video import animations, clips
from studio.video.animations import AnimationRequest
from studio.video.clips import ClipKind, ClipView
from studio.video.events import AnimationDue
from tests.conftest import Cluster
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door, serving
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.studio.test_page import pick, store, word
from tests.dashboard.streamlit_client import stream
from tests.generators import tiny_models, tiny_video_models
from tests.generators.builders import needs_diffusion
from tests.studio.builders import CREDENTIAL

pytestmark = pytest.mark.heavy

needs_diffusion()


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> GeneratorsSettings:
    root = tmp_path_factory.mktemp("films")
    tiny_video_models.svd(root / "models" / "svd")
    tiny_models.sd15(root / "models" / "tiny")
    tiny_video_models.adapter(root / "adapter")
    return GeneratorsSettings(film_models=str(root / "models"), film_adapter=str(root / "adapter"))


@pytest.fixture(scope="module")
def able(
    cluster: Cluster,
    tenant: OpenScope,
    tmp_path_factory: pytest.TempPathFactory,
    given: GeneratorsSettings,
) -> Iterator[Door]:
    """A dashboard with animation models, which no page loads."""
    folders = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREENROOM_GENERATORS__FILM_MODELS", given.film_models)
        patch.setenv("GREENROOM_GENERATORS__FILM_ADAPTER", given.film_adapter)
        with serving(cluster.url("greenroom_pages", "house"), *folders) as (url, log):
            yield Door(url, log, tenant)


def clips_of(who: Agency) -> list[ClipView]:
    with who.scope() as scope:
        return clips.list_recent_clips(scope, who.creator_id, since=scope.now - RECENT_WINDOW)


def move(door: Door, who: Agency, clip_id: UUID, given: GeneratorsSettings) -> None:
    engine = DiffusionVideoEngine(given)
    animations.make_animation(
        AnimationDue(who.tenant_id, clip_id),
        tenant=door.tenant,
        engine=lambda: engine,
        store=store(door),
        credential=lambda: CREDENTIAL,
    )
    engine.pipelines.release_all()


@pytest.mark.parametrize("language", LANGUAGES)
def test_missing_model_is_explained_with_alternatives(
    door: Door, tenant: OpenScope, language: str
) -> None:
    who = create_agency(tenant, language=language)
    picture(door, who, rating=Rating.G)
    with stream(door.url, door.cookie(who)) as page:
        page.open("/studio")
        text = pick(page)
        assert word("engine.film_none", language=language) in text
        assert word("film.stills_work", language=language) in text
        assert word("film.ask", language=language) not in page.labels()


def test_animation_is_requested_followed_and_in_the_library(
    able: Door, lumiere: Agency, given: GeneratorsSettings
) -> None:
    asset = picture(able, lumiere, rating=Rating.G)
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        assert word("film.how") in pick(page)
        fields = [one.label for one in page.widgets]
        assert word("film.motion") in fields
        assert word("film.words") not in fields, "the first model takes no prompt"
        page.choose(word("film.model"), "tiny")
        page.type(word("film.words"), "the sea comes in")
        assert word("film.asked") in page.press_twice(word("film.ask"))
        (found,) = clips_of(lumiere)
        assert (found.kind, found.state) == (ClipKind.MODEL, JobState.QUEUED)
        text = page.again()
        assert word("studio.clip.kind.model") in text
        assert word("state.job.queued") in text
        with lumiere.scope() as scope:
            said = scope.run("SELECT spec FROM clips WHERE id = :id", id=found.id).scalar_one()
            scope.run(
                'UPDATE clips SET spec = spec || \'{"steps": 1, "seconds": 1}\' WHERE id = :id',
                id=found.id,
            )
        assert (said["asset_id"], said["model"], said["words"]) == (
            str(asset),
            "tiny",
            "the sea comes in",
        )
        assert (said["motion"], said["seconds"]) == (50, 3.0)
        move(able, lumiere, found.id, given)
        assert word("studio.clip.done", percent=100) in page.again()
    (found,) = clips_of(lumiere)
    assert (found.state, found.asset_id is not None) == (JobState.DONE, True)


def test_animation_is_stopped(able: Door, lumiere: Agency) -> None:
    picture(able, lumiere, rating=Rating.G)
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        page.press(word("film.ask"))
        assert word("studio.clip.stopped") in page.press(word("studio.clip.stop"))
        assert word("state.job.stopped") in page.again()
    assert [one.state for one in clips_of(lumiere)] == [JobState.STOPPED]


def test_animations_of_another_agency_are_hidden(
    able: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    nocturne = create_agency(tenant)
    asset = picture(able, lumiere, rating=Rating.G)
    with lumiere.scope() as scope:
        animations.request_animation(
            scope,
            creator_id=lumiere.creator_id,
            wanted=AnimationRequest(asset, "tiny"),
            key="a",
            by="member:x",
        )
    assert clips_of(nocturne) == []
    with stream(able.url, able.cookie(nocturne)) as page:
        assert word("studio.clip.kind.model") not in page.open("/studio")
        assert word("studio.clip.stop") not in page.labels()
