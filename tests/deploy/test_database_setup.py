"""The migrate step of containers: roles, logins and tables on an external PostgreSQL, repeatable."""

import ast
import importlib
import re
from collections.abc import Iterator
from datetime import UTC
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

from foundation.errors import BadInput, Unavailable
from foundation.money import Money
from foundation.ops.settings import DatabaseSettings, Settings
from migrations import upgrading
from subscribers.ledger import month_close
from subscribers.ledger.entries import StatementLineView
from tests.architecture import tree
from tests.conftest import Cluster, free_port
from workers.installation import database_setup

mailboxes = importlib.import_module("migrations.versions.0179_mailboxes")

NAME = "elsewhere"


def settings(cluster: Cluster, home: Path, **more: str) -> Settings:
    """Return the settings of the migrate step in docker-compose.yml, for an external server."""
    urls = {
        f"{login}_url": cluster.url(f"greenroom_{login}", NAME)
        for login in ("owner", "work", "pages")
    }
    urls |= {"superuser_url": cluster.url("postgres", "postgres")} | more
    database = DatabaseSettings(**{name: SecretStr(url) for name, url in urls.items()})
    return Settings(home=home, environment="test", database=database)


def run_as_superuser(cluster: Cluster, *statements: str) -> None:
    engine = create_engine(cluster.url("postgres", "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def elsewhere(cluster: Cluster) -> Iterator[Cluster]:
    yield cluster
    run_as_superuser(cluster, f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


@pytest.fixture(scope="module")
def template(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Migrate a database once for the tests that start from a migrated one."""
    name = f"{NAME}_migrated"
    database_setup.migrate_database(settings(cluster, tmp_path_factory.mktemp("home")))
    run_as_superuser(cluster, f"ALTER DATABASE {NAME} RENAME TO {name}")
    yield name
    run_as_superuser(cluster, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def migrated(template: str, elsewhere: Cluster) -> Cluster:
    run_as_superuser(elsewhere, f"CREATE DATABASE {NAME} TEMPLATE {template} OWNER greenroom_owner")
    return elsewhere


def asked(url: str, question: str) -> object:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return connection.execute(text(question)).scalar_one()
    finally:
        engine.dispose()


def test_migration_of_an_empty_server_is_repeatable(elsewhere: Cluster, tmp_path: Path) -> None:
    house = settings(elsewhere, tmp_path)
    database_setup.migrate_database(house)
    database_setup.migrate_database(house)
    work = elsewhere.url("greenroom_work", NAME)
    assert (
        asked(work, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        is False
    )
    assert (
        asked(elsewhere.url("greenroom_owner", NAME), "SELECT environment FROM house_clock")
        == "test"
    )
    scoped = (
        "SELECT count(*) FROM (SELECT set_config('role', 'app', true), set_config('app.tenant', "
        "'', true)) s"
    )
    assert asked(elsewhere.url("greenroom_pages", NAME), scoped) == 1


def test_migration_without_superuser_uses_existing_roles(migrated: Cluster, tmp_path: Path) -> None:
    database_setup.migrate_database(settings(migrated, tmp_path, superuser_url=""))
    assert (
        asked(migrated.url("greenroom_owner", NAME), "SELECT environment FROM house_clock")
        == "test"
    )


_REQUESTS = """
SET LOCAL session_replication_role = replica;
INSERT INTO members (tenant_id, id, principal_id, name, email, role, language, zone, creators,
active)
  VALUES (:t, :m, :p, 'Mo', 'mo@example.test', 'owner', 'en', 'UTC', '[]', true);
INSERT INTO complaints (tenant_id, id, creator_id, receipt, category, named, source, state,
digests, reason) VALUES
  (:t, :a, :t, 'R1', 'shown', 'n', 's', 'upheld', '["x", "y"]', NULL),
  (:t, :b, :t, 'R2', 'shown', 'n', 's', 'rejected', '["x"]', '{"code": \
"complaint.because.agreed", "params": {}}'),
  (:t, :c, :t, 'R3', 'shown', 'n', 's', 'received', '["z"]', NULL);
INSERT INTO audit_entries (tenant_id, id, actor, act, about, details)
  SELECT m.tenant_id, m.id, 'member:' || m.id, 'complaint.upheld', 'complaint:' || c.id, '{}'
  FROM members m, complaints c WHERE c.state = 'upheld';
INSERT INTO blocklist (tenant_id, id, sha256, category) VALUES (:t, :a, 'x', 'shown'), (:t, :b,
'z', 'shown')
"""


def just_before(cluster: Cluster, revision: str) -> None:
    """Downgrade the tables to the revision before a migration."""
    config = Config()
    config.set_main_option("script_location", str(Path(upgrading.__file__).parent))
    config.attributes["url"] = cluster.url("greenroom_owner", NAME)
    before = ScriptDirectory.from_config(config).get_revision(revision).down_revision
    command.downgrade(config, str(before))


_WAITING = """
INSERT INTO outbox (tenant_id, id, kind, version, subject_id, args, queue, holds_lane, priority,
available_at, state,
  tries, trace_id)
SELECT :t, gen_random_uuid(), kind, 1, :t, '{}', queue, false, 5, house_now(), state, 0, 't'
FROM (VALUES ('takedown.opened', 'urgent', 'waiting'), ('delivery.published', 'publish', 'leased'),
  ('order.paid', 'chat', 'dead'), ('readings.plan', 'make', 'waiting'), ('delivery.publish',
  'publish', 'waiting'))
  AS r(kind, queue, state)
"""


def test_pending_facts_are_queued_for_delivery_by_the_upgrade(
    migrated: Cluster, tmp_path: Path
) -> None:
    house = settings(migrated, tmp_path)
    just_before(migrated, "0048")
    superuser = create_engine(migrated.url("postgres", NAME))
    with superuser.begin() as connection:
        connection.execute(text(_WAITING), {"t": "0198c0de-0000-7000-8000-000000000001"})
    database_setup.migrate_database(house)
    with superuser.connect() as connection:
        said = "SELECT kind, queue, count(*) FROM outbox GROUP BY kind, queue ORDER BY kind"
        assert connection.execute(text(said)).all() == [
            ("delivery.publish", "publish", 1),
            ("delivery.published", "facts", 1),
            ("order.paid", "chat", 1),
            ("readings.read", "make", 3),
            ("takedown.opened", "facts", 1),
        ]
        ages = (
            "SELECT args ->> 'age_hours', available_at - min(available_at) OVER () FROM outbox "
            "WHERE queue = 'make'"
        )
        assert sorted(int(age) for age, _ in connection.execute(text(ages))) == [1, 24, 168]
        forced = "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'outbox'"
        assert connection.execute(text(forced)).scalar_one()
    superuser.dispose()


def test_earlier_decisions_become_rulings_with_their_blocks(
    migrated: Cluster, tmp_path: Path
) -> None:
    house = settings(migrated, tmp_path)
    just_before(migrated, "0033")
    ids = {name: f"0198c0de-0000-7000-8000-00000000000{name}" for name in "abc"}
    ids |= {name: ids["a"][:-1] + digit for name, digit in (("t", "1"), ("m", "2"), ("p", "3"))}
    superuser = create_engine(migrated.url("postgres", NAME))
    with superuser.begin() as connection:
        for statement in _REQUESTS.split(";"):
            named = {one: ids[one] for one in ids if re.search(rf":{one}\b", statement)}
            connection.execute(text(statement), named)
    database_setup.migrate_database(house)
    with superuser.connect() as connection:
        said = (
            "SELECT complaint_id::text, outcome, principal_id::text, reason ->> 'code' FROM "
            "rulings ORDER BY 1"
        )
        assert connection.execute(text(said)).all() == [
            (ids["a"], "upheld", ids["p"], None),
            (ids["b"], "rejected", None, "complaint.because.agreed"),
        ]
        blocked = connection.execute(
            text("SELECT sha256, complaint_id::text FROM blocklist ORDER BY 1")
        ).all()
        assert blocked == [("x", ids["a"]), ("z", None)]
        forced = (
            "SELECT bool_and(relforcerowsecurity) FROM pg_class WHERE relname IN ('complaints', "
            "'members', 'blocklist')"
        )
        assert connection.execute(text(forced)).scalar_one()
    superuser.dispose()
    owner = create_engine(migrated.url("greenroom_owner", NAME))
    with owner.begin() as connection:  # removing an agency also deletes its blocklist
        connection.execute(text("SELECT set_config('app.tenant', :t, true)"), {"t": ids["t"]})
        assert connection.execute(text("DELETE FROM blocklist")).rowcount == 2
    owner.dispose()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (
            {"work_url": "postgresql+psycopg://somebody:x@127.0.0.1/elsewhere"},
            "stack.login_unnamed",
        ),
        (
            {"work_url": "postgresql+psycopg://greenroom_work@127.0.0.1/elsewhere"},
            "stack.login_unnamed",
        ),
        (
            {"work_url": "postgresql+psycopg://greenroom_work:x@127.0.0.1/other"},
            "stack.database_unnamed",
        ),
        ({"work_url": ""}, "stack.database_incomplete"),
    ],
)
def test_addresses_without_login_or_database_are_refused(
    cluster: Cluster, tmp_path: Path, changed: dict[str, str], code: str
) -> None:
    with pytest.raises(BadInput) as raised:
        database_setup.migrate_database(settings(cluster, tmp_path, **changed))
    assert raised.value.message.code == code


def test_unreachable_server_is_reported_without_its_password(
    cluster: Cluster, tmp_path: Path
) -> None:
    away = f"postgresql+psycopg://postgres:canary@127.0.0.1:{free_port()}/postgres"
    with pytest.raises(Unavailable) as raised:
        database_setup.migrate_database(settings(cluster, tmp_path, superuser_url=away))
    assert raised.value.message.code == "stack.database_unreachable"
    assert "canary" not in str(raised.value)


def test_wrong_superuser_password_fails(cluster: Cluster, tmp_path: Path) -> None:
    wrong = cluster.url("postgres", "postgres").replace("test-only", "wrong")
    with pytest.raises((Unavailable, OperationalError)):
        database_setup.migrate_database(settings(cluster, tmp_path, superuser_url=wrong))


_PASTED = """
SET LOCAL session_replication_role = replica;
INSERT INTO channels (tenant_id, id, creator_id, platform, surface, chat_surface, account,
base_url, name, state,
    min_gap_seconds, zone, options)
  SELECT :t, gen_random_uuid(), :t, platform, '', '', platform, '', platform, 'active', 0, 'UTC',
  '{}'
  FROM unnest(ARRAY['instagram', 'threads', 'telegram']) platform;
INSERT INTO tokens (tenant_id, id, channel_id, box, generation, refresh_state, since)
  SELECT tenant_id, id, id, convert_to(platform, 'utf8'), 1, 'idle', house_now() - interval '20 \
days' FROM channels
"""


def test_earlier_pasted_tokens_are_renewed_after_the_upgrade(
    migrated: Cluster, tmp_path: Path
) -> None:
    house = settings(migrated, tmp_path)
    just_before(migrated, "0072")
    superuser = create_engine(migrated.url("postgres", NAME))
    with superuser.begin() as connection:
        for statement in _PASTED.split(";"):
            named = {"t": "0198c0de-0000-7000-8000-000000000001"} if ":t" in statement else {}
            connection.execute(text(statement), named)
    database_setup.migrate_database(house)
    with superuser.connect() as connection:
        said = (
            "SELECT platform, refresh_box = box, expires_at > house_now() + interval '2 days'"
            " FROM tokens t JOIN channels c ON c.id = t.channel_id ORDER BY platform"
        )
        ours = [("instagram", True, True), ("telegram", None, None), ("threads", True, True)]
        assert connection.execute(text(said)).all() == ours
        forced = (
            "SELECT bool_and(relforcerowsecurity) FROM pg_class WHERE relname IN ('tokens', "
            "'channels')"
        )
        assert connection.execute(text(forced)).scalar_one()
    superuser.dispose()


_BOOKED = """
SET LOCAL session_replication_role = replica;
INSERT INTO creators (tenant_id, id, slug, name, kind, zone, languages, rating_ceiling,
approval_tiers) VALUES (:t, :t, 'mia', 'Mia', 'human', 'Asia/Seoul', '[]', 'G', 1);
INSERT INTO ledger_transactions (tenant_id, id, creator_id, kind, source_kind, source_key,
occurred_at) VALUES (:t, :a, :t, 'sale', 'payment', 'k', '2026-09-30T15:30:00Z'),
  (:t, :b, :t, 'split', 'split', 'k', '2026-09-30T15:30:00Z');
INSERT INTO ledger_entries (tenant_id, id, creator_id, transaction_id, account, currency,
amount_minor)
  SELECT :t, gen_random_uuid(), :t, CAST(one AS uuid), account, code, amount FROM (VALUES
  (:a, 'rail:x', 'KRW', 100100), (:a, 'sales', 'KRW', -100100), (:a, 'rail:x', 'OMR', 125),
  (:a, 'sales', 'OMR', -125), (:a, 'rail:x', 'EUR', 999), (:a, 'sales', 'EUR', -999),
  (:b, 'allocated', 'KRW', 100100), (:b, 'agency_due', 'KRW', -40045),
  (:b, 'creator_due', 'KRW', -60055)) AS r(one, account, code, amount)
"""


_CLOSED = """
INSERT INTO month_closes (tenant_id, id, creator_id, month, digest, by)
  VALUES (:t, :t, :t, '2026-10-01', :digest, 'member:x')
"""
_LINES = """
SELECT t.occurred_at, t.kind, t.source_kind, t.source_key, e.account, e.amount_minor, e.currency
FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
"""


def digest_entries(connection: Connection) -> str:
    """Return the digest of the month's lines as closing the month computes it."""
    rows = connection.execute(text(_LINES)).all()
    return month_close.digest_lines(
        [
            StatementLineView(row[0].astimezone(UTC), *row[1:5], Money(row[5], row[6]))
            for row in rows
        ]
    )


@pytest.mark.heavy
def test_earlier_amounts_are_converted_to_minor_units(migrated: Cluster, tmp_path: Path) -> None:
    house = settings(migrated, tmp_path)
    just_before(migrated, "0125")
    ids = {name: f"0198c0de-0000-7000-8000-00000000000{name}" for name in "abc"}
    ids["t"] = ids["a"][:-1] + "1"
    superuser = create_engine(migrated.url("postgres", NAME))
    with superuser.begin() as connection:
        for statement in _BOOKED.split(";"):
            named = {one: ids[one] for one in ids if re.search(rf":{one}\b", statement)}
            connection.execute(text(statement), named)
        connection.execute(text(_CLOSED), {"t": ids["t"], "digest": digest_entries(connection)})
    database_setup.migrate_database(house)
    with superuser.connect() as connection:
        said = "SELECT account, currency, amount_minor FROM ledger_entries ORDER BY 2, 1, 3"
        assert {tuple(row) for row in connection.execute(text(said))} == {
            ("rail:x", "EUR", 999),
            ("sales", "EUR", -999),
            ("rail:x", "KRW", 1001),
            ("sales", "KRW", -1001),
            ("allocated", "KRW", 1001),
            ("agency_due", "KRW", -400),
            ("creator_due", "KRW", -601),
            ("rail:x", "OMR", 1250),
            ("sales", "OMR", -1250),
        }
        digest = connection.execute(text("SELECT digest FROM month_closes")).scalar_one()
        assert digest == digest_entries(connection), (
            "the digest of the closed month matches its lines"
        )
    superuser.dispose()


_SHARED = """
INSERT INTO channels (tenant_id, id, creator_id, platform, surface, chat_surface, account,
base_url, name, state,
    min_gap_seconds, zone, options, last_ok_at)
  SELECT t, gen_random_uuid(), t, platform, '', '', 'lea', '', platform, state, 0, 'UTC', '{}',
  house_now() - make_interval(days => used)
  FROM (VALUES (CAST(:first AS uuid), 'active', 2), (CAST(:second AS uuid), 'paused', 1),
    (CAST(:third AS uuid), 'gone', 0)) AS agency(t, state, used)
  CROSS JOIN unnest(ARRAY['telegram', 'byhand']) platform
"""


@pytest.mark.heavy
def test_shared_account_remains_with_the_last_agency_that_used_it(
    migrated: Cluster, tmp_path: Path
) -> None:
    house = settings(migrated, tmp_path)
    just_before(migrated, "0129")
    agencies = {
        name: f"0198c0de-0000-7000-8000-00000000000{number}"
        for number, name in enumerate(("first", "second", "third"))
    }
    superuser = create_engine(migrated.url("postgres", NAME))
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(_SHARED), agencies)
    database_setup.migrate_database(house)
    with superuser.connect() as connection:
        said = (
            "SELECT platform, state, reason ->> 'code' FROM channels ORDER BY platform, tenant_id"
        )
        assert connection.execute(text(said)).all() == [
            ("byhand", "active", None),
            ("byhand", "paused", None),
            ("byhand", "gone", None),
            ("telegram", "reauthorize", "channel.other_agency"),
            ("telegram", "paused", None),
            ("telegram", "gone", None),
        ]
        forced = "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'channels'"
        assert connection.execute(text(forced)).scalar_one()
    superuser.dispose()


TENANT, NEIGHBOUR = (f"0198c0de-0000-7000-8000-0000000000a{digit}" for digit in "12")
OLDEST, SECOND, OTHER = (f"0198c0de-0000-7000-8000-0000000000b{digit}" for digit in "123")
"""Principals: the oldest login of a mailbox, a second one of it, and another member."""

LOGINS = (
    (OLDEST, "ann.bell@gmail.com"),
    (SECOND, "annbell+desk@googlemail.com"),
    (SECOND, "AnnBell@gmail.com"),
    (OTHER, "rob@example.test"),
)
"""Principals and addresses of the members, oldest first."""

FITTING = {
    "attestations": {"state": "active", "until": "2026-01-01", "by": OTHER, "second": OLDEST},
    "depiction_answers": {"answer": "unsure"},
    "face_subjects": {"basis": "barred", "said_by": "", "why": "asked us"},
    "human_reviews": {"about": "unit", "verdict": "approve"},
    "own_terms": {"kind": "minor"},
    "place_limits": {"rating": "G", "verdict": "H"},
}
"""Values that check constraints require."""

SAMPLES = {
    "uuid": "gen_random_uuid()",
    "text": "gen_random_uuid()::text",
    "character varying": "gen_random_uuid()::text",
    "jsonb": "'[]'",
    "boolean": "false",
    "integer": "1",
    "bigint": "1",
    "date": "'2026-01-01'",
    "timestamp with time zone": "'2026-01-01T00:00:00Z'",
}


def add_row(connection: Connection, table: str, **values: object) -> None:
    """Insert a row of the tenant with these values and a generated one for each other column that
    needs one."""
    needed = connection.execute(
        text(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :t"
            " AND is_nullable = 'NO' AND column_default IS NULL"
        ),
        {"t": table},
    )
    values = {"tenant_id": TENANT, **FITTING.get(table, {}), **values}
    generated = {
        row.column_name: SAMPLES[row.data_type] for row in needed if row.column_name not in values
    }
    names = ", ".join(f'"{name}"' for name in (*values, *generated))
    places = ", ".join((*(f":{name}" for name in values), *generated.values()))
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)


def principal_columns() -> set[tuple[str, str]]:
    """Return the table and column of every field that holds a principal, by its name, its foreign
    key or the docstring below it."""
    found = {
        (table.name, column.name)
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        if "principal" in column.name
        or any(
            key.column.table.name == "principals" and key.column.name == "id"
            for key in column.foreign_keys
        )
    }
    for source in tree.product():
        for model in source.nodes(ast.ClassDef):
            if any(keyword.arg == "table" for keyword in model.keywords):
                found |= described_principals(model)
    return found


def described_principals(model: ast.ClassDef) -> set[tuple[str, str]]:
    table = next(
        ast.literal_eval(item.value)
        for item in model.body
        if isinstance(item, ast.Assign) and ast.unparse(item.targets[0]) == "__tablename__"
    )
    return {
        (table, ast.unparse(field.target))
        for field, text_below in pairwise(model.body)
        if isinstance(field, ast.AnnAssign)
        and ast.unparse(field.annotation).startswith("UUID")
        and isinstance(text_below, ast.Expr)
        and "principal" in ast.unparse(text_below).lower()
    }


def existing_columns(connection: Connection) -> set[tuple[str, str]]:
    rows = connection.execute(
        text("SELECT table_name, column_name FROM information_schema.columns")
    )
    return {(row.table_name, row.column_name) for row in rows}


MOVED = [(table, name) for table, names in mailboxes.PRINCIPALS.items() for name in names]


@pytest.fixture
def before_mailboxes(migrated: Cluster) -> Iterator[Engine]:
    """Return the superuser's engine for a database in which three logins have one mailbox."""
    just_before(migrated, "0179")
    superuser = create_engine(migrated.url("postgres", NAME))
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for tenant in (TENANT, NEIGHBOUR):
            for day, (principal, email) in enumerate(LOGINS, start=1):
                about = {"principal_id": principal, "email": email}
                about["created_at"] = f"2026-01-0{day}"
                add_row(connection, "members", tenant_id=tenant, **about)
            for principal in {principal for principal, _ in LOGINS}:
                add_row(connection, "principals", tenant_id=tenant, id=principal)
    yield superuser
    superuser.dispose()


def test_every_column_with_a_principal_is_attributed_to_the_mailbox(
    before_mailboxes: Engine, migrated: Cluster, tmp_path: Path
) -> None:
    with before_mailboxes.begin() as connection:
        expected = principal_columns() & existing_columns(connection)
        assert expected <= set(MOVED)
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table, name in MOVED:
            if table != "members":
                add_row(connection, table, **{name: SECOND})
        for table in mailboxes.ONCE:
            connection.execute(
                text(
                    f"INSERT INTO {table} SELECT (t).* FROM (SELECT jsonb_populate_record(t,"
                    f" jsonb_build_object('id', gen_random_uuid(), 'principal_id', '{OLDEST}'))"
                    f" AS t FROM {table} t) copies"
                )
            )
        connection.execute(
            text("UPDATE invented_looks SET resembles = true WHERE principal_id = :p"),
            {"p": SECOND},
        )
    database_setup.migrate_database(settings(migrated, tmp_path))
    with before_mailboxes.connect() as connection:
        for table, name in MOVED:
            rows = connection.execute(
                text(
                    f'SELECT CAST("{name}" AS text) FROM {table} WHERE tenant_id = :tenant'
                    f' AND "{name}" IS NOT NULL'
                ),
                {"tenant": TENANT},
            ).scalars()
            assert set(rows) & {OLDEST, SECOND} == {OLDEST}, (table, name)
        for table in mailboxes.ONCE:
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 1
        assert connection.execute(text("SELECT resembles FROM invented_looks")).scalar_one()
        logins = connection.execute(
            text(
                "SELECT tenant_id::text, count(*), count(DISTINCT principal_id),"
                " count(DISTINCT mailbox) FROM members GROUP BY 1 ORDER BY 1"
            )
        ).all()
        assert logins == [(TENANT, 4, 2, 2), (NEIGHBOUR, 4, 2, 2)]
        assert is_protected(connection)


def is_protected(connection: Connection) -> bool:
    """Return True if row-level security is forced on every table that was changed, and every
    trigger is enabled."""
    return bool(
        connection.execute(
            text(
                "SELECT (SELECT bool_and(relforcerowsecurity) FROM pg_class WHERE relname ="
                " ANY(:tables)) AND (SELECT bool_and(tgenabled = 'O') FROM pg_trigger)"
            ),
            {"tables": sorted(mailboxes.PRINCIPALS)},
        ).scalar_one()
    )


@pytest.mark.parametrize(
    "case",
    [
        (SECOND, [(OLDEST, 1)], set()),
        (OLDEST, [(OTHER, 1), (SECOND, 2)], {(OTHER, 1)}),
        (OTHER, [(OLDEST, 1), (SECOND, 2)], {(OLDEST, 1)}),
        (OTHER, [(SECOND, 1)], {(OLDEST, 1)}),
        (OLDEST, [(OTHER, 2)], {(OTHER, 2)}),
    ],
    ids=["own post", "own post, second", "both", "second login alone", "another member"],
)
def test_approvals_between_logins_of_one_mailbox_are_void(
    before_mailboxes: Engine,
    migrated: Cluster,
    tmp_path: Path,
    case: tuple[str, list[tuple[str, int]], set[tuple[str, int]]],
) -> None:
    author, approvals, left = case
    with before_mailboxes.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        post_id, creator_id = str(uuid4()), str(uuid4())
        add_row(connection, "creators", id=creator_id)
        add_row(connection, "posts", id=post_id, digest="d", author_principal=author)
        for principal, tier in approvals:
            about = {"post_id": post_id, "creator_id": creator_id, "digest": "d", "verdict": "yes"}
            add_row(connection, "approvals", principal_id=principal, tier=tier, **about)
    database_setup.migrate_database(settings(migrated, tmp_path))
    with before_mailboxes.connect() as connection:
        last = connection.execute(
            text(
                "SELECT DISTINCT ON (principal_id, tier) CAST(principal_id AS text), tier, verdict"
                " FROM approvals ORDER BY principal_id, tier, created_at DESC, id DESC"
            )
        ).all()
    assert {(row.principal_id, row.tier) for row in last if row.verdict == "yes"} == left


def test_verification_of_a_rule_by_two_logins_of_one_mailbox_ends(
    before_mailboxes: Engine, migrated: Cluster, tmp_path: Path
) -> None:
    with before_mailboxes.begin() as connection:
        for row, second in (("own", SECOND), ("other", OTHER)):
            add_row(connection, "attestations", by=OLDEST, second=second, row=row)
    database_setup.migrate_database(settings(migrated, tmp_path))
    with before_mailboxes.connect() as connection:
        states = connection.execute(text('SELECT "row", state FROM attestations')).all()
    assert dict(map(tuple, states)) == {"own": "ended", "other": "active"}
