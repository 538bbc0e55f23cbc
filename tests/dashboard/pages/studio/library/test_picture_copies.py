"""Studio: edited copies of a picture are requested on its page, shown while pending, and in the
library with their lineage."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from gate.contract.units import Rating
from studio.ingest import picture_copies
from studio.ingest.events import PictureCopyDue
from studio.ingest.states import UploadState
from studio.library import queries as studio_reads
from tests.conftest import Cluster
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door, serving
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.compose.test_page import connected
from tests.dashboard.pages.studio.library.test_gallery import tiles
from tests.dashboard.pages.studio.test_page import pick, store, word
from tests.dashboard.streamlit_client import stream
from tests.generators import upscaler_models
from tests.generators.mask_models import write_mask_model
from tests.studio.builders import CREDENTIAL

pytestmark = pytest.mark.heavy


def work(door: Door, who: Agency) -> list[UUID]:
    """Make the requested copies as the workers do and return their IDs."""
    with who.scope() as scope:
        rows = scope.run(
            "DELETE FROM outbox WHERE tenant_id = :t AND kind = :k RETURNING subject_id",
            t=who.tenant_id,
            k=PictureCopyDue.kind,
        )
        found = list(rows.scalars())
    for one in found:
        due = PictureCopyDue(who.tenant_id, one)
        picture_copies.make_copy(
            due, tenant=door.tenant, store=store(door), credential=lambda: CREDENTIAL
        )
    return found


def test_copies_are_requested_followed_and_in_the_library(door: Door, lumiere: Agency) -> None:
    first = picture(door, lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        text = page.choose(word("copy.forms"), word("copy.form.square"), word("copy.form.story"))
        assert f"aspect-ratio:{ratio(door, lumiere, first, 'story')}" in text
        assert word("copy.asked", count=2) in page.press(word("copy.ask"))
        assert word("state.upload.waiting") in page.again()
        asked = work(door, lumiere)
        assert len(asked) == 2
        text = page.open("/studio")
        assert len(tiles(text)) == 3
        assert word("copy.one", form=word("copy.form.story")) in text
        pick(page, 2)
        assert word("studio.made_of_it") in page.again()
    with lumiere.scope() as scope:
        made = [one.made_id for one in picture_copies.get_copies(scope, asked)]
        assert all(one is not None for one in made)
        assert {
            card.creator_id
            for card in studio_reads.get_asset_cards(scope, [one for one in made if one])
        } == {lumiere.creator_id}


def test_story_copy_is_requested_in_the_composer(door: Door, lumiere: Agency) -> None:
    first = picture(door, lumiere, rating=Rating.G)
    connected(lumiere, "Insta", "instagram", "instagram.post")
    asked_for = word("compose.shape", form=word("copy.form.story"))
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        page.choose(word("compose.accounts"), "Insta")
        page.check("la mer")
        assert asked_for not in page.labels(), "feed posts have other formats"
        assert word("feed.not_filled") in page.choose(
            word("option.instagram.story"), word("option.yes")
        )
        assert word("compose.shape_asked") in page.press(asked_for)
    (asked,) = work(door, lumiere)
    with lumiere.scope() as scope:
        (found,) = picture_copies.get_copies(scope, [asked])
    assert (found.asset_id, found.finish.form, found.state) == (first, "story", UploadState.READY)


def ratio(door: Door, who: Agency, asset_id: UUID, form: str) -> str:
    with who.scope() as scope:
        sha256 = studio_reads.get_asset_bytes(scope, asset_id).sha256
    part = picture_copies.preview_crops(who.tenant_id, sha256, store(door)).by_form[form]
    return f"{part.width}/{part.height}"


def test_preview_of_a_blurred_picture_remains_blurred(door: Door, lumiere: Agency) -> None:
    picture(door, lumiere, rating=Rating.N)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        text = page.choose(word("copy.forms"), word("copy.form.square"))
        assert "clear=" not in text


def test_watermark_is_saved_and_applied_to_a_copy(door: Door, lumiere: Agency) -> None:
    picture(door, lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        page.type(word("watermark.text"), "lumiere")
        assert word("watermark.kept") in page.press(word("watermark.keep"))
        page.check(word("copy.signed", text="lumiere"))
        assert word("copy.asked", count=1) in page.press(word("copy.ask"))
    (asked,) = work(door, lumiere)
    with lumiere.scope() as scope:
        (found,) = picture_copies.get_copies(scope, [asked])
    assert found.made_id is not None
    assert found.finish.watermark is not None
    assert (found.finish.form, found.finish.watermark.text) == ("", "lumiere")


@pytest.fixture(scope="module")
def cutting(
    cluster: Cluster, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    folders = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "GREENROOM_GENERATORS__CUTOUT_MODEL",
            str(write_mask_model(folders[0] / "light.onnx", above=0.6)),
        )
        patch.setenv(
            "GREENROOM_GENERATORS__UPSCALE_MODEL",
            str(upscaler_models.write_onnx_model(folders[0] / "m.onnx")),
        )
        with serving(cluster.url("greenroom_pages", "house"), *folders) as (url, log):
            yield Door(url, log, tenant)


def test_background_is_replaced_where_a_model_is_installed(cutting: Door, lumiere: Agency) -> None:
    picture(cutting, lumiere)
    with stream(cutting.url, cutting.cookie(lumiere)) as page:
        page.open("/studio")
        assert word("copy.no_cutter") not in pick(page)
        page.choose(word("copy.background"), word("copy.background.colour"))
        assert word("copy.asked", count=1) in page.press(word("copy.ask"))
        page.choose(word("copy.background"), word("copy.background.blurred"))
        assert word("copy.asked", count=1) in page.press(word("copy.ask"))
    with lumiere.scope() as scope:
        asked = scope.run(
            "SELECT finish FROM picture_copies WHERE tenant_id = :t", t=lumiere.tenant_id
        ).scalars()
        assert {one["background"] for one in asked} == {"#ffffff", "blurred"}


def test_missing_models_are_explained(door: Door, lumiere: Agency) -> None:
    picture(door, lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        text = pick(page)
        assert word("copy.no_cutter") in text
        assert word("copy.no_upscaler") in text
        assert word("copy.finer") not in page.labels()
        assert word("copy.background") not in page.labels()


def test_larger_copy_is_requested_with_a_model_and_stopped(cutting: Door, lumiere: Agency) -> None:
    picture(cutting, lumiere)
    with stream(cutting.url, cutting.cookie(lumiere)) as page:
        page.open("/studio")
        assert word("copy.no_upscaler") not in pick(page)
        page.check(word("copy.finer"))
        assert word("copy.asked", count=1) in page.press(word("copy.ask"))
        with lumiere.scope() as scope:
            row = scope.run(
                "UPDATE picture_copies SET step = 3, steps = 9 RETURNING finish, id"
            ).one()
        assert row.finish == {"finer": True}
        assert word("copy.tiles", done=3, total=9) in page.open("/studio")
        assert word("copy.stopped") in page.press(word("copy.stop"))
    with lumiere.scope() as scope:
        (found,) = picture_copies.get_copies(scope, [row.id])
    assert found.state is UploadState.REFUSED
