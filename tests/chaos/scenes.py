"""What is too particular to be drawn: a long downtime, an emergency stop, a database that stands still. One scene each.

Each plans its own posts on a few accounts, does its harm by the machine's clock, and leaves the rest to calm and judge.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from uuid import UUID

from foundation.clock import pause, wall_now
from foundation.database import Scope
from gate import switches
from schedules.spacing import GAP
from tenants import agencies, roles
from tests.chaos.adversary import freeze, thaw
from tests.chaos.house import House
from tests.chaos.world import LEAD, Kind, Place, World, found, plan

START = LEAD + timedelta(seconds=1.5)
"""From the first stroke of planning to the first due time."""

FROZEN_SECONDS = {"postgres": 10.0, "redis": 8.0}
"""Redis: longer than a command to it may take."""

DOWN = timedelta(hours=6)
STOP_SECONDS = 2.0
"""How soon an emergency stop is felt."""

WAIT_SECONDS = 6.0
"""What the network asks for with its 429."""


@dataclass
class Scene:
    """A world with posts, and what was seen that must not be."""

    world: World
    drawn: random.Random
    wrong: list[str] = field(default_factory=list)

    @property
    def house(self) -> House:
        """Where it plays."""
        return self.world.house

    def places(self, most: int = 4) -> list[Place]:
        """Accounts of the network, at most one for each creator: two of each agency."""
        kinds: tuple[Kind, ...] = ("key", "plain", "nolook")
        own = {place.creator_id: place for place in self.world.of_kind(self.drawn.choice(kinds))}
        return list(own.values())[:most]

    def post(self, place: Place, number: int, due: datetime, *, always: bool = True) -> None:
        """One post, on the calendar."""
        with self.house.scope(place.tenant_id) as scope:
            text = f"Scène {self.world.seed}.{number}"
            self.world.intents += plan(scope, [place], number, text=text, due=due, always=always)

    def steadily(self, places: list[Place], *, every: float, seconds: float) -> None:
        """Posts for each of these places in turn, one every so many seconds."""
        start = self.house.now() + START
        for number in range(int(seconds / every)):
            self.post(places[number % len(places)], number, start + timedelta(seconds=number * every))

    def wait_until(self, at: datetime) -> None:
        """Wait for a time of the house."""
        pause(max(0.0, (at - self.house.now()).total_seconds()))

    def asked(self, place: Place) -> list[tuple[datetime, int]]:
        """When the network was asked to post something, by the machine's clock, and what it said."""
        rows = self.world.kept("SELECT at, status FROM record WHERE kind = 'posts' AND account = ?", place.account)
        return [(datetime.fromisoformat(row["at"]), row["status"]) for row in rows]


def down_for_hours(scene: Scene) -> None:
    """Ten posts on each of four accounts come due while nothing is handed out: late ones leave one by one."""
    places, start = scene.places(), scene.house.now() + START + timedelta(seconds=30)
    for number in range(40):
        due = start + timedelta(seconds=round(scene.drawn.uniform(0, DOWN.total_seconds() - 300)))
        scene.post(places[number % len(places)], number, due, always=scene.drawn.random() < 0.4)
    frozen = [one for name in ("relay", "second") for one in freeze(scene.house, name)]
    scene.house.jump(DOWN)
    thaw(frozen)


def one_by_one(scene: Scene) -> Iterator[str]:
    """What was late left in the order of its time, with room between, and each agency was told once."""
    left: dict[UUID, list[tuple[datetime, datetime]]] = defaultdict(list)
    for tenant_id in scene.world.tenants:
        for channel_id, armed_at, due_at, overdue in scene.house.read(tenant_id, _sends):
            if overdue:
                left[channel_id].append((armed_at, due_at))
        told = scene.house.read(tenant_id, _told_of)
        if told != 1:
            yield f"an agency was told {told} times of one downtime"
    if not left:
        yield "nothing was late"
    for sends in left.values():
        for (before, first), (after, second) in pairwise(sends):
            if after - before < GAP:
                yield f"late posts left {after - before} apart"
            if second < first:
                yield f"what was due {second} left after what was due {first}"


def _told_of(scope: Scope) -> int:
    told = "SELECT count(*) FROM notices WHERE tenant_id = :tenant AND cause LIKE 'downtime:%'"
    return int(scope.run(told, tenant=scope.tenant_id).scalar_one())


def _sends(scope: Scope) -> list[tuple[UUID, datetime, datetime, bool]]:
    rows = scope.run(
        "SELECT d.channel_id, min(a.armed_at) AS armed_at, d.due_at FROM attempts a JOIN deliveries d"
        " ON d.tenant_id = a.tenant_id AND d.id = a.subject_id WHERE a.tenant_id = :tenant AND a.kind = 'send'"
        " AND a.subject_kind = 'delivery' GROUP BY d.channel_id, d.id, d.due_at ORDER BY armed_at",
        tenant=scope.tenant_id,
    )
    return [(row.channel_id, row.armed_at, row.due_at, row.armed_at - row.due_at > GAP) for row in rows]


def standing_still(name: str, scene: Scene) -> None:
    """Posts come due while the database, or Redis, answers nobody."""
    scene.steadily(scene.places(), every=0.5, seconds=16)
    scene.wait_until(scene.world.intents[0].due + timedelta(seconds=scene.drawn.uniform(0.2, 2)))
    frozen = freeze(scene.house, name)
    pause(FROZEN_SECONDS[name])
    thaw(frozen)
    scene.wait_until(scene.world.intents[-1].due)


def emergency_stop(scene: Scene) -> None:
    """Two seconds after the stop nothing of that agency leaves, and all of the other does."""
    places = scene.places()
    scene.steadily(places, every=0.2, seconds=8)
    stopped = scene.world.tenants[0]
    with scene.house.scope(stopped) as scope:
        one, other = (_owner(scope, name) for name in ("Anne", "Marc"))
    scene.wait_until(scene.world.intents[0].due + timedelta(seconds=scene.drawn.uniform(1, 3)))
    with scene.house.scope(stopped) as scope:
        switches.close(scope, "tenant", "", "sending", reason="an emergency")
    since = wall_now() + timedelta(seconds=STOP_SECONDS)
    scene.wait_until(scene.world.intents[-1].due + timedelta(seconds=2))
    late = [at for place in places if place.tenant_id == stopped for at, _ in scene.asked(place) if at > since]
    if late:
        scene.wrong.append(f"{len(late)} requests left after the stop, the last {late[-1] - since} too late")
    told = {place.tenant_id: 0 for place in places}
    for place in places:
        told[place.tenant_id] += len(scene.asked(place))
    mine, others = told.pop(stopped), sum(told.values())
    if not 0 < mine < others:
        scene.wrong.append(f"{mine} requests of who was stopped, {others} of who was not")
    with scene.house.services.tenant(stopped, f"member:{one}") as scope:
        switches.reopen(scope, "tenant", "", "sending", reason="it is over", second=other)


def _owner(scope: Scope, name: str) -> UUID:
    email = f"{name}@example.test".lower()
    return agencies.add_member(scope, name=name, email=email, role=roles.Role.OWNER, language="fr", zone="UTC")


def told_to_wait(scene: Scene) -> None:
    """Every account is told to wait at once; none asks again before the time is over."""
    places = scene.places()
    fault = {"mode": "status:429", "on": "posts", "times": len(places), "retry_after": WAIT_SECONDS}
    scene.house.ask("POST", "/control/faults", fault)
    scene.steadily(places, every=0.25, seconds=6)
    scene.wait_until(scene.world.intents[-1].due + timedelta(seconds=WAIT_SECONDS))
    if not any(status == 429 for place in places for _, status in scene.asked(place)):
        scene.wrong.append("nobody was told to wait")
    for place in places:
        asked = scene.asked(place)
        for told, status in asked:
            soon = [at for at, _ in asked if told < at < told + timedelta(seconds=WAIT_SECONDS)]
            if status == 429 and soon:
                scene.wrong.append(f"{place.account} asked {soon[0] - told} after it was told to wait")


def blind(scene: Scene) -> None:
    """Every account loses an answer, and for a minute and more no list can be read; what is seen first is too old."""
    places = scene.places()
    for place in places:
        lost = {"account": place.account, "mode": "reset_after", "on": "posts"}
        scene.house.ask("POST", "/control/faults", lost)
    scene.house.ask("POST", "/control/faults", {"mode": "status:503", "on": "lookups", "times": -1})
    scene.steadily(places, every=0.25, seconds=4)
    scene.wait_until(scene.world.intents[-1].due + timedelta(seconds=3))
    scene.house.jump(timedelta(seconds=75))
    pause(2.0)


SCENES: dict[str, Callable[[Scene], None]] = {
    "down for hours": down_for_hours,
    "postgres stands still": partial(standing_still, "postgres"),
    "redis stands still": partial(standing_still, "redis"),
    "emergency stop": emergency_stop,
    "told to wait": told_to_wait,
    "blind": blind,
}
AFTERWARDS: dict[str, Callable[[Scene], Iterator[str]]] = {"down for hours": one_by_one}


def set_up(house: House, seed: int) -> Scene:
    """A world for one scene; what is drawn in it is the seed's."""
    return Scene(found(house, seed), random.Random(seed))
