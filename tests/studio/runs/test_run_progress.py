"""Progress of a run: steps, a stop within a picture, turns, and estimates."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from foundation.errors import LeaseLost
from foundation.money import Money
from foundation.outbox import heartbeat as pulses
from foundation.outbox import outbox
from generators.contract.engines import GeneratedPicture, ImageJob, Progress, ignore_progress
from studio.costs import productivity
from studio.library import assets
from studio.library.assets import run_source_key
from studio.library.states import ShelfState
from studio.runs import estimates, generation, records, runner
from studio.runs.queries import list_runs
from tests.channels.builders import Killed
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CreatorStudio, Engine, build_spec


class Stepping(Engine):
    """Twenty steps a picture; `act` is called before step `at` of one picture."""

    def __init__(
        self, at: tuple[int, int] = (-1, -1), act: Callable[[], object] = lambda: None
    ) -> None:
        super().__init__()
        self.at, self.act, self.steps = at, act, list[int]()

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        for step in range(1, 21):
            self.steps.append(step)
            if self.at == (len(self.drawn), step):
                self.act()
            progress(step, 20)
        return super().draw(job)


def told(nova: CreatorStudio, job_id: object) -> tuple[int, int, int]:
    with nova.scope() as scope:
        run = list_runs(scope, nova.creator_id)[0]
    assert run.id == job_id
    return run.done, run.step, run.steps


def test_run_reports_the_progress_of_its_picture(nova: CreatorStudio) -> None:
    job_id, seen = nova.start(), list[tuple[int, int, int]]()
    engine = Stepping((1, 13), lambda: seen.append(told(nova, job_id)))
    nova.work(job_id, lambda: engine, told_every=0.0)
    assert seen == [(1, 12, 20)]
    assert told(nova, job_id) == (3, 0, 0)


def test_steps_are_reported_at_most_once_a_second(nova: CreatorStudio) -> None:
    job_id, seen = nova.start(), list[tuple[int, int, int]]()
    engine = Stepping((0, 20), lambda: seen.append(told(nova, job_id)))
    nova.work(job_id, lambda: engine, told_every=3600.0)
    assert seen == [(0, 1, 20)]


def test_stop_ends_the_picture_within_a_step_and_discards_it(nova: CreatorStudio) -> None:
    job_id = nova.start()

    def stop() -> None:
        with nova.scope() as scope:
            runner.stop_run(scope, job_id)

    engine = Stepping((1, 5), stop)
    nova.work(job_id, lambda: engine, told_every=0.0)
    assert engine.steps[-1] == 5, "no further step"
    assert nova.progress(job_id) == ("stopped", 1, 3)
    assert told(nova, job_id) == (1, 0, 0)
    assert nova.count("creations") == 1


def test_lost_lease_stops_the_picture_at_its_next_step(nova: CreatorStudio) -> None:
    pulse, job_id = pulses.Heartbeat(), nova.start()
    engine = Stepping((0, 3), pulse.mark_lost)
    with nova.scope() as scope:
        scope.run("UPDATE jobs SET state = 'running' WHERE id = :id", id=job_id)
        job = records.get_run_row(scope, job_id)
    with pytest.raises(LeaseLost):
        engine.draw(
            ImageJob("x", 1),
            generation.RunProgressWatch(nova.services.tenant, job, pulse, every=3600.0),
        )
    assert engine.steps[-1] == 3


def test_run_yields_the_gpu_to_waiting_runs_and_continues_after(
    nova: CreatorStudio,
) -> None:
    job_id, engine = nova.start(variants=10), Engine()
    with pulses.running_row(lambda: True, lambda: True), pytest.raises(outbox.RetryLater) as later:
        nova.work(job_id, lambda: engine)
    assert later.value.after == timedelta()
    assert nova.progress(job_id) == ("running", runner.TURN_PICTURES, 10)
    nova.work(job_id, lambda: engine)  # # no run waits: it keeps the GPU
    assert nova.progress(job_id) == ("done", 10, 10)
    assert len(engine.drawn) == 10


def test_estimate_uses_the_last_run_of_the_recipe_without_its_waits(
    nova: CreatorStudio,
) -> None:
    def pace(recipe: str, **said: Any) -> float:
        with nova.scope() as scope:
            return estimates.seconds_per_picture(
                scope, nova.creator_id, build_spec(name=recipe, **said)
            )

    assert pace("morning") == estimates.DEFAULT_PACE
    quick, slow = (
        nova.start(key="quick", variants=2),
        nova.start(key="slow", variants=2, name="evening"),
    )
    for job, seconds in ((quick, 3), (slow, 8)):
        nova.work(job, Engine)
        with nova.scope() as scope:
            scope.run("UPDATE creations SET seconds = :s WHERE job_id = :job", s=seconds, job=job)
            scope.run(  # # its second picture came the next morning
                "UPDATE creations SET created_at = created_at - interval '9 hours' WHERE "
                "source_key = :first",
                first=run_source_key(job, 0),
            )
    assert (pace("morning"), pace("evening"), pace("never run")) == (3, 8, 8)
    small = build_spec()
    assert pace("morning", width=small.width * 2, steps=small.steps * 3) == 18, "six times the work"
    assert pace("morning", width=small.width * 2, model="another") == 3, (
        "the pace of this model is unknown"
    )


def test_output_statistics_are_read_at_once(nova: CreatorStudio) -> None:
    nova.work(nova.start(), Engine)
    with nova.scope() as scope:
        first = runner.run_assets(scope, list_runs(scope, nova.creator_id)[0].id)[0]
        scope.run("UPDATE creations SET seconds = 4, cost = 7, currency = 'EUR'")
        assets.set_shelf_state(scope, first, ShelfState.KEPT)
        found = productivity.output_since(scope, nova.creator_id, scope.now - timedelta(days=1))
        later = productivity.output_since(scope, nova.creator_id, scope.now + timedelta(days=1))
    assert (found.made, found.kept, found.seconds_per_kept, found.cost) == (
        3,
        1,
        12.0,
        [Money(21, "EUR")],
    )
    assert (later.made, later.kept, later.seconds_per_kept, later.cost) == (0, 0, None, [])


def test_picture_records_its_duration_and_cost(nova: CreatorStudio) -> None:
    nova.work(nova.start(), Engine)
    nova.upload(encoded(a_picture(seed=6), "JPEG"))
    with nova.scope() as scope:
        rows = scope.run(
            "SELECT job_id IS NULL AS brought, seconds, cost, currency FROM creations"
        ).all()
    assert len(rows) == 4
    for row in rows:
        assert (row.seconds is None) == row.brought
        assert row.seconds is None or 0 < row.seconds < 60
        assert (row.cost, row.currency) == (None, None)


def test_run_continues_after_a_crash_within_a_picture(nova: CreatorStudio) -> None:
    def die() -> None:
        raise Killed

    job_id, engine = nova.start(), Stepping((1, 9), die)
    with pytest.raises(Killed):
        nova.work(job_id, lambda: engine, told_every=0.0)
    assert told(nova, job_id) == (1, 8, 20)
    nova.work(job_id, Engine)
    assert told(nova, job_id) == (3, 0, 0)
    assert nova.count("creations") == 3
