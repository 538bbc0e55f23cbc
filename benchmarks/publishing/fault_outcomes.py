"""Effect of faults on posts, compared with a plain task queue: duplicated and lost posts.

Posts are counted in the test network's record. A post that is still waiting at the end is counted
again after the installation's clock has been advanced: a look-up that proves the absence of a post
is due ten minutes after a lost response, which is not a loss.
"""

import random
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import psutil
import redis
from celery import Celery

from benchmarks.measurement import BENCHMARK_SEED
from benchmarks.publishing import plain_celery, refused_port, world
from benchmarks.publishing.plain_celery import PlainWorker
from benchmarks.publishing.refused_port import RefusedPort
from benchmarks.publishing.world import BenchmarkWorld, seconds_until
from foundation.db.database import Scope
from foundation.ids import INSTALLATION_ID
from foundation.ops.clock import monotonic, sleep, wall_now
from workers.installation.folder import InstallationFolder
from workers.installation.state_file import read_status


@dataclass(frozen=True)
class Fault:
    """A response of the test network to the first request of each post or, with `once`, of each
    account."""

    mode: str
    once: bool = False
    retry_after: float | None = None


FAULTS: Mapping[str, Fault] = {
    "cut": Fault("reset_before"),
    "reset": Fault("reset_after"),
    "hang": Fault("accept_then_hang"),
    "error": Fault("status:503_after"),
    "unavailable": Fault("status:503"),
    "drip": Fault("drip"),
    "garbage": Fault("garbage"),
    "limited": Fault("status:429", once=True, retry_after=5),
    "limited_bare": Fault("status:429", once=True),
}
"""Faults in responses: cut before the request was accepted; accepted and then cut, unanswered, or
answered with an error; an error without acceptance; accepted with a slow or a truncated response;
rate limited, with and without a time to retry."""

REFUSED = "refused"
KILL = "kill"
FLUSH = "flush"
OUTAGE = "outage"
"""Connections refused at the due time; the sender killed, or Redis flushed, during publishing; a
minute of 503."""

SIDES = ("ours", "plain")
SLOW_SECONDS = 12
"""Longer than the timeout of a plain task, shorter than Greenroom's."""

LEAD = timedelta(seconds=8)
PLANNED_PER_S = 12
SPREAD = timedelta(seconds=3)
"""Time over which posts are due during a kill or a flush, which happens in the middle."""

REFUSED_SECONDS = 8.0
OUTAGE_SECONDS = 60.0
RESTARTED_SECONDS = 2.0
"""Seconds from the kill of the plain worker to its restart."""

LOOK_SECONDS = 2.0
ON_BY = timedelta(minutes=10)
"""Step by which the clock is advanced, small enough that no post becomes too late."""
MOVES = 5


@dataclass(frozen=True)
class FaultBenchmarkSize:
    """Posts for each fault and side, the number of accounts, and the waits for both sides' retries.

    Each post has its own account: an account publishes its overdue posts ten minutes apart, so
    several would exceed their limit of half an hour (ADR 0058).
    """

    each: int = 20
    accounts: int = 20
    names: Sequence[str] = (*FAULTS, REFUSED, KILL, FLUSH, OUTAGE)
    least: float = 60.0
    """The longest time until a plain task gives up: four attempts of ten seconds with 7 s between
    them."""
    most: float = 180.0
    """The longest time until every look-up and retry of Greenroom has ended."""


FULL_SIZE = FaultBenchmarkSize()
QUICK_SIZE = FaultBenchmarkSize(4, 2, ("reset", "limited", REFUSED, FLUSH), least=12.0)


@dataclass(frozen=True)
class FaultPosts:
    """The posts of several faults: of each side, text -> account and time."""

    ours: Mapping[str, tuple[str, datetime]]
    plain: Mapping[str, tuple[str, datetime]]

    @property
    def accounts(self) -> Sequence[str]:
        """All accounts of these posts."""
        return sorted({account for side in (self.ours, self.plain) for account, _ in side.values()})

    @property
    def start(self) -> datetime:
        """The first due time."""
        return min(at for _, at in self.ours.values())


def measure_faults(
    world: BenchmarkWorld, app: Celery, worker: PlainWorker, size: FaultBenchmarkSize
) -> dict[str, float]:
    """Return `*_doubled` and `*_lost` of both sides for each fault, and Greenroom's `*_delayed`.

    Delayed posts were published only after the installation's clock was advanced, at the end.
    """
    return _Bad(world, app, worker, size).figures()


class _Bad:
    """Faults on a running installation."""

    def __init__(
        self, world: BenchmarkWorld, app: Celery, worker: PlainWorker, size: FaultBenchmarkSize
    ) -> None:
        self._world = world
        self._app = app
        self._worker = worker
        self._size = size
        self._drawn = random.Random(BENCHMARK_SEED)  # noqa: S311 - marks, no secrets
        self._tokens: dict[str, str] = {}
        self._channels: dict[str, UUID] = {}
        self._withheld = 0

    def figures(self) -> dict[str, float]:
        """Run the faults in sequence: all responses of the network, a kill, a flush and
        an outage."""
        named = self._size.names
        done = [
            self._run_response_faults([name for name in named if name in FAULTS or name == REFUSED])
        ]
        turns: Mapping[str, Callable[[], None]] = {
            KILL: self._kill_senders,
            FLUSH: self._flush_redis,
        }
        done += [self._run_incident(name, act) for name, act in turns.items() if name in named]
        done += [self._run_outage()] if OUTAGE in named else []
        told = {"plain_kill_withheld": float(self._withheld)} if KILL in named else {}
        return self._count_outcomes(done) | told

    def _prepare_posts(
        self, names: Sequence[str], over: timedelta = timedelta(0), by: RefusedPort | None = None
    ) -> FaultPosts:
        """Write and schedule the posts of several faults, at the same times on both sides."""
        each = self._size.each
        on = self._size.accounts
        start = wall_now() + LEAD + timedelta(seconds=len(names) * each / PLANNED_PER_S)
        sides: dict[str, dict[str, tuple[str, datetime]]] = {side: {} for side in SIDES}
        for name in names:
            for number in range(each):
                for side in SIDES:
                    text = f"{side} {name} {number} {self._drawn.randrange(10**6)}"
                    sides[side][text] = (
                        f"{side}-{name}-{number % on}",
                        start + over * number / each,
                    )
        posts = FaultPosts(sides["ours"], sides["plain"])
        for account in posts.accounts:
            self._open_account(
                account, by.base if by is not None and f"-{REFUSED}-" in account else ""
            )
        return posts

    def _open_account(self, account: str, by: str) -> None:
        base = self._world.network_url
        owner = self._world.channels[0][:2]
        self._tokens[account] = world.open_sandbox_account(base, account)
        if account.startswith("ours-"):
            channel_id = world.connect_bench_account(
                self._world.services, owner, base, account, by=by
            )
            self._channels[account] = channel_id

    def _schedule_posts(self, posts: FaultPosts, by: RefusedPort | None = None) -> None:
        tenant_id, creator_id, _ = self._world.channels[0]
        for text, (account, at) in posts.ours.items():
            owner = (creator_id, self._channels[account])
            world.schedule_bench_post(self._world.services.tenant, tenant_id, owner, text, at)
        for name in {account for account, _ in posts.plain.values()}:
            base = by.base if by is not None and f"-{REFUSED}-" in name else self._world.network_url
            some = {text: one for text, one in posts.plain.items() if one[0] == name}
            plain_celery.schedule_plain_posts(self._app, base, self._tokens, some)

    def _run_response_faults(self, names: Sequence[str]) -> FaultPosts:
        """Run the faults in responses to the first request of each post or account; `refused` uses
        a separate connection."""
        with refused_port.refused_port(urlsplit(self._world.network_url).port or 0) as line:
            posts = self._prepare_posts(names, by=line)
            for text, (account, _) in {**posts.ours, **posts.plain}.items():
                fault = FAULTS.get(text.split()[1])
                if fault is not None and not fault.once:
                    self._inject_fault(account, fault, match=text)
            for account in posts.accounts:
                fault = FAULTS.get(account.split("-")[1])
                if fault is not None and fault.once:
                    self._inject_fault(account, fault)
            self._schedule_posts(posts, line)
            sleep(seconds_until(posts.start + timedelta(seconds=REFUSED_SECONDS)))
            line.start_accepting()
            self._wait_for_posts(posts)
        return posts

    def _inject_fault(
        self, account: str, fault: Fault, *, match: str = "", on: str = "posts", times: int = 1
    ) -> None:
        wanted = {"mode": fault.mode, "account": account, "on": on, "match": match, "times": times}
        wanted |= {"seconds": SLOW_SECONDS, "retry_after": fault.retry_after}
        world.call_sandbox_control("POST", f"{self._world.network_url}/control/faults", wanted)

    def _run_incident(self, name: str, act: Callable[[], None]) -> FaultPosts:
        """Publish posts during an incident."""
        posts = self._prepare_posts([name], SPREAD)
        self._schedule_posts(posts)
        sleep(seconds_until(posts.start + SPREAD / 2))
        act()
        self._wait_for_posts(posts)
        return posts

    def _kill_senders(self) -> None:
        for one in read_status(InstallationFolder(self._world.settings.home)).processes:
            if one.name.partition("-")[0] == "send":
                psutil.Process(one.pid).send_signal(signal.SIGKILL)  # its supervisor restarts it
        self._worker.kill()
        sleep(RESTARTED_SECONDS)
        self._worker.start()

    def _flush_redis(self) -> None:
        url = self._world.settings.redis.url.get_secret_value()
        redis.Redis.from_url(url, socket_timeout=2).flushall()

    def _run_outage(self) -> FaultPosts:
        """Respond to every request with 503 for a minute, look-ups included."""
        posts = self._prepare_posts([OUTAGE])
        self._schedule_posts(posts)
        for account in posts.accounts:
            self._inject_fault(account, Fault("status:503"), on="*", times=-1)
        sleep(seconds_until(posts.start + timedelta(seconds=OUTAGE_SECONDS)))
        world.call_sandbox_control("DELETE", f"{self._world.network_url}/control/faults")
        self._wait_for_posts(posts)
        return posts

    def _wait_for_posts(self, posts: FaultPosts) -> None:
        """Wait until all of Greenroom's posts exist and both sides have ended their attempts."""
        started = monotonic()
        due = max(at for _, at in posts.ours.values())
        while monotonic() - started < self._size.most:
            sleep(LOOK_SECONDS)
            over = (wall_now() - due).total_seconds() > self._size.least
            if over and posts.ours.keys() <= self._read_arrivals(posts).keys():
                break
        if any(text.split()[1] == KILL for text in posts.plain):
            self._withheld = plain_celery.count_stuck_tasks(self._app)

    def _read_arrivals(self, posts: FaultPosts) -> Mapping[str, Sequence[datetime]]:
        return world.sandbox_arrivals(self._world.network_url, posts.accounts)

    def _count_outcomes(self, done: Sequence[FaultPosts]) -> dict[str, float]:
        """Count the posts of each fault and side; then advance the clock for waiting posts and
        count again."""
        before = [self._read_arrivals(posts) for posts in done]
        waiting = any(
            posts.ours.keys() - stood.keys() for posts, stood in zip(done, before, strict=True)
        )
        if waiting:
            self._move_on(done)
        found: dict[str, float] = {}
        for posts, stood in zip(done, before, strict=True):
            now = self._read_arrivals(posts) if waiting else stood
            for text in (*posts.ours, *posts.plain):
                side, name, *_ = text.split()
                key = f"{'' if side == 'ours' else 'plain_'}{name}"
                times = len(now.get(text, ()))
                for what, count in (("doubled", max(times - 1, 0)), ("lost", int(not times))):
                    found[f"{key}_{what}"] = found.get(f"{key}_{what}", 0.0) + count
                if side == "ours":
                    found[f"{key}_delayed"] = found.get(f"{key}_delayed", 0.0) + (
                        times > 0 and text not in stood
                    )
        return found

    def _move_on(self, done: Sequence[FaultPosts]) -> None:
        for _ in range(MOVES):
            with self._world.services.tenant(
                INSTALLATION_ID, "system:bench", role="relay"
            ) as scope:
                _shift_clock(scope)
            started = monotonic()
            while monotonic() - started < 2 * LOOK_SECONDS + SLOW_SECONDS:
                sleep(LOOK_SECONDS)
                if all(posts.ours.keys() <= self._read_arrivals(posts).keys() for posts in done):
                    return


def _shift_clock(scope: Scope) -> None:
    scope.run("SELECT house_shift(:by)", by=ON_BY)
