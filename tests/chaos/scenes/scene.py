"""Scenes too particular to be drawn: a long downtime, an emergency stop, a database that does not
respond.

Each schedules posts on a few accounts and injects its faults on the machine's clock. Recovery and
the invariants follow as after a storm.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from uuid import UUID

from foundation.db.database import Scope
from foundation.ids import INSTALLATION_ID
from foundation.ops.clock import monotonic, sleep
from gate.policy import emergency_stops
from schedules.availability.minimum_interval import OVERDUE_AFTER
from tenants.agencies import agencies, rights
from tests.chaos.adversary import freeze, thaw
from tests.chaos.installation import ACTOR, Installation
from tests.chaos.world import LEAD, Kind, Place, World, create_world, plan_post

START = LEAD + timedelta(seconds=1.5)
"""Time from the start of scheduling to the first due time."""

FROZEN_SECONDS = {"postgres": 10.0, "redis": 8.0}
"""Seconds of each freeze. Redis: longer than the timeout of a command."""

DOWN = timedelta(hours=6)
STOP_SECONDS = 2.0
"""Seconds until an emergency stop takes effect."""

GOES_ON_SECONDS = 60.0
"""Limit within which an account that is not stopped must send: the machine is shared."""

WAIT_SECONDS = 6.0
"""Seconds that the platform demands with its 429."""


@dataclass
class Scene:
    """A world with posts, and the violations that the scene found."""

    world: World
    drawn: random.Random
    wrong: list[str] = field(default_factory=list)

    @property
    def house(self) -> Installation:
        """The installation of the scene."""
        return self.world.house

    def places(self, most: int = 4) -> list[Place]:
        """Return accounts of the sandbox, at most one for each creator: two of each agency."""
        kinds: tuple[Kind, ...] = ("key", "plain", "nolook")
        own = {place.creator_id: place for place in self.world.of_kind(self.drawn.choice(kinds))}
        return list(own.values())[:most]

    def post(
        self,
        place: Place,
        number: int,
        due: datetime,
        *,
        always: bool = True,
        parts: tuple[str, ...] = (),
    ) -> None:
        """Schedule one post, with `parts` as its thread."""
        with self.house.scope(place.tenant_id) as scope:
            text = f"Scène {self.world.seed}.{number}"
            self.world.intents += plan_post(
                scope, [place], number, text=text, due=due, always=always, parts=parts
            )

    def steadily(self, places: list[Place], *, every: float, seconds: float) -> None:
        """Schedule posts for each of these accounts in turn, one every `every` seconds."""
        start = self.house.now() + START
        for number in range(int(seconds / every)):
            self.post(
                places[number % len(places)], number, start + timedelta(seconds=number * every)
            )

    def wait_until(self, at: datetime) -> None:
        """Wait until a database time."""
        sleep(max(0.0, (at - self.house.now()).total_seconds()))

    def asked(self, place: Place) -> list[tuple[datetime, int]]:
        """Return the time (machine clock) and the status of each request to post."""
        rows = self.world.kept(
            "SELECT at, status FROM record WHERE kind = 'posts' AND account = ?", place.account
        )
        return [(datetime.fromisoformat(row["at"]), row["status"]) for row in rows]

    def claimed(self, place: Place) -> list[datetime]:
        """Return the database times at which sends were prepared: requests in progress are not
        interrupted."""

        def armed(scope: Scope) -> list[datetime]:
            sends = (
                "SELECT armed_at FROM attempts WHERE tenant_id = :tenant AND channel_id = "
                ":channel AND kind = 'send'"
            )
            return list(
                scope.run(sends, tenant=scope.tenant_id, channel=place.channel_id).scalars()
            )

        return self.house.read(place.tenant_id, armed)


def down_for_hours(scene: Scene) -> None:
    """Schedule ten posts on each of four accounts during a downtime: late ones are published one by
    one."""
    places, start = scene.places(), scene.house.now() + START + timedelta(seconds=30)
    for number in range(40):
        due = start + timedelta(seconds=round(scene.drawn.uniform(0, DOWN.total_seconds() - 300)))
        scene.post(places[number % len(places)], number, due, always=scene.drawn.random() < 0.4)
    frozen = [one for name in ("relay", "second") for one in freeze(scene.house, name)]
    scene.house.jump(DOWN)
    thaw(frozen)


def one_by_one(scene: Scene) -> Iterator[str]:
    """Check that late posts were published in the order of their due times, and
    that each agency got one notice."""
    left: dict[UUID, list[tuple[datetime, datetime]]] = defaultdict(list)
    for tenant_id in scene.world.tenants:
        for channel_id, armed_at, due_at, overdue in scene.house.read(tenant_id, _sends):
            if overdue:
                left[channel_id].append((armed_at, due_at))
        told = scene.house.read(tenant_id, _told_of)
        if told != 1:
            yield f"an agency got {told} notices of one downtime"
    if not left:
        yield "nothing was late"
    for sends in left.values():
        for (_, first), (_, second) in pairwise(sends):
            if second < first:
                yield f"a post due {second} was published after one due {first}"


def _told_of(scope: Scope) -> int:
    told = "SELECT count(*) FROM notices WHERE tenant_id = :tenant AND cause LIKE 'downtime:%'"
    return int(scope.run(told, tenant=scope.tenant_id).scalar_one())


def _sends(scope: Scope) -> list[tuple[UUID, datetime, datetime, bool]]:
    rows = scope.run(
        "SELECT d.channel_id, min(a.armed_at) AS armed_at, d.due_at FROM attempts a JOIN "
        "deliveries d"
        " ON d.tenant_id = a.tenant_id AND d.id = a.subject_id WHERE a.tenant_id = :tenant AND "
        "a.kind = 'send'"
        " AND a.subject_kind = 'delivery' GROUP BY d.channel_id, d.id, d.due_at ORDER BY armed_at",
        tenant=scope.tenant_id,
    )
    return [
        (row.channel_id, row.armed_at, row.due_at, row.armed_at - row.due_at > OVERDUE_AFTER)
        for row in rows
    ]


def standing_still(name: str, scene: Scene) -> None:
    """Let posts become due while PostgreSQL or Redis does not respond."""
    scene.steadily(scene.places(), every=0.5, seconds=16)
    scene.wait_until(scene.world.intents[0].due + timedelta(seconds=scene.drawn.uniform(0.2, 2)))
    frozen = freeze(scene.house, name)
    sleep(FROZEN_SECONDS[name])
    thaw(frozen)
    scene.wait_until(scene.world.intents[-1].due)


def stops(scene: Scene) -> None:
    """Stop an account, a creator, an agency and then the installation: two seconds later none of
    their posts is published.

    Accounts that are not stopped yet continue.
    """
    # two accounts of one agency, two of the other
    account, creator, agency, last = places = scene.places()
    scene.steadily(places, every=0.3, seconds=14)
    owners = {tenant_id: _owners(scene.house, tenant_id) for tenant_id in scene.world.tenants}
    pressed = (
        ("channel", str(account.channel_id), account.tenant_id, [account]),
        ("creator", str(creator.creator_id), creator.tenant_id, [creator]),
        ("tenant", "", agency.tenant_id, [agency, last]),
        ("global", "", INSTALLATION_ID, places),
    )
    ended: dict[str, datetime] = {}
    scene.wait_until(scene.world.intents[0].due + timedelta(seconds=scene.drawn.uniform(1, 1.5)))
    for where, target, tenant_id, reaches in pressed:
        with scene.house.scope(tenant_id) as scope:
            emergency_stops.close_switch(scope, where, target, "sending", reason="an emergency")
        since = scene.house.now() + timedelta(seconds=STOP_SECONDS)
        for place in reaches:
            ended.setdefault(place.account, since)
        _others_go_on(
            scene, where, [place for place in places if place.account not in ended], since
        )
    scene.wait_until(scene.world.intents[-1].due + timedelta(seconds=1))
    for place in places:
        if late := [
            at - ended[place.account] for at in scene.claimed(place) if at > ended[place.account]
        ]:
            scene.wrong.append(
                f"{place.account}: {len(late)} posts were published after the stop, {max(late)} too late"
            )
    for where, target, tenant_id, _ in reversed(pressed):
        actor, second = owners.get(tenant_id, (ACTOR, None))
        with scene.house.services.tenant(tenant_id, actor) as scope:
            emergency_stops.reopen_switch(
                scope, where, target, "sending", reason="it is over", second=second
            )


def _others_go_on(scene: Scene, where: str, others: list[Place], since: datetime) -> None:
    """Wait two seconds after the stop, and until an account that it does not affect has sent."""
    scene.wait_until(since)
    until = monotonic() + GOES_ON_SECONDS
    while others and not any(at > since for place in others for at in scene.claimed(place)):
        if monotonic() > until:
            scene.wrong.append(f"no other account sends after the stop of the {where}")
            return
        sleep(0.05)


def _owners(house: Installation, tenant_id: UUID) -> tuple[str, UUID]:
    """Create two owners: one presses, the other agrees. Return the actor and the member ID."""
    with house.scope(tenant_id) as scope:
        return f"member:{_owner(scope, 'Anne')}", _owner(scope, "Marc")


def _owner(scope: Scope, name: str) -> UUID:
    email = f"{name}@example.test".lower()
    return agencies.add_member(
        scope, name=name, email=email, role=rights.Role.OWNER, language="fr", zone="UTC"
    )


def told_to_wait(scene: Scene) -> None:
    """Return 429 to every account at once; none sends another request before the time is over."""
    places = scene.places()
    fault = {"mode": "status:429", "on": "posts", "times": len(places), "retry_after": WAIT_SECONDS}
    scene.house.ask("POST", "/control/faults", fault)
    scene.steadily(places, every=0.25, seconds=6)
    scene.wait_until(scene.world.intents[-1].due + timedelta(seconds=WAIT_SECONDS))
    if not any(status == 429 for place in places for _, status in scene.asked(place)):
        scene.wrong.append("no account got a 429")
    for place in places:
        asked = scene.asked(place)
        for told, status in asked:
            soon = [at for at, _ in asked if told < at < told + timedelta(seconds=WAIT_SECONDS)]
            if status == 429 and soon:
                scene.wrong.append(f"{place.account} sent a request {soon[0] - told} after a 429")


def blind(scene: Scene) -> None:
    """Lose a response on every account and fail all list requests for over a minute; the first
    readable lists are too old."""
    places = scene.places()
    for place in places:
        lost = {"account": place.account, "mode": "reset_after", "on": "posts"}
        scene.house.ask("POST", "/control/faults", lost)
    scene.house.ask("POST", "/control/faults", {"mode": "status:503", "on": "lookups", "times": -1})
    scene.steadily(places, every=0.25, seconds=4)
    scene.wait_until(scene.world.intents[-1].due + timedelta(seconds=3))
    scene.house.jump(timedelta(seconds=75))
    sleep(2.0)


SCENES: dict[str, Callable[[Scene], None]] = {
    "down for hours": down_for_hours,
    "frozen postgres": partial(standing_still, "postgres"),
    "frozen redis": partial(standing_still, "redis"),
    "four stops": stops,
    "rate limited": told_to_wait,
    "unreadable lists": blind,
}
AFTERWARDS: dict[str, Callable[[Scene], Iterator[str]]] = {"down for hours": one_by_one}


def set_up(house: Installation, seed: int) -> Scene:
    """Create a world for one scene, with random values from the seed."""
    return Scene(create_world(house, seed), random.Random(seed))
