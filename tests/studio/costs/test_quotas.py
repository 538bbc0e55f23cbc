"""Generation hours and daily quotas: clock changes, ends of days, each picture counted once."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from foundation.errors import BadInput, NotFound
from foundation.outbox import outbox
from studio.costs import quotas
from studio.costs.quotas import GenerationHours
from studio.recipes import specs
from studio.runs import runner
from tenants.agencies import creators
from tenants.agencies.states import CreatorState
from tests.channels.builders import Killed
from tests.studio.builders import CreatorStudio, Engine, build_spec, create_studio

ZONES = [
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/Havana",
]
NIGHT = GenerationHours(time(23), time(7))
walls = st.integers(0, 24 * 60 - 1).map(lambda minute: time(*divmod(minute, 60)))
moments = st.integers(0, 24 * 365 * 60 * 24).map(
    lambda minutes: datetime(2011, 1, 1, tzinfo=UTC) + quotas.ONE_MINUTE * minutes
)


@given(walls, walls, st.sampled_from(ZONES), moments)
def test_hours_open_at_their_wall_time_across_clock_changes(
    opens: time, closes: time, name: str, now: datetime
) -> None:
    assume(opens != closes)
    window, zone = GenerationHours(opens, closes), ZoneInfo(name)
    found = quotas.next_opening(window, zone, now)
    assert found >= now
    assert window.is_open_at(found.astimezone(zone).time())
    assert (found == now) == window.is_open_at(now.astimezone(zone).time())
    assert found - now <= timedelta(hours=73), "at most two days without these hours are skipped"
    assert quotas.next_opening(window, zone, found) == found


@pytest.mark.parametrize(
    ("opens", "closes", "now", "found"),
    [
        ((23, 0), (7, 0), "2026-06-01T12:00+02:00", "2026-06-01T23:00+02:00"),
        ((23, 0), (7, 0), "2026-06-02T06:59+02:00", "2026-06-02T06:59+02:00"),
        ((2, 30), (7, 0), "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"),  # 2:30 is skipped
        (
            (2, 0),
            (2, 30),
            "2026-03-29T01:00+01:00",
            "2026-03-30T02:00+02:00",
        ),  # and so are these hours
        ((2, 30), (7, 0), "2026-10-25T02:10+01:00", "2026-10-25T02:30+01:00"),  # 2:30 comes twice
        ((0, 0), (6, 0), "2026-10-24T20:00+02:00", "2026-10-25T00:00+02:00"),
    ],
)
def test_hours_follow_the_clock_changes_of_paris(
    opens: tuple[int, int], closes: tuple[int, int], now: str, found: str
) -> None:
    at = quotas.next_opening(
        GenerationHours(time(*opens), time(*closes)),
        ZoneInfo("Europe/Paris"),
        datetime.fromisoformat(now),
    )
    assert at == datetime.fromisoformat(found)


def test_quota_day_lasts_as_long_as_the_local_day() -> None:
    began, ends = quotas.quota_day(ZoneInfo("Europe/Paris"), datetime(2026, 10, 25, 12, tzinfo=UTC))
    assert ends - began == timedelta(hours=25)


def test_empty_hours_and_invalid_quotas_are_refused(nova: CreatorStudio) -> None:
    with pytest.raises(BadInput):
        GenerationHours(time(7), time(7))
    with nova.scope() as scope:
        for wrong in (0, -1, quotas.MAX_PER_DAY + 1):
            with pytest.raises(BadInput):
                quotas.set_daily_quota(scope, wrong)


def test_creator_hours_override_agency_hours_and_lower_quota_applies(
    nova: CreatorStudio,
) -> None:
    early = GenerationHours(time(4), time(5))
    with nova.scope() as scope:
        quotas.set_generation_hours(scope, NIGHT)
        quotas.set_daily_quota(scope, 10)
        assert quotas.get_generation_limits(
            scope, nova.creator_id, per_day=20
        ) == quotas.GenerationLimits(None, NIGHT, 10, 10, "Europe/Paris")
        quotas.set_generation_hours(scope, early, creator_id=nova.creator_id)
        assert quotas.get_generation_limits(
            scope, nova.creator_id, per_day=5
        ) == quotas.GenerationLimits(early, NIGHT, 10, 5, "Europe/Paris")
        quotas.set_generation_hours(scope, None, creator_id=nova.creator_id)
        assert quotas.get_generation_limits(scope, nova.creator_id).effective_hours == NIGHT


def test_another_agency_cannot_set_hours_of_a_creator(nova: CreatorStudio) -> None:
    other = create_studio(nova.services)
    with nova.scope() as scope:
        quotas.set_generation_hours(scope, NIGHT)
        with pytest.raises(NotFound):
            quotas.set_generation_hours(scope, NIGHT, creator_id=other.creator_id)
    with other.scope() as scope:
        assert quotas.get_generation_limits(scope, other.creator_id).effective_hours is None


def _shut(nova: CreatorStudio) -> GenerationHours:
    """Set hours that open in about two hours."""
    with nova.scope() as scope:
        local = scope.now.astimezone(ZoneInfo("Europe/Paris"))
        opens = (local + timedelta(hours=2)).time().replace(second=0, microsecond=0)
        window = GenerationHours(
            opens, (local + timedelta(hours=3)).time().replace(second=0, microsecond=0)
        )
        quotas.set_generation_hours(scope, window)
    return window


def test_run_outside_its_hours_waits_until_the_hours_change(nova: CreatorStudio) -> None:
    _shut(nova)
    job_id, engine = nova.start(), Engine()
    with nova.scope() as scope:
        held = quotas.generation_wait(scope, nova.creator_id)
        at = scope.run(
            "SELECT available_at FROM outbox WHERE subject_id = :id", id=job_id
        ).scalar_one()
    assert held is not None
    assert (held.why, held.until) == ("window", at)
    with pytest.raises(outbox.RetryLater):
        nova.work(job_id, lambda: engine)
    assert (nova.progress(job_id), engine.drawn) == (("queued", 0, 3), [])
    with nova.scope() as scope:
        quotas.set_generation_hours(scope, None)
        assert runner.wake_waiting_runs(scope) == 1
        at = scope.run(
            "SELECT available_at FROM outbox WHERE subject_id = :id", id=job_id
        ).scalar_one()
        assert at <= scope.now
    nova.work(job_id, lambda: engine)
    assert nova.progress(job_id) == ("done", 3, 3)


def test_paced_run_keeps_its_pause_after_its_hours_change(
    nova: CreatorStudio,
) -> None:
    _shut(nova)
    with nova.scope() as scope:
        recipe_id = specs.save_recipe(scope, nova.creator_id, build_spec())
        runner.start_run(
            scope, creator_id=nova.creator_id, recipe_id=recipe_id, seed=7, key="paced", pause=60
        )
        quotas.set_generation_hours(scope, None)
        assert runner.wake_waiting_runs(scope) == 1
        row = scope.run(
            "SELECT args, available_at FROM outbox WHERE tenant_id = :t", t=nova.tenant_id
        ).one()
        assert row.args["pause"] == 60
        assert row.available_at <= scope.now


def test_run_beyond_the_quota_waits_for_the_next_day(nova: CreatorStudio) -> None:
    job_id, engine = nova.start(), Engine()
    with pytest.raises(outbox.RetryLater) as later:
        nova.work(job_id, lambda: engine, per_day=2)
    assert nova.progress(job_id) == ("running", 2, 3)
    with nova.scope() as scope:
        _, tomorrow = quotas.quota_day(ZoneInfo("Europe/Paris"), scope.now)
        row = scope.run("SELECT waits_until, waits_for FROM jobs WHERE id = :id", id=job_id).one()
        assert abs(scope.now + later.value.after - tomorrow) < timedelta(seconds=30)
    assert (row.waits_until, row.waits_for) == (tomorrow, "quota")
    nova.work(job_id, lambda: engine, per_day=3)
    assert nova.progress(job_id) == ("done", 3, 3)


def test_wait_and_number_of_pictures_come_from_one_read(nova: CreatorStudio) -> None:
    """A picture stored between two reads left a run without a wait and without pictures."""
    with nova.scope() as scope:
        quotas.set_daily_quota(scope, 5)
        assert quotas.generation_wait(scope, nova.creator_id, left=1) is None
        held = quotas.generation_wait(scope, nova.creator_id, left=0)
        assert held is not None
        assert held.why == "quota"


def test_run_of_a_creator_stops_at_their_own_quota_and_while_inactive(nova: CreatorStudio) -> None:
    job_id, engine = nova.start(), Engine()
    with nova.scope() as scope:
        quotas.set_daily_quota(scope, 2, creator_id=nova.creator_id)
        assert quotas.creator_quotas(scope) == {nova.creator_id: 2}
    with pytest.raises(outbox.RetryLater):
        nova.work(job_id, lambda: engine)
    assert nova.progress(job_id) == ("running", 2, 3)
    with nova.scope() as scope:
        quotas.set_daily_quota(scope, None, creator_id=nova.creator_id)
        creators.change_creator_state(scope, nova.creator_id, CreatorState.INACTIVE)
    with pytest.raises(outbox.RetryLater) as later:
        nova.work(job_id, lambda: engine)
    assert later.value.after == quotas.INACTIVE_RECHECK_INTERVAL
    with nova.scope() as scope:
        creators.change_creator_state(scope, nova.creator_id, CreatorState.ACTIVE)
    nova.work(job_id, lambda: engine)
    assert nova.progress(job_id) == ("done", 3, 3)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_picture_is_counted_once_after_a_crash(nova: CreatorStudio, at: int) -> None:
    def die(number: int) -> None:
        if number == at:
            raise Killed

    job_id, first, again = nova.start(), Engine(before=die), Engine()
    with pytest.raises(Killed):
        nova.work(job_id, lambda: first, per_day=3)
    nova.work(job_id, lambda: again, per_day=3)
    assert nova.progress(job_id) == ("done", 3, 3)
    with nova.scope() as scope:
        assert quotas.count_generated_since(scope, scope.now - timedelta(hours=1)) == 3


def test_recorded_picture_is_not_counted_again(nova: CreatorStudio) -> None:
    """The process crashed after the last picture was recorded and before it was counted; the day's
    quota is used up."""
    job_id = nova.start()
    nova.work(job_id, Engine)
    with nova.scope() as scope:
        scope.run("UPDATE jobs SET done = 2, state = 'running' WHERE id = :id", id=job_id)
    nova.work(job_id, Engine, per_day=3)
    assert nova.progress(job_id) == ("done", 3, 3)
