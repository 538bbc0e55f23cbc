"""Temporary servers of a benchmark: a durable PostgreSQL and a Redis."""

import secrets
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from foundation.errors import Unavailable
from foundation.ops.clock import monotonic, sleep
from migrations import upgrading
from workers.installation import ports
from workers.runtime import embedded_servers

START_SECONDS = 60.0


@dataclass(frozen=True)
class BenchmarkServers:
    """A PostgreSQL (durable, as in production) and a Redis for one benchmark."""

    superuser_url: str
    work_url: str
    redis_url: str


@contextmanager
def run_servers() -> Iterator[BenchmarkServers]:
    """Run both servers in a folder that is deleted at the end."""
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="greenroom-bench-") as name:
        folder = Path(name)
        config = folder / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(f"requirepass {password}\n")
        embedded_servers.init_postgres(folder / "postgres", password)
        postgres_port = ports.find_free_port()
        redis_port = ports.find_free_port()
        running = [
            embedded_servers.spawn_process(
                embedded_servers.postgres_command(folder / "postgres", postgres_port),
                folder / "log",
            ),
            embedded_servers.spawn_process(
                embedded_servers.redis_command(folder / "redis", redis_port, config), folder / "log"
            ),
        ]
        try:
            _wait_for(postgres_port)
            yield _prepare_servers(postgres_port, redis_port, password)
        finally:
            for server in running:
                # PostgreSQL's fast shutdown: a failed benchmark may have left connections.
                server.send_signal(signal.SIGINT)
            for server in running:
                server.wait(START_SECONDS)


def _wait_for(port: int) -> None:
    until = monotonic() + START_SECONDS
    while not embedded_servers.is_postgres_accepting(port):
        if monotonic() > until:
            raise Unavailable("bench.no_server")
        sleep(0.1)


def _prepare_servers(postgres_port: int, redis_port: int, password: str) -> BenchmarkServers:
    def url(user: str, database: str) -> str:
        return f"postgresql+psycopg://{user}:{password}@127.0.0.1:{postgres_port}/{database}"

    superuser = url("postgres", "postgres")
    name = "bench"
    upgrading.prepare(
        superuser, name, passwords=dict.fromkeys(("owner", "work", "pages"), password)
    )
    upgrading.upgrade(url("greenroom_owner", name), environment="test")
    redis_url = f"redis://:{password}@127.0.0.1:{redis_port}/0"
    redis.Redis.from_url(redis_url).ping()
    return BenchmarkServers(url("postgres", name), url("greenroom_work", name), redis_url)
