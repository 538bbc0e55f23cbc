"""Runs of recipes: resumed after interruptions, failed with a reason, never waiting for ever."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from foundation.errors import BadInput, Conflict, Refused, Unavailable
from foundation.i18n.translation import Message, render_message
from foundation.outbox import outbox
from gate.people import depiction_bans
from generators.contract.engines import (
    EngineMissing,
    EngineUnreachable,
    GeneratedPicture,
    ImageJob,
    JobTooLarge,
    Lora,
    Progress,
    ignore_progress,
)
from studio.costs import quotas
from studio.recipes import specs
from studio.runs import runner
from studio.runs.events import RunDue
from studio.runs.queries import list_active_runs
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.notices.queries import list_open_notices
from tests.channels.builders import Killed
from tests.studio.builders import CreatorStudio, Engine, build_spec


def made(nova: CreatorStudio, job_id: object) -> list[object]:
    with nova.scope() as scope:
        return list(runner.run_assets(scope, job_id))  # type: ignore[arg-type]  # an id of the test


def test_run_makes_its_pictures_once_in_order(nova: CreatorStudio) -> None:
    job_id = nova.start()
    engine = Engine()
    assert nova.progress(job_id) == ("queued", 0, 3)
    nova.work(job_id, lambda: engine)
    assert nova.progress(job_id) == ("done", 3, 3)
    nova.work(job_id, lambda: engine)  # # the same row twice
    assert len(engine.drawn) == len(made(nova, job_id)) == 3
    assert [item.seed for item in reversed(nova.library())] == [job.seed for job in engine.drawn]


def test_paced_run_yields_the_gpu_between_pictures(nova: CreatorStudio) -> None:
    """The row waits after each picture; the finished pictures have their scores."""
    with nova.scope() as scope:
        recipe_id = specs.save_recipe(scope, nova.creator_id, build_spec())
        job_id = runner.start_run(
            scope, creator_id=nova.creator_id, recipe_id=recipe_id, seed=7, key="paced", pause=60
        )
    engine = Engine()
    for number in (1, 2):
        with pytest.raises(outbox.RetryLater) as later:
            nova.work(job_id, lambda: engine, pause=60)
        assert 30 < later.value.after.total_seconds() <= 60
        assert nova.progress(job_id) == ("running", number, 3)
    nova.work(job_id, lambda: engine, pause=60)
    assert nova.progress(job_id) == ("done", 3, 3)
    with nova.scope() as scope:
        found = list_active_runs(scope, [nova.creator_id], since=scope.now - timedelta(minutes=1))[
            0
        ]
    assert len(found.assets) == len(found.scores) == 3
    assert all(score is not None and 0 <= score <= 100 for score in found.scores)


def test_run_is_started_once_per_key(nova: CreatorStudio) -> None:
    assert nova.start(key="a") == nova.start(key="a")
    assert nova.start(key="a") != nova.start(key="b")


@pytest.mark.parametrize("at", [0, 1, 2])
def test_remaining_pictures_are_made_after_a_crash(nova: CreatorStudio, at: int) -> None:
    def die(number: int) -> None:
        if number == at:
            raise Killed

    job_id, first, second = nova.start(), Engine(before=die), Engine()
    with pytest.raises(Killed):
        nova.work(job_id, lambda: first)
    assert nova.progress(job_id) == ("running", at, 3)
    nova.work(job_id, lambda: second)
    assert nova.progress(job_id) == ("done", 3, 3)
    assert [job.seed for job in (*first.drawn, *second.drawn)] == [
        item.seed for item in reversed(nova.library())
    ]
    assert len(made(nova, job_id)) == 3


def test_recorded_picture_is_not_drawn_again(nova: CreatorStudio) -> None:
    """The process crashed after the picture was recorded and before it was counted."""
    job_id, engine = nova.start(), Engine()
    nova.work(job_id, lambda: engine)
    with nova.scope() as scope:
        scope.run("UPDATE jobs SET done = 1, state = 'running' WHERE id = :id", id=job_id)
    again = Engine()
    nova.work(job_id, lambda: again)
    assert again.drawn == []
    assert nova.progress(job_id) == ("done", 3, 3)
    assert nova.count("creations") == 3


def test_two_workers_at_one_run_make_no_picture_twice(nova: CreatorStudio) -> None:
    """A lease expires while its worker is active: the other worker finishes first, and the slow one
    does no harm."""
    job_id, slow, quick = nova.start(), Engine(), Engine()

    def overtaken(number: int) -> None:
        if number == 1:
            nova.work(job_id, lambda: quick)

    slow.before = overtaken
    nova.work(job_id, lambda: slow)
    assert nova.progress(job_id) == ("done", 3, 3)
    assert nova.count("creations") == 3


@pytest.mark.parametrize(
    "error",
    [EngineMissing("engine.none", kind="image"), JobTooLarge("engine.size", width=1, height=1)],
)
def test_unavailable_engine_fails_the_run_with_a_reason(
    nova: CreatorStudio, error: Unavailable
) -> None:
    def missing() -> Engine:
        raise error

    job_id = nova.start()
    nova.work(job_id, missing)
    assert nova.progress(job_id) == ("failed", 0, 3)
    with nova.scope() as scope:
        reason = runner.failure_reason(scope, job_id)
        notices = {notice.cause: notice.message for notice in list_open_notices(scope)}
    assert reason == error.message
    assert notices == {f"job:{job_id}": error.message}
    assert render_message(error.message, "fr")
    nova.work(job_id, Engine)  # # the run is finished
    assert nova.progress(job_id) == ("failed", 0, 3)


def test_missing_pictures_of_a_failed_run_are_made_on_request(nova: CreatorStudio) -> None:
    def full(number: int) -> None:
        if number == 1:
            raise JobTooLarge("engine.memory", width=1, height=1)

    job_id, first, rest = nova.start(), Engine(before=full), Engine()
    nova.work(job_id, lambda: first)
    assert nova.progress(job_id) == ("failed", 1, 3)
    with nova.scope() as scope:
        outbox.cancel(scope, RunDue.kind, job_id)  # # the row was handled
        assert runner.resume_run(scope, job_id) == 2
        assert list_open_notices(scope) == []
        assert runner.failure_reason(scope, job_id) is None
    assert (nova.progress(job_id), nova.count("outbox")) == (("queued", 1, 3), 1)
    with nova.scope() as scope, pytest.raises(Conflict):
        runner.resume_run(scope, job_id)  # # requested twice
    nova.work(job_id, lambda: rest)
    assert (nova.progress(job_id), len(rest.drawn), len(made(nova, job_id))) == (
        ("done", 3, 3),
        2,
        3,
    )
    with nova.scope() as scope, pytest.raises(Conflict):
        runner.resume_run(scope, job_id)


def test_busy_engine_is_retried_and_the_run_fails_with_a_reason(nova: CreatorStudio) -> None:
    def busy() -> Engine:
        raise EngineUnreachable("engine.unreachable", server="x")

    job_id = nova.start()
    with pytest.raises(EngineUnreachable):
        nova.work(job_id, busy)
    assert nova.progress(job_id) == ("queued", 0, 3)
    runner.fail_run_after_retries(RunDue(nova.tenant_id, job_id), tenant=nova.services.tenant)
    assert nova.progress(job_id) == ("failed", 0, 3)
    with nova.scope() as scope:
        assert runner.failure_reason(scope, job_id) == Message("job.gave_up")


def test_wrong_recipe_is_reported_before_anything_is_queued(nova: CreatorStudio) -> None:
    with pytest.raises(BadInput):
        nova.start(prompt="a {nothing}")
    assert nova.count("jobs") == nova.count("outbox") == 0


def test_run_that_names_a_banned_person_does_not_start(nova: CreatorStudio) -> None:
    with nova.scope() as scope:
        role = {"role": Role.OWNER, "language": "fr", "zone": "Europe/Paris"}
        owner = agencies.add_member(scope, name="Zoé", email="zoe@example.test", **role)
    with nova.scope(f"member:{owner}") as scope:
        depiction_bans.add_depiction_ban(scope, "Lou Martin")
    with pytest.raises(Refused, match=r"never\.named"):
        nova.start(key="harm", prompt="a portrait of lou martin, {place} {hour}")
    assert nova.count("jobs") == 0
    assert nova.start(key="benign", prompt="a portrait of Lou, {place} {hour}")


def test_loras_are_requested_and_runs_grouped_by_them(
    nova: CreatorStudio,
) -> None:
    """An engine without LoRA support fails the run: pictures without the LoRA would pass for it."""
    looks = {"mia": 80, "film": 30}
    (shot,) = specs.plan_pictures(build_spec(loras=looks), seed=1, count=1)
    assert shot.job.loras == (Lora("mia", 0.8), Lora("film", 0.3))
    plain, job_id = nova.start(key="plain"), nova.start(key="looks", loras=looks)
    with nova.scope() as scope:
        found = scope.run(
            "SELECT subject_id, group_key FROM outbox WHERE tenant_id = :tenant",
            tenant=nova.tenant_id,
        )
        assert {row.subject_id: row.group_key for row in found} == {
            plain: "|",
            job_id: "||film|mia",
        }
    nova.work(job_id, Engine)
    with nova.scope() as scope:
        assert runner.failure_reason(scope, job_id) == Message(
            "engine.cannot_loras", {"engine": "placeholder"}
        )


def test_loras_are_requested_with_their_agency(nova: CreatorStudio) -> None:
    engine = Engine(does=frozenset({"loras"}))
    nova.work(nova.start(variants=1, loras={"mia": 80}), lambda: engine)
    assert [job.loras for job in engine.drawn] == [(Lora("mia", 0.8, owner=nova.tenant_id.hex),)]


@dataclass
class Together(Engine):
    """Draws several pictures at once, and can crash at its n-th picture."""

    asked: list[int] = field(default_factory=list)

    def draw_many(
        self, jobs: Sequence[ImageJob], progress: Progress = ignore_progress
    ) -> Iterator[GeneratedPicture]:
        self.asked.append(len(jobs))
        for job in jobs:
            yield self.draw(job, progress)


def test_batch_engine_receives_several_jobs_at_once(nova: CreatorStudio) -> None:
    engine = Together()
    job_id = nova.start(variants=6)
    nova.work(job_id, lambda: engine)
    assert (engine.asked, nova.progress(job_id)) == ([4, 2], ("done", 6, 6))
    assert [job.seed for job in engine.drawn] == [item.seed for item in reversed(nova.library())]


def test_finished_pictures_of_a_crashed_batch_are_not_drawn_again(nova: CreatorStudio) -> None:
    def die(number: int) -> None:
        if number == 2:
            raise Killed

    job_id, engine = nova.start(variants=6), Together(before=die)
    with pytest.raises(Killed):
        nova.work(job_id, lambda: engine)
    assert (nova.progress(job_id), len(nova.library())) == (("running", 2, 6), 2)
    again = Together()
    nova.work(job_id, lambda: again)
    assert (again.asked, nova.progress(job_id), len(nova.library())) == ([4, 2], ("done", 6, 6), 6)
    assert [job.seed for job in again.drawn] == [item.seed for item in reversed(nova.library())]


def test_batches_are_the_same_after_any_interruption(nova: CreatorStudio) -> None:
    """A picture can depend on the others of its batch, so a resumed run forms the same batches."""

    def die(number: int) -> None:
        if number == 5:
            raise Killed

    whole, first, rest = Together(), Together(before=die), Together()
    nova.work(nova.start(key="whole", variants=10), lambda: whole)
    job_id = nova.start(key="cut", variants=10)
    with pytest.raises(Killed):
        nova.work(job_id, lambda: first)
    nova.work(job_id, lambda: rest)
    assert (whole.asked, first.asked, rest.asked) == ([4, 4, 2], [4, 4], [4, 2])
    assert nova.progress(job_id) == ("done", 10, 10)
    with nova.scope() as scope:
        rows = scope.run(
            "SELECT c.seed FROM creations c WHERE c.job_id = :id ORDER BY c.created_at, c.id",
            id=job_id,
        ).scalars()
        assert list(rows) == [job.seed for job in whole.drawn]


def test_batch_keeps_no_more_than_the_daily_quota(nova: CreatorStudio) -> None:
    with nova.scope() as scope:
        quotas.set_daily_quota(scope, 3)
    engine = Together()
    job_id = nova.start(variants=6)
    with pytest.raises(outbox.RetryLater):
        nova.work(job_id, lambda: engine)
    assert (engine.asked, len(engine.drawn), len(nova.library())) == ([4], 3, 3)


def test_outage_after_a_picture_restarts_the_retry_count(
    nova: CreatorStudio,
) -> None:
    def away(number: int) -> None:
        if number == 2:
            raise EngineUnreachable("engine.unreachable", server="x")

    job_id, engine = nova.start(), Engine(before=away)
    with pytest.raises(outbox.RetryLater) as later:
        nova.work(job_id, lambda: engine)
    assert later.value.fresh
    assert nova.progress(job_id) == ("running", 2, 3)
    with pytest.raises(EngineUnreachable):
        nova.work(job_id, lambda: engine)


def test_paced_run_makes_one_picture_per_pause(nova: CreatorStudio) -> None:
    engine = Together()
    job_id = nova.start(variants=3)
    with pytest.raises(outbox.RetryLater):
        nova.work(job_id, lambda: engine, pause=20)
    assert (engine.asked, len(engine.drawn)) == ([], 1)
