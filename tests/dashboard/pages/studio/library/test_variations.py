"""Studio: variations of a picture are offered where the engine supports initial pictures, and
requested with a recipe."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from foundation.db.database import OpenScope
from foundation.i18n.translation import Message, render_message
from gate.contract.units import Rating
from gate.ratings import ratings
from studio.library import queries as studio_reads
from studio.recipes import specs
from studio.recipes.queries import RecipeSummary, list_recipes
from tests.conftest import Cluster
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door, serving
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.studio.test_page import pick, word
from tests.dashboard.streamlit_client import stream
from tests.studio.builders import build_spec


@pytest.fixture(scope="module")
def able(
    cluster: Cluster, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """A dashboard whose engine supports initial pictures: the demo model, which no page loads."""
    folders = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREENROOM_GENERATORS__DIFFUSION_FOLDER", "demo")
        with serving(cluster.url("greenroom_pages", "house"), *folders) as (url, log):
            yield Door(url, log, tenant)


def test_engine_without_initial_pictures_offers_no_variations(door: Door, lumiere: Agency) -> None:
    picture(door, lumiere, seed=1, rating=Rating.G)
    with lumiere.scope() as scope:
        specs.save_recipe(scope, lumiere.creator_id, build_spec())
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        assert word("vary.ask") not in page.labels()


@pytest.mark.heavy
def test_variations_are_requested_once(able: Door, lumiere: Agency) -> None:
    asset = picture(able, lumiere, seed=1, rating=Rating.G)
    with lumiere.scope() as scope:
        recipe = specs.save_recipe(scope, lumiere.creator_id, build_spec())
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        assert word("vary.how") in pick(page)
        assert word("studio.started", count=3) in page.press_twice(word("vary.ask"))
    with lumiere.scope() as scope:
        rows = scope.run(
            "SELECT recipe_id, from_asset, anew, total FROM jobs WHERE tenant_id = :t",
            t=lumiere.tenant_id,
        )
        assert [tuple(row) for row in rows] == [(recipe, asset, 50, 3)]


def newest(who: Agency) -> RecipeSummary:
    with who.scope() as scope:
        (card,) = list_recipes(scope, who.creator_id)
    return card


def test_initial_picture_is_set_in_the_recipe_form(able: Door, lumiere: Agency) -> None:
    asset = picture(able, lumiere, seed=1, rating=Rating.G)
    with lumiere.scope() as scope:
        specs.save_recipe(scope, lumiere.creator_id, build_spec())
    with stream(able.url, able.cookie(lumiere)) as page:
        text = page.open("/studio")
        assert word("begin.way.posture") not in text, "no engine supports poses"
        page.choose(word("begin.way"), word("begin.way.begin"))
        page.check(word("vary.part"))
        page.choose(word("vary.way"), word("vary.way.shapes"))
        assert render_message(Message("job.mask_wrong", {"number": 1}), "fr") in page.type(
            word("vary.shapes"), "circle 1"
        )
        assert word("studio.recipe_kept", name="morning") not in page.press(word("begin.keep"))
        page.type(word("vary.shapes"), "ellipse 10 10 60 60")
        assert word("studio.recipe_kept", name="morning") in page.press(word("begin.keep"))
        begin = newest(lumiere).spec.begin
        assert begin is not None
        assert (begin.asset, begin.anew, [one.kind for one in begin.part]) == (
            str(asset),
            50,
            ["ellipse"],
        )
        assert word("begin.begins") in page.open("/studio"), "shown before the run"
        page.type(word("studio.steps"), "30")
        page.press(word("studio.keep_recipe"))
        assert (newest(lumiere).spec.begin, newest(lumiere).spec.steps) == (begin, 30)
        assert word("studio.started", count=3) in page.press(word("studio.generate"))
        page.choose(word("begin.way"), word("begin.way.words"))
        page.press(word("begin.keep"))
    assert newest(lumiere).spec.begin is None
    with lumiere.scope() as scope:
        found = scope.run(
            "SELECT from_asset, region FROM jobs WHERE tenant_id = :t", t=lumiere.tenant_id
        ).one()
    assert (found[0], found[1]["shapes"][0]["kind"]) == (asset, "ellipse")


def test_initial_picture_is_set_on_the_picture_and_reported_if_withheld(
    able: Door, lumiere: Agency
) -> None:
    asset = picture(able, lumiere, seed=1, rating=Rating.G)
    with lumiere.scope() as scope:
        specs.save_recipe(scope, lumiere.creator_id, build_spec())
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        page.check(word("vary.part"))
        assert word("studio.recipe_kept", name="morning") in page.press(word("vary.keep"))
    begin = newest(lumiere).spec.begin
    assert begin is not None
    assert (begin.asset, [one.kind for one in begin.part]) == (str(asset), ["rectangle"])
    with lumiere.scope() as scope:
        ratings.freeze_bytes(scope, studio_reads.get_asset_bytes(scope, asset).sha256)
    with stream(able.url, able.cookie(lumiere)) as page:
        text = page.open("/studio")
        assert text.count(word("job.begins_from_withheld")) == 2, (
            "shown before the run and at the choice"
        )
        assert page.find(word("studio.generate")).drawn.disabled


def test_unsupported_initial_picture_is_reported_before_the_run(
    door: Door, lumiere: Agency
) -> None:
    asset = picture(door, lumiere, seed=1, rating=Rating.G)
    with lumiere.scope() as scope:
        specs.save_recipe(scope, lumiere.creator_id, build_spec(begin={"asset": str(asset)}))
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("engine.cannot_init", engine="placeholder") in page.open("/studio")
        assert page.find(word("studio.generate")).drawn.disabled
        page.choose(word("begin.way"), word("begin.way.words"))
        page.press(word("begin.keep"))
        assert not page.find(word("studio.generate")).drawn.disabled


def test_painted_strokes_are_validated(able: Door, lumiere: Agency) -> None:
    picture(able, lumiere, seed=1, rating=Rating.G)
    with lumiere.scope() as scope:
        specs.save_recipe(scope, lumiere.creator_id, build_spec())
    stroke = {"kind": "stroke", "points": [[10, 10], [60, 60]], "width": 12}
    wrong = render_message(Message("job.mask_wrong", {"number": 1}), "fr")
    hostile: list[Any] = [
        [1],
        [{**stroke, "width": 99}],
        [{**stroke, "points": [[-1, 5]]}],
        [{"kind": "<script>"}],
    ]
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        page.choose(word("begin.way"), word("begin.way.begin"))
        page.check(word("vary.part"))
        page.frames.clear()
        page.choose(word("vary.way"), word("vary.way.painted"))
        drawn = [told.delta.new_element for told in page.told()]
        (piece,) = [
            one.bidi_component.id
            for one in drawn
            if one.WhichOneof("type") == "bidi_component"
            and not one.bidi_component.id.endswith("-menu")
        ]

        def painted(said: Any) -> str:
            return page.send(WidgetState(id=piece, json_value=json.dumps({"strokes": said})))

        for strokes in hostile:
            assert wrong in painted(strokes), strokes
        assert render_message(Message("job.mask_wrong", {"number": 0}), "fr") in painted(
            [stroke] * 41
        )
        assert render_message(Message("job.mask_small"), "fr") in painted(
            [{**stroke, "points": [[1, 1]], "width": 0.5}]
        )
        for strokes in ("x", {"a": 1}, None, []):
            assert wrong not in painted(strokes)
            assert word("job.mask_none") in page.press(word("begin.keep"))
        assert newest(lumiere).spec.begin is None
        painted([stroke])
        page.press(word("begin.keep"))
    begin = newest(lumiere).spec.begin
    assert begin is not None
    assert [one.model_dump(mode="json") for one in begin.part] == [
        {**stroke, "points": [[10, 10], [60, 60]]}
    ]
