"""Upgrade of a database to the current schema: roles and logins as the superuser, tables as their
owner."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

ROLES = ("app", "gate", "relay", "door", "auditor")
WORK = ("app", "gate", "relay", "door", "auditor")
PAGES = ("app", "door")
PAGE_SECONDS = 30
"""Maximum seconds of a statement of a web process."""


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def prepare(superuser_url: str, database: str, *, passwords: dict[str, str]) -> None:
    """Create the roles, the logins `greenroom_owner`, `greenroom_work` and `greenroom_pages`, and
    the database. Safe to repeat.

    `passwords` contains one per login: owner, work, pages. None is a superuser. The logins of web
    processes and workers inherit no privileges, so outside a scope every query is refused.
    """
    engine = create_engine(superuser_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        have = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
        for role in ROLES:
            if role not in have:
                connection.exec_driver_sql(f"CREATE ROLE {role} NOLOGIN")
        for login, password in passwords.items():
            name = f"greenroom_{login}"
            verb = "ALTER" if name in have else "CREATE"
            connection.exec_driver_sql(
                f"{verb} ROLE {name} LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS PASSWORD "
                f"{_literal(password)}"
            )
        for login, roles in (("work", WORK), ("pages", PAGES)):
            connection.exec_driver_sql(f"GRANT {', '.join(roles)} TO greenroom_{login}")
        # No visitor waits longer for a page. A generic plan from the time when tables were empty
        # once took eight minutes for a thousand posts; planning each time costs about 3 ms per
        # page.
        connection.exec_driver_sql(
            f"ALTER ROLE greenroom_pages SET statement_timeout = '{PAGE_SECONDS}s'"
        )
        connection.exec_driver_sql(
            "ALTER ROLE greenroom_pages SET plan_cache_mode = 'force_custom_plan'"
        )
        if not connection.execute(
            text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": database}
        ).scalar():
            connection.exec_driver_sql(f"CREATE DATABASE {database} OWNER greenroom_owner")
    engine.dispose()
    inside = create_engine(
        make_url(superuser_url).set(database=database), isolation_level="AUTOCOMMIT"
    )
    with inside.connect() as connection:
        connection.exec_driver_sql("GRANT USAGE, CREATE ON SCHEMA public TO greenroom_owner")
        for role in ROLES:
            connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {role}")
    inside.dispose()


def upgrade(owner_url: str, *, environment: str) -> None:
    """Run the missing migrations and store the environment in the database, where the clock reads
    it."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = owner_url
    command.upgrade(config, "head")
    engine = create_engine(owner_url)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE house_clock SET environment = :environment"), {"environment": environment}
        )
    engine.dispose()
