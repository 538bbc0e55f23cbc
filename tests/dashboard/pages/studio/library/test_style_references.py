"""Studio: style references of a creator are added, ordered and removed; the page shows before a run
what prevents it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image

from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ops.clock import wall_now
from gate.consent.grants import grant_consent
from gate.contract.units import Rating
from gate.people import persons
from gate.ratings import ratings
from studio.recipes import specs, style_references
from studio.runs import runner, style_similarity
from studio.runs.events import RunDue, StyleScoreDue
from tenants.agencies.rights import Role
from tests.conftest import Cluster
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door, serving
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.studio.test_page import pick, store, word
from tests.dashboard.streamlit_client import stream
from tests.generators.builders import encoded
from tests.studio.builders import CREDENTIAL, Engine, build_spec

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def able(
    door: Door, cluster: Cluster, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """A dashboard whose engine supports style references and poses, which no page starts. The
    fixture `door` must start first, or it would inherit these settings."""
    folders = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    there = str(Path(tmp_path_factory.mktemp("adapters")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREENROOM_GENERATORS__DIFFUSION_FOLDER", "demo")
        patch.setenv("GREENROOM_GENERATORS__DIFFUSION_REFERENCES", there)
        patch.setenv("GREENROOM_GENERATORS__DIFFUSION_POSES", there)
        with serving(cluster.url("greenroom_pages", "house"), *folders) as (url, log):
            yield Door(url, log, tenant)


def theirs(door: Door, who: Agency, *seeds: int) -> list[UUID]:
    """Add photos that show the creator, who consented to AI likeness."""
    assets = [picture(door, who, seed=seed, rating=Rating.G) for seed in seeds]
    with who.scope() as scope:
        person = persons.add_person(
            scope, kind="real", display_ref="Mia", creator_id=who.creator_id
        )
        grant_consent(
            scope,
            person,
            what="ai_likeness",
            surfaces=["sandbox"],
            max_rating=Rating.N,
            valid_from=wall_now() - timedelta(days=1),
            valid_until=wall_now() + timedelta(days=90),
            evidence_digest="e" * 64,
            signed_by=person,
        )
        for asset in assets:
            ratings.record_depiction(scope, asset, person, how="face", confirmed_by="member:x")
    return assets


def kept(who: Agency) -> list[UUID]:
    with who.scope() as scope:
        return [
            one.asset_id for one in style_references.list_style_references(scope, who.creator_id)
        ]


def recipe(who: Agency, **changes: object) -> UUID:
    with who.scope() as scope:
        return specs.save_recipe(scope, who.creator_id, build_spec(**changes))


def row(who: Agency, columns: str) -> tuple[object, ...]:
    with who.scope() as scope:
        found = scope.run(f"SELECT {columns} FROM jobs WHERE tenant_id = :t", t=who.tenant_id)
        return tuple(found.one())


def test_style_reference_is_added_and_removed(able: Door, lumiere: Agency) -> None:
    (asset,) = theirs(able, lumiere, 1)
    recipe(lumiere)
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        assert word("look.added") in page.press_twice(word("look.add"))
        assert kept(lumiere) == [asset]
        text = page.open("/studio")
        assert word("look.picture", place=1) in text
        assert word("look.dropped") in page.press(word("look.drop"))
    assert kept(lumiere) == []


def test_picture_without_a_named_person_is_refused(able: Door, lumiere: Agency) -> None:
    picture(able, lumiere, seed=1, rating=Rating.G)
    recipe(lumiere)
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        assert word("look.nobody") in page.press(word("look.add"))
    assert kept(lumiere) == []


def test_order_is_changed_and_withheld_references_are_explained(
    able: Door, lumiere: Agency
) -> None:
    first, second = theirs(able, lumiere, 1, 2)
    with lumiere.scope() as scope:
        style_references.add_style_reference(scope, lumiere.creator_id, first)
        style_references.add_style_reference(scope, lumiere.creator_id, second)
    recipe(lumiere, look=60)
    with stream(able.url, able.cookie(lumiere)) as page:
        text = page.open("/studio")
        assert word("look.kept_to", count=2, percent=60) in text
        assert word("look.moved") in page.press(word("look.first"))
        assert kept(lumiere) == [second, first]
        with lumiere.scope() as scope:
            ratings.freeze_bytes(
                scope, style_references.freeze_style(scope, lumiere.creator_id)[0][1]
            )
        text = page.open("/studio")
        assert text.count(word("job.begins_from_withheld")) == 2, (
            "shown at the reference and before the run"
        )
        assert word("look.kept_to", count=2, percent=60) not in text


def test_run_stores_its_style_references(able: Door, lumiere: Agency) -> None:
    (asset,) = theirs(able, lumiere, 1)
    recipe(lumiere, look=60)
    with stream(able.url, able.cookie(lumiere)) as page:
        assert word("look.none") in page.open("/studio")
        with lumiere.scope() as scope:
            style_references.add_style_reference(scope, lumiere.creator_id, asset)
        page.open("/studio")
        assert word("studio.started", count=3) in page.press_twice(word("studio.generate"))
    ((frozen,),) = row(lumiere, "look")
    assert frozen[0] == str(asset)


def test_engine_without_style_references_is_reported_before_the_run(
    door: Door, lumiere: Agency
) -> None:
    (asset,) = theirs(door, lumiere, 1)
    with lumiere.scope() as scope:
        style_references.add_style_reference(scope, lumiere.creator_id, asset)
    recipe(lumiere, look=60)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("engine.cannot_references", engine="placeholder") in page.open("/studio")
        assert [
            one.drawn.disabled for one in page.widgets if one.label == word("studio.generate")
        ] == [True]


def test_region_and_pose_are_chosen_for_a_run(able: Door, lumiere: Agency) -> None:
    asset = picture(able, lumiere, seed=1, rating=Rating.G)
    recipe(lumiere)
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        text = page.check(word("vary.part"))
        assert "left:25%;top:25%;width:50%;height:50%" in text
        assert word("studio.started", count=3) in page.press_twice(word("vary.ask"))
    assert row(lumiere, "from_asset, region") == (
        asset,
        {"left": 25, "top": 25, "right": 75, "bottom": 75},
    )
    with lumiere.scope() as scope:
        scope.run("DELETE FROM jobs WHERE tenant_id = :t", t=lumiere.tenant_id)
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        assert word("studio.started", count=3) in page.press_twice(word("pose.ask"))
        assert word("studio.recipe_kept", name="morning") in page.press(word("pose.keep"))
        assert word("begin.takes_posture") in page.open("/studio")
    assert row(lumiere, "from_asset, pose_asset, pose_weight") == (None, asset, 100)


def test_region_is_given_as_shapes_or_as_a_mask_file(able: Door, lumiere: Agency) -> None:
    picture(able, lumiere, seed=1, rating=Rating.G)
    recipe(lumiere)
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        page.check(word("vary.part"))
        assert "data:image/png;base64," in page.choose(word("vary.way"), word("vary.way.shapes"))
        assert render_message(Message("job.mask_wrong", {"number": 1}), "fr") in page.type(
            word("vary.shapes"), "circle 1"
        )
        page.type(word("vary.shapes"), "ellipse 10 10 60 60\nstroke 4 70,70 90,90")
        assert word("studio.started", count=3) in page.press_twice(word("vary.ask"))
    kept = row(lumiere, "region")[0]["shapes"]
    assert [one["kind"] for one in kept] == ["ellipse", "stroke"]
    with lumiere.scope() as scope:
        scope.run("DELETE FROM jobs WHERE tenant_id = :t", t=lumiere.tenant_id)
    disc = Image.new("L", (64, 64))
    disc.paste(255, (16, 16, 48, 48))
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        page.check(word("vary.part"))
        page.choose(word("vary.way"), word("vary.way.drawn"))
        refused = page.attach(word("vary.drawn"), {"mask.png": b"<script>"})
        assert render_message(Message("photo.unsupported", {"file": "mask.png"}), "fr") in refused
        assert "data:image/png;base64," in page.attach(
            word("vary.drawn"), {"mask.png": encoded(disc, "PNG")}
        )
        assert word("studio.started", count=3) in page.press_twice(word("vary.ask"))
    assert [one["kind"] for one in row(lumiere, "region")[0]["shapes"]] == ["drawn"]


@pytest.mark.parametrize("role", [Role.CHATTER])
def test_chatter_sees_no_style_references(able: Door, lumiere: Agency, role: Role) -> None:
    (asset,) = theirs(able, lumiere, 1)
    with lumiere.scope() as scope:
        style_references.add_style_reference(scope, lumiere.creator_id, asset)
    recipe(lumiere)
    with stream(able.url, able.cookie(lumiere, role)) as page:
        page.may_fail = True
        page.open("/studio")
        assert word("look.drop") not in page.labels()


@pytest.mark.parametrize("language", LANGUAGES)
def test_style_references_exist_in_both_languages(
    able: Door, tenant: OpenScope, language: str
) -> None:
    who = create_agency(tenant, language=language)
    theirs(able, who, 1)
    recipe(who, look=60)
    with stream(able.url, able.cookie(who)) as page:
        text = page.open("/studio")
        assert word("look.none", language) in text
        assert word("look.how", language, most=style_references.MAX_STYLE_REFERENCES) in pick(page)


def test_similarity_is_shown_and_sorts_the_pictures(able: Door, lumiere: Agency) -> None:
    (asset,) = theirs(able, lumiere, 1)
    with lumiere.scope() as scope:
        style_references.add_style_reference(scope, lumiere.creator_id, asset)
        wanted = specs.save_recipe(scope, lumiere.creator_id, build_spec(look=60))
        job = runner.start_run(
            scope, creator_id=lumiere.creator_id, recipe_id=wanted, seed=7, key="look"
        )
    keeping = Engine(does=frozenset({"references"}))
    due = RunDue(lumiere.tenant_id, job)
    runner.generate_pictures(
        due,
        tenant=able.tenant,
        engine=lambda: keeping,
        store=store(able),
        credential=lambda: CREDENTIAL,
    )
    with lumiere.scope() as scope:
        first, second, _ = runner.run_assets(scope, job)
    style_similarity.measure_style_similarity(
        StyleScoreDue(lumiere.tenant_id, first),
        tenant=able.tenant,
        store=store(able),
        classifier=None,
    )
    style_similarity.fail_style_score(StyleScoreDue(lumiere.tenant_id, second), tenant=able.tenant)
    with lumiere.scope() as scope:
        percent = style_similarity.style_scores(scope, [first])[first].score or 0
    with stream(able.url, able.cookie(lumiere)) as page:
        page.open("/studio")
        text = page.press(word("studio.compare"))
        figure = word("look.score_visual", percent=percent)
        for said in (
            figure,
            word("look.unmeasured"),
            word("look.score_waits"),
            word("look.score_how"),
        ):
            assert said in text
        text = page.check(word("look.score_first"))
        assert text.index(figure) < text.index(word("look.unmeasured"))
