"""Revenue splits, payouts and payout statements over the API: by role, once, and per creator."""

from datetime import date
from typing import Any

import pytest

from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from subscribers.ledger import entries
from tenants.agencies.rights import Role
from tenants.auth import members
from tests.web.api_client import ZONE, ApiClient, error_code

SPLIT = {
    "creator": 6000,
    "agency": 2500,
    "team": 1000,
    "others": [{"name": "Ana", "share": 500}],
}


@pytest.fixture
def today(api: ApiClient) -> date:
    with api.scope() as scope:
        day = local_day(scope.now, ZONE)
    return day


def post(api: ApiClient, path: str, body: dict[str, Any], *, key: str = "", **more: Any) -> Any:
    tag = api.ask("GET", path, key=key).headers["etag"]
    return api.ask("POST", path, body, key=key, if_match=tag, **more)


def sell(api: ApiClient, minor: int) -> None:
    with api.scope() as scope:
        entries.record_sale(
            scope,
            uuid7(),
            Money(minor, "EUR"),
            rail="rail:sandbox:mia",
            at=scope.now,
            creator_id=api.creators["mia"],
            fan_id=None,
        )


def test_split_sale_payout_and_statement_over_the_api(api: ApiClient, today: date) -> None:
    creator = f"/creators/{api.creators['mia']}"
    said = {**SPLIT, "starts_on": today.isoformat()}
    tag = api.ask("GET", f"{creator}/splits").headers["etag"]
    first, again = (
        api.ask("POST", f"{creator}/splits", said, if_match=tag, idempotency_key="split-1")
        for _ in range(2)
    )
    assert (first.status_code, again.content) == (201, first.content)
    (rule,) = api.get(f"{creator}/splits")["items"]
    assert (rule["status"], rule["others"]) == ("current", [{"name": "Ana", "share": 500}])
    sell(api, 10_000)
    paid = {
        "minor": 4000,
        "currency": "EUR",
        "paid_on": today.isoformat(),
        "reference": "SEPA 1",
    }
    made = post(api, f"{creator}/payouts", paid)
    assert made.status_code == 201, made.text
    due = {one["name"] or one["recipient"]: one["due"] for one in made.json()["recipients"]}
    assert due["creator_due"] == [{"minor": 2000, "currency": "EUR"}]
    assert due["Ana"] == [{"minor": 500, "currency": "EUR"}]
    path = f"{creator}/statements/{today:%Y-%m}"
    statement = api.get(path)
    (section,) = statement["sections"]
    assert (section["sales"], section["paid"], section["closing"]) == (10_000, 4000, 2000)
    assert [one["minor"] for one in section["split"]] == [6000, 2500, 1000, 500]
    assert "closing,,2000,EUR" in api.ask("GET", f"{path}/csv").text
    assert api.ask("GET", f"{path}/pdf?language=fr").content.startswith(b"%PDF-")
    assert api.ask("GET", f"{creator}/statements/2031-13").status_code == 404


def test_member_who_becomes_accountant_pays_but_sets_no_split(api: ApiClient, today: date) -> None:
    key = api.key(Role.MANAGER)
    with api.scope() as scope:
        members.change_member(scope, api.members[Role.MANAGER], role=Role.ACCOUNTANT, creators=())
    creator = f"/creators/{api.creators['mia']}"
    split = post(api, f"{creator}/splits", {**SPLIT, "starts_on": today.isoformat()}, key=key)
    assert error_code(split) == "role.forbidden.split"
    said = {"minor": 1, "currency": "EUR", "paid_on": today.isoformat(), "reference": "x"}
    assert error_code(post(api, f"{creator}/payouts", said, key=key)) == "payout.more_than_due"


def test_key_for_another_creator_reads_no_money(api: ApiClient, today: date) -> None:
    key = api.key(creators=["zoe"])
    creator = f"/creators/{api.creators['mia']}"
    for path in ("splits", "payouts", f"statements/{today:%Y-%m}"):
        assert api.ask("GET", f"{creator}/{path}", key=key).status_code == 404


@pytest.mark.parametrize(
    "said",
    [
        {"creator": 6001, "agency": 4000},
        {"creator": 10_000, "agency": 0, "others": [{"name": "\u200b", "share": 0}]},
        {"creator": 9000, "agency": 0, "others": [{"name": "a", "share": 500}] * 2},
    ],
)
def test_invalid_shares_are_refused(api: ApiClient, today: date, said: dict[str, Any]) -> None:
    creator = f"/creators/{api.creators['mia']}"
    answer = post(api, f"{creator}/splits", {**said, "starts_on": today.isoformat()})
    if sum(one["share"] for one in said.get("others", [])) or said["creator"] == 6001:
        assert answer.status_code == 422, answer.text
        assert api.get(f"{creator}/splits")["items"] == []
    else:
        assert answer.status_code == 201
