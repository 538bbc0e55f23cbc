"""Entered costs: entered once, never changed, voided rather than deleted, and recorded."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from subscribers.ledger import cost_entries
from subscribers.ledger.cost_entries import CostDraft, CostKind
from tenants.agencies import agencies
from tests.subscribers.sales_builders import ZONES, add_creators

OpenAgency = Callable[[], AbstractContextManager[Scope]]


@pytest.fixture
def agency(tenant: OpenScope, tenant_id: UUID) -> OpenAgency:
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Lumière", language="fr", zone=ZONES[0])
    return partial(tenant, tenant_id, "system:terminal")


def test_repeated_press_enters_a_cost_once(agency: OpenAgency) -> None:
    with agency() as scope:
        creator, other = add_creators(scope)
        today = local_day(scope.now, creator.zone)
        draft = CostDraft(CostKind.ADS, Money(4990, "EUR"), today, " Shout-out \n of May ")
        entry = uuid7()
        for _ in range(2):
            assert cost_entries.add_cost_entry(scope, creator.id, draft, entry_id=entry) == entry
        with pytest.raises(Conflict):
            cost_entries.add_cost_entry(scope, other.id, draft, entry_id=entry)
        (found,) = cost_entries.list_cost_entries(scope, [creator.id], today, today)
    assert (found.note, found.money, found.by) == (
        "Shout-out of May",
        Money(4990, "EUR"),
        "system:terminal",
    )


def test_voided_cost_stays_in_the_list_of_its_creator(agency: OpenAgency) -> None:
    with agency() as scope:
        creator, other = add_creators(scope)
        today = local_day(scope.now, creator.zone)
        draft = CostDraft(CostKind.OTHER, Money(1, "USD"), today)
        entry = cost_entries.add_cost_entry(scope, creator.id, draft, entry_id=uuid7())
        with pytest.raises(NotFound):
            cost_entries.void_cost_entry(scope, {other.id}, entry)
        for _ in range(2):
            cost_entries.void_cost_entry(scope, {creator.id}, entry)
        (found,) = cost_entries.list_cost_entries(scope, [creator.id], today, today)
        acts = scope.run(
            "SELECT act FROM audit_entries WHERE tenant_id = :t ORDER BY id", t=scope.tenant_id
        ).scalars()
        assert [act for act in acts if act.startswith("cost.")] == ["cost.added", "cost.voided"]
    assert found.voided_at is not None
    assert found.voided_by == "system:terminal"


VALID = CostDraft(CostKind.ADS, Money(5, "EUR"), date(2000, 1, 1))


@pytest.mark.parametrize(
    ("change", "days", "code"),
    [
        ({"money": Money(0, "EUR")}, 0, "cost.not_positive"),
        ({"money": Money(-5, "EUR")}, 0, "cost.not_positive"),
        ({"money": Money(10**13, "EUR")}, 0, "cost.too_high"),
        ({"money": Money(5, "ZZZ")}, 0, "cost.unknown_currency"),
        ({}, 1, "cost.in_future"),
        ({}, -3000, "cost.too_old"),
        ({"note": "x" * 201}, 0, "cost.bad_note"),
        ({"note": "a\x00b"}, 0, "cost.bad_note"),
    ],
)
def test_invalid_costs_are_refused(
    agency: OpenAgency, change: dict[str, Any], days: int, code: str
) -> None:
    with agency() as scope:
        creator, _ = add_creators(scope)
        day = local_day(scope.now, creator.zone) + timedelta(days=days)
        draft = replace(VALID, spent_on=day, **change)
        with pytest.raises(BadInput) as refused:
            cost_entries.add_cost_entry(scope, creator.id, draft, entry_id=uuid7())
    assert refused.value.message.code == code
