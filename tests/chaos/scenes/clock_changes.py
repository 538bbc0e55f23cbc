"""The two nights on which clocks are changed, in a running installation: an hour occurs twice, and
an hour is missing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.ops.clock import monotonic, sleep
from foundation.ops.wall_time import WallTime
from foundation.outbox.row_leases import CLAIM_LEASE
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries
from schedules.recurrence import series
from schedules.recurrence.rules import Recurrence, RecurrenceRule, RecurrenceUnit
from tests.chaos.adversary import kill
from tests.chaos.installation import ACTOR, PATIENCE_SECONDS, SENDERS
from tests.chaos.scenes.scene import Scene
from tests.chaos.world import Intent, Place, plan_post

ZONES = ("Europe/Paris", "America/New_York", "America/Santiago", "Australia/Sydney")
"""Candidate time zones; half of them are in the southern hemisphere."""

YEAR = timedelta(days=366)

HOUR, HALF = timedelta(hours=1), timedelta(minutes=30)
AHEAD = timedelta(seconds=6)
"""Time from the start of scheduling to the half hour."""

TIMES = 2
"""Occurrences of a series in the scene: on that night and the day after."""


@dataclass(frozen=True)
class ClockChange:
    """A change of the clocks of `zone` at `at` (UTC): back, so that an hour occurs `twice`, or
    forward."""

    zone: str
    at: datetime
    twice: bool

    @property
    def wall(self) -> WallTime:
        """Half past the repeated or missing hour, in wall time before the change."""
        offset = (self.at - HOUR).astimezone(ZoneInfo(self.zone)).utcoffset() or timedelta()
        local = self.due + offset
        return WallTime(local.date(), local.time(), self.zone)

    @property
    def due(self) -> datetime:
        """The UTC time of `wall`: the first of two, or as if the clock had not changed."""
        return self.at - HALF if self.twice else self.at + HALF


def next_clock_change(now: datetime, *, twice: bool) -> ClockChange:
    """Return the next such night of any of these zones. A zone without clock changes has none."""
    return min(
        (night for zone in ZONES for night in _of(zone, now, twice=twice)),
        key=lambda night: night.at,
    )


def _of(zone: str, now: datetime, *, twice: bool) -> Iterator[ClockChange]:
    """Yield the clock changes of a zone within a year."""
    rules, at = (
        ZoneInfo(zone),
        now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + HOUR,
    )
    while (at := at + HOUR) < now + YEAR:
        before, after = (
            (at + by).astimezone(rules).utcoffset() or timedelta() for by in (-HOUR, timedelta())
        )
        if abs(after - before) == HOUR and (after < before) is twice:
            yield ClockChange(zone, at, twice)


def nights(scene: Scene) -> None:
    """Schedule posts and series at half past on both nights and kill a sender each time: each is
    published once, on time."""
    first, second = sorted(
        (next_clock_change(scene.house.now(), twice=each) for each in (True, False)),
        key=lambda one: one.at,
    )
    for number, night in enumerate((first, second)):
        _crossed(scene, night, number)


def _crossed(scene: Scene, night: ClockChange, number: int) -> None:
    """Run through the night: to half past, and past the second half past."""
    scene.house.jump(night.due - AHEAD - scene.house.now())
    planned = _single(scene, night, number) + _repeated(scene, night, number)
    scene.world.intents += planned
    scene.wait_until(night.due + timedelta(seconds=scene.drawn.uniform(0, 1)))
    kill(scene.house, scene.drawn.choice(SENDERS))
    wrong = [one for one in planned[:-TIMES] if one.due != night.due]
    if wrong:
        scene.wrong.append(f"{night}: due at {wrong[0].due}, not at {night.due}")
    sleep(2.0)
    _handed_on(scene, planned)
    scene.house.jump(HOUR)  # half past again, if the hour occurs twice
    sleep(1.0)


def _handed_on(scene: Scene, planned: list[Intent]) -> None:
    """Wait until rows that the dead sender had claimed but not started are handed to another, after
    five seconds."""
    ids, until = [one.delivery_id for one in planned], monotonic() + 2 * CLAIM_LEASE.total_seconds()
    query = (
        "SELECT count(*) FROM outbox WHERE state = 'leased' AND subject_id = ANY(CAST(:ids AS "
        "uuid[]))"
    )
    while (
        scene.house.as_relay(lambda scope: scope.run(query, ids=ids).scalar_one())
        and monotonic() < until
    ):
        sleep(0.1)


def _single(scene: Scene, night: ClockChange, number: int) -> list[Intent]:
    planned: list[Intent] = []
    for each, place in enumerate([*scene.places(), *scene.places()]):
        with scene.house.scope(place.tenant_id) as scope:
            text, key = f"Nuit {scene.world.seed}.{number}.{each}", number * 100 + each
            planned += plan_post(scope, [place], key, text=text, due=night.due, wall=night.wall)
    return [_as_it_is(scene, one) for one in planned]


def _as_it_is(scene: Scene, one: Intent) -> Intent:
    """Return the intent with the due time that was computed."""
    due = scene.house.read(
        one.place.tenant_id, lambda scope: deliveries.get_delivery(scope, one.delivery_id).due_at
    )
    return Intent(one.place, one.delivery_id, one.text, due, one.always, one.media)


def _repeated(scene: Scene, night: ClockChange, number: int) -> list[Intent]:
    """Schedule a series for that night and the next day. A separate process creates its
    occurrences."""
    place, text = scene.places()[0], f"Chaque nuit {scene.world.seed}.{number}"
    wall = night.wall
    repeat = Recurrence(RecurrenceRule(RecurrenceUnit.DAY, TIMES), wall.day, wall.clock, wall.zone)
    with scene.house.scope(place.tenant_id) as scope:
        draft = Draft(place.creator_id, "", text, (), (place.channel_id,))
        series.plan_series(
            scope, draft, repeat, key=uuid7(), author=ACTOR, confirmed=True, late_ok=None
        )
    until = monotonic() + PATIENCE_SECONDS
    while (
        len(made := scene.house.read(place.tenant_id, lambda scope: _made(scope, place, text)))
        < TIMES
    ):
        if monotonic() > until:
            scene.wrong.append(f"{len(made)} of {TIMES} occurrences of a series were created")
            break
        sleep(0.05)
    return made


def _made(scope: Scope, place: Place, text: str) -> list[Intent]:
    rows = scope.run(
        "SELECT d.id, d.due_at FROM deliveries d JOIN posts p ON p.tenant_id = d.tenant_id AND "
        "p.id = d.post_id"
        " WHERE d.tenant_id = :tenant AND p.body = :text ORDER BY d.due_at",
        tenant=scope.tenant_id,
        text=text,
    )
    return [Intent(place, row.id, text, row.due_at, True, 0) for row in rows]


SCENES: dict[str, Callable[[Scene], None]] = {"two nights of changed clocks": nights}
