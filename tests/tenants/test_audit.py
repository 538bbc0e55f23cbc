"""The audit log: changes of members are recorded with their values, whatever function makes them."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from tenants import audit
from tenants.agencies import agencies
from tenants.audit import AuditFilter, AuditRecord

ANN = f"member:{uuid7()}"


@pytest.fixture
def creator(tenant: OpenScope, tenant_id: UUID) -> UUID:
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Lumière", language="fr", zone="Europe/Paris")
        return agencies.add_creator(
            scope, slug="nova", name="Nova", kind="virtual", zone="UTC", languages=["fr"]
        )


def rename(scope: Scope, creator: UUID, name: str) -> None:
    scope.run(
        "UPDATE creators SET name = :name, updated_at = house_now() WHERE tenant_id = :t"
        " AND id = :id",
        name=name,
        t=scope.tenant_id,
        id=creator,
    )


def listed(tenant: OpenScope, tenant_id: UUID, **wanted: object) -> list[AuditRecord]:
    with tenant(tenant_id, "system:test") as scope:
        return audit.list_audit_records(scope, AuditFilter(**wanted))  # type: ignore[arg-type]  # fields of the filter


def test_change_without_an_entry_gets_one_with_values(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    with tenant(tenant_id, ANN) as scope:
        rename(scope, creator, "Vega")
    (one,) = listed(tenant, tenant_id)
    assert (one.actor, one.act, one.about) == (ANN, "changed.update", f"creators:{creator}")
    assert one.creator_id == creator
    (change,) = one.changes
    assert (change.item_kind, change.change, change.others) == ("creators", "update", 0)
    assert (change.before, change.after) == ({"name": "Nova"}, {"name": "Vega"})


def test_changes_belong_to_the_entry_of_their_transaction(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    with tenant(tenant_id, ANN) as scope:
        rename(scope, creator, "Vega")
        audit.record(scope, "creator.renamed", f"creator:{creator}")
        audit.record_press(scope, "split.save", "button:x")
        scope.run("UPDATE agencies SET name = 'Aurore' WHERE tenant_id = :t", t=tenant_id)
    with tenant(tenant_id, ANN) as scope:
        audit.record_press(scope, "split.save", "button:x", {"count": 2})
    pressed, renamed = listed(tenant, tenant_id)
    assert (pressed.act, pressed.changes) == (audit.PRESSED, ())
    assert pressed.details == {"label": "split.save", "params": {"count": 2}}
    assert renamed.act == "creator.renamed"
    assert {one.item_kind for one in renamed.changes} == {"agencies", "creators"}


@pytest.mark.parametrize("actor", ["system:relay", "fan:1", "viewer:member:1"])
def test_processes_and_fans_leave_no_entries(
    tenant: OpenScope, tenant_id: UUID, creator: UUID, actor: str
) -> None:
    with tenant(tenant_id, actor) as scope:
        rename(scope, creator, "Vega")
    assert listed(tenant, tenant_id) == []


@pytest.mark.parametrize(
    "actor", [ANN, f"guest:{uuid7()}", "system:terminal"], ids=["member", "guest", "terminal"]
)
def test_members_guests_and_the_terminal_are_recorded(
    tenant: OpenScope, tenant_id: UUID, creator: UUID, actor: str
) -> None:
    with tenant(tenant_id, actor) as scope:
        rename(scope, creator, "Vega")
    assert [one.actor for one in listed(tenant, tenant_id)] == [actor]


def test_secrets_and_bookkeeping_are_not_stored(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    with tenant(tenant_id, ANN) as scope:
        member = agencies.add_member(
            scope, name="Bo", email="bo@example.test", role="manager", language="fr", zone="UTC"
        )
    with tenant(tenant_id, ANN) as scope:
        scope.run(
            "UPDATE members SET password_hash = 'canary-secret' WHERE tenant_id = :t AND id = :m",
            t=tenant_id,
            m=member,
        )
    with tenant(tenant_id, ANN) as scope:
        scope.run("UPDATE members SET updated_at = house_now() WHERE tenant_id = :t", t=tenant_id)
        stored = str(scope.run("SELECT before, after FROM audit_changes").all())
    assert "canary-secret" not in stored
    assert "bo@example.test" not in stored
    password, added = listed(tenant, tenant_id)
    assert [(one.fields, one.others) for one in password.changes] == [([], 1)]
    assert added.changes[0].after["role"] == "manager"


def test_rolled_back_changes_leave_nothing(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    def rename_and_fail() -> None:
        with tenant(tenant_id, ANN) as scope:
            rename(scope, creator, "Vega")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        rename_and_fail()
    assert listed(tenant, tenant_id) == []


def test_filters_select_by_creator_actor_kind_and_time(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    with tenant(tenant_id, ANN) as scope:
        rename(scope, creator, "Vega")
        now = scope.now
    with tenant(tenant_id, "guest:1") as scope:
        scope.run("UPDATE agencies SET name = 'Aurore' WHERE tenant_id = :t", t=tenant_id)
    with tenant(tenant_id, ANN) as scope:
        audit.record(scope, "post.approved", "post:1")

    def acts(**wanted: object) -> list[str]:
        return [one.act for one in listed(tenant, tenant_id, **wanted)]

    assert len(acts()) == 3
    assert acts(creators=frozenset({creator})) == ["changed.update"]
    assert acts(creators=frozenset()) == []
    assert acts(creator_id=creator) == ["changed.update"]
    assert acts(creator_id=uuid7()) == []
    assert acts(actor="guest:1") == ["changed.update"]
    assert acts(acts=("post",)) == ["post.approved"]
    assert acts(item_kinds=("agencies",)) == ["changed.update"]
    assert len(acts(acts=("post",), item_kinds=("creators",))) == 2
    assert acts(since=now + timedelta(days=1)) == acts(until=now) == []


def test_pages_of_the_list_neither_skip_nor_repeat(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    with tenant(tenant_id, ANN) as scope:
        written = [audit.record(scope, "post.approved", f"post:{n}") for n in range(7)]
    found: list[UUID] = []
    after = None
    while True:
        with tenant(tenant_id, "system:test") as scope:
            part = audit.list_audit_records(scope, AuditFilter(), after=after, limit=3)
        if not part:
            break
        found += [one.id for one in part]
        after = (part[-1].at, part[-1].id)
    assert sorted(found) == sorted(written)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit_changes (tenant_id, id, actor, transaction_key, item_kind, item_id,"
        " change, before, after, others) VALUES (:t, :t, 'member:x', '1', 'posts', :t, 'update',"
        " '{}', '{}', 0)",
        "UPDATE audit_changes SET actor = 'member:x' WHERE tenant_id = :t",
        "DELETE FROM audit_changes WHERE tenant_id = :t",
    ],
)
def test_only_the_database_writes_changes(
    tenant: OpenScope, tenant_id: UUID, statement: str
) -> None:
    with pytest.raises(DBAPIError, match="permission denied"), tenant(tenant_id, ANN) as scope:
        scope.run(statement, t=tenant_id)


def test_changes_of_another_agency_are_not_visible(
    tenant: OpenScope, tenant_id: UUID, creator: UUID
) -> None:
    with tenant(tenant_id, ANN) as scope:
        rename(scope, creator, "Vega")
    other = uuid7()
    assert listed(tenant, other) == []
    with tenant(other, ANN) as scope:
        assert scope.run("SELECT count(*) FROM audit_changes").scalar() == 0
