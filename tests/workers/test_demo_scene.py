"""The minute that begins when Home is opened: asked for once, planned once, played again with others, nowhere else."""

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from channels import carrying, connecting
from channels import reads as channel_reads
from dashboard import scene
from dashboard.events import SceneStep, SceneWanted
from foundation import outbox
from foundation.clock import wall_now
from foundation.database import OpenScope
from foundation.errors import Unavailable
from foundation.settings import DatabaseSettings, SandboxSettings, Settings, TenantsSettings
from foundation.storage import library as store_of
from gate import ratings
from gate.units import Subject
from generators import provenance
from schedules import planning
from schedules import reads as schedule_reads
from schedules.models import Delivery
from schedules.moving import move
from schedules.states import DeliveryState
from studio import ingesting, jobs, library
from tenants import agencies
from tests.conftest import Cluster, wait_until
from tests.fakes.network import Network, network
from workers import demo_channels, demo_fan, demo_people, demo_pictures, demo_removal, demo_scene
from workers.demo_cast import HANGING, LUMIERE, MIA, SACHA, SECOND_PERSON
from workers.demo_people import creator_id_of

SHOWN = {"mia": [shot.key for shot in MIA.shots], "sacha": [SECOND_PERSON]}


@dataclass
class Stage:
    """The demo's agency with its accounts and two pictures, and the sandbox they are on."""

    tenant: OpenScope
    network: Network
    settings: Settings

    def opened(self) -> datetime:
        """Somebody opens Home: what was asked of the workers, and when."""
        with self.tenant(LUMIERE.tenant_id, "member:test") as scope:
            assert scene.ask(scope)
            return scope.now

    def begin(self, at: datetime, *, may_play: bool = True) -> None:
        """What the workers do of it."""
        event = SceneWanted(LUMIERE.tenant_id, LUMIERE.tenant_id, at)
        demo_scene.begin(event, tenant=self.tenant, may_play=may_play)

    def follow(self, at: datetime, step: str) -> None:
        """A later moment."""
        event = SceneStep(LUMIERE.tenant_id, LUMIERE.tenant_id, at, step)
        demo_scene.follow(event, tenant=self.tenant, may_play=True)

    def rows(self, statement: str, **params: Any) -> list[Any]:
        with self.tenant(LUMIERE.tenant_id, "system:test") as scope:
            return list(scope.run(statement, tenant=LUMIERE.tenant_id, **params))

    def deliveries(self, kind: str) -> list[Delivery]:
        """Of all scenes, the last planned last."""
        with self.tenant(LUMIERE.tenant_id, "system:test") as scope:
            posts = schedule_reads.written(scope, demo_scene.ORIGIN, f"{kind}:")
            return [row for _, post in sorted(posts.items()) for row in planning.deliveries_of(scope, post)]

    def forget(self) -> None:
        """Nothing waits any more."""
        self.rows("DELETE FROM outbox WHERE tenant_id = :tenant RETURNING id")


@pytest.fixture(scope="module")
def stage(cluster: Cluster, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("scene")
    with network(home / "sandbox.sqlite") as running:
        settings = Settings(
            home=home,
            environment="test",
            database=DatabaseSettings(
                owner_url=cluster.url("greenroom_owner", "house"), work_url=cluster.url("greenroom_work", "house")
            ),
            tenants=TenantsSettings(master_key=base64.b64encode(secrets.token_bytes(32)).decode()),
            sandbox=SandboxSettings(inside_url=running.url),
        )
        demo_people.found(tenant, LUMIERE)
        demo_channels.open_accounts(tenant, settings, LUMIERE)
        _bring(tenant, settings)
        yield Stage(tenant, running, settings)
        demo_removal.rows(settings, [LUMIERE.tenant_id])


def _bring(tenant: OpenScope, settings: Settings) -> None:
    credential = provenance.credential_in(settings.home / "provenance", now=wall_now())
    keep = partial(ingesting.bring, tenant, store_of(settings), tenant_id=LUMIERE.tenant_id)
    for part in (MIA, SACHA):
        with tenant(LUMIERE.tenant_id, "system:test") as scope:
            owner = creator_id_of(scope, part)
        for shot in (one for one in part.shots if one.key in SHOWN[part.slug]):
            small = replace(shot, width=200, height=152)
            keep(creator_id=owner, prepared=demo_pictures.draw(small, credential, date(2026, 11, 20)))


@pytest.fixture(autouse=True)
def afresh(stage: Stage) -> Iterator[None]:
    """Each test begins with no scene waiting, and with all of the first pictures of the cast."""
    stage.forget()
    stage.network.clear()
    yield
    stage.rows(
        "UPDATE channels SET name = :name WHERE tenant_id = :tenant AND account = 'mia-x' RETURNING id", name=HANGING
    )


def test_tabs_and_reloads_are_one_opening(stage: Stage) -> None:
    at = stage.opened()
    with stage.tenant(LUMIERE.tenant_id, "member:test") as scope:
        assert not scene.ask(scope)
    stage.begin(at)
    stage.rows("DELETE FROM outbox WHERE tenant_id = :tenant AND kind = 'demo.scene' RETURNING id")  # handled
    with stage.tenant(LUMIERE.tenant_id, "member:test") as scope:
        assert not scene.ask(scope)
    stage.rows("DELETE FROM outbox WHERE tenant_id = :tenant AND kind = 'demo.scene_step' RETURNING id")  # over
    with stage.tenant(LUMIERE.tenant_id, "member:test") as scope:
        assert scene.ask(scope)


def test_nothing_is_asked_in_an_agency_of_ones_own(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, "system:test") as scope:
        agencies.found(scope, name="Mine", language="fr", zone="Europe/Paris")
        assert not scene.ask(scope)
        assert not outbox.awaited(scope, tenant_id)


def test_minute_is_planned_from_the_opening_and_once(stage: Stage) -> None:
    at = stage.opened()
    stage.begin(at)
    stage.begin(at)  # the row came twice
    left = stage.deliveries(demo_scene.LEAVES)[-3:]
    assert {round((row.due_at - at).total_seconds()) for row in left} <= {24, 25}
    assert {row.state for row in left} == {DeliveryState.SCHEDULED}
    kept = stage.deliveries(demo_scene.HELD)[-1]
    assert abs((kept.due_at - at).total_seconds() - 55) <= 1
    waiting = stage.rows("SELECT kind, args->>'step' AS step, available_at FROM outbox WHERE tenant_id = :tenant")
    steps = {row.step: round((row.available_at - at).total_seconds()) for row in waiting if row.kind == SceneStep.kind}
    assert steps == {"pictures": 40, "fan": 43, "over": 180}
    assert (
        len([row for row in waiting if row.kind == "delivery.stage"]) == 3 * 2
    )  # uploads are asked for again: harmless


def test_one_post_alone_meets_silence(stage: Stage) -> None:
    at = stage.opened()
    stage.begin(at)
    asked = stage.network.json("GET", "/control/faults")[1]["waiting"]
    left = stage.deliveries(demo_scene.LEAVES)[-3:]
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        silent = channel_reads.by_name(scope, creator_id_of(scope, MIA), HANGING)
    key = carrying.native_key(Subject("delivery", next(row.id for row in left if row.channel_id == silent.id)))
    assert [(one["account"], one["mode"], one["match"]) for one in asked] == [("mia-x", "accept_then_hang", key)]


def test_looking_again_does_not_add_to_what_waits(stage: Stage) -> None:
    stage.begin(stage.opened())
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        post = max(schedule_reads.written(scope, demo_scene.ORIGIN, "held:").items())[1]
        row = planning.deliveries_of(scope, post)[0]
        move(scope, row, DeliveryState.HELD)
    before = len(stage.deliveries(demo_scene.LEAVES))
    stage.forget()
    stage.begin(stage.opened())
    assert len(stage.deliveries(demo_scene.LEAVES)) == before + 3
    states = [row.state for row in stage.deliveries(demo_scene.HELD)]
    assert states[-2:] == [DeliveryState.CANCELLED, DeliveryState.SCHEDULED]


def test_fan_comes_once_and_another_one_the_next_time(stage: Stage) -> None:
    at = wall_now() - demo_fan.WRITES
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        nova = demo_channels.chat_account(scope, LUMIERE.parts[1])
    names = []
    for number in (0, 1):
        demo_fan.play(nova, number, opened_at=at, now=wall_now())
        wait_until(partial(_has_written, stage, demo_fan.fan_id(number, at)))
        demo_fan.play(nova, number, opened_at=at, now=wall_now())  # the row came twice: they have begun
        names.append(demo_fan.name(number))
    assert names == ["Léo", "Inès"]
    said = [(one["fan"], one["text"]) for one in stage.network.truth("nova+key")["messages"]]
    assert said == [(demo_fan.fan_id(number, at), demo_fan.WORDS[0]) for number in (0, 1)]


def _has_written(stage: Stage, fan: str) -> bool:
    return any(one["fan"] == fan for one in stage.network.truth("nova+key")["messages"])


def test_run_of_the_scene_leaves_the_machine_to_others(stage: Stage) -> None:
    at = stage.opened()
    stage.follow(at, "pictures")
    stage.follow(at, "pictures")
    rows = stage.rows("SELECT subject_id, args FROM outbox WHERE tenant_id = :tenant AND kind = 'job.run'")
    assert [row.args for row in rows] == [{"pause": demo_scene.PAUSE}]
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        assert jobs.progress(scope, rows[0].subject_id)[1:] == (0, 8)


def test_picture_somebody_wants_gone_is_passed_over(stage: Stage) -> None:
    """Step 5 of the tour, not undone, would else hold the minute's first post back."""
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        number = len(schedule_reads.written(scope, demo_scene.ORIGIN, f"{demo_scene.LEAVES}:"))
        keys = [MIA.shots[(number + step) % len(MIA.shots)].key for step in range(2)]
        made = library.made(scope, creator_id_of(scope, MIA), keys)
        frozen, following = made[keys[0]], made[keys[1]]
        ratings.freeze(scope, library.item(scope, frozen).sha256)
    stage.begin(stage.opened())
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        post = max(schedule_reads.written(scope, demo_scene.ORIGIN, f"{demo_scene.LEAVES}:").items())[1]
        assert schedule_reads.written_post(scope, post).media == (following,)
        ratings.thaw(scope, library.item(scope, frozen).sha256)


def test_late_start_counts_from_then(stage: Stage) -> None:
    """Nothing ran when Home was opened: what was to happen a minute ago happens in a minute."""
    stage.begin(stage.opened() - timedelta(minutes=5))
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        now = scope.now
    assert all(row.due_at > now for row in stage.deliveries(demo_scene.HELD) if row.state == DeliveryState.SCHEDULED)


def test_changed_cast_leaves_out_what_it_cannot_play(stage: Stage) -> None:
    stage.rows("UPDATE channels SET name = 'Autre' WHERE tenant_id = :tenant AND account = 'mia-x' RETURNING id")
    before = len(stage.deliveries(demo_scene.LEAVES)), len(stage.deliveries(demo_scene.HELD))
    stage.begin(stage.opened())
    after = len(stage.deliveries(demo_scene.LEAVES)), len(stage.deliveries(demo_scene.HELD))
    assert after == (before[0], before[1] + 1)


@pytest.mark.parametrize("who", ["production", "another"])
def test_nowhere_else_is_anything_played(stage: Stage, tenant_id: UUID, who: str) -> None:
    where = LUMIERE.tenant_id if who == "production" else tenant_id
    event = SceneWanted(where, where, wall_now())
    before = stage.rows("SELECT count(*) FROM posts WHERE tenant_id = :tenant")
    demo_scene.begin(event, tenant=stage.tenant, may_play=who != "production")
    demo_scene.follow(
        SceneStep(where, where, event.opened_at, "fan"), tenant=stage.tenant, may_play=who != "production"
    )
    assert stage.rows("SELECT count(*) FROM posts WHERE tenant_id = :tenant") == before
    assert not stage.rows("SELECT id FROM outbox WHERE tenant_id = :tenant")


def test_without_the_sandbox_the_row_is_tried_again(stage: Stage) -> None:
    with stage.tenant(LUMIERE.tenant_id, "system:test") as scope:
        silent = channel_reads.by_name(scope, creator_id_of(scope, MIA), HANGING)
        connecting.connect(
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
        demo_channels.open_accounts(stage.tenant, stage.settings, LUMIERE)
