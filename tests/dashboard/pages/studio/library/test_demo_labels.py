"""Studio: origin labels, the demo separated from own models, and a label lifted for one picture."""

import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from dashboard.pages.compose import queries as compose
from dashboard.pages.home import activity_queries
from dashboard.pages.shop import queries as shop
from foundation.db.database import OpenScope
from foundation.storage.object_store import FileStore
from gate.assets import label_lifts
from gate.assets.label_lifts import LabelLiftRequested
from gate.contract.units import Rating
from generators.contract.engines import ImageJob, OriginLabel
from generators.engines.images.placeholder import PlaceholderEngine
from schedules.drafts import drafts
from schedules.posts import queries as schedule_reads
from studio.ingest import pipeline
from studio.library import assets, collections, demo_separation, review_sheets
from studio.library.states import ShelfState
from studio.packs import packs
from studio.recipes import specs
from studio.runs import runner
from studio.runs.queries import list_active_runs
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.approvals.test_page import asked
from tests.dashboard.pages.studio.test_page import pick, word, work
from tests.dashboard.streamlit_client import stream
from tests.gate.answers import rate_and_answer
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CREDENTIAL, build_spec


def made(
    door: Door, who: Agency, label: OriginLabel, seed: int = 1, rating: Rating = Rating.G
) -> UUID:
    """Add a rated picture with this origin label to the library."""
    drawn = PlaceholderEngine().draw(
        ImageJob(prompt="beach", seed=seed, width=96, height=64, steps=1)
    )
    if label is not OriginLabel.PLACEHOLDER:
        data = encoded(a_picture(seed=seed), "PNG")
        drawn = replace(drawn, data=data, engine="diffusion", model="m", label=label)
    prepared = pipeline.prepare_generated_picture(
        drawn, key=f"test:{seed}", alt=f"image {seed}", credential=CREDENTIAL
    )
    store = FileStore(door.log.parent / "objects")
    asset = pipeline.ingest_asset(
        door.tenant, store, tenant_id=who.tenant_id, creator_id=who.creator_id, prepared=prepared
    )
    with who.scope() as scope:
        rate_and_answer(scope, assets.get_asset(scope, asset).sha256, rating, source="rule:test")
    return asset


def drawn(text: str, profile: str = "thumb") -> set[str]:
    return set(re.findall(f"/files/([0-9a-f-]{{36}})/{profile}", text))


def said(who: Agency, tenant: OpenScope) -> None:
    """Process the label request as the workers do."""
    with who.scope() as scope:
        row = scope.run(
            "DELETE FROM outbox WHERE tenant_id = :t AND kind = 'label.say' RETURNING subject_id, "
            "args",
            t=who.tenant_id,
        ).one()
    label_lifts.handle_label_lift(
        LabelLiftRequested(who.tenant_id, row.subject_id, **row.args), tenant=tenant
    )


def test_own_pictures_are_never_shown_with_demo_pictures(door: Door, lumiere: Agency) -> None:
    stand_in, demo = (
        made(door, lumiere, OriginLabel.PLACEHOLDER),
        made(door, lumiere, OriginLabel.DEMO, 2),
    )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/studio")
        assert drawn(text) == {str(stand_in), str(demo)}
        assert word("studio.label.placeholder") in text
        assert word("studio.label.demo") in text
        assert word("studio.made.demo") not in text, "there is nothing to separate yet"
        own = made(door, lumiere, OriginLabel.NONE, 3)
        text = page.open("/studio")
        assert drawn(text) == {str(own)}
        assert word("studio.label.demo") not in text
        text = page.choose(word("studio.made"), word("studio.made.demo"))
        assert drawn(text) == {str(stand_in), str(demo)}
    with lumiere.scope() as scope:
        collections.create_collection(scope, lumiere.creator_id, "Plage", [demo, own])
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        assert drawn(page.choose(word("studio.collection"), "Plage")) == {str(own)}
        assert drawn(page.choose(word("studio.made"), word("studio.made.demo"))) == {str(demo)}


def test_demo_run_is_marked_and_compared_separately(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        recipe_id = specs.save_recipe(scope, lumiere.creator_id, build_spec(variants=1))
        runner.start_run(
            scope, creator_id=lumiere.creator_id, recipe_id=recipe_id, seed=1, key="demo"
        )
    work(door, lumiere)
    with lumiere.scope() as scope:
        (demo,) = (str(one.asset_id) for one in assets.list_assets(scope, lumiere.creator_id))
    own = str(made(door, lumiere, OriginLabel.NONE, 3))
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/studio")
        assert f" · {word('studio.made.demo')}" in text, "the run is marked"
        assert drawn(text) == {own}
        text = page.press(word("studio.compare"))
        assert f"/files/{demo}/preview" in text
        assert drawn(text) == {demo}
        text = page.choose(word("studio.made"), word("studio.made.own"))
        assert f"/files/{demo}/" not in text
        assert drawn(text) == {own}


def test_label_is_lifted_with_a_reason_and_restored(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    asset = made(door, lumiere, OriginLabel.DEMO)
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        page.open("/studio")
        assert word("labels.how", label=word("studio.label.demo")) in pick(page)
        assert word("label.why", most=label_lifts.MAX_LIFT_REASON) in page.press(
            word("labels.let_out")
        )
        page.type(word("labels.why"), "notre style")
        assert word("labels.let_out_asked") in page.press(word("labels.let_out"))
        said(lumiere, tenant)
        text = page.again()
        assert "notre style" in text
        assert word("labels.let_out") not in page.labels()
        with lumiere.scope() as scope:
            assert label_lifts.lifted_labels(scope, [asset])[asset].by == lumiere.act_as(
                Role.MANAGER
            )
        assert word("labels.take_back_asked") in page.press(word("labels.take_back"))
        said(lumiere, tenant)
        page.again()
        assert word("labels.let_out") in page.labels()


def test_photo_has_no_label_to_lift(door: Door, lumiere: Agency) -> None:
    made(door, lumiere, OriginLabel.NONE)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        assert word("studio.alt_keep") in page.labels()
        assert word("labels.let_out") not in page.labels()


def test_pictures_to_review_are_of_one_kind(door: Door, lumiere: Agency) -> None:
    demo = made(door, lumiere, OriginLabel.DEMO, 1, Rating.N)
    own = [made(door, lumiere, OriginLabel.NONE, seed, Rating.N) for seed in (2, 3)]
    with lumiere.scope() as scope:
        for asset in (demo, *own):
            assets.set_shelf_state(scope, asset, ShelfState.KEPT)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/approvals")
        first = {str(demo)} if str(demo) in drawn(text, "preview") else {str(one) for one in own}
        assert drawn(text, "preview") == first
        more = 3 - len(first)
        assert (
            word(
                "approvals.more_pictures" if more > 1 else "approvals.more_pictures_one", count=more
            )
            in text
        )
        for _ in first:
            page.press(word("approvals.reveal_one"))
        for _ in first:
            page.press(word("approvals.allow"))
        assert drawn(page.again(), "preview") == {str(one) for one in (demo, *own)} - first


def test_bulk_approval_separates_demo_posts(door: Door, lumiere: Agency) -> None:
    demo, own = made(door, lumiere, OriginLabel.DEMO, 1), made(door, lumiere, OriginLabel.NONE, 2)
    asked(lumiere, "La démonstration", media=(demo,), minutes=50)
    asked(lumiere, "Le nôtre", media=(own,), minutes=60)
    asked(lumiere, "Sans image", minutes=70)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        text = page.check(word("approvals.several"))
        assert drawn(text, "preview") == {str(own)}, "own pictures first"
        assert word("approvals.later_one", count=1) in text
        for body in ("Le nôtre", "Sans image"):
            page.check(word("approvals.several_mark", creator="Mia", post=body))
        page.press(word("approvals.several_now", count=2))
        text = page.again()
        assert drawn(text, "preview") == {str(demo)}
        assert word("approvals.later_one", count=1) not in text


def test_composer_of_a_demo_post_offers_demo_pictures(door: Door, lumiere: Agency) -> None:
    demo, own = made(door, lumiere, OriginLabel.DEMO, 1), made(door, lumiere, OriginLabel.NONE, 2)
    post_id, _ = asked(lumiere, "La démonstration", media=(demo,))
    with lumiere.scope() as scope:
        post = schedule_reads.get_stored_post(scope, post_id)
        written = drafts.draft_of_post(post, ())
        creator = tenant_reads.get_creator(scope, lumiere.creator_id)
        with_demo = compose.load_compose(
            scope, creator, written, author=post.author, brought=(), pictures=9
        )
        without = compose.load_compose(
            scope, creator, replace(written, media=()), author=post.author, brought=(), pictures=9
        )
    assert {one.asset_id for one in with_demo.tiles} == {demo}
    assert {one.asset_id for one in without.tiles} == {own}


def test_pack_covers_and_run_pictures_are_of_one_kind(door: Door, lumiere: Agency) -> None:
    demo, own = made(door, lumiere, OriginLabel.DEMO, 1), made(door, lumiere, OriginLabel.NONE, 2)
    with lumiere.scope() as scope:
        for title, asset in (("Essai", demo), ("Plage", own)):
            packs.create_pack(
                scope,
                creator_id=lumiere.creator_id,
                slug=title.lower(),
                title=title,
                description="",
                assets=(asset,),
            )
        shown = shop.load_packs(scope, tenant_reads.get_creator(scope, lumiere.creator_id))
        assert {one.title: one.cover for one in shown.wares} == {"Essai": None, "Plage": own}
        recipe_id = specs.save_recipe(scope, lumiere.creator_id, build_spec(variants=1))
        runner.start_run(
            scope, creator_id=lumiere.creator_id, recipe_id=recipe_id, seed=1, key="demo"
        )
    work(door, lumiere)
    with lumiere.scope() as scope:
        runs = list_active_runs(scope, [lumiere.creator_id], since=scope.now - timedelta(hours=1))
        assert [len(one.assets) for one in runs] == [1]
        ours = replace(runs[0], assets=(own,), scores=(None,))
        assert [
            one.assets for one in activity_queries.without_demo_runs(scope, [runs[0], ours], [])[0]
        ] == [(), (own,)]
        assert [one.assets for one in activity_queries.without_demo_runs(scope, runs, [])[0]] == [
            runs[0].assets
        ]


def test_mixed_pack_is_reviewed_on_two_sheets(door: Door, lumiere: Agency) -> None:
    mixed = [
        made(door, lumiere, label, n, Rating.N)
        for n, label in enumerate([OriginLabel.DEMO, OriginLabel.NONE] * 2, 1)
    ]
    with lumiere.scope() as scope:
        for asset in mixed:
            assets.set_shelf_state(scope, asset, ShelfState.KEPT)
        packs.create_pack(
            scope,
            creator_id=lumiere.creator_id,
            slug="mixed",
            title="Mixed",
            description="",
            assets=tuple(mixed),
        )
        found, alone = review_sheets.group_into_sheets(
            scope, review_sheets.list_waiting_pictures(scope, [lumiere.creator_id])
        )
    assert sorted({bool(card.label) for card in sheet.cards} == {True} for sheet in found) == [
        False,
        True,
    ]
    assert all(len({bool(card.label) for card in sheet.cards}) == 1 for sheet in found)
    assert len({sheet.key for sheet in found}) == 2
    assert not alone


@pytest.mark.parametrize("second", [OriginLabel.NONE, OriginLabel.DEMO])
def test_mixed_posts_are_separated_from_other_posts(
    door: Door, lumiere: Agency, second: OriginLabel
) -> None:
    demo, own = made(door, lumiere, OriginLabel.DEMO, 1), made(door, lumiere, OriginLabel.NONE, 2)
    other = made(door, lumiere, second, 3)
    with lumiere.scope() as scope:
        assert demo_separation.same_kind_indexes(scope, [(demo, own), (other,)]) == [1]
        assert demo_separation.same_kind_indexes(scope, [(demo, own), ()]) == [1]
        assert demo_separation.same_kind_indexes(scope, [(demo, own), (demo, own)]) == [0]
        assert demo_separation.same_kind_indexes(scope, [(demo,), ()]) == [0, 1]
