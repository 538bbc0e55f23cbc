"""The first minute after Home is opened: started once, scheduled once, repeated with other fans,
and played only in the demo."""

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from channels.accounts import lifecycle
from channels.accounts import queries as channel_reads
from channels.sending import step_runner
from dashboard.pages.home import demo_scene as scene
from dashboard.pages.home.events import DemoSceneRequested, DemoSceneStep
from demo import home_scene
from demo.agency import channel_accounts, people, pictures, teardown
from demo.agency.cast import HANGING_CHANNEL_NAME, LUMIERE, MIA, SACHA, SECOND_PERSON_PICTURE
from demo.agency.people import creator_id_of
from foundation.db.database import OpenScope
from foundation.errors import Unavailable
from foundation.ops.clock import wall_now
from foundation.ops.settings import DatabaseSettings, SandboxSettings, Settings, TenantsSettings
from foundation.outbox import outbox
from foundation.storage.object_store import open_library_store as store_of
from gate.contract.units import Subject
from gate.ratings import ratings
from generators.provenance import content_credentials
from schedules.posts import deliveries
from schedules.posts import queries as schedule_reads
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import transition_delivery
from studio.ingest import pipeline
from studio.library import assets
from studio.runs import runner
from tenants.agencies import agencies
from tests.conftest import Cluster, wait_until
from tests.fakes.sandbox import RunningSandbox, network

SHOWN = {"mia": [shot.key for shot in MIA.pictures], "sacha": [SECOND_PERSON_PICTURE]}


@dataclass
class Stage:
    """The demo's agency with its accounts and two pictures, and its sandbox."""

    tenant: OpenScope
    network: RunningSandbox
    settings: Settings

    def opened(self) -> datetime:
        """Open Home, which requests the scene, and return the time."""
        with self.tenant(LUMIERE.tenant_id, "member:test") as scope:
            assert scene.request_demo_scene(scope)
            return scope.now

    def begin(self, at: datetime, *, may_play: bool = True) -> None:
        """Start the scene as the workers do."""
        event = DemoSceneRequested(LUMIERE.tenant_id, LUMIERE.tenant_id, at)
        home_scene.start_home_scene(event, tenant=self.tenant, may_play=may_play)

    def follow(self, at: datetime, step: str) -> None:
        """Play a later step of the scene."""
        event = DemoSceneStep(LUMIERE.tenant_id, LUMIERE.tenant_id, at, step)
        home_scene.play_home_scene_step(event, tenant=self.tenant, may_play=True)

    def rows(self, statement: str, **params: Any) -> list[Any]:
        with self.tenant(LUMIERE.tenant_id, "system:test") as scope:
            return list(scope.run(statement, tenant=LUMIERE.tenant_id, **params))

    def deliveries(self, kind: str) -> list[Delivery]:
        """Return the deliveries of all scenes, in the order of the scenes."""
        with self.tenant(LUMIERE.tenant_id, "system:test") as scope:
            posts = schedule_reads.post_ids_by_origin_key(
                scope, home_scene.HOME_SCENE_ORIGIN, f"{kind}:"
            )
            return [
                row
                for _, post in sorted(posts.items())
                for row in deliveries.deliveries_of_post(scope, post)
            ]

    def forget(self) -> None:
        """Delete all queued events."""
        self.rows("DELETE FROM outbox WHERE tenant_id = :tenant RETURNING id")


@pytest.fixture(scope="module")
def stage(
    cluster: Cluster, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("scene")
    with network(home / "sandbox.sqlite") as running:
        settings = Settings(
            home=home,
            environment="test",
            database=DatabaseSettings(
                owner_url=cluster.url("greenroom_owner", "house"),
                work_url=cluster.url("greenroom_work", "house"),
            ),
            tenants=TenantsSettings(master_key=base64.b64encode(secrets.token_bytes(32)).decode()),
            sandbox=SandboxSettings(port=urlsplit(running.url).port or 0),
        )
        people.create_demo_agency(tenant, LUMIERE)
        channel_accounts.open_channels(tenant, settings, LUMIERE)
        _bring(tenant, settings)
        yield Stage(tenant, running, settings)
        teardown.delete_rows(settings, [LUMIERE.tenant_id])


def _bring(tenant: OpenScope, settings: Settings) -> None:
    credential = content_credentials.load_credential(settings.home / "provenance", now=wall_now())
    keep = partial(pipeline.ingest_asset, tenant, store_of(settings), tenant_id=LUMIERE.tenant_id)
    for part in (MIA, SACHA):
        with tenant(LUMIERE.tenant_id, "system:test") as scope:
            owner = creator_id_of(scope, part)
        for shot in (one for one in part.pictures if one.key in SHOWN[part.slug]):
            small = replace(shot, width=200, height=152)
            keep(
                creator_id=owner,
                prepared=pictures.draw_picture(small, credential, date(2026, 11, 20)),
            )


@pytest.fixture(autouse=True)
def afresh(stage: Stage) -> Iterator[None]:
    """Start each test without a queued scene, and restore the name of the account afterwards."""
    stage.forget()
    stage.network.clear()
    yield
    stage.rows(
        "UPDATE channels SET name = :name WHERE tenant_id = :tenant AND account = 'mia-x' "
        "RETURNING id",
        name=HANGING_CHANNEL_NAME,
    )


def test_tabs_and_reloads_start_one_scene(stage: Stage) -> None:
    at = stage.opened()
    with stage.tenant(LUMIERE.tenant_id, "member:test") as scope:
        assert not scene.request_demo_scene(scope)
    stage.begin(at)
    stage.rows(
        "DELETE FROM outbox WHERE tenant_id = :tenant AND kind = 'demo.scene' RETURNING id"
    )  # the request was handled
    with stage.tenant(LUMIERE.tenant_id, "member:test") as scope:
        assert not scene.request_demo_scene(scope)
    stage.rows(
        "DELETE FROM outbox WHERE tenant_id = :tenant AND kind = 'demo.scene_step' RETURNING id"
    )  # the scene is over
    with stage.tenant(LUMIERE.tenant_id, "member:test") as scope:
        assert scene.request_demo_scene(scope)


def test_real_agency_starts_no_scene(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Mine", language="fr", zone="Europe/Paris")
        assert not scene.request_demo_scene(scope)
        assert not outbox.is_pending(scope, tenant_id)


def test_scene_is_scheduled_once_from_the_opening(stage: Stage) -> None:
    at = stage.opened()
    stage.begin(at)
    stage.begin(at)  # the event is delivered twice
    left = stage.deliveries(home_scene.PUBLISHED_POST)[-3:]
    assert {round((row.due_at - at).total_seconds()) for row in left} <= {24, 25}
    assert {row.state for row in left} == {DeliveryState.SCHEDULED}
    kept = stage.deliveries(home_scene.HELD_POST)[-1]
    assert abs((kept.due_at - at).total_seconds() - 55) <= 1
    waiting = stage.rows(
        "SELECT kind, args->>'step' AS step, available_at FROM outbox WHERE tenant_id = :tenant"
    )
    steps = {
        row.step: round((row.available_at - at).total_seconds())
        for row in waiting
        if row.kind == DemoSceneStep.kind
    }
    assert steps == {"pictures": 40, "fan": 43, "over": 180}
    assert (
        len([row for row in waiting if row.kind == "delivery.stage"]) == 3 * 2
    )  # uploads are requested again, which has no effect


def test_exactly_one_post_gets_a_fault(stage: Stage) -> None:
    at = stage.opened()
    stage.begin(at)
    asked = stage.network.json("GET", "/control/faults")[1]["waiting"]
    left = stage.deliveries(home_scene.PUBLISHED_POST)[-3:]
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        silent = channel_reads.get_channel_by_name(
            scope, creator_id_of(scope, MIA), HANGING_CHANNEL_NAME
        )
    key = step_runner.native_key_of(
        Subject("delivery", next(row.id for row in left if row.channel_id == silent.id))
    )
    assert [(one["account"], one["mode"], one["match"]) for one in asked] == [
        ("mia-x", "accept_then_hang", key)
    ]


def test_second_scene_replaces_the_held_post(stage: Stage) -> None:
    stage.begin(stage.opened())
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        post = max(
            schedule_reads.post_ids_by_origin_key(
                scope, home_scene.HOME_SCENE_ORIGIN, "held:"
            ).items()
        )[1]
        row = deliveries.deliveries_of_post(scope, post)[0]
        transition_delivery(scope, row, DeliveryState.HELD)
    before = len(stage.deliveries(home_scene.PUBLISHED_POST))
    stage.forget()
    stage.begin(stage.opened())
    assert len(stage.deliveries(home_scene.PUBLISHED_POST)) == before + 3
    states = [row.state for row in stage.deliveries(home_scene.HELD_POST)]
    assert states[-2:] == [DeliveryState.CANCELLED, DeliveryState.SCHEDULED]


def test_each_scene_has_one_new_fan(stage: Stage) -> None:
    at = wall_now() - home_scene.FAN_WRITES_AFTER
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        nova = channel_accounts.find_chat_channel(scope, LUMIERE.creators[1])
    names = []
    for number in (0, 1):
        home_scene.play_home_scene_fan(nova, number, opened_at=at, now=wall_now())
        wait_until(partial(_has_written, stage, home_scene.fan_id(number, at)))
        home_scene.play_home_scene_fan(
            nova, number, opened_at=at, now=wall_now()
        )  # the event is delivered twice: the fan has started
        names.append(home_scene.fan_name(number))
    assert names == ["Léo", "Inès"]
    said = [(one["fan"], one["text"]) for one in stage.network.truth("nova+key")["messages"]]
    assert said == [
        (home_scene.fan_id(number, at), home_scene.FAN_MESSAGES[0]) for number in (0, 1)
    ]


def _has_written(stage: Stage, fan: str) -> bool:
    return any(one["fan"] == fan for one in stage.network.truth("nova+key")["messages"])


def test_run_of_the_scene_pauses_between_pictures(stage: Stage) -> None:
    at = stage.opened()
    stage.follow(at, "pictures")
    stage.follow(at, "pictures")
    rows = stage.rows(
        "SELECT subject_id, args FROM outbox WHERE tenant_id = :tenant AND kind = 'job.run'"
    )
    assert [row.args for row in rows] == [{"pause": home_scene.SECONDS_PER_PICTURE}]
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        assert runner.run_progress(scope, rows[0].subject_id)[1:] == (0, 8)


def test_frozen_picture_is_skipped(stage: Stage) -> None:
    """Otherwise step 5 of the tour, if not undone, would hold the scene's first post."""
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        number = len(
            schedule_reads.post_ids_by_origin_key(
                scope, home_scene.HOME_SCENE_ORIGIN, f"{home_scene.PUBLISHED_POST}:"
            )
        )
        keys = [MIA.pictures[(number + step) % len(MIA.pictures)].key for step in range(2)]
        made = assets.assets_by_source(scope, creator_id_of(scope, MIA), keys)
        frozen, following = made[keys[0]], made[keys[1]]
        ratings.freeze_bytes(scope, assets.get_asset(scope, frozen).sha256)
    stage.begin(stage.opened())
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        post = max(
            schedule_reads.post_ids_by_origin_key(
                scope, home_scene.HOME_SCENE_ORIGIN, f"{home_scene.PUBLISHED_POST}:"
            ).items()
        )[1]
        assert schedule_reads.get_stored_post(scope, post).media == (following,)
        ratings.unfreeze_bytes(scope, assets.get_asset(scope, frozen).sha256)


def test_late_start_schedules_from_its_time(stage: Stage) -> None:
    """The workers were stopped when Home was opened: the steps are scheduled from the late start."""
    stage.begin(stage.opened() - timedelta(minutes=5))
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        now = scope.now
    assert all(
        row.due_at > now
        for row in stage.deliveries(home_scene.HELD_POST)
        if row.state == DeliveryState.SCHEDULED
    )


def test_scene_without_an_account_skips_its_posts(stage: Stage) -> None:
    stage.rows(
        "UPDATE channels SET name = 'Autre' WHERE tenant_id = :tenant AND account = 'mia-x' "
        "RETURNING id"
    )
    before = (
        len(stage.deliveries(home_scene.PUBLISHED_POST)),
        len(stage.deliveries(home_scene.HELD_POST)),
    )
    stage.begin(stage.opened())
    after = (
        len(stage.deliveries(home_scene.PUBLISHED_POST)),
        len(stage.deliveries(home_scene.HELD_POST)),
    )
    assert after == (before[0], before[1] + 1)


@pytest.mark.parametrize("who", ["production", "another"])
def test_scene_plays_only_in_the_demo(stage: Stage, tenant_id: UUID, who: str) -> None:
    where = LUMIERE.tenant_id if who == "production" else tenant_id
    event = DemoSceneRequested(where, where, wall_now())
    before = stage.rows("SELECT count(*) FROM posts WHERE tenant_id = :tenant")
    home_scene.start_home_scene(event, tenant=stage.tenant, may_play=who != "production")
    home_scene.play_home_scene_step(
        DemoSceneStep(where, where, event.opened_at, "fan"),
        tenant=stage.tenant,
        may_play=who != "production",
    )
    assert stage.rows("SELECT count(*) FROM posts WHERE tenant_id = :tenant") == before
    assert not stage.rows("SELECT id FROM outbox WHERE tenant_id = :tenant")


def test_scene_without_sandbox_is_retried(stage: Stage) -> None:
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        silent = channel_reads.get_channel_by_name(
            scope, creator_id_of(scope, MIA), HANGING_CHANNEL_NAME
        )
        lifecycle.connect_account(
            scope,
            creator_id=silent.creator_id,
            platform=silent.platform,
            surface=silent.surface,
            account=silent.account,
            name=silent.name,
            base_url="http://127.0.0.1:9",
            token=None,
            zone=silent.zone,
        )
    try:
        with pytest.raises(Unavailable):
            stage.begin(stage.opened())
    finally:
        channel_accounts.open_channels(stage.tenant, stage.settings, LUMIERE)
