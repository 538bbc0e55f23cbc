"""The ledger: balanced, append-only, posted once, reversed by refunds (L1 to L5)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from foundation.money import Money
from subscribers.ledger import entries
from subscribers.ledger.entries import LedgerLine, SplitShares
from tenants.agencies import agencies

SHARES = st.builds(
    lambda agency, chatter: SplitShares(agency, 10_000 - agency, chatter),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
)


def total(entries: list[LedgerLine]) -> int:
    return sum(entry.money.minor for entry in entries)


@given(st.integers(-(10**9), 10**9), SHARES)
def test_split_sale_loses_and_creates_nothing(minor: int, shares: SplitShares) -> None:
    divided, commission = entries.split_entries(Money(minor, "XTS"), shares)
    assert total(divided) == total(commission) == 0
    assert [entry.money.minor for entry in divided if entry.account == "allocated"] == [minor]
    parts = {entry.account: -entry.money.minor for entry in divided if entry.account != "allocated"}
    assert sum(parts.values()) == minor
    assert abs(parts["creator_due"] * 10_000 - minor * shares.creator) < 10_000


def test_split_matches_the_example_of_the_design() -> None:
    divided, commission = entries.split_entries(Money(500, "XTR"), SplitShares(4000, 6000, 1000))
    moved = {(entry.account, entry.money.minor) for entry in [*divided, *commission]}
    assert moved == {
        ("allocated", 500),
        ("agency_due", -200),
        ("creator_due", -300),
        ("agency_due", 20),
        ("chatter_due", -20),
    }


@pytest.fixture
def creator(tenant: OpenScope, tenant_id: object) -> object:
    with tenant(tenant_id, "system:test") as scope:  # type: ignore[arg-type]  # an id
        agencies.create_agency(scope, name="Lumière", language="fr", zone="Europe/Paris")
        return agencies.add_creator(
            scope, slug="nova", name="Nova", kind="virtual", zone="Europe/Paris", languages=["fr"]
        )


def test_payment_is_posted_once_and_reversed_once(tenant, tenant_id, creator) -> None:
    payment = uuid7()
    for _ in range(2):
        with tenant(tenant_id, "system:test") as scope:
            entries.set_revenue_split(
                scope, creator, SplitShares(4000, 6000, 1000), effective_from=scope.now
            )
            entries.record_sale(
                scope,
                payment,
                Money(501, "XTS"),
                rail="rail:sandbox:nova",
                at=scope.now,
                creator_id=creator,
                fan_id=None,
            )
    for new in (True, False):
        with tenant(tenant_id, "system:test") as scope:
            assert entries.reverse_payment(scope, payment, at=scope.now) is new
    with tenant(tenant_id, "system:test") as scope:
        balances = {
            name: dict(entries.account_balance(scope, name))
            for name in ("rail:sandbox:nova", "sales", "refunds")
        }
        assert balances == {
            "rail:sandbox:nova": {"XTS": 0},
            "sales": {"XTS": -501},
            "refunds": {"XTS": 501},
        }
        day = entries.creator_totals(
            scope, creator, scope.now - timedelta(days=1), scope.now + timedelta(days=1)
        )
        assert [(one.orders, one.gross_minor, one.refunds_minor, one.net_minor) for one in day] == [
            (1, 501, 501, 0)
        ]
        assert [(one.creator_minor, one.agency_minor, one.staff_minor) for one in day] == [
            (0, 0, 0)
        ]
        assert (
            len(
                entries.creator_statement(
                    scope, creator_id=creator, since=scope.now - timedelta(days=1), until=scope.now
                )
            )
            > 0
        )


def test_new_split_keeps_earlier_sales_unchanged(tenant, tenant_id, creator) -> None:
    with tenant(tenant_id, "system:test") as scope:
        entries.set_revenue_split(
            scope, creator, SplitShares(4000, 6000, 0), effective_from=scope.now - timedelta(days=9)
        )
        entries.set_revenue_split(
            scope, creator, SplitShares(9000, 1000, 0), effective_from=scope.now
        )
        before = entries.revenue_split_at(scope, creator, scope.now - timedelta(days=1))
        assert before == SplitShares(4000, 6000, 0)
        assert entries.revenue_split_at(scope, creator, scope.now) == SplitShares(9000, 1000, 0)
        assert entries.revenue_split_at(scope, creator, scope.now - timedelta(days=10)) is None


def test_unbalanced_entries_are_refused_by_code_and_database(tenant, tenant_id, creator) -> None:
    crooked = [LedgerLine("sales", Money(5, "XTS")), LedgerLine("refunds", Money(-5, "XTR"))]
    with tenant(tenant_id, "system:test") as scope, pytest.raises(ValueError, match="balance"):
        entries.post_transaction(
            scope, "sale", "test", "1", crooked, occurred_at=scope.now, creator_id=creator
        )
    with pytest.raises(DBAPIError, match="sum to zero"):
        add_a_crooked_line(tenant, tenant_id, creator)


def add_a_crooked_line(tenant, tenant_id, creator) -> None:
    with tenant(tenant_id, "system:test") as scope:
        even = [LedgerLine("sales", Money(5, "XTS")), LedgerLine("refunds", Money(-5, "XTS"))]
        entries.post_transaction(
            scope, "sale", "test", "2", even, occurred_at=scope.now, creator_id=creator
        )
        found = scope.run(
            "SELECT id FROM ledger_transactions WHERE tenant_id = :tenant", tenant=tenant_id
        ).scalar_one()
        line = entries.LedgerEntry(
            tenant_id=tenant_id,
            creator_id=creator,
            transaction_id=found,
            account="sales",
            currency="XTS",
            amount_minor=1,
        )
        scope.add(line)


@pytest.mark.parametrize(
    "name", ["ledger_transactions", "ledger_entries", "split_rules", "conversation_moves"]
)
@pytest.mark.parametrize("act", ["UPDATE {} SET creator_id = creator_id", "DELETE FROM {}"])
def test_ledger_tables_are_append_only(tenant, tenant_id, name: str, act: str) -> None:
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        tenant(tenant_id, "system:test") as scope,
    ):
        scope.run(act.format(name))
