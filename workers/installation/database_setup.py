"""Database setup before the processes start; each function runs as a subprocess task of
`workers.run`."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from foundation.db.database import Database
from foundation.errors import Unavailable
from foundation.ops.settings import Settings
from foundation.storage.archive import open_archive
from gate.log import restore
from gate.log.signed_checkpoints import LogKey
from migrations import upgrading
from tenants.scope import scope_opener
from tenants.vault import envelope
from workers.installation import data_services


def migrate_database(settings: Settings) -> None:
    """Create roles and logins and migrate the tables to the newest version. Repeatable.

    On an external database, roles and logins are created if a superuser is given; else they must
    exist. Raises Unavailable if the database cannot be reached or lacks the roles, BadInput if an
    address names no login.
    """
    owner_url = settings.database.owner_url.get_secret_value()
    superuser_url = settings.database.superuser_url.get_secret_value()
    if data_services.is_database_embedded(settings):
        upgrading.prepare(
            data_services.superuser_url(settings),
            data_services.DATABASE_NAME,
            passwords=data_services.login_passwords(settings),
        )
    elif superuser_url:
        name, passwords = data_services.read_external_logins(settings)
        with _report_unreachable(superuser_url):
            upgrading.prepare(superuser_url, name, passwords=passwords)
    else:
        _check_roles(owner_url)
    upgrading.upgrade(owner_url, environment=settings.environment)


def migrate_and_replay(settings: Settings) -> None:
    """Migrate the database and replay prohibitions, for a start on one machine."""
    migrate_database(settings)
    replay_prohibitions(settings)


def replay_prohibitions(settings: Settings) -> int:
    """Apply again the prohibitions that are newer than the backup from which this database was
    restored; returns their number.

    Must run before any process starts: the restored database may still allow what was prohibited
    later. Raises Unavailable without the master key.
    """
    master_key = envelope.parse_master_key(settings.tenants.master_key.get_secret_value())
    database = Database(settings.database.work_url.get_secret_value(), application="restore")
    try:
        return restore.replay_all_journals(
            tenant=scope_opener(database),
            archive=open_archive(settings),
            key=LogKey.derive(master_key),
        )
    finally:
        database.close()


def _check_roles(owner_url: str) -> None:
    engine = create_engine(owner_url, connect_args={"connect_timeout": 5})
    try:
        with _report_unreachable(owner_url), engine.connect() as connection:
            have = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
    finally:
        engine.dispose()
    missing = [role for role in upgrading.ROLES if role not in have]
    if missing:
        raise Unavailable("stack.roles_missing", roles=", ".join(missing))


@contextmanager
def _report_unreachable(url: str) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        place = make_url(url).set(password=None).render_as_string()
        raise Unavailable("stack.database_unreachable", place=place) from error
