"""What is judged after each step of a simulated life, and what is written down of it."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from pathlib import Path
from uuid import UUID

from schedules.posts.states import DELIVERY_STATES, NEEDS_DECISION, DeliveryState
from tests.schedules.simulated_year.seeded_system import SuperuserConnection
from tests.schedules.simulated_year.simulated_platform import LATE, ExpectedPost, SimulatedPlatform

BACK = timedelta(hours=1)
"""So long after an outage the accounts have been seen again, and what they missed is told."""

SHOWN = 25
"""Lines of a trace that a broken life ends with."""


class InvariantViolation(AssertionError):
    """A life in which something happened that must not."""


@dataclass
class Trace:
    """Everything that happened, one line each: people's acts, handled rows, requests, moves of
    deliveries."""

    path: Path
    """Where the lines are written, all of them."""
    steps: int = 0
    last: deque[str] = field(default_factory=lambda: deque(maxlen=SHOWN))

    def __post_init__(self) -> None:
        self._file = self.path.open("w", encoding="utf-8")

    def __enter__(self) -> "Trace":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def say(self, at: datetime, *words: object) -> None:
        """Write a line down."""
        line = f"{self.steps} {at.isoformat()} {' '.join(map(str, words))}\n"
        self._file.write(line)
        self.last.append(line)


_MOVES = """
SELECT m.id::text, m.delivery_id::text, m.before, m.after, m.by, m.reason->>'code', d.native_id,
d.dry_run
FROM delivery_moves m JOIN deliveries d ON d.tenant_id = m.tenant_id AND d.id = m.delivery_id
WHERE m.tenant_id = %(tenant)s AND m.id > %(seen)s::uuid ORDER BY m.id
"""

_TOLD = """
SELECT d.state, d.reason IS NOT NULL FROM deliveries d
WHERE d.tenant_id = %(tenant)s AND d.post_id = %(post)s AND d.channel_id = %(channel)s AND
d.wall_time LIKE %(day)s
"""

_AT_REST = """
SELECT 'outbox', o.kind || ' is ' || o.state FROM outbox o
  WHERE o.tenant_id = %(tenant)s AND (o.state <> 'waiting' OR o.available_at < house_now())
UNION ALL SELECT d.state, 'no row waits for ' || d.id FROM deliveries d
  WHERE d.tenant_id = %(tenant)s AND d.state IN ('scheduled', 'uncertain', 'processing') AND NOT
  EXISTS (
    SELECT FROM outbox o WHERE o.tenant_id = d.tenant_id AND o.subject_id = d.id AND o.kind =
      CASE d.state WHEN 'scheduled' THEN 'delivery.publish' ELSE 'delivery.reconcile' END)
UNION ALL SELECT d.state, 'is on its way: ' || d.id FROM deliveries d
  WHERE d.tenant_id = %(tenant)s AND d.state = 'publishing'
UNION ALL SELECT d.state, 'rehearsed and sent: ' || d.id FROM deliveries d
  WHERE d.tenant_id = %(tenant)s AND ((d.state = 'rehearsed') <> d.dry_run OR d.dry_run AND
  d.native_id IS NOT NULL)
"""


@dataclass
class InvariantChecker:
    """Looks from outside, at the world and at what the house wrote, and shares no code with it."""

    outside: SuperuserConnection
    world: SimulatedPlatform
    trace: Trace
    tenant: UUID
    states: dict[str, DeliveryState] = field(default_factory=dict)
    """Where each delivery stands, by the moves that were written."""
    whose: dict[str, str] = field(default_factory=dict)
    """Which delivery says that it is a post of the world."""
    waits: list[tuple[datetime, int, ExpectedPost]] = field(default_factory=list)
    """Promises by when they must stand or be explained; one that went elsewhere comes back."""
    told: list[ExpectedPost] = field(default_factory=list)
    """Those that were not kept, each explained."""
    seen: str = str(UUID(int=0))

    def expect(self, promise: ExpectedPost) -> None:
        """From now on it must be kept, or explained."""
        self.world.promises.setdefault(promise.account, []).append(promise)
        heappush(self.waits, (promise.over, len(self.waits) + self.trace.steps, promise))

    def step(self, *words: object) -> None:
        """Write a step down, then judge what it came to."""
        self.trace.steps += 1
        self.trace.say(self.world.now(), *words)
        wrong = [*self._moves(), *self.world.wrong, *self._overdue()]
        if wrong:
            raise InvariantViolation("; ".join(wrong))

    def _moves(self) -> list[str]:
        """What became of deliveries: each move follows the one before, and what is said to stand
        stands."""
        wrong = []
        for move_id, one, before, after, by, reason, native_id, dry in self.outside.ask(
            _MOVES, tenant=self.tenant, seen=self.seen
        ):
            self.seen = move_id
            self.trace.say(
                self.world.now(), "move", one, before, "->", after, "by", by, reason or ""
            )
            if self.states.get(one, before) != before or not DELIVERY_STATES.allows(
                DeliveryState(before), DeliveryState(after)
            ):
                wrong.append(f"{one} went from {before} to {after}, and was {self.states.get(one)}")
            self.states[one] = DeliveryState(after)
            if after == DeliveryState.PUBLISHED and self.whose.setdefault(native_id, one) != one:
                wrong.append(f"{one} and {self.whose[native_id]} are one post, {native_id}")
            if after == DeliveryState.PUBLISHED and (native_id not in self.world.standing or dry):
                wrong.append(f"{one} says that {native_id} stands")
        return wrong

    def _overdue(self) -> list[str]:
        """Promises whose time is over: each stands, or somebody is told why not."""
        wrong, now = [], self.world.now()
        while self.waits and self.waits[0][0] < now:
            _, number, one = heappop(self.waits)
            if one.off or one.kept:
                continue
            if (until := self._until(one)) >= now:
                heappush(self.waits, (until, number, one))
            elif self._explained(one):
                self.told.append(one)
            else:
                wrong.append(
                    f"{one.account} does not show {one.text!r} of {one.due}, and nobody is told why"
                )
        return wrong

    def _until(self, one: ExpectedPost) -> datetime:
        """When it stands or is explained: what an account misses while it cannot be reached is told
        when it is back."""
        missed = [
            ends for begins, ends in self.world.outages if begins <= one.over and one.due <= ends
        ]
        return max([one.over, *(ends + BACK for ends in missed)])

    def _explained(self, one: ExpectedPost) -> bool:
        where = {
            "tenant": self.tenant,
            "post": one.post,
            "channel": one.channel,
            "day": f"{one.day}%",
        }
        return any(
            reason
            and (
                DeliveryState(state) in NEEDS_DECISION
                or state in (DeliveryState.CANCELLED, DeliveryState.REHEARSED)
            )
            for state, reason in self.outside.ask(_TOLD, **where)
        )

    def earlier(self) -> None:
        """Times were changed, perhaps to sooner ones."""
        self.waits = [(one.over, number, one) for _, number, one in self.waits]
        heapify(self.waits)

    def at_rest(self) -> None:
        """Nothing is due or in anybody's hand: no row gave up, and whatever must still happen has
        its row."""
        wrong = [" ".join(row) for row in self.outside.ask(_AT_REST, tenant=self.tenant)]
        said, doubts = (
            set(self.whose),
            sum(state == DeliveryState.UNCERTAIN for state in self.states.values()),
        )
        strange = len(self.world.standing.keys() - said)
        if strange > doubts:
            wrong.append(f"{strange} posts stand that no delivery knows of, {doubts} are in doubt")
        if wrong:
            raise InvariantViolation("; ".join(wrong))

    def at_last(self, promises: list[ExpectedPost]) -> None:
        """The end of a life: it was one in which things left."""
        over = [one for one in promises if not one.off and one.due + LATE < self.world.now()]
        kept = [one for one in over if one.kept]
        if not len(kept) > len(over) * 0.8:
            raise InvariantViolation(
                f"{len(kept)} of {len(over)} left: a life in which little leaves shows little"
            )
