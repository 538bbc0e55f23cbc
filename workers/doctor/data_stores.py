"""Checks of PostgreSQL, Redis and the file storage: reachable and safe.

Logins must not be superusers, every table must have row level security, clocks must agree, and
nothing may respond without authentication.
"""

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

import redis as client
from pydantic import SecretStr
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from foundation.errors import GreenroomError
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ids import INSTALLATION_ID
from foundation.ops.clock import wall_now
from foundation.ops.settings import Settings
from foundation.storage.object_store import open_library_store
from workers.doctor.findings import (
    Finding,
    FindingLevel,
    finding_error,
    finding_ok,
    finding_warning,
)

SKEW_SECONDS = 2.0
"""Clock difference, in seconds, that counts as an error. Signatures and links fail if clocks differ
by minutes."""
TABLES_WITHOUT_RLS = ("alembic_version",)
"""Tables that need no row level security because they contain no tenant data, only the version of
the last migration."""


ConnectionCheck = Callable[[str, Connection], Iterator[Finding]]


def check_database(settings: Settings) -> Iterator[Finding]:
    """Check the logins of the processes and of the public pages, and the clock, which only the
    owner of the tables may read."""
    logins: dict[str, tuple[SecretStr, ConnectionCheck]] = {
        "work": (settings.database.work_url, _check_work_login),
        "pages": (settings.database.pages_url, _check_login),
        "clock": (settings.database.owner_url, _check_clock),
    }
    for name, (secret, look) in logins.items():
        url = secret.get_secret_value()
        if not url and settings.in_containers:
            continue  # each container has only the logins that its process uses
        yield from _check_database(name if name == "clock" else f"database {name}", url, look)


def _check_database(part: str, url: str, look: ConnectionCheck) -> Iterator[Finding]:
    if not url:
        yield finding_warning(part, "doctor.no_database")
        return
    engine = create_engine(url, connect_args={"connect_timeout": 3})
    try:
        with engine.connect() as connection:
            yield from look(part, connection)
    except OperationalError:
        yield finding_error(part, "doctor.database_away", place=_format_address(url))
    except SQLAlchemyError:
        yield finding_error(part, "doctor.tables_old")
    finally:
        engine.dispose()


def _check_work_login(part: str, connection: Connection) -> Iterator[Finding]:
    yield from _check_login(part, connection)
    yield _check_row_security(connection)


def _format_address(url: str) -> str:
    found = urlsplit(url)
    return f"{found.hostname}:{found.port or 5432}"


def _check_login(part: str, connection: Connection) -> Iterator[Finding]:
    login = connection.execute(
        text(
            "SELECT rolname, rolsuper OR rolbypassrls AS mighty FROM pg_roles WHERE rolname = "
            "current_user"
        )
    ).one()
    version = str(connection.execute(text("SHOW server_version")).scalar_one())
    if login.mighty:
        yield finding_error(part, "doctor.login_mighty", login=login.rolname)
    else:
        yield finding_ok(part, "doctor.login", login=login.rolname, version=version)


def _check_row_security(connection: Connection) -> Finding:
    open_tables = connection.execute(
        text(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relname = ANY(:free)"
            " AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1"
        ),
        {"free": list(TABLES_WITHOUT_RLS)},
    ).scalars()
    names = ", ".join(open_tables)
    return (
        finding_error("walls", "doctor.walls_open", names=names)
        if names
        else finding_ok("walls", "doctor.walls")
    )


def _check_clock(part: str, connection: Connection) -> Iterator[Finding]:
    before = wall_now()
    real = connection.execute(
        text("SELECT house_now() - shift AS now, shift FROM house_clock")
    ).one()
    skew = abs((real.now - before).total_seconds())
    if skew > SKEW_SECONDS:
        yield finding_error(part, "doctor.clock_skew", seconds=int(skew))
    elif real.shift:
        yield finding_warning(
            part, "doctor.clock_shifted", hours=int(real.shift.total_seconds() // 3600)
        )
    else:
        yield finding_ok(part, "doctor.clock")


def check_redis(settings: Settings) -> Iterator[Finding]:
    """Check that Redis responds, and that it requires a password."""
    url = settings.redis.url.get_secret_value()
    if not url:
        yield finding_warning("redis", "doctor.no_redis")
        return
    found = urlsplit(url)
    place = f"{found.hostname}:{found.port or 6379}"
    try:
        client.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2).ping()
        server = client.Redis.from_url(url, socket_timeout=2).info("server")
    except client.RedisError:
        yield finding_error("redis", "doctor.redis_away", place=place)
        return
    try:
        client.Redis(host=found.hostname or "", port=found.port or 6379, socket_timeout=2).ping()
        yield finding_error("redis", "doctor.redis_open", place=place)
    except client.RedisError:
        yield finding_ok("redis", "doctor.redis", place=place, server=_server_name(server))


def _server_name(info: Mapping[str, object]) -> str:
    """Return name and version of a server that speaks the Redis protocol. Valkey's `redis_version`
    is the one it is compatible with (https://valkey.io/commands/info/)."""
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info['redis_version']}"


def check_object_store(settings: Settings) -> Finding:
    """Check the file storage: on a server, write, read and delete a file, and check that it
    requires authentication."""
    if not settings.storage.url:
        return finding_ok("files", "doctor.store_folder", folder=str(settings.objects_folder))
    place = urlsplit(settings.storage.url).netloc
    try:
        kept = open_library_store(settings)
        sha256 = kept.put(INSTALLATION_ID, b"greenroom doctor")
        kept.get(INSTALLATION_ID, sha256)
        kept.delete(INSTALLATION_ID, sha256)
    except GreenroomError as error:
        return Finding("files", FindingLevel.ERROR, error.message)
    if _shows_strangers(
        f"{settings.storage.url.rstrip('/')}/{settings.storage.bucket}-{INSTALLATION_ID}"
    ):
        return finding_error("files", "doctor.store_open", place=place)
    return finding_ok("files", "doctor.store", place=place)


def _shows_strangers(bucket: str) -> bool:
    http = HttpClient(max_connections=1)
    try:
        reply = http.send(HttpRequest("GET", bucket, deadline=5.0))
    finally:
        http.close()
    return isinstance(reply, HttpResponse) and reply.status < 300
