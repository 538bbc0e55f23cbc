"""Analytics over the API: equal to the ledger, limited to the creators of the key, in pages."""

from datetime import date, timedelta
from typing import Any

import pytest

from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.metrics.catalog import METRICS
from insights.rollups import daily_rollups
from subscribers.fans.models import Fan
from subscribers.ledger import entries
from tenants.agencies.rights import Role
from tenants.auth import members
from tests.web.api_client import ZONE, ApiClient, error_code


@pytest.fixture
def period(api: ApiClient) -> str:
    """Book three sales of Mia's two fans and one of Zoé, with a refund, and return the period."""
    with api.scope() as scope:
        today = local_day(scope.now, ZONE)
        fans = []
        for name in ("Paul", "Anna"):
            fan = Fan(
                tenant_id=api.tenant_id,
                creator_id=api.creators["mia"],
                display_name=name,
                language="fr",
            )
            scope.add(fan)
            scope.session.flush()
            fans.append(fan.id)
        sold = [("mia", 1000, fans[0]), ("mia", 501, fans[0]), ("mia", 300, fans[1])]
        payments = [uuid7() for _ in range(4)]
        for payment, (creator, minor, fan) in zip(
            payments, [*sold, ("zoe", 77, None)], strict=True
        ):
            entries.record_sale(
                scope,
                payment,
                Money(minor, "EUR"),
                rail="rail:sandbox:x",
                at=scope.now,
                creator_id=api.creators[creator],
                fan_id=fan,
            )
        entries.reverse_payment(scope, payments[2], at=scope.now)
        for creator in ("mia", "zoe"):
            daily_rollups.rebuild_day(scope, api.creators[creator], today)
    return f"first={today - timedelta(days=6)}&last={today}"


def test_sales_groups_and_profit_equal_the_ledger(api: ApiClient, period: str) -> None:
    found = api.get(f"/analytics/sales?{period}")
    (total,) = found["totals"]
    assert (total["gross"], total["refunds"], total["net"]) == (1878, 300, 1578)
    assert (total["orders"], total["buyers"], total["average_order"]) == (4, 2, 394)
    assert (found["buyers_new"], found["buyers_returning"], total["net_before"]) == (2, 0, 0)
    steps = {one["name"]: one["count"] for one in found["funnel"]}
    assert (steps["seen"], steps["bought"]) == (None, 2)
    for by in ("creator", "item", "channel", "fan"):
        groups = api.get(f"/analytics/sales/groups?{period}&by={by}")["items"]
        assert sum(one["net"] for one in groups) == 1578, by
    assert {one["name"] for one in groups} == {""}, "no names of fans"
    hours = api.get(f"/analytics/sales/hours?{period}")["items"]
    assert sum(one["net"] for one in hours) == 1578
    months = api.get(f"/analytics/profit?{period}")["items"]
    assert sum(one["net"] for one in months) == 1578
    series = api.get(f"/analytics/series?{period}&metric=gross")["items"]
    assert sum(one["value"] for one in series) == 1878
    cohorts = api.get("/analytics/cohorts")
    assert [(one["size"], one["months"]) for one in cohorts["items"]] == [(2, [])]


def test_groups_are_paged_without_gaps(api: ApiClient, period: str) -> None:
    path = f"/analytics/sales/groups?{period}&by=fan"
    whole = api.get(path)["items"]
    paged, cursor = [], ""
    while True:
        page = api.get(f"{path}&limit=1{cursor}")
        paged += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert paged == whole
    assert len(whole) == 3
    wrong = api.ask("GET", f"/analytics/sales/groups?{period}&by=item{cursor}")
    assert error_code(wrong) == "api.no_cursor"


def test_key_reads_only_its_creators(api: ApiClient, period: str) -> None:
    key = api.key(creators=["zoe"])
    (total,) = api.get(f"/analytics/sales?{period}", key=key)["totals"]
    assert total["gross"] == 77
    mia = api.creators["mia"]
    for path in ("sales", "sales/hours", "profit", "costs"):
        answer = api.ask("GET", f"/analytics/{path}?{period}&creator={mia}", key=key)
        assert answer.status_code == 404
    with api.scope() as scope:
        members.change_member(scope, api.members[Role.MANAGER], role=Role.CHATTER, creators=())
    answer = api.ask("GET", f"/analytics/sales?{period}")
    assert (answer.status_code, error_code(answer)) == (403, "role.forbidden.money")
    assert api.ask("GET", "/analytics/metrics").status_code == 403


def test_catalogue_and_periods_are_checked(api: ApiClient, period: str) -> None:
    items = api.get("/analytics/metrics")["items"]
    assert [one["code"] for one in items] == list(METRICS)
    assert all(one["name"] and one["help"] for one in items)
    assert error_code(api.ask("GET", f"/analytics/series?{period}&metric=x")) == (
        "api.unknown_metric"
    )
    with_days = {one["code"] for one in items if one["has_series"]}
    for one in METRICS:
        answer = api.ask("GET", f"/analytics/series?{period}&metric={one}")
        code = error_code(answer) if answer.status_code != 200 else ""
        assert code == ("" if one in with_days else "api.no_series"), one
    assert {"views", "followers", "posts_late", "gross", "new_fans", "generations"} <= with_days
    without = {"net", "profit", "cost_ads", "cost_other", "cost_chatters", "discounts"}
    assert not without & with_days
    long = "first=2020-01-01&last=2026-01-01"
    assert error_code(api.ask("GET", f"/analytics/sales?{long}")) == "sales.period_too_long"
    assert api.get(f"/analytics/posts?{period}&age_hours=24")["items"] == []


def test_cost_is_entered_once_and_voided(api: ApiClient, period: str) -> None:
    last = date.fromisoformat(period.rpartition("=")[2])
    body: dict[str, Any] = {
        "creator_id": str(api.creators["mia"]),
        "kind": "ads",
        "minor": 500,
        "currency": "EUR",
        "spent_on": last.isoformat(),
    }
    first, again = (
        api.ask("POST", "/analytics/costs", body, idempotency_key="cost-1") for _ in range(2)
    )
    assert (first.status_code, again.content) == (201, first.content)
    (found,) = api.get(f"/analytics/costs?{period}")["items"]
    costs = [one["costs"]["ads"] for one in api.get(f"/analytics/profit?{period}")["items"]]
    assert sum(costs) == 500
    voided = api.ask("POST", f"/analytics/costs/{found['id']}/void", version=found["version"])
    assert voided.status_code == 200, voided.text
    costs = [one["costs"]["ads"] for one in api.get(f"/analytics/profit?{period}")["items"]]
    assert sum(costs) == 0
    late = {**body, "spent_on": (last + timedelta(days=2)).isoformat()}
    assert error_code(api.ask("POST", "/analytics/costs", late)) == "cost.in_future"
