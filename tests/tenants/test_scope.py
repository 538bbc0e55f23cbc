"""Database scopes: one tenant, role and transaction. PostgreSQL refuses queries outside a scope."""

from datetime import UTC
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from foundation.db.database import Database, DatabaseRole, OpenScope
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from tenants import audit
from tenants.agencies import agencies, queries
from tenants.notices import notices
from tenants.notices.queries import list_open_notices
from tenants.scope import list_tenant_ids, scope_opener
from tests.tenants.builders import Agency, create_small_agency

TABLES = (
    "agencies",
    "creators",
    "members",
    "principals",
    "login_links",
    "login_sessions",
    "vault_keys",
    "notices",
)
GATE_TABLES = (
    "assets",
    "renditions",
    "content_ratings",
    "decisions",
    "persons",
    "depictions",
    "permits",
)
PROPOSED = ("persons",)
"""Tables into which members may insert rows; only the gate changes them afterwards."""


@pytest.mark.parametrize("login", ["work", "pages"])
def test_query_outside_a_scope_is_refused(database: Database, pages: Database, login: str) -> None:
    """An error rather than an empty result: a page that forgot its scope must fail, not show
    nothing."""
    engine = (database if login == "work" else pages).engine
    for table in (*TABLES, "audit_entries", "outbox"):
        with (
            engine.connect() as connection,
            pytest.raises(ProgrammingError, match="permission denied"),
        ):
            connection.execute(text(f"SELECT * FROM {table}"))


def test_role_and_tenant_end_with_the_transaction(database: Database, lumiere: Agency) -> None:
    """A pooled connection that kept its tenant would expose it to the next scope."""
    lone = Database(database._url, pool_size=1)
    with lone.scope(lumiere.tenant_id, "system:test") as scope:
        assert queries.list_creators(scope)
    with lone.engine.connect() as connection:
        role, tenant = connection.execute(
            text("SELECT current_user, current_setting('app.tenant', true)")
        ).one()
        assert (role, tenant) == ("greenroom_work", "")
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text("SELECT * FROM creators"))
    with lone.scope(uuid7(), "system:test") as scope:
        assert queries.list_creators(scope) == []
    lone.close()


def test_scope_without_a_tenant_sees_nothing(database: Database, lumiere: Agency) -> None:
    with database.engine.connect() as connection:
        connection.execute(text("SELECT set_config('role', 'app', true)"))
        assert connection.execute(text("SELECT count(*) FROM creators")).scalar() == 0


def test_exception_rolls_back_transaction(lumiere: Agency) -> None:
    def half_done() -> None:
        with lumiere.scope() as scope:
            agencies.add_creator(
                scope, slug="nova", name="Nova", kind="virtual", zone="UTC", languages=["fr"]
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    with lumiere.scope() as scope:
        assert [creator.slug for creator in queries.list_creators(scope)] == ["mia"]


def test_scope_clock_is_database_clock_with_time_zone(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        told = scope.run("SELECT house_now()").scalar()
        assert scope.now.utcoffset() is not None
        assert 0 <= (told - scope.now.astimezone(UTC)).total_seconds() < 5


@pytest.mark.parametrize("table", GATE_TABLES)
def test_business_role_cannot_write_gate_tables(lumiere: Agency, table: str) -> None:
    acts = [f"DELETE FROM {table}", f"UPDATE {table} SET tenant_id = tenant_id"]
    acts += [f"INSERT INTO {table} DEFAULT VALUES"] if table not in PROPOSED else []
    for statement in acts:
        with pytest.raises(ProgrammingError, match="permission denied"), lumiere.scope() as scope:
            scope.run(statement)


@pytest.mark.parametrize(
    "role",
    ["gate", "relay", "greenroom_owner", "postgres", "pg_read_all_data", "pg_write_all_data"],
)
def test_web_login_cannot_assume_other_roles(
    pages: Database, lumiere: Agency, role: DatabaseRole
) -> None:
    """The dashboard and the public pages are exposed to the internet: a vulnerability there must
    not give access to permits or to the outbox of other tenants."""
    with (
        pytest.raises(DBAPIError, match="permission denied to set role"),
        pages.scope(lumiere.tenant_id, "x", role=role),
    ):
        pass
    with (
        pytest.raises(DBAPIError, match="permission denied to set role"),
        pages.scope(lumiere.tenant_id, "x") as scope,
        scope.acting_as(role),
    ):
        pass


def test_no_login_is_superuser_or_bypasses_row_security(
    database: Database, pages: Database
) -> None:
    for login in (database, pages):
        with login.engine.connect() as connection:
            row = connection.execute(
                text(
                    "SELECT rolsuper, rolbypassrls, rolinherit, rolcreaterole FROM pg_roles"
                    " WHERE rolname = current_user"
                )
            ).one()
            assert not any(row)


def test_no_transaction_role_bypasses_row_security(database: Database) -> None:
    with database.engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT rolname FROM pg_roles WHERE rolname IN ('app', 'gate', 'relay', 'door', "
                "'auditor')"
                " AND (rolsuper OR rolbypassrls OR rolcanlogin)"
            )
        ).all()
    assert found == []


def test_web_role_reads_tenant_list_but_cannot_write_it(
    pages: Database, tenant: OpenScope, lumiere: Agency
) -> None:
    assert lumiere.tenant_id in list_tenant_ids(scope_opener(pages))
    for statement in ("UPDATE agencies SET name = 'mine'", "DELETE FROM agencies"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            pages.scope(INSTALLATION_ID, "x", role="door") as scope,
        ):
            scope.run(statement)


@pytest.mark.parametrize(
    "table", ["creators", "members", "principals", "vault_keys", "notices", "audit_entries"]
)
def test_web_role_cannot_read_business_tables(pages: Database, lumiere: Agency, table: str) -> None:
    for owner in (INSTALLATION_ID, lumiere.tenant_id):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            pages.scope(owner, "x", role="door") as scope,
        ):
            scope.run(f"SELECT * FROM {table}")


def test_web_role_cannot_reassign_links_or_sessions(pages: Database, lumiere: Agency) -> None:
    for statement in (
        "UPDATE login_links SET digest = 'x'",
        "UPDATE login_sessions SET member_id = member_id",
    ):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            pages.scope(INSTALLATION_ID, "x", role="door") as scope,
        ):
            scope.run(statement)


def test_rows_of_another_tenant_are_invisible(tenant: OpenScope, lumiere: Agency) -> None:
    other = create_small_agency(tenant, name="Boréal")
    with other.scope() as scope:
        for table in (*TABLES, "audit_entries"):
            owners = set(scope.run(f"SELECT tenant_id FROM {table}").scalars())
            assert owners <= {other.tenant_id}, table
        assert (
            scope.run(
                "UPDATE creators SET name = 'mine' WHERE id = :id", id=lumiere.creator_id
            ).rowcount
            == 0
        )
        assert scope.run("DELETE FROM creators WHERE id = :id", id=lumiere.creator_id).rowcount == 0


def test_rows_cannot_be_written_into_another_tenant(tenant: OpenScope, lumiere: Agency) -> None:
    other = create_small_agency(tenant, name="Boréal")
    with pytest.raises(ProgrammingError, match="row-level security"), other.scope() as scope:
        scope.run(
            "INSERT INTO notices (tenant_id, id, cause, urgent) VALUES (:theirs, :id, 'x', false)",
            theirs=lumiere.tenant_id,
            id=uuid7(),
        )
    with (
        pytest.raises(IntegrityError, match="foreign key"),
        other.scope() as scope,
    ):  # reference to a row of another tenant
        scope.run(
            "INSERT INTO login_links (tenant_id, id, member_id, digest, expires_at)"
            " VALUES (:mine, :id, :theirs, 'x', house_now())",
            mine=other.tenant_id,
            id=uuid7(),
            theirs=lumiere.owner,
        )
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        other.scope() as scope,
    ):  # move of a row to another tenant
        scope.run("UPDATE creators SET tenant_id = :theirs", theirs=lumiere.tenant_id)


def test_audit_entries_cannot_be_changed_or_deleted(lumiere: Agency) -> None:
    with lumiere.scope("member:lea") as scope:
        audit.record(scope, "persona.activated", f"creator:{lumiere.creator_id}", version=3)
    for statement in ("UPDATE audit_entries SET act = 'nothing'", "DELETE FROM audit_entries"):
        with pytest.raises(ProgrammingError, match="permission denied"), lumiere.scope() as scope:
            scope.run(statement)
    with lumiere.scope(role="auditor") as scope:
        (row,) = scope.run("SELECT actor, act, about, details FROM audit_entries").all()
    assert row == (
        "member:lea",
        "persona.activated",
        f"creator:{lumiere.creator_id}",
        {"version": 3},
    )


def test_auditor_cannot_write(lumiere: Agency) -> None:
    for statement in (
        "DELETE FROM notices",
        "UPDATE creators SET name = 'x'",
        "INSERT INTO audit_entries DEFAULT VALUES",
    ):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            lumiere.scope(role="auditor") as scope,
        ):
            scope.run(statement)


def test_database_errors_contain_no_values(lumiere: Agency) -> None:
    """Logs and error pages show the errors of failed statements."""
    with pytest.raises(DBAPIError) as failed, lumiere.scope() as scope:
        scope.run("SELECT CAST(:secret AS integer) / 0, :canary", secret=0, canary="canary-1f9a")
    assert "canary-1f9a" not in str(failed.value)


def test_scope_tenant_must_be_uuid(tenant: OpenScope) -> None:
    # invalid on purpose
    with pytest.raises(DBAPIError), tenant("' OR true --", "x") as scope:  # type: ignore[arg-type]  # see above
        queries.list_creators(scope)


def test_tenant_cannot_close_notice_of_another(tenant: OpenScope, lumiere: Agency) -> None:
    other = create_small_agency(tenant, name="Boréal")
    for mine in (lumiere, other):
        with mine.scope() as scope:
            assert notices.put(scope, Message("gate.CONSENT_MISSING"), cause="the same cause")
    with other.scope() as scope:
        notices.close(scope, "the same cause")
    with lumiere.scope() as scope:
        assert len(list_open_notices(scope)) == 1


def test_opener_opens_scopes(database: Database, tenant_id: UUID) -> None:
    with scope_opener(database)(tenant_id, "system:test") as scope:
        assert (scope.tenant_id, scope.actor) == (tenant_id, "system:test")
