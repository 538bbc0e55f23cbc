"""Animations of a picture by a model: in the library once after any crash, marked as a child of the
picture."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from foundation.ops.settings import GeneratorsSettings
from foundation.outbox import outbox
from gate.assets import asset_records
from gate.assets.derivations import ancestors_and_descendants
from gate.contract.units import Rating
from gate.ratings import ratings
from generators.contract.engines import (
    EngineMissing,
    EngineUnreachable,
    JobTooLarge,
    Progress,
    ignore_progress,
)
from generators.contract.video import GeneratedVideo, VideoJob
from generators.engines.video.diffusion_video import DiffusionVideoEngine
from generators.provenance import content_credentials
from generators.video import video_files
from studio.costs import quotas
from studio.costs.quotas import GenerationHours
from studio.ingest import pipeline
from studio.library import member_reviews
from studio.runs.lineage import get_lineage
from studio.runs.states import JobState
from studio.video import animations, clips
from studio.video.animations import AnimationRequest
from studio.video.clips import ClipKind, ClipView
from studio.video.events import AnimationDue
from tests.gate.answers import rate_and_answer
from tests.generators import tiny_models, tiny_video_models
from tests.generators.builders import needs_diffusion
from tests.generators.video_builders import encode_speech
from tests.studio.builders import CREDENTIAL, CreatorStudio, create_studio
from tests.studio.recipes.test_prompt_rating import EXPLICIT, OF_AGE
from tests.studio.video.test_slideshows import Watched, die, digest, still
from workers.event_routes import registry
from workers.wiring import Services

pytestmark = pytest.mark.heavy

needs_diffusion()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiffusionVideoEngine]:
    root = tmp_path_factory.mktemp("films")
    tiny_models.sd15(root / "models" / "tiny")
    tiny_video_models.adapter(root / "adapter")
    made = DiffusionVideoEngine(
        GeneratorsSettings(film_models=str(root / "models"), film_adapter=str(root / "adapter"))
    )
    yield made
    made.pipelines.release_all()


class Told:
    """The real engine, but with an event at a step, or instead of the video."""

    name = "diffusion"

    def __init__(
        self, engine: DiffusionVideoEngine, happens: Callable[[], None], *, step: int = 1
    ) -> None:
        self._engine, self._happens, self._step, self.jobs = engine, happens, step, list[VideoJob]()

    def device_message(self) -> Any:
        return self._engine.device_message()

    def animate(self, job: VideoJob, progress: Progress = ignore_progress) -> GeneratedVideo:
        self.jobs.append(job)

        def told(done: int, total: int) -> None:
            if done == self._step:
                self._step = -1
                self._happens()
            progress(done, total)

        return self._engine.animate(job, told)


def wanted(asset: UUID, **changes: Any) -> AnimationRequest:
    return replace(
        AnimationRequest(
            asset, "tiny", seconds=1, words="waves on a beach", motion=60, seed=5, steps=2
        ),
        **changes,
    )


def ask(nova: CreatorStudio, want: AnimationRequest, key: str = "one") -> UUID:
    with nova.scope() as scope:
        return animations.request_animation(
            scope, creator_id=nova.creator_id, wanted=want, key=key, by="member:x"
        )


def work(
    nova: CreatorStudio, clip_id: UUID, engine: Any, *, store: Any = None, per_day: int = 0
) -> ClipView:
    animations.make_animation(
        AnimationDue(nova.tenant_id, clip_id),
        tenant=nova.services.tenant,
        engine=lambda: engine,
        store=store or nova.services.store,
        credential=lambda: CREDENTIAL,
        per_day=per_day,
        told_every=0.0,
    )
    return how(nova, clip_id)


def how(nova: CreatorStudio, clip_id: UUID) -> ClipView:
    with nova.scope() as scope:
        return clips.get_clip(scope, clip_id)


def test_animation_is_a_marked_child_of_its_picture(
    nova: CreatorStudio, engine: DiffusionVideoEngine
) -> None:
    asset = still(nova)
    clip_id = ask(nova, wanted(asset))
    assert ask(nova, wanted(asset, words="other")) == clip_id, "the same request again"
    found = how(nova, clip_id)
    assert (found.kind, found.state, found.total) == (ClipKind.MODEL, JobState.QUEUED, 2)
    done = work(nova, clip_id, engine)
    assert (done.state, done.done, done.reason) == (JobState.DONE, 2, None)
    assert done.asset_id is not None
    assert work(nova, clip_id, engine) == done, "the same row twice"
    sha256 = digest(nova, done.asset_id)
    data = nova.services.store.get(nova.tenant_id, sha256)
    assert video_files.reopen_video(data, name="film").size == (480, 320)
    mark = content_credentials.verify_media(data, "video/mp4")
    assert (mark.engine, mark.source, mark.label) == (
        "diffusion",
        "trainedAlgorithmicMedia",
        "demo",
    )
    with nova.scope() as scope:
        made = get_lineage(scope, done.asset_id)
        assert [card.asset_id for card in made.sources] == [asset]
        assert {"motion", "rate", "torch", "diffusers", "pipeline"} <= made.parameters.keys()
        assert asset_records.asset_label(scope, done.asset_id) == "demo"
        assert ratings.effective_rating(scope, sha256) is None, "it is unrated"
        assert member_reviews.makers_of(scope, [done.asset_id]) == {done.asset_id: "member:x"}
    item = next(item for item in nova.library() if item.asset_id == done.asset_id)
    assert (item.engine, item.alt) == ("diffusion", "waves on a beach")


def test_animation_is_rated_no_lower_than_its_picture(
    nova: CreatorStudio, engine: DiffusionVideoEngine
) -> None:
    asset = still(nova, rating=Rating.N)
    done = work(nova, ask(nova, wanted(asset)), engine)
    assert done.asset_id is not None
    sha256 = digest(nova, done.asset_id)
    with nova.scope() as scope:
        rate_and_answer(scope, sha256, Rating.G, source="member:rob")
        assert ratings.effective_rating(scope, sha256) is Rating.S, "its picture is rated higher"
        assert ancestors_and_descendants(scope, done.asset_id, most=1)[0] == [asset], (
            "freezes follow this relation"
        )


@pytest.mark.parametrize(("kind", "number"), [("get", 1), ("put", 1), ("put", 2), ("put", 3)])
def test_crash_at_any_store_call_makes_one_animation(
    nova: CreatorStudio, engine: DiffusionVideoEngine, kind: str, number: int
) -> None:
    clip_id = ask(nova, wanted(still(nova)))
    before = len(nova.library())
    with pytest.raises(KeyboardInterrupt):
        work(nova, clip_id, engine, store=Watched(nova.services.store, kind, number, die))
    assert how(nova, clip_id).state is JobState.RUNNING
    assert work(nova, clip_id, engine).state is JobState.DONE
    assert len(nova.library()) == before + 1


def test_crash_at_a_step_or_after_storing_makes_one_animation(
    nova: CreatorStudio, engine: DiffusionVideoEngine
) -> None:
    clip_id = ask(nova, wanted(still(nova)))
    with pytest.raises(KeyboardInterrupt):
        work(nova, clip_id, Told(engine, die))
    first = work(nova, clip_id, engine).asset_id
    with nova.scope() as scope:  # # as after a crash between the library and the row
        scope.run("UPDATE clips SET state = 'running', asset_id = NULL WHERE id = :id", id=clip_id)
    assert work(nova, clip_id, engine).asset_id == first


def test_stop_ends_the_animation_at_its_step(
    nova: CreatorStudio, engine: DiffusionVideoEngine
) -> None:
    clip_id = ask(nova, wanted(still(nova), steps=4))
    seen: list[int] = []

    def stop() -> None:
        seen.append(how(nova, clip_id).done)
        with nova.scope() as scope:
            clips.stop_clip(scope, clip_id)

    before = len(nova.library())
    done = work(nova, clip_id, Told(engine, stop, step=2))
    assert (done.state, done.asset_id, seen) == (JobState.STOPPED, None, [1])
    assert len(nova.library()) == before
    with pytest.raises(Conflict):
        stop()
    other = ask(nova, wanted(still(nova, 2)), "other")
    with nova.scope() as scope:
        clips.stop_clip(scope, other)
        left = scope.run(
            "SELECT count(*) FROM outbox WHERE subject_id = :id AND state = 'due'", id=other
        )
        assert left.scalar_one() == 0
    never = Told(engine, die)
    assert work(nova, other, never).state is JobState.STOPPED
    assert never.jobs == []


def test_picture_frozen_during_an_animation_is_not_used(
    nova: CreatorStudio, engine: DiffusionVideoEngine
) -> None:
    asset = still(nova)
    clip_id, before = ask(nova, wanted(asset)), len(nova.library())

    def freeze() -> None:
        with nova.scope() as scope:
            ratings.freeze_bytes(scope, digest(nova, asset))

    done = work(nova, clip_id, Told(engine, freeze))
    assert done.reason is not None
    assert (done.state, done.reason.code, len(nova.library())) == (
        JobState.FAILED,
        "clip.withheld",
        before,
    )
    with pytest.raises(Refused):
        ask(nova, wanted(asset), "again")


@pytest.mark.parametrize(
    "error",
    [
        EngineMissing("engine.film_no_gpu"),
        JobTooLarge("engine.film_memory", seconds=1, model="tiny"),
    ],
)
def test_unable_engine_is_reported_once(
    nova: CreatorStudio, engine: DiffusionVideoEngine, error: EngineMissing | JobTooLarge
) -> None:
    clip_id = ask(nova, wanted(still(nova)))

    def cannot() -> None:
        raise error

    done = work(nova, clip_id, Told(engine, cannot))
    assert (done.state, done.reason) == (JobState.FAILED, error.message)
    with nova.scope() as scope:
        said = scope.run("SELECT count(*) FROM notices WHERE cause = :c", c=f"clip:{clip_id}")
        assert said.scalar_one() == 1


def test_engine_outage_is_retried_and_given_up(
    nova: CreatorStudio, engine: DiffusionVideoEngine
) -> None:
    clip_id = ask(nova, wanted(still(nova)))

    def away() -> None:
        raise EngineUnreachable("engine.server_down", engine="x", url="-")

    with pytest.raises(EngineUnreachable):
        work(nova, clip_id, Told(engine, away))
    assert how(nova, clip_id).state is JobState.RUNNING
    clips.fail_clip_after_retries(
        AnimationDue(nova.tenant_id, clip_id), tenant=nova.services.tenant
    )
    reason = how(nova, clip_id).reason
    assert reason is not None
    assert reason.code == "clip.gave_up"


def test_missing_model_is_named(nova: CreatorStudio, engine: DiffusionVideoEngine) -> None:
    done = work(nova, ask(nova, wanted(still(nova), model="gone")), engine)
    assert done.reason is not None
    assert (done.state, done.reason.code) == (JobState.FAILED, "engine.film_model_missing")


def test_animation_counts_as_a_picture_and_waits_for_the_next_day(
    nova: CreatorStudio, engine: DiffusionVideoEngine
) -> None:
    first, second = (ask(nova, wanted(still(nova, seed)), str(seed)) for seed in (1, 2))
    assert work(nova, first, engine, per_day=1).state is JobState.DONE
    never = Told(engine, die)
    with pytest.raises(outbox.RetryLater):
        work(nova, second, never, per_day=1)
    found = how(nova, second)
    assert (found.state, found.waits_for, never.jobs) == (JobState.QUEUED, "quota", [])
    assert found.waits_until is not None
    with nova.scope() as scope:
        assert quotas.count_generated_since(scope, found.at.replace(year=2000)) == 1
        assert animations.wake_waiting_animations(scope) == 1
    done = work(nova, second, engine, per_day=2)
    assert (done.state, done.waits_until) == (JobState.DONE, None)


def test_animation_keeps_to_the_generation_hours(
    nova: CreatorStudio, engine: DiffusionVideoEngine
) -> None:
    with nova.scope() as scope:
        hour = scope.now.hour
        shut = GenerationHours(time((hour + 6) % 24), time((hour + 8) % 24))
        quotas.set_generation_hours(scope, shut, creator_id=nova.creator_id)
    clip_id = ask(nova, wanted(still(nova)))
    assert how(nova, clip_id).waits_for == "window"
    with pytest.raises(outbox.RetryLater):
        work(nova, clip_id, engine)
    with nova.scope() as scope:
        quotas.set_generation_hours(scope, None, creator_id=nova.creator_id)
        assert animations.wake_waiting_animations(scope) == 1
    assert work(nova, clip_id, engine).state is JobState.DONE


def test_foreign_pictures_and_prohibited_prompts_are_refused(
    nova: CreatorStudio, services: Services
) -> None:
    one, other = still(nova), create_studio(services)
    foreign, sound = (
        still(other),
        nova.bring(pipeline.prepare_upload(encode_speech("come to the beach"), name="sea.m4a")),
    )
    for want, error in (
        (wanted(foreign), NotFound),
        (wanted(uuid7()), NotFound),
        (wanted(sound), BadInput),
        (wanted(one, words="a" * 501), BadInput),
        (wanted(one, seconds=90), JobTooLarge),
        (wanted(one, words=f"{OF_AGE}, {EXPLICIT}"), Refused),
    ):
        with pytest.raises(error):
            ask(nova, want, str(uuid7()))
    assert nova.count("clips") == 0
    clip_id = ask(nova, wanted(one))
    with other.scope() as scope:
        for act in (clips.get_clip, clips.stop_clip):
            with pytest.raises(NotFound):
                act(scope, clip_id)
        assert clips.list_recent_clips(scope, nova.creator_id, since=scope.now) == []


def test_animation_has_a_route_and_a_queue(nova: CreatorStudio, tmp_path: Path) -> None:
    clip_id = ask(nova, wanted(still(nova)))
    route = registry.build_routes(nova.services).by_kind[AnimationDue.kind]
    with nova.scope() as scope:
        said = scope.run(
            "SELECT queue, group_key FROM outbox WHERE subject_id = :id", id=clip_id
        ).all()
    assert [tuple(one) for one in said] == [("gpu", "films|tiny")]
    route.handler(AnimationDue(nova.tenant_id, clip_id))
    reason = how(nova, clip_id).reason
    assert reason is not None
    assert reason.code == "engine.film_none", "without a setup the failure is reported"
