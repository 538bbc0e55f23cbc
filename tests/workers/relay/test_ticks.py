"""Rows written by the beat for every agency, whatever one creator's row contains."""

from collections import Counter
from uuid import UUID

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID, uuid7
from tenants.agencies import agencies
from workers.relay.ticks import TICKS

MANY = 45


def waiting(tenant: OpenScope, kind: str, agency_ids: list[UUID]) -> Counter[int]:
    """Count the waiting rows of a kind for these agencies, by the seconds between writing and due
    time."""
    query = (
        "SELECT available_at - created_at FROM outbox WHERE kind = :kind AND tenant_id = "
        "ANY(:agencies)"
    )
    with tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        found = scope.run(query, kind=kind, agencies=agency_ids).scalars()
        return Counter(round(after.total_seconds()) for after in found)


def test_agencies_are_swept_at_different_moments(tenant: OpenScope) -> None:
    ours = [uuid7() for _ in range(MANY)]
    for number, agency_id in enumerate(ours):
        with tenant(agency_id, "system:test") as scope:
            agencies.create_agency(
                scope, name=f"Agence {number}", language="fr", zone="Europe/Paris"
            )
            agencies.add_creator(
                scope, slug="mia", name="Mia", kind="human", zone="Europe/Paris", languages=["fr"]
            )
    ticks = {one.name: one.write_rows for one in TICKS}
    for _ in range(2):
        ticks["sweep"](tenant)
        assert waiting(tenant, "delivery.sweep", ours) == {0: 20, 1: 20, 2: 5}
        ticks["rollup"](tenant)
        rolled = waiting(tenant, "day.rollup", ours)
    assert (rolled.total(), len(rolled), max(rolled.values())) == (2 * MANY, 12, 8)


def test_unknown_time_zone_affects_one_creator_only(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Lumen", language="en", zone="UTC")
        bad = agencies.add_creator(
            scope, slug="bad", name="Bad", kind="human", zone="UTC", languages=["en"]
        )
        good = agencies.add_creator(
            scope, slug="good", name="Good", kind="human", zone="UTC", languages=["en"]
        )
        scope.run(
            "UPDATE creators SET zone = 'Moon/Base' WHERE tenant_id = :t AND id = :id",
            t=tenant_id,
            id=bad,
        )
    for tick in TICKS:
        tick.write_rows(tenant)
        tick.write_rows(tenant)
    with tenant(tenant_id, "system:test") as scope:
        rows = scope.run(
            "SELECT kind, subject_id FROM outbox WHERE tenant_id = :t", t=tenant_id
        ).all()
    others = [
        "age.forget",
        "alerts.check",
        "calendar.clocks",
        "copy.probe",
        "delivery.sweep",
        "limits.due",
        "predictions.compute",
        "roles.due",
        "rows.purge",
    ]
    assert sorted(row.kind for row in rows) == sorted([*others, "day.rollup", "day.rollup"])
    assert {row.subject_id for row in rows if row.kind == "day.rollup"} == {good}
