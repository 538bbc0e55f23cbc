"""What the beat writes: due rows for everybody, whatever one creator's row holds."""

from uuid import UUID

from foundation.database import OpenScope
from tenants import agencies
from workers.ticks import TICKS


def test_an_unknown_zone_stops_one_creator_only(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, "system:test") as scope:
        agencies.found(scope, name="Lumen", language="en", zone="UTC")
        bad = agencies.add_creator(scope, slug="bad", name="Bad", kind="human", zone="UTC", languages=["en"])
        good = agencies.add_creator(scope, slug="good", name="Good", kind="human", zone="UTC", languages=["en"])
        scope.run("UPDATE creators SET zone = 'Moon/Base' WHERE tenant_id = :t AND id = :id", t=tenant_id, id=bad)
    for tick in TICKS:
        tick.put(tenant)
        tick.put(tenant)
    with tenant(tenant_id, "system:test") as scope:
        rows = scope.run("SELECT kind, subject_id FROM outbox WHERE tenant_id = :t", t=tenant_id).all()
    others = ["age.forget", "calendar.clocks", "copy.probe", "delivery.sweep", "limits.due", "roles.due", "rows.purge"]
    assert sorted(row.kind for row in rows) == sorted([*others, "day.rollup", "day.rollup"])
    assert {row.subject_id for row in rows if row.kind == "day.rollup"} == {good}
