"""The doctor on PostgreSQL, Redis and the file store: reachable, and safe.

No superuser, every table behind its wall, clocks that agree, and nothing that answers strangers.
"""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import redis as client
from pydantic import SecretStr
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from foundation.clock import wall_now
from foundation.errors import GreenroomError
from foundation.http import HttpClient, Reply, Request
from foundation.ids import HOUSE
from foundation.settings import Settings
from foundation.storage import library
from workers.findings import Finding, Verdict, bad, fine, warn

SKEW_SECONDS = 2.0
"""A signature or a link is refused when clocks are minutes apart; seconds are already odd."""
FREE_OF_WALLS = ("alembic_version",)
"""Tables without a tenant: the number of the last migration."""


Look = Callable[[str, Connection], Iterator[Finding]]


def database(settings: Settings) -> Iterator[Finding]:
    """The database as the processes see it, as the pages do, and its clock, which only the tables' owner may read."""
    logins: dict[str, tuple[SecretStr, Look]] = {
        "work": (settings.database.work_url, _work),
        "pages": (settings.database.pages_url, _login),
        "clock": (settings.database.owner_url, _clock),
    }
    for name, (secret, look) in logins.items():
        yield from _ask(name if name == "clock" else f"database {name}", secret.get_secret_value(), look)


def _ask(part: str, url: str, look: Look) -> Iterator[Finding]:
    if not url:
        yield warn(part, "doctor.no_database")
        return
    engine = create_engine(url, connect_args={"connect_timeout": 3})
    try:
        with engine.connect() as connection:
            yield from look(part, connection)
    except OperationalError:
        yield bad(part, "doctor.database_away", place=_place(url))
    except SQLAlchemyError:
        yield bad(part, "doctor.tables_old")
    finally:
        engine.dispose()


def _work(part: str, connection: Connection) -> Iterator[Finding]:
    yield from _login(part, connection)
    yield _walls(connection)


def _place(url: str) -> str:
    found = urlsplit(url)
    return f"{found.hostname}:{found.port or 5432}"


def _login(part: str, connection: Connection) -> Iterator[Finding]:
    login = connection.execute(
        text("SELECT rolname, rolsuper OR rolbypassrls AS mighty FROM pg_roles WHERE rolname = current_user")
    ).one()
    version = str(connection.execute(text("SHOW server_version")).scalar_one())
    if login.mighty:
        yield bad(part, "doctor.login_mighty", login=login.rolname)
    else:
        yield fine(part, "doctor.login", login=login.rolname, version=version)


def _walls(connection: Connection) -> Finding:
    open_tables = connection.execute(
        text(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relname = ANY(:free)"
            " AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1"
        ),
        {"free": list(FREE_OF_WALLS)},
    ).scalars()
    names = ", ".join(open_tables)
    return bad("walls", "doctor.walls_open", names=names) if names else fine("walls", "doctor.walls")


def _clock(part: str, connection: Connection) -> Iterator[Finding]:
    before = wall_now()
    real = connection.execute(text("SELECT house_now() - shift AS now, shift FROM house_clock")).one()
    skew = abs((real.now - before).total_seconds())
    if skew > SKEW_SECONDS:
        yield bad(part, "doctor.clock_skew", seconds=int(skew))
    elif real.shift:
        yield warn(part, "doctor.clock_shifted", hours=int(real.shift.total_seconds() // 3600))
    else:
        yield fine(part, "doctor.clock")


def redis(settings: Settings) -> Iterator[Finding]:
    """Redis: answers, and does not answer strangers."""
    url = settings.redis.url.get_secret_value()
    if not url:
        yield warn("redis", "doctor.no_redis")
        return
    found = urlsplit(url)
    place = f"{found.hostname}:{found.port or 6379}"
    try:
        client.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2).ping()
        version = client.Redis.from_url(url, socket_timeout=2).info("server")["redis_version"]
    except client.RedisError:
        yield bad("redis", "doctor.redis_away", place=place)
        return
    try:
        client.Redis(host=found.hostname or "", port=found.port or 6379, socket_timeout=2).ping()
        yield bad("redis", "doctor.redis_open", place=place)
    except client.RedisError:
        yield fine("redis", "doctor.redis", place=place, version=str(version))


def store(settings: Settings) -> Finding:
    """Where files lie: on a server, one is written, read and removed; and the server shows strangers nothing."""
    if not settings.storage.url:
        return fine("files", "doctor.store_folder", folder=str(settings.objects))
    place = urlsplit(settings.storage.url).netloc
    try:
        kept = library(settings)
        sha256 = kept.put(HOUSE, b"greenroom doctor")
        kept.get(HOUSE, sha256)
        kept.delete(HOUSE, sha256)
    except GreenroomError as error:
        return Finding("files", Verdict.BAD, error.message)
    if _shows_strangers(f"{settings.storage.url.rstrip('/')}/{settings.storage.bucket}-{HOUSE}"):
        return bad("files", "doctor.store_open", place=place)
    return fine("files", "doctor.store", place=place)


def _shows_strangers(bucket: str) -> bool:
    http = HttpClient(max_connections=1)
    try:
        reply = http.exchange(Request("GET", bucket, deadline=5.0))
    finally:
        http.close()
    return isinstance(reply, Reply) and reply.status < 300
