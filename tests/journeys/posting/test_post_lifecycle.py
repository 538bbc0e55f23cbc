"""A post from the recipe to the report and its removal, through the real relay, Redis and worker."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis

from foundation.db.database import Database
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops.wall_time import local_day
from gate.assets import label_lifts
from gate.contract.units import Rating
from insights.reports import daily_report
from insights.rollups import daily_rollups
from schedules.approvals.time_changes import expedite_delivery
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from studio.library import assets as library
from studio.recipes import specs
from studio.runs import runner
from studio.runs.states import JobState
from tests.conftest import wait_until
from tests.gate.answers import rate_and_answer
from tests.schedules.builders import ZONE, SandboxAgency
from tests.studio.builders import build_spec
from tests.workers.relay_worker import house


@pytest.fixture
def alive(lea: SandboxAgency, database: Database, redis_url: str) -> Iterator[SandboxAgency]:
    """Provide Léa's agency in a running installation."""
    with house(database, redis_url, lea.routes):
        yield lea


def page(lea: SandboxAgency, path: str) -> tuple[int, str]:
    """Return status and body of a request to her page."""
    with lea.scope() as scope:
        base = scope.run(
            "SELECT base_url FROM channels WHERE tenant_id = :tenant AND platform = 'own_page'",
            tenant=lea.tenant_id,
        ).scalar_one()
    reply = HttpClient().send(HttpRequest("GET", base + path, {}, b"", 5.0))
    assert isinstance(reply, HttpResponse)
    return reply.status, reply.body.decode(errors="replace")


def drawn(lea: SandboxAgency) -> list[object]:
    """Run a recipe, rate its pictures and release them, since a placeholder engine made them."""
    with lea.scope() as scope:
        recipe_id = specs.save_recipe(scope, lea.creator_id, build_spec(variants=2))
        job_id = runner.start_run(
            scope, creator_id=lea.creator_id, recipe_id=recipe_id, seed=5, key="journey"
        )

    def over() -> bool:
        with lea.scope() as scope:
            return runner.run_progress(scope, job_id)[0] is JobState.DONE

    wait_until(over)
    with lea.scope(f"member:{lea.manager}") as scope:
        assets = runner.run_assets(scope, job_id)
        for asset in assets:
            rate_and_answer(
                scope,
                library.get_asset(scope, asset).sha256,
                Rating.G,
                source=f"member:{lea.manager}",
            )
            label_lifts.lift_label(scope, asset, why="the look of this page")

    def out() -> bool:
        with lea.scope() as scope:
            return set(label_lifts.lifted_labels(scope, assets)) == set(assets)

    wait_until(out)
    return list(assets)


def arrived(
    lea: SandboxAgency, *deliveries: object, state: DeliveryState = DeliveryState.PUBLISHED
) -> None:
    # the deliveries are ids
    wait_until(lambda: {lea.state(each) for each in deliveries} == {state})  # type: ignore[arg-type]  # see above


@pytest.mark.heavy
def test_generated_post_is_published_reported_and_removed(
    alive: SandboxAgency, redis_url: str
) -> None:
    assets = drawn(alive)
    body = "Premier café dehors. Image créée avec une IA."
    # the asset is an id
    post_id = alive.write(body, media=(assets[0],), text_ai="generated")  # type: ignore[arg-type]  # see above
    on_network, on_page = (
        alive.wish(post_id, "main", after=900),
        alive.wish(post_id, "page", after=901),
    )
    alive.approve(post_id)
    alive.plan(post_id)
    redis.Redis.from_url(redis_url).flushall()  # Redis contains nothing that cannot be restored
    alive.pass_time(minutes=16)
    arrived(alive, on_network, on_page)

    assert alive.texts() == [body]
    assert alive.posts()[0]["ai"]
    link = alive.entry(on_page).url
    assert link is not None
    status, text = page(alive, "/" + link.split("/", 3)[3])
    assert status == 200
    assert "Premier café dehors." in text

    with alive.scope() as scope:
        day = local_day(scope.now, ZONE)
        daily_rollups.rebuild_day(scope, alive.creator_id, day)
        report = daily_report.load_daily_report(scope, alive.creator_id, day)
    assert report.work.published == 2
    assert report.balanced
    assert "Premier café dehors." in daily_report.render_daily_html(report, "fr")

    for each in (on_network, on_page):
        alive.act(post_removal.request_post_removal, each)
    arrived(alive, on_network, on_page, state=DeliveryState.REMOVED)
    assert (
        alive.network.api("GET", alive.accounts["main"], f"posts/{alive.posts()[0]['id']}")[0]
        == 404
    )
    status, text = page(alive, "/" + link.split("/", 3)[3])
    assert status == 410
    assert "Premier café dehors." not in text


def test_lost_and_late_deliveries_are_published_once(alive: SandboxAgency) -> None:
    alive.fault("reset_after")
    lost = alive.delivery("lost")
    arrived(alive, lost, state=DeliveryState.UNCERTAIN)
    alive.pass_time(minutes=1)
    arrived(alive, lost)
    held = alive.delivery("held", after=60, late_ok=timedelta(minutes=1))
    alive.pass_time(minutes=5)
    arrived(alive, held, state=DeliveryState.HELD)
    alive.act(expedite_delivery, held)
    arrived(alive, held)
    assert alive.texts() == ["lost", "held"]
