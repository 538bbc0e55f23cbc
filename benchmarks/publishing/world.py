"""The installation of the publishing benchmarks, with every real process; the test network responds
after 150 ms.

Lateness is the time from a post's due time to the arrival of its request at the test network, by
the test network's record.
"""

import json
import random
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import psutil
from sqlalchemy import create_engine, text

from benchmarks.measurement import BENCHMARK_SEED
from channels.accounts import lifecycle
from foundation.db.database import OpenScope
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ids import uuid7
from foundation.ops.clock import monotonic, sleep, wall_now
from foundation.ops.settings import Settings, child_environment, load_settings_of
from foundation.ops.wall_time import WallTime
from gate.policy.bundle import shipped_bundle
from schedules.approvals import decisions
from schedules.posts import deliveries
from tenants.agencies import agencies
from workers.installation.folder import InstallationFolder
from workers.installation.state_file import read_status
from workers.runtime.embedded_servers import spawn_process
from workers.runtime.process_table import CODE_ROOT
from workers.runtime.subprocess_task import start_failure
from workers.wiring import Services, build_services

LATENCY_MS = 150
ACCOUNTS = 30
AGENCIES = 3
SINGLE_POSTS = 8
"""Number of single posts of an agency, a second apart, while another has many due at once."""

PLANNED_PER_S = 15
"""Number of posts that even a busy machine can schedule in a second."""

READ_SECONDS = 2.0
"""Seconds between two readings of the record, which contains the arrival times; reading uses the
same two cores."""

PATIENCE_SECONDS = 240.0
START_SECONDS = 600.0
"""Seconds to wait for a start: it takes ten, and minutes on a busy machine."""

CAPTION = "Photos of tonight's rehearsal are online, thank you all for coming! Set"
"""The words before the mark of a post. A post of one word is rare, and costs more: the gate looks
for terms that several short posts spell together."""

LEAD = timedelta(seconds=6)
"""Time from scheduling to the first due time: all rows are written before a post is due."""


@dataclass(frozen=True)
class BenchmarkWorld:
    """A running installation with accounts to post on."""

    settings: Settings
    services: Services
    channels: Sequence[tuple[UUID, UUID, UUID]]
    """Tenant, creator and channel of each account."""
    accounts: Sequence[str]
    network_url: str
    """URL of the test network with the accounts."""
    latency_ms: int = LATENCY_MS


@dataclass(frozen=True)
class ScenarioResult:
    """The result of a scenario: lateness in seconds, posts per second from the first to the last
    arrival, and processor milliseconds for a post of all processes, the test network and the
    servers included."""

    lateness: Sequence[float]
    per_second: float
    cpu_ms: float

    @classmethod
    def from_arrivals(
        cls, due: Mapping[str, datetime], arrived: Mapping[str, datetime], cpu_seconds: float
    ) -> "ScenarioResult":
        """Return the result of posts with their due times and arrivals."""
        late = [(arrived[mark] - at).total_seconds() for mark, at in due.items()]
        span = (max(arrived.values()) - min(arrived.values())).total_seconds()
        return cls(late, len(due) / max(span, 0.001), cpu_seconds / len(due) * 1000)


def percentile_95(values: Sequence[float]) -> float:
    """Return the 95th percentile."""
    return sorted(values)[-(-len(values) * 95 // 100) - 1]


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return sorted(values)[len(values) // 2]


class ConnectionPeak:
    """The maximum number of open connections of the installation's logins, without those of the
    benchmark."""

    def __init__(self, settings: Settings) -> None:
        self._engine = create_engine(settings.database.owner_url.get_secret_value())
        self.most = 0
        self.whose: Mapping[str, int] = {}
        """Connections of each process at that moment."""

    def sample(self) -> None:
        """Count the connections once, except the one that counts."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT application_name, count(*) FROM pg_stat_activity WHERE "
                    "application_name <> 'bench'"
                    " AND usename IN ('greenroom_work', 'greenroom_pages') GROUP BY 1 ORDER BY 1"
                )
            )
            now = {str(name): int(count) for name, count in rows}
        if sum(now.values()) > self.most:
            self.most = sum(now.values())
            self.whose = now


@contextmanager
def run_installation(folder: Path, *, latency_ms: int, senders: int = 0) -> Iterator[Services]:
    """Run an installation in `folder` whose test network responds after `latency_ms`, and yield
    services of this process.

    `senders` is the number of sending processes; without it, the default.
    """
    home = InstallationFolder(folder)
    environment = child_environment(folder, code=CODE_ROOT)
    environment |= {
        "GREENROOM_ENVIRONMENT": "test",
        "GREENROOM_SANDBOX__LATENCY_MS": str(latency_ms),
        # The comparison runs a second test network and a port that refuses connections.
        "GREENROOM_REACHABLE": "http://127.0.0.1:*",
    }
    environment |= {"GREENROOM_WORKERS__SENDERS": str(senders)} if senders else {}
    process = spawn_process(
        [sys.executable, "-m", "workers.cli.main", "up", "--no-browser"],
        home.log_file("bench"),
        environment=environment,
        ending=signal.SIGKILL,
    )
    try:
        started = monotonic()
        while not read_status(home).is_ready:
            if process.poll() is not None or monotonic() - started > START_SECONDS:
                raise start_failure(home, "bench")
            sleep(0.1)
        settings = load_settings_of(folder)
        with build_services(settings, pool_size=1, application="bench") as services:
            yield services
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


def create_world(
    services: Services,
    *,
    name: str = "bench",
    base: str = "",
    latency_ms: int = LATENCY_MS,
    accounts: int = ACCOUNTS,
) -> BenchmarkWorld:
    """Create agencies and accounts in a running installation, on its own test network or on another
    at `base`."""
    settings = services.settings
    found = []
    names = []
    base = base or f"http://127.0.0.1:{settings.sandbox.port}"
    for agency in range(AGENCIES):
        tenant_id = uuid7()
        with services.tenant(tenant_id, "system:bench") as scope:
            agencies.create_agency(scope, name=f"Bench {agency}", language="en", zone="UTC")
            creator_id = agencies.add_creator(
                scope,
                slug=f"{name}-{agency}",
                name="Bench",
                kind="virtual",
                zone="UTC",
                languages=["en"],
                approval_tiers=0,
            )
        for number in range(accounts // AGENCIES):
            account = f"{name}-{agency}-{number}+key"
            found.append(
                (
                    tenant_id,
                    creator_id,
                    connect_bench_account(services, (tenant_id, creator_id), base, account),
                )
            )
            names.append(account)
    return BenchmarkWorld(settings, services, found, names, base, latency_ms)


def connect_bench_account(
    services: Services, owner: tuple[UUID, UUID], base: str, account: str, *, by: str = ""
) -> UUID:
    """Connect an account of a creator (tenant, creator) on the test network at `base`, reached
    through the URL `by` if given; returns the channel."""
    tenant_id, creator_id = owner
    sealed = services.seal(tenant_id, open_sandbox_account(base, account))
    with services.tenant(tenant_id, "system:bench") as scope:
        return lifecycle.connect_account(
            scope,
            creator_id=creator_id,
            platform=sandbox_platform(services),
            surface="post",
            account=account,
            name=account,
            base_url=by or base,
            token=sealed,
            zone="UTC",
        )


@cache
def _get_http_client() -> HttpClient:
    return HttpClient()  # one client for all requests: creating one takes 40 ms


def call_sandbox_control(
    method: str, url: str, body: dict[str, object] | None = None
) -> dict[str, object]:
    """Send a request to the control API of the test network. Raises RuntimeError if it fails."""
    data = json.dumps(body).encode() if body is not None else b""
    answer = _get_http_client().send(
        HttpRequest(method, url, {"content-type": "application/json"}, data, 30.0)
    )
    if not isinstance(answer, HttpResponse) or answer.status >= 300:
        raise RuntimeError(f"the sandbox refused {method} {url}: {answer}")
    found: dict[str, object] = json.loads(answer.body)
    return found


def sandbox_platform(services: Services) -> str:
    """Return the platform of the test network: the one that is free to post and chat on."""
    return next(name for name in services.chat_connectors if shipped_bundle().is_test_network(name))


def open_sandbox_account(base: str, account: str) -> str:
    """Create an account on the test network and return its token."""
    return str(
        call_sandbox_control("POST", f"{base}/control/accounts", {"account": account})["token"]
    )


def run_scenario(
    world: BenchmarkWorld,
    name: str,
    count: int,
    gap: timedelta,
    *,
    watched: ConnectionPeak | None = None,
) -> ScenarioResult:
    """Schedule `count` posts, `gap` apart, over all accounts, wait for all arrivals and read the
    test network's record.

    The cost counts from the first due time, of every process of the installation and of its
    servers.
    """
    watched = watched or ConnectionPeak(world.settings)
    drawn = random.Random(BENCHMARK_SEED)  # noqa: S311 - which account, not a secret
    start = wall_now().replace(microsecond=0) + LEAD + timedelta(seconds=count / PLANNED_PER_S)
    due: dict[str, datetime] = {}
    for number in range(count):
        tenant_id, creator_id, channel_id = world.channels[number % len(world.channels)]
        mark = f"{CAPTION} {name}-{number}-{drawn.randrange(10**6)}"
        due[mark] = start + gap * number
        schedule_bench_post(
            world.services.tenant, tenant_id, (creator_id, channel_id), mark, due[mark]
        )
    sleep(seconds_until(start))
    before = cpu_seconds(child_processes())
    arrived = _wait_for_arrivals(world, due, watched)
    return ScenarioResult.from_arrivals(due, arrived, cpu_seconds(child_processes()) - before)


def seconds_until(at: datetime) -> float:
    """Return the seconds from now; 0 for a past instant, since scheduling may take long on a busy
    machine."""
    return max((at - wall_now()).total_seconds(), 0.0)


def child_processes() -> Sequence[psutil.Process]:
    """Return every process below this one."""
    return psutil.Process().children(recursive=True)


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """Return the processor time of processes and of their ended children."""
    found = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found += sum(process.cpu_times()[:4])
    return found


def measure_fairness(
    world: BenchmarkWorld, many: int, *, watched: ConnectionPeak | None = None
) -> float:
    """Return the maximum lateness, in seconds, of eight single posts of an agency while another has
    `many` due at once.

    The many posts are not waited for.
    """
    drawn = random.Random(f"{BENCHMARK_SEED} fair {many}")  # noqa: S311 - marks, no secrets
    start = wall_now().replace(microsecond=0) + LEAD + timedelta(seconds=many / PLANNED_PER_S)
    crowd = [one for one in world.channels if one[0] == world.channels[0][0]]
    alone = next(one for one in world.channels if one[0] != world.channels[0][0])
    due: dict[str, datetime] = {}
    for number in range(many + SINGLE_POSTS):
        single = number >= many
        tenant_id, creator_id, channel_id = alone if single else crowd[number % len(crowd)]
        mark = f"{CAPTION} fair-{number}-{drawn.randrange(10**6)}"
        due[mark] = start + (timedelta(seconds=number - many) if single else timedelta(0))
        schedule_bench_post(
            world.services.tenant, tenant_id, (creator_id, channel_id), mark, due[mark]
        )
    singles = dict(list(due.items())[many:])
    arrived = _wait_for_arrivals(world, singles, watched or ConnectionPeak(world.settings))
    return max((arrived[mark] - at).total_seconds() for mark, at in singles.items())


def schedule_bench_post(
    tenant: OpenScope, tenant_id: UUID, owner: tuple[UUID, UUID], mark: str, at: datetime
) -> UUID:
    """Create a post and schedule it on a creator's account without approval; returns its ID."""
    creator_id, channel_id = owner
    # wall times have minutes; the benchmark needs seconds, so the due time is changed to the
    # instant
    with tenant(tenant_id, "system:bench") as scope:
        post_id = deliveries.create_post(
            scope,
            creator_id=creator_id,
            title="",
            body=mark,
            media=[],
            origin="bench",
            origin_key=mark,
            author=scope.actor,
        )
        wall = WallTime(at.date(), at.time().replace(tzinfo=None), "UTC")
        deliveries.create_delivery(scope, post_id, channel_id, at=wall)
        decisions.release_without_approval(scope, post_id)
        deliveries.schedule_post(scope, post_id)
    return post_id


def _wait_for_arrivals(
    world: BenchmarkWorld, due: dict[str, datetime], watched: ConnectionPeak
) -> dict[str, datetime]:
    """Return the arrival of each post; raises if one arrived twice or never."""
    last = max(due.values())
    until = monotonic() + seconds_until(last) + PATIENCE_SECONDS
    read_at = 0.0
    while True:
        watched.sample()
        sleep(0.2)
        if wall_now() < last or monotonic() < read_at:
            continue
        read_at = monotonic() + READ_SECONDS
        seen = sandbox_arrivals(world.network_url, world.accounts, latency_ms=world.latency_ms)
        found = {mark: times for mark, times in seen.items() if mark in due}
        if len(found) == len(due):
            break
        if monotonic() > until:
            raise RuntimeError(f"{len(due) - len(found)} posts never arrived")
    twice = [mark for mark, times in found.items() if len(times) > 1]
    if twice:
        raise RuntimeError(f"sent twice: {twice[:3]}")
    return {mark: times[0] for mark, times in found.items()}


def sandbox_arrivals(
    base: str, accounts: Sequence[str], *, latency_ms: int = LATENCY_MS
) -> dict[str, list[datetime]]:
    """Return every post that the test network accepted, by its text. It records a request when half
    of its latency has passed."""
    found: dict[str, list[datetime]] = {}
    for account in accounts:
        truth = call_sandbox_control("GET", f"{base}/control/truth/{quote(account, safe='')}")
        for post in truth["posts"]:  # type: ignore[attr-defined]  # JSON of the test network
            at = datetime.fromisoformat(post["created_at"]).astimezone(UTC) - timedelta(
                milliseconds=latency_ms / 2
            )
            found.setdefault(post["text"], []).append(at)
    return found
