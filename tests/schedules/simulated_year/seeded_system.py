"""An installation determined by a seed: its clock moves only on request, and all randomness comes
from the seed.

None of this is part of the product, and no setting enables it. The superuser of the test's cluster
replaces `house_now()`, `random()` and `gen_random_uuid()` in a fresh database, and the clock and
the secrets of the interpreter are replaced within the context.
"""

import random
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import psycopg
import pytest

from foundation import ids
from foundation.ops import clock
from tests.conftest import PASSWORD, UNTOUCHED, Cluster, started
from tests.schedules.builders import wired
from workers.wiring import Services

BEGINS = datetime(2027, 3, 12, tzinfo=UTC)
"""The start of every simulation. Clocks go forward in America on the 14th and in Europe on the
28th, and back on Lord Howe on 4 April."""

_STILL = """
CREATE OR REPLACE FUNCTION house_now() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public
  AS $$ SELECT timestamptz '{begins}' + shift FROM house_clock $$;
CREATE OR REPLACE FUNCTION people_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT
timestamptz '{begins}' $$;
UPDATE house_clock SET shift = interval '0';
UPDATE intake_beats SET seen_at = people_now();
CREATE SEQUENCE draws;
GRANT USAGE ON SEQUENCE draws TO PUBLIC;
CREATE FUNCTION public.random() RETURNS double precision LANGUAGE sql VOLATILE
  AS $$ SELECT ('x' || left(md5('{seed} ' || nextval('public.draws')), 8))::bit(32)::bigint /
  4294967296.0 $$;
CREATE FUNCTION public.gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE
  AS $$ SELECT md5('{seed} ' || nextval('public.draws'))::uuid $$;
ALTER DATABASE house SET search_path = public, pg_catalog;
"""
"""SQL that replaces the time and the randomness of a database."""


@dataclass
class SuperuserConnection:
    """A superuser connection that sees every tenant and moves the clock."""

    connection: "psycopg.Connection[Any]"
    now: datetime = BEGINS
    """The time of the installation's clock."""

    def ask(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run a query outside the transactions of the installation."""
        return self.connection.execute(statement, values, prepare=True).fetchall()

    def move(self, by: timedelta) -> None:
        """Advance the clock of the installation."""
        self.ask("SELECT house_shift(%(by)s)", by=by)
        self.now += by

    def tidy(self) -> None:
        """Vacuum and analyze the busy tables at a fixed moment, in place of autovacuum."""
        for table in ("outbox", "deliveries", "delivery_moves", "attempts", "permits", "decisions"):
            self.connection.execute(f"VACUUM (ANALYZE) {table}")


@contextmanager
def quarters(folder: Path) -> Iterator[Cluster]:
    """Yield a cluster for consecutive simulations. Each gets a fresh copy of the migrated database."""
    with started(folder, "house") as found:
        with _superuser(found, "postgres") as connection:
            connection.execute("ALTER SYSTEM SET autovacuum = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(f"ALTER DATABASE house RENAME TO {UNTOUCHED}")
        yield found


@contextmanager
def house(
    cluster: Cluster, home: Path, seed: str, *, plans: str = ""
) -> Iterator[tuple[Services, SuperuserConnection]]:
    """Yield the services of a process and a superuser connection, on a fresh database determined by
    `seed`.

    `plans` are planner settings, `name=value,…`; a simulation must not depend on them.
    """
    with _superuser(cluster, "postgres") as connection:
        connection.execute("DROP DATABASE IF EXISTS house WITH (FORCE)")
        connection.execute(f"CREATE DATABASE house TEMPLATE {UNTOUCHED} OWNER greenroom_owner")
        for one in filter(None, plans.split(",")):
            connection.execute("ALTER DATABASE house SET {} = {}".format(*one.split("=")))
    with _superuser(cluster, "house") as connection:
        connection.execute(_STILL.format(begins=BEGINS.isoformat(), seed=seed))
    with _drawn(seed), _superuser(cluster, "house") as connection, wired(cluster, home) as services:
        yield services, SuperuserConnection(connection)


@contextmanager
def _superuser(cluster: Cluster, database: str) -> Iterator["psycopg.Connection[Any]"]:
    where: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": cluster.port,
        "user": "postgres",
        "dbname": database,
    }
    with psycopg.connect(**where, password=PASSWORD, autocommit=True) as connection:
        yield connection


@contextmanager
def _drawn(seed: str) -> Iterator[None]:
    """Draw every ID, token, nonce and key of this process from `seed`, and stop its clock."""
    luck = random.Random(f"{seed} draws")

    def token_bytes(length: int | None = None) -> bytes:
        return luck.randbytes(length or 32)

    def token_urlsafe(length: int | None = None) -> str:
        return urlsafe_b64encode(token_bytes(length)).rstrip(b"=").decode()

    class Standing(datetime):
        @classmethod
        # it is never subclassed
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # see above
            return BEGINS.astimezone(tz)

    class Still:
        """A clock that stands still, so that no deadline passes in the process."""

        @staticmethod
        def monotonic() -> float:
            return 0.0

        @staticmethod
        def sleep(_: float) -> None:
            raise AssertionError("no code may sleep while the clock stands still")

    with pytest.MonkeyPatch.context() as patch:
        for name, draw in {
            "randbits": luck.getrandbits,
            "randbelow": luck.randrange,
            "choice": luck.choice,
            "token_bytes": token_bytes,
            "token_hex": lambda length=None: token_bytes(length).hex(),
            "token_urlsafe": token_urlsafe,
        }.items():
            patch.setattr(secrets, name, draw)
        patch.setattr(clock, "datetime", Standing)
        patch.setattr(clock, "time", Still)
        patch.setattr(ids, "_last", 0)
        yield
