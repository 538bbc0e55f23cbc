"""Temporary servers of a benchmark: a durable PostgreSQL and a Redis."""

import secrets
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from foundation.db.database import Database
from foundation.errors import Unavailable
from foundation.ops.clock import monotonic, sleep
from foundation.outbox.fan_out import FactListeners
from migrations import upgrading
from workers.installation import ports
from workers.relay import celery_app
from workers.relay.claim_loop import Relay, celery_sender
from workers.runtime import embedded_servers

START_SECONDS = 60.0
LOOPBACK = "127.0.0.1"
CONNECTIONS = 120
"""Connections that the database accepts: those of several machines."""


@dataclass(frozen=True)
class BenchmarkServers:
    """A PostgreSQL (durable, as in production) and a Redis for one benchmark."""

    superuser_url: str
    owner_url: str
    work_url: str
    pages_url: str
    redis_url: str


def run_relay(servers: BenchmarkServers) -> None:
    """Main function of a relay process without facts and ticks."""
    database = Database(servers.work_url, pool_size=2)
    Relay(
        database,
        database.scope,
        celery_sender(celery_app.make_celery_app(servers.redis_url)),
        facts=FactListeners({}),
    ).run_until_signal()


@contextmanager
def run_servers(address: str = LOOPBACK, *, network: str = "") -> Iterator[BenchmarkServers]:
    """Run both servers in a folder that is deleted at the end.

    They also listen on `address`, to which the machines of `network` (as in 10.0.0.0/24) may
    connect.
    """
    listens = [LOOPBACK] if address == LOOPBACK else [LOOPBACK, address]
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="greenroom-bench-") as name:
        folder = Path(name)
        config = folder / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(f"requirepass {password}\n")
        embedded_servers.init_postgres(folder / "postgres", password)
        if network:
            with (folder / "postgres" / "pg_hba.conf").open("a", encoding="utf-8") as rules:
                rules.write(f"host all all {network} scram-sha-256\n")
        postgres_port = ports.find_free_port()
        redis_port = ports.find_free_port()
        running = [
            embedded_servers.spawn_process(
                [
                    *embedded_servers.postgres_command(folder / "postgres", postgres_port),
                    *("-c", f"listen_addresses={','.join(listens)}"),
                    *("-c", f"max_connections={CONNECTIONS}"),
                ],
                folder / "log",
            ),
            embedded_servers.spawn_process(
                [
                    *embedded_servers.redis_command(folder / "redis", redis_port, config),
                    *("--bind", *listens),
                ],
                folder / "log",
            ),
        ]
        try:
            _wait_for(postgres_port)
            yield _prepare_servers(address, postgres_port, redis_port, password)
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


def _prepare_servers(
    address: str, postgres_port: int, redis_port: int, password: str
) -> BenchmarkServers:
    def url(user: str, database: str) -> str:
        return f"postgresql+psycopg://{user}:{password}@{address}:{postgres_port}/{database}"

    superuser = url("postgres", "postgres")
    name = "bench"
    upgrading.prepare(
        superuser, name, passwords=dict.fromkeys(("owner", "work", "pages"), password)
    )
    upgrading.upgrade(url("greenroom_owner", name), environment="test")
    redis_url = f"redis://:{password}@{address}:{redis_port}/0"
    redis.Redis.from_url(redis_url).ping()
    return BenchmarkServers(
        url("postgres", name),
        url("greenroom_owner", name),
        url("greenroom_work", name),
        url("greenroom_pages", name),
        redis_url,
    )
