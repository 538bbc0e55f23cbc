"""The invariants checked after each step of a simulation, and its trace."""

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
"""Time after an outage in which accounts are reached again and missed posts are reported."""

SHOWN = 25
"""Trace lines that are printed after a violation."""


class InvariantViolation(AssertionError):
    """A violated invariant of a simulation."""


@dataclass
class Trace:
    """One line for each action, handled row, request and transition."""

    path: Path
    """The file that contains all lines."""
    steps: int = 0
    last: deque[str] = field(default_factory=lambda: deque(maxlen=SHOWN))

    def __post_init__(self) -> None:
        self._file = self.path.open("w", encoding="utf-8")

    def __enter__(self) -> "Trace":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def say(self, at: datetime, *words: object) -> None:
        """Write a line."""
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
    """A checker that reads the simulated platform and the database and shares no code with the
    system."""

    outside: SuperuserConnection
    world: SimulatedPlatform
    trace: Trace
    tenant: UUID
    states: dict[str, DeliveryState] = field(default_factory=dict)
    """The state of each delivery, from its recorded transitions."""
    whose: dict[str, str] = field(default_factory=dict)
    """The delivery of each live post."""
    waits: list[tuple[datetime, int, ExpectedPost]] = field(default_factory=list)
    """Promises by the time at which they must be kept or explained. A rescheduled promise is pushed
    again."""
    told: list[ExpectedPost] = field(default_factory=list)
    """Promises that were not kept but have a recorded reason."""
    seen: str = str(UUID(int=0))

    def expect(self, promise: ExpectedPost) -> None:
        """Add a promise that must be kept or explained."""
        self.world.promises.setdefault(promise.account, []).append(promise)
        heappush(self.waits, (promise.over, len(self.waits) + self.trace.steps, promise))

    def step(self, *words: object) -> None:
        """Record a step and check the invariants. Raise InvariantViolation if one fails."""
        self.trace.steps += 1
        self.trace.say(self.world.now(), *words)
        wrong = [*self._moves(), *self.world.wrong, *self._overdue()]
        if wrong:
            raise InvariantViolation("; ".join(wrong))

    def _moves(self) -> list[str]:
        """Check the new transitions: each follows from the state before, and each published post is
        live."""
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
                wrong.append(f"{one} is published, but {native_id} is not live")
        return wrong

    def _overdue(self) -> list[str]:
        """Check the promises whose time is over: each is kept or explained."""
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
                    f"{one.account} does not show {one.text!r} of {one.due}, and no reason is recorded"
                )
        return wrong

    def _until(self, one: ExpectedPost) -> datetime:
        """Return the time at which the promise must be kept or explained. Posts missed in an outage
        are reported after it."""
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
        """Sort the promises again after their times changed."""
        self.waits = [(one.over, number, one) for _, number, one in self.waits]
        heapify(self.waits)

    def at_rest(self) -> None:
        """Check that no row is due, claimed or failed, and that every pending delivery has a row."""
        wrong = [" ".join(row) for row in self.outside.ask(_AT_REST, tenant=self.tenant)]
        said, doubts = (
            set(self.whose),
            sum(state == DeliveryState.UNCERTAIN for state in self.states.values()),
        )
        strange = len(self.world.standing.keys() - said)
        if strange > doubts:
            wrong.append(
                f"{strange} live posts have no delivery, {doubts} deliveries are uncertain"
            )
        if wrong:
            raise InvariantViolation("; ".join(wrong))

    def at_last(self, promises: list[ExpectedPost]) -> None:
        """Check that enough promises were kept for the simulation to be meaningful."""
        over = [one for one in promises if not one.off and one.due + LATE < self.world.now()]
        kept = [one for one in over if one.kept]
        if not len(kept) > len(over) * 0.8:
            raise InvariantViolation(
                f"{len(kept)} of {len(over)} posts were published: too few to prove anything"
            )
