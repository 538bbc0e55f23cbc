"""Studio as members use it: recipes run, pictures kept, rated and packed, photos uploaded; only for
permitted creators."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from dashboard.pages.studio.library.tile_actions import SELECTION_PREFIX
from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ids import uuid7
from foundation.storage.object_store import FileStore
from gate.contract.units import Rating
from gate.reviews.events import RatingRequested
from gate.reviews.handlers import handle_rating_request
from studio.costs import quotas
from studio.ingest import pipeline, uploads
from studio.ingest.events import UploadDue
from studio.ingest.states import UploadState
from studio.library import assets as library
from studio.library import queries as studio_reads
from studio.library.states import ShelfState
from studio.packs import packs
from studio.recipes import specs
from studio.recipes.queries import list_recipes
from studio.runs import records, runner
from studio.runs.events import RunDue
from studio.runs.queries import get_run, list_runs
from studio.runs.states import JobState
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.streamlit_client import Stream, stream
from tests.gate.answers import rate_and_answer
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CREDENTIAL, Engine, build_spec


def word(code: str, language: str = "fr", **params: str | int) -> str:
    return render_message(Message(code, params), language)


def store(door: Door) -> FileStore:
    return FileStore(door.log.parent / "objects")


def work(door: Door, who: Agency) -> None:
    """Process the pending runs, uploads and ratings as the workers do."""
    with who.scope() as scope:
        rows = scope.run(
            "SELECT kind, subject_id, args FROM outbox WHERE tenant_id = :t", t=who.tenant_id
        ).all()
        scope.run("DELETE FROM outbox WHERE tenant_id = :t", t=who.tenant_id)
    for row in rows:
        if row.kind == RunDue.kind:
            runner.generate_pictures(
                RunDue(who.tenant_id, row.subject_id),
                tenant=door.tenant,
                engine=Engine,
                store=store(door),
                credential=lambda: CREDENTIAL,
            )
        elif row.kind == UploadDue.kind:
            uploads.ingest_upload(
                UploadDue(who.tenant_id, row.subject_id), tenant=door.tenant, store=store(door)
            )
        elif row.kind == RatingRequested.kind:
            handle_rating_request(
                RatingRequested(who.tenant_id, row.subject_id, **row.args), tenant=door.tenant
            )


@pytest.fixture
def run(lumiere: Agency) -> Callable[..., UUID]:
    """Return a function that creates a recipe and starts a run of it."""

    def start(**changes: object) -> UUID:
        with lumiere.scope() as scope:
            recipe_id = specs.save_recipe(scope, lumiere.creator_id, build_spec(**changes))
            return runner.start_run(
                scope,
                creator_id=lumiere.creator_id,
                recipe_id=recipe_id,
                seed=1,
                key=str(uuid7()),
                by="member:x",
            )

    return start


def opened(door: Door, who: Agency, role: Role = Role.OWNER, **query: object) -> tuple[Stream, str]:
    with stream(door.url, door.cookie(who, role)) as page:
        return page, page.open("/studio", **query)


def pick(page: Stream, nth: int = 0) -> str:
    """Select the nth picture of the library."""
    boxes = [one for one in page.widgets if one.kind == "checkbox"]
    box = [one for one in boxes if SELECTION_PREFIX in one.id][nth]
    return page.check(box.label, nth=[one for one in boxes if one.label == box.label].index(box))


@pytest.mark.heavy
@pytest.mark.parametrize("language", LANGUAGES)
def test_empty_studio_offers_a_working_recipe(door: Door, tenant: OpenScope, language: str) -> None:
    who = create_agency(tenant, language=language)
    with stream(door.url, door.cookie(who)) as page:
        text = page.open("/studio")
        for code in (
            "studio.no_recipe",
            "studio.no_pictures",
            "studio.nothing_under_way",
            "studio.engine.placeholder",
            "studio.connect_engine",
        ):
            assert word(code, language).replace("’", "’") in text.replace("&#39;", "'"), code
        text = page.press(word("studio.try_sample", language))
        assert word("studio.started", language, count=4) in text
        work(door, who)
        with who.scope() as scope:
            runs = list_runs(scope, who.creator_id)
            assert [(one.state, one.done, one.by) for one in runs] == [
                (JobState.DONE, 4, who.act_as(Role.OWNER))
            ]
        text = page.again()
        assert word("studio.progress", language, done=4, total=4) in text
        assert text.count("/files/") == 4
        assert word("studio.rating.none", language) in text
    assert "undefined" not in text.lower()


def test_run_is_previewed_and_started_once(
    door: Door, lumiere: Agency, run: Callable[..., UUID]
) -> None:
    run()
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        page.type(word("studio.seed"), "7")
        text = page.type(word("studio.count"), "2")
        shots = specs.plan_pictures(build_spec(), seed=7, count=2)
        for shot in shots:
            assert shot.scene in text
        assert word("studio.started", count=2) in page.press(word("studio.generate"))
    with lumiere.scope() as scope:
        newest = list_runs(scope, lumiere.creator_id)[0]
    assert (newest.seed, newest.total, newest.state) == (7, 2, JobState.QUEUED)


def test_running_run_refreshes_until_stopped(
    door: Door, lumiere: Agency, run: Callable[..., UUID]
) -> None:
    job_id = run()
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        ticking = len(page.ticks)
        text = page.press(word("studio.stop"))
        assert word("studio.stopped") in text
        page.again()
        assert len(page.ticks) < ticking
    with lumiere.scope() as scope:
        assert get_run(scope, job_id).state is JobState.STOPPED


def test_failed_run_is_resumed(door: Door, lumiere: Agency, run: Callable[..., UUID]) -> None:
    job_id = run()
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE outbox SET available_at = available_at + interval '1 day' WHERE subject_id = "
            ":id",
            id=job_id,
        )
        records.fail_run(scope, job_id, Message("job.gave_up"))
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("studio.resume") in page.open("/studio")
        assert word("studio.resumed", count=3) in page.press(word("studio.resume"))
    with lumiere.scope() as scope:
        found = get_run(scope, job_id)
    assert (found.state, found.reason) == (JobState.QUEUED, None)


def test_refused_pictures_are_counted_with_the_reason(
    door: Door, lumiere: Agency, run: Callable[..., UUID]
) -> None:
    job_id, why = run(), Message("engine.content_refused", {"engine": "stability"})
    with lumiere.scope() as scope:
        job = records.get_run_row(scope, job_id)
        job.state = JobState.RUNNING
        scope.add(job)
    assert records.skip_picture(lumiere.open, job, 0, why)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("studio.refused", count=1, total=3, why=render_message(why, "fr")) in page.open(
            "/studio"
        )


def test_variants_are_compared_selected_and_archived(
    door: Door, lumiere: Agency, run: Callable[..., UUID]
) -> None:
    job_id = run()
    work(door, lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        text = page.press(word("studio.compare"))
        assert "morning" in text
        assert word("studio.shelved_kept_one") in page.press(word("studio.keep"))
        assert word("studio.shelved_away_one") in page.press(word("studio.put_away"), nth=1)
        text = page.press(word("studio.reveal_all"))
        assert len(re.findall(r"/preview\?clear=", text)) == 3
    with lumiere.scope() as scope:
        shelves = [
            card.shelf
            for card in studio_reads.list_asset_cards(scope, lumiere.creator_id, job_id=job_id)
        ]
    assert shelves == [ShelfState.KEPT, ShelfState.RETIRED, ShelfState.NEW]


def test_changed_recipe_does_not_affect_old_runs(
    door: Door, lumiere: Agency, run: Callable[..., UUID]
) -> None:
    run()
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        page.type(word("studio.words"), "place: a lake, a hill\nhour: noon")
        assert word("studio.recipe_kept", name="morning") in page.press(word("studio.keep_recipe"))
        page.type(word("studio.words"), "without a list")
        assert word("studio.bad_line", line="without a list") in page.press(
            word("studio.keep_recipe")
        )
        page.type(word("studio.words"), "place: a lake")
        assert "hour" in page.press(word("studio.keep_recipe"))
    with lumiere.scope() as scope:
        (card,) = list_recipes(scope, lumiere.creator_id)
        (old,) = list_runs(scope, lumiere.creator_id)
    assert (card.version, card.spec.words) == (2, {"place": ["a lake", "a hill"], "hour": ["noon"]})
    assert old.version == 1


def test_photos_are_uploaded_or_refused_with_a_reason(door: Door, lumiere: Agency) -> None:
    good, bad = encoded(a_picture(seed=11), "JPEG"), b"no picture at all"
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        text = page.attach(
            word("studio.files"), {"plage.jpg": good, "notes.jpg": bad, "encore.jpg": good}
        )
        assert "notes.jpg" in text
        assert word("state.upload.waiting") in text
        work(door, lumiere)
        assert word("state.upload.ready") in page.again()
        page.check(word("studio.by_model"))
        page.attach(word("studio.files"), {"export.jpg": encoded(a_picture(seed=12), "JPEG")})
        work(door, lumiere)
    with lumiere.scope() as scope:
        export, one = uploads.list_recent_uploads(
            scope, lumiere.creator_id, since=scope.now.replace(year=2000)
        )
        made, card = studio_reads.list_asset_cards(scope, lumiere.creator_id)
    assert (one.state, one.name, one.asset_id) == (UploadState.READY, "plage.jpg", card.asset_id)
    assert (export.asset_id, made.engine, card.engine) == (made.asset_id, "unnamed", "camera")


def test_library_is_filtered(door: Door, lumiere: Agency) -> None:
    general, nude = (
        picture(door, lumiere, rating=Rating.G),
        picture(door, lumiere, seed=2, rating=Rating.N),
    )
    unrated, away = picture(door, lumiere, seed=3), picture(door, lumiere, seed=4, rating=Rating.G)
    hidden = picture(door, lumiere, seed=5, rating=Rating.X)
    with lumiere.scope() as scope:
        library.set_shelf_state(scope, away, ShelfState.RETIRED)
        packs.create_pack(
            scope,
            creator_id=lumiere.creator_id,
            slug="p",
            title="P",
            description="",
            assets=[general],
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/studio")
        assert {str(general), str(nude), str(unrated)} == set(
            re.findall(r"/files/([0-9a-f-]{36})/thumb", text)
        )
        assert str(hidden) not in text
        for facet, value, left in (
            ("studio.rating", "studio.rating.N", {nude}),
            ("studio.rating", "studio.rating.none", {unrated}),
            ("studio.rating", "studio.rating.all", {general, nude, unrated}),
            ("studio.use", "studio.use.packed", {general}),
            ("studio.use", "studio.use.all", {general, nude, unrated}),
            ("studio.shelf", "studio.shelf.away", {away}),
        ):
            text = page.choose(word(facet), word(value))
            assert set(re.findall(r"/files/([0-9a-f-]{36})/thumb", text)) == {
                str(one) for one in left
            }, value


def test_picture_shows_its_origin_and_is_rated(
    door: Door, lumiere: Agency, run: Callable[..., UUID]
) -> None:
    run(variants=1)
    work(door, lumiere)
    with lumiere.scope() as scope:
        (card,) = studio_reads.list_asset_cards(scope, lumiere.creator_id)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        text = pick(page)
        for said in (
            card.prompt,
            "scenes-1",
            str(card.seed),
            word("studio.recipe_named", name="morning", version=1),
        ):
            assert said in text
        assert f"asset={card.asset_id}" in text
        assert page.find(word("studio.rate_now")).drawn.disabled
        assert f"/files/{card.asset_id}/preview?clear=" in page.press(word("studio.reveal"))
        page.choose(word("studio.rate_as"), word("studio.level.S"))
        page.choose(word("rating.shown"), word("rating.shown.no_people"))
        assert word("studio.rated") in page.press(word("studio.rate_now"))
        work(door, lumiere)
        assert word("studio.rating.S") in page.again()
        assert word("studio.level.G") not in page.find(word("studio.rate_as")).options
        page.type(word("studio.alt_hint"), "la mer au matin")
        assert word("studio.alt_kept") in page.press(word("studio.alt_keep"))
        assert word("studio.review_asked") in page.press(word("studio.ask_review"))
    with lumiere.scope() as scope:
        (card,) = studio_reads.list_asset_cards(scope, lumiere.creator_id)
        assert (card.standing.rating, card.alt, card.shelf) == (
            Rating.S,
            "la mer au matin",
            ShelfState.KEPT,
        )


def test_pack_is_created_from_selected_pictures(door: Door, lumiere: Agency) -> None:
    assets = [picture(door, lumiere, seed=seed, rating=Rating.G) for seed in (1, 2, 3)]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page, 0)
        pick(page, 2)
        page.type(word("studio.pack_title"), "Une journée")
        assert word("studio.pack_made", title="Une journée") in page.press(word("studio.pack_now"))
    with lumiere.scope() as scope:
        (made,) = packs.list_active_packs(scope, lumiere.creator_id)
        wanted = [library.get_asset(scope, asset).sha256 for asset in (assets[2], assets[0])]
    assert [medium.sha256 for medium in made.media] == wanted


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.OWNER, Role.MANAGER}))
def test_studio_is_only_for_owner_and_manager(door: Door, lumiere: Agency, role: Role) -> None:
    picture(door, lumiere, rating=Rating.G)
    _, text = opened(door, lumiere, role)
    assert "/files/" not in text


def test_other_creators_and_agencies_are_hidden(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    other = create_agency(tenant, mark="canary")
    theirs = picture(door, other, rating=Rating.G)
    with lumiere.scope() as scope:
        made = {"kind": "human", "zone": "Europe/Paris", "languages": ["fr"]}
        zoe = agencies.add_creator(scope, slug="zoe", name="Zoé-canary", **made)
        scope.run(
            "UPDATE members SET creators = '[\"mia\"]' WHERE id = :m",
            m=lumiere.members[Role.MANAGER],
        )
        specs.save_recipe(scope, zoe, build_spec(name="zoes-own"))
    prepared = pipeline.prepare_upload(
        encoded(a_picture(seed=31), "JPEG"), name="z.jpg", alt="canary"
    )
    hers = pipeline.ingest_asset(
        door.tenant, store(door), tenant_id=lumiere.tenant_id, creator_id=zoe, prepared=prepared
    )
    with lumiere.scope() as scope:
        rate_and_answer(scope, library.get_asset(scope, hers).sha256, Rating.G, source="rule:test")
    for query in ({}, {"creator": "zoe"}, {"creator": str(other.creator_id)}):
        _, text = opened(door, lumiere, Role.MANAGER, **query)
        for secret in ("canary", "zoes-own", str(theirs), str(hers)):
            assert secret not in text, query


def test_page_shows_the_time_of_its_data(door: Door, lumiere: Agency) -> None:
    picture(door, lumiere, rating=Rating.G)
    _, text = opened(door, lumiere)
    assert re.search(r"Mis à jour à \d\d:\d\d", text)


def test_run_waits_for_its_hours_until_they_are_removed(
    door: Door, lumiere: Agency, run: Callable[..., UUID]
) -> None:
    with lumiere.scope() as scope:
        local = scope.now.astimezone(
            ZoneInfo(quotas.get_generation_limits(scope, lumiere.creator_id).zone)
        )
        hours = [
            (local + timedelta(hours=ahead)).time().replace(second=0, microsecond=0)
            for ahead in (2, 3)
        ]
        quotas.set_generation_hours(
            scope, quotas.GenerationHours(*hours), creator_id=lumiere.creator_id
        )
    job_id = run()
    with stream(door.url, door.cookie(lumiere, Role.OWNER)) as page:
        shown = page.open("/studio")
        assert f"{hours[0]:%H:%M}" in shown
        assert word("studio.waits.window", at="@").partition("@")[0] in shown
        page.choose(word("studio.limits_creator"), word("studio.limits_always"))
        page.press(word("studio.limits_keep_creator"))
    with lumiere.scope() as scope:
        assert quotas.get_generation_limits(scope, lumiere.creator_id).effective_hours is None
        due = scope.run(
            "SELECT available_at FROM outbox WHERE subject_id = :id", id=job_id
        ).scalar_one()
        assert due <= scope.now


def test_hours_of_the_agency_apply_by_default(
    door: Door, lumiere: Agency, run: Callable[..., UUID]
) -> None:
    run()
    with stream(door.url, door.cookie(lumiere, Role.OWNER)) as page:
        page.open("/studio")
        page.choose(word("studio.limits_agency"), word("studio.limits_hours"))
        page.press(word("studio.limits_keep_agency"))
        shown = page.open("/studio")
    with lumiere.scope() as scope:
        found = quotas.get_generation_limits(scope, lumiere.creator_id)
    assert (found.own, found.effective_hours) == (None, quotas.GenerationHours(time(23), time(7)))
    assert word("studio.limits_as_agency", opens="23:00", closes="07:00") in shown


def test_runs_show_their_step_and_output(
    door: Door, lumiere: Agency, run: Callable[..., UUID]
) -> None:
    job_id = run()
    work(door, lumiere)
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE jobs SET state = 'running', done = 2, step = 12, steps = 20 WHERE id = :id",
            id=job_id,
        )
    _, shown = opened(door, lumiere)
    assert word("studio.step", number=3, step=12, steps=20) in shown
    assert word("studio.output", made=3, kept=0) in shown
