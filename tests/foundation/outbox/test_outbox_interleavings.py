"""Random interleavings of relays, workers, users and crashes, compared with a model of the outbox."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.outbox import outbox, row_leases
from foundation.outbox.row_leases import ClaimedRow, TakenRow
from tests.foundation.events import ChatDue

SECOND = timedelta(seconds=1)
BACKOFF = row_leases.Backoff(first=SECOND, factor=2, dead_at=3)


@dataclass
class Row:
    """The expected state of one row."""

    id: UUID
    subject: UUID
    lane: str | None
    holds: bool
    priority: int
    at: datetime
    dedupe: str | None
    state: str = "waiting"
    tries: int = 0
    out: bool = False  # The row has a token; a row with `holds_lane` occupies its lane.
    started: bool = False
    until: datetime | None = None

    @property
    def order(self) -> tuple[int, datetime, UUID]:
        return (self.priority, self.at, self.id)


class Story:
    """Random operations on rows, chosen by a seed. At each claim the model predicts exactly which
    rows are leased."""

    def __init__(self, tenant: OpenScope, seed: int) -> None:
        self.tenant, self.random = tenant, Random(seed)
        self.tenant_id, self.rows, self.ended = uuid7(), dict[UUID, Row](), set[UUID]()
        self.messages: list[ClaimedRow] = []
        self.taken: list[TakenRow] = []
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def step(self) -> None:
        """Perform one random operation, then compare the rows with the model."""
        moves, weights = zip(*self.moves().items(), strict=True)
        self.random.choices(moves, weights)[0]()
        self.compare()

    def moves(self) -> dict[Callable[[], None], int]:
        always = {
            self.put: 6,
            self.claim: 4,
            self.time_passes: 3,
            self.sweep: 2,
            self.redis_is_away: 1,
        }
        if self.messages:
            always[self.deliver] = 6
        if self.taken:
            always[self.settle] = 5
        if self.rows:
            always |= {self.cancel: 1, self.resend_the_dead: 1}
        return always

    @contextmanager
    def scope(self) -> Iterator[Scope]:
        with self.tenant(self.tenant_id, "system:test") as scope:
            yield replace(scope, now=self.now)

    def put(self) -> None:
        pick = self.random.choice
        lane, holds, priority = (
            pick([None, "chat:a", "chat:b", "chat:b"]),
            pick([True, False]),
            pick([0, 1, 2]),
        )
        dedupe = pick([None, None, None, "k"])
        event, at = ChatDue(self.tenant_id, uuid7(), 1), self.now + pick(range(-2, 4)) * SECOND
        known = dedupe and any(
            r.dedupe == dedupe and r.state in ("waiting", "leased") for r in self.rows.values()
        )
        holds = holds and lane is not None
        with self.scope() as scope:
            found = outbox.put(
                scope, event, at=at, lane=lane, holds_lane=holds, priority=priority, dedupe=dedupe
            )
        assert (found is None) == bool(known)
        if found:
            self.rows[found] = Row(found, event.subject_id, lane, holds, priority, at, dedupe)

    def claimable(self) -> set[UUID]:
        due = [r for r in self.rows.values() if r.state == "waiting" and r.at <= self.now]
        chosen = {r.id for r in due if r.lane is None}
        for lane in {r.lane for r in due if r.lane}:
            here = [r for r in self.rows.values() if r.lane == lane]
            keepers = [
                r
                for r in here
                if r.state == "leased" or (r.state == "waiting" and r.holds and r.out)
            ]
            head = min((r for r in due if r.lane == lane), key=lambda r: r.order)
            if not keepers:
                chosen.add(head.id)
            elif keepers[0].state == "waiting" and keepers[0].at <= self.now:
                chosen.add(keepers[0].id)
        return chosen

    def claim(self) -> None:
        expected = self.claimable()
        with self.scope() as scope:
            claimed = row_leases.claim_rows(scope, "chat", places=1_000, room=1_000)
        assert {row.id for row in claimed} == expected
        for row in claimed:
            mine = self.rows[row.id]
            mine.state, mine.tries, mine.out, mine.started = "leased", mine.tries + 1, True, False
            mine.until = self.now + row_leases.CLAIM_LEASE
        self.messages += claimed

    def deliver(self) -> None:
        """Deliver any message sent so far, also late or twice, most often a recent one."""
        message = self.random.choice(
            self.messages[-4:] if self.random.random() < 0.8 else self.messages
        )
        mine, last = self.rows.get(message.id), self.newest(message)
        good = mine is not None and mine.state == "leased" and not mine.started and last
        with self.scope() as scope:
            taken = row_leases.take_row(scope, message.id, message.token, deadline=10 * SECOND)
        assert (taken is not None) == good
        if taken and mine:
            assert taken.tries == mine.tries
            mine.started, mine.until = True, self.now + 10 * SECOND + row_leases.LEASE_GRACE
            self.taken.append(taken)

    def newest(self, message: ClaimedRow) -> bool:
        return [m.token for m in self.messages if m.id == message.id][-1] == message.token

    def settle(self) -> None:
        taken, how = (
            self.random.choice(self.taken),
            self.random.choice(["finish", "fail", "later", "fresh"]),
        )
        self.taken.remove(taken)
        mine = self.rows.get(taken.id)
        tokens = [m.token for m in self.messages if m.id == taken.id]
        ours = mine is not None and tokens[-1] == taken.token and mine.out
        running = ours and mine is not None and mine.state == "leased"
        with self.scope() as scope:
            if how == "finish":
                assert row_leases.finish_row(scope, taken) == (
                    ours and mine is not None and mine.state != "dead"
                )
            elif how in ("later", "fresh"):
                assert (
                    row_leases.defer_row(scope, taken, 2 * SECOND, fresh=how == "fresh") == running
                )
            else:
                row_leases.fail_row(scope, taken, error="Bug", backoff=BACKOFF)
        if mine is None:
            return
        if how == "finish" and ours and mine.state != "dead":
            assert taken.id not in self.ended, "finished twice"
            self.ended.add(taken.id)
            del self.rows[taken.id]
        elif running:
            self.given_back(mine, how)

    def given_back(self, mine: Row, how: str) -> None:
        mine.started, mine.until = False, None
        if how == "fail" and mine.tries >= BACKOFF.dead_at:
            mine.state = "dead"
            return
        mine.state = "waiting"
        mine.tries = 0 if how == "fresh" else mine.tries - (how == "later")
        longest = (
            2 * SECOND
            if how in ("later", "fresh")
            else BACKOFF.first * BACKOFF.factor ** max(mine.tries - 1, 0)
        )
        with self.scope() as scope:
            at = scope.run(
                "SELECT available_at FROM outbox WHERE id = :id", id=mine.id
            ).scalar_one()
            scope.run(
                "UPDATE outbox SET available_at = :at WHERE id = :id",
                at=self.now + longest,
                id=mine.id,
            )
        assert self.now <= at <= self.now + longest
        mine.at = self.now + longest  # Without jitter, so that a failing run can be repeated.

    def time_passes(self) -> None:
        self.now += self.random.choice([1, 1, 2, 3, 6, 30]) * SECOND

    def sweep(self) -> None:
        expired = [
            r for r in self.rows.values() if r.state == "leased" and r.until and r.until < self.now
        ]
        with self.scope() as scope:
            assert row_leases.sweep_expired_leases(scope) == len(expired)
        for row in expired:
            row.state, row.until = "waiting", None
            row.tries -= not row.started
            row.started = False

    def redis_is_away(self) -> None:
        """Claim rows whose messages cannot be sent: nothing changes."""
        with self.scope() as scope:
            claimed = row_leases.claim_rows(scope, "chat", places=1_000, room=1_000)
            row_leases.return_rows(scope, claimed)
            again = row_leases.claim_rows(scope, "chat", places=1_000, room=1_000)
            row_leases.return_rows(scope, again)
        assert {row.id for row in claimed} == {row.id for row in again} == self.claimable()

    def cancel(self) -> None:
        mine = self.rows[self.random.choice(list(self.rows))]
        with self.scope() as scope:
            assert outbox.cancel(scope, ChatDue.kind, mine.subject) == (mine.state == "waiting")
        if mine.state == "waiting":
            del self.rows[mine.id]

    def resend_the_dead(self) -> None:
        for mine in [r for r in self.rows.values() if r.state == "dead"]:
            if mine.dedupe and any(
                r.dedupe == mine.dedupe and r.state != "dead" for r in self.rows.values()
            ):
                continue
            with self.scope() as scope:
                outbox.retry_dead(scope, mine.id)
            mine.state, mine.tries, mine.out, mine.at = "waiting", 0, False, self.now

    def compare(self) -> None:
        with self.scope() as scope:
            found = scope.run("SELECT id, state, tries, lane FROM outbox").all()
        assert {(r.id, r.state, r.tries) for r in found} == {
            (r.id, r.state, r.tries) for r in self.rows.values()
        }
        leased = [r.lane for r in found if r.state == "leased" and r.lane]
        assert len(leased) == len(set(leased)), "two rows of one lane are leased"

    def end(self) -> None:
        """Check that every row that is not dead can still be finished, exactly once."""
        self.now += timedelta(hours=1)
        self.sweep()
        self.taken.clear()
        for _ in range(len(self.rows) + 1):
            self.claim()
            for row in [m for m in self.messages if m.id in self.rows and self.newest(m)]:
                with self.scope() as scope:
                    taken = row_leases.take_row(scope, row.id, row.token, deadline=10 * SECOND)
                    if taken and row_leases.finish_row(scope, taken):
                        assert row.id not in self.ended
                        self.ended.add(row.id)
                        del self.rows[row.id]
        assert all(row.state == "dead" for row in self.rows.values()), "a row was lost"


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(seed=st.integers(0, 2**32))
def test_interleavings_never_lose_duplicate_or_reorder_rows(tenant: OpenScope, seed: int) -> None:
    story = Story(tenant, seed)
    for _ in range(80):
        story.step()
    story.end()
