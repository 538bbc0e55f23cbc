"""PostgreSQL and Redis of an installation: embedded, or external with addresses in the settings."""

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlencode, urlsplit

from foundation.errors import BadInput, Unavailable
from foundation.ops.settings import Settings
from workers.installation.folder import InstallationFolder, read_env

DATABASE_NAME = "greenroom"
DATABASE_LOGINS = ("owner", "work", "pages")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def _read_password(env: Mapping[str, str], login: str) -> str:
    return env.get(f"GREENROOM_EMBEDDED__{login.upper()}_PASSWORD", "")


def _database_urls(settings: Settings) -> dict[str, str]:
    database = settings.database
    return {
        "owner": database.owner_url.get_secret_value(),
        "work": database.work_url.get_secret_value(),
        "pages": database.pages_url.get_secret_value(),
    }


def _is_ours(address: str, password: str) -> bool:
    return not address or (bool(password) and urlsplit(address).password == password)


def is_login_external(settings: Settings, login: str) -> bool:
    """Return True if the settings contain an address of an external database for this login. A
    command needs only the login that it uses."""
    address = _database_urls(settings)[login]
    env = read_env(InstallationFolder(settings.home))
    return (
        bool(address)
        if settings.in_containers
        else not _is_ours(address, _read_password(env, login))
    )


def is_database_embedded(settings: Settings) -> bool:
    """Return True if the embedded PostgreSQL is used: the settings contain no address except those
    that Greenroom wrote.

    Raises BadInput if only some of the three addresses are external: a start needs all of them.
    """
    if settings.in_containers:
        return False
    external = {login for login in DATABASE_LOGINS if is_login_external(settings, login)}
    if external and external != set(DATABASE_LOGINS):
        missing = ", ".join(
            f"GREENROOM_DATABASE__{login.upper()}_URL"
            for login in DATABASE_LOGINS
            if login not in external
        )
        raise BadInput("stack.database_incomplete", missing=missing)
    return not external


def is_redis_embedded(settings: Settings) -> bool:
    """Return True if the embedded Redis is used."""
    return not settings.in_containers and _is_ours(
        settings.redis.url.get_secret_value(),
        _read_password(read_env(InstallationFolder(settings.home)), "redis"),
    )


def require_shared_services(settings: Settings) -> None:
    """Raise BadInput unless a machine that only runs workers has what it shares with the others:
    the database, Redis, the files and the keys. None of them may be created here."""
    needed = {
        "GREENROOM_DATABASE__WORK_URL": settings.database.work_url.get_secret_value(),
        "GREENROOM_REDIS__URL": settings.redis.url.get_secret_value(),
        "GREENROOM_TENANTS__MASTER_KEY": settings.tenants.master_key.get_secret_value(),
        "GREENROOM_GATE__SIGNING_KEY": settings.gate.signing_key.get_secret_value(),
        "GREENROOM_STORAGE__URL": settings.storage.url or settings.storage.folder,
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise BadInput("stack.workers_incomplete", missing=", ".join(missing))


def require_command_access(settings: Settings) -> None:
    """Raise Unavailable unless this container has what commands use: the login and the keys of the
    workers. Containers of the pages have neither, by design."""
    needed = {
        "GREENROOM_DATABASE__WORK_URL": settings.database.work_url,
        "GREENROOM_TENANTS__MASTER_KEY": settings.tenants.master_key,
        "GREENROOM_GATE__SIGNING_KEY": settings.gate.signing_key,
    }
    missing = [name for name, value in needed.items() if not value.get_secret_value()]
    if missing:
        raise Unavailable("cli.container_without_access", missing=", ".join(missing))


def redis_password(settings: Settings) -> str:
    """Return the password of the embedded Redis."""
    return _read_password(read_env(InstallationFolder(settings.home)), "redis")


def superuser_password(settings: Settings) -> str:
    """Return the superuser's password of the embedded cluster, for creating roles and the database
    only."""
    return _read_password(read_env(InstallationFolder(settings.home)), "superuser")


def superuser_url(settings: Settings) -> str:
    """Return the URL of the embedded cluster for the superuser."""
    return _embedded_database_url(settings, "postgres", superuser_password(settings), "postgres")


def _embedded_database_url(settings: Settings, login: str, password: str, database: str) -> str:
    """Return an address of the embedded cluster: its Unix socket, or TCP if it has none."""
    folder = InstallationFolder(settings.home).postgres_socket_folder
    host = "127.0.0.1" if folder is None else str(folder)
    place = urlencode({"host": host, "port": settings.workers.postgres_port}, safe="/")
    return f"postgresql+psycopg://{login}:{password}@/{database}?{place}"


def login_passwords(settings: Settings) -> dict[str, str]:
    """Return the passwords of the three logins of the embedded database."""
    env = read_env(InstallationFolder(settings.home))
    return {login: _read_password(env, login) for login in DATABASE_LOGINS}


def read_external_logins(settings: Settings) -> tuple[str, dict[str, str]]:
    """Return the database and the passwords of the three logins from the addresses of an external
    database, to create the logins.

    Raises BadInput if an address lacks the login's name or a password, or if the addresses name
    different databases.
    """
    passwords = {}
    names = set()
    for login, address in _database_urls(settings).items():
        found = urlsplit(address)
        names.add(found.path.removeprefix("/"))
        if found.username != f"greenroom_{login}" or not found.password:
            raise BadInput(
                "stack.login_unnamed",
                variable=f"GREENROOM_DATABASE__{login.upper()}_URL",
                login=login,
            )
        passwords[login] = unquote(found.password)
    if len(names) != 1 or not _NAME.fullmatch(name := names.pop()):
        raise BadInput("stack.database_unnamed")
    return name, passwords


def embedded_addresses(settings: Settings, *, database: bool, redis: bool) -> dict[str, str]:
    """Return the variables with the addresses of the embedded services, at the ports of the
    settings."""
    values: dict[str, str] = {}
    if database:
        for login, password in login_passwords(settings).items():
            values[f"GREENROOM_DATABASE__{login.upper()}_URL"] = _embedded_database_url(
                settings, f"greenroom_{login}", password, DATABASE_NAME
            )
    if redis:
        place = f"127.0.0.1:{settings.workers.redis_port}/0"
        values["GREENROOM_REDIS__URL"] = f"redis://:{redis_password(settings)}@{place}"
    return values
