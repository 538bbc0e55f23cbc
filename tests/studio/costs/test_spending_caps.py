"""Spending of runs: never beyond the cap under concurrency, and each picture counted once."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from foundation.errors import BadInput, LeaseLost
from foundation.money import Money, Price, parse_amounts, parse_prices
from foundation.ops.clock import wall_now
from foundation.ops.settings import GeneratorsSettings
from studio.costs import spending_caps
from studio.costs.spending_caps import CapReached, PurchaseRequest
from tests.studio.builders import CreatorStudio, create_studio

USD = "USD"


def wanted(
    nova: CreatorStudio, job_id: UUID, number: int = 0, minor: str = "0.3", currency: str = USD
) -> PurchaseRequest:
    return PurchaseRequest(
        nova.creator_id,
        job_id,
        number,
        "replicate",
        "acme/portrait",
        Price(Decimal(minor), currency),
    )


def spent(nova: CreatorStudio, currency: str = USD) -> Decimal:
    with nova.scope() as scope:
        return spending_caps.monthly_budget(scope, currency, {}).spent.minor


def test_prices_and_caps_are_parsed_as_written() -> None:
    found = parse_prices("acme/a = 0.003 USD, b:1=4 JPY")
    assert found == {"acme/a": Price(Decimal("0.3"), USD), "b:1": Price(Decimal(4), "JPY")}
    assert found["acme/a"].total(4) == Money(2, USD), "rounded up once for the total"
    assert parse_amounts("50 USD, 0.5 EUR") == {USD: Money(5000, USD), "EUR": Money(50, "EUR")}
    assert parse_prices("") == parse_amounts("") == {}
    for wrong in (
        "acme",
        "acme = dear USD",
        "acme = 1 usd",
        "acme = -1 USD",
        "acme = 0.0000001 USD",
        "acme = NaN USD",
    ):
        with pytest.raises(ValueError, match=r"price|currency"):
            parse_prices(wrong)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cap=st.integers(0, 4),
    runs=st.integers(1, 3),
    each=st.integers(1, 4),
    minor=st.sampled_from(["0.3", "1", "1.7"]),
)
def test_concurrent_runs_never_exceed_the_cap_or_count_twice(
    nova: CreatorStudio, cap: int, runs: int, each: int, minor: str
) -> None:
    fresh = create_studio(nova.services)
    jobs = [fresh.start(key=f"run {number}") for number in range(runs)]
    with fresh.scope() as scope:
        spending_caps.set_spending_cap(scope, USD, Money(cap, USD))

    def order(one: tuple[UUID, int]) -> bool:
        try:
            with fresh.scope() as scope:
                row = spending_caps.reserve_price(scope, wanted(fresh, *one, minor=minor), {})
            with fresh.scope() as scope:
                spending_caps.mark_ordering(scope, row.id, wall_now())
        except CapReached:
            return False
        except LeaseLost:
            return False  # # the other copy was first
        return True

    pictures = [(job, number) for job in jobs for number in range(each)]
    with ThreadPoolExecutor(6) as pool:
        # # each picture twice: two workers at one row
        taken = list(pool.map(order, [*pictures, *pictures]))
    fit = min(int(Decimal(cap) / Decimal(minor)), len(pictures))
    assert spent(fresh) == fit * Decimal(minor) <= max(cap, 0)
    assert sum(taken) == fit


def test_unordered_reservation_can_change_and_ordered_price_stays(nova: CreatorStudio) -> None:
    job_id = nova.start()
    with nova.scope() as scope:
        first, second = (
            spending_caps.reserve_price(scope, wanted(nova, job_id, number, "10"), {})
            for number in (0, 1)
        )
        spending_caps.mark_ordering(scope, first.id, wall_now())
    with nova.scope() as scope:
        spending_caps.release_run_orders(scope, job_id)
        spending_caps.settle_order(scope, first.id)
        spending_caps.release_order(scope, first.id)
        with pytest.raises(LeaseLost):
            spending_caps.mark_ordering(scope, second.id, wall_now())
    assert spent(nova) == 10
    with nova.scope() as scope:
        assert spending_caps.reserve_price(scope, wanted(nova, job_id, 0, "99"), {}).minor == 10, (
            "the price of the order stays"
        )
        spending_caps.reserve_price(scope, wanted(nova, job_id, 1, "5"), {})
    assert spent(nova) == 15


def test_lower_cap_applies_by_currency_month_and_agency(nova: CreatorStudio) -> None:
    job_id, house = nova.start(), parse_amounts("0.20 USD")
    with nova.scope() as scope:
        spending_caps.set_spending_cap(scope, USD, Money(30, USD))
        assert spending_caps.monthly_budget(scope, USD, house).cap == Money(20, USD)
        spending_caps.set_spending_cap(scope, USD, Money(10, USD))
        assert spending_caps.monthly_budget(scope, USD, house).cap == Money(10, USD)
        spending_caps.reserve_price(scope, wanted(nova, job_id, 0, "10"), house)
        spending_caps.reserve_price(scope, wanted(nova, job_id, 1, "500", "EUR"), house)
        with pytest.raises(CapReached) as raised:
            spending_caps.reserve_price(scope, wanted(nova, job_id, 2, "0.0001"), house)
        assert raised.value.message.params == {"spent": "0.10 USD", "cap": "0.10 USD"}
        scope.run("UPDATE engine_orders SET month = '2020-01' WHERE number = 0")
        spending_caps.reserve_price(scope, wanted(nova, job_id, 2, "10"), house)
    other = create_studio(nova.services)
    assert spent(other) == 0
    with other.scope() as scope:
        assert spending_caps.monthly_budget(scope, USD, {}).cap is None
        for wrong in (Money(-1, USD), Money(5, "EUR"), Money(10**9 + 1, USD)):
            with pytest.raises(BadInput):
                spending_caps.set_spending_cap(scope, USD, wrong)
    with nova.scope() as scope:
        spending_caps.set_spending_cap(scope, USD, None)
        assert spending_caps.monthly_budget(scope, USD, {}).own is None


@pytest.mark.parametrize("written", ["fifty", "50", "USD 50", "50 USD 20 EUR", "-1 USD"])
def test_invalid_cap_is_refused_in_the_settings(written: str) -> None:
    with pytest.raises(ValidationError):
        GeneratorsSettings(spending_caps=written)
