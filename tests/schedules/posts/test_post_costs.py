"""Costs of posts: each item counts once, and posts plus unassigned costs equal the total."""

import csv
import io
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.errors import NotFound
from foundation.ids import derived_uuid, uuid7
from foundation.money import Price, parse_token_prices
from foundation.ops.clock import wall_now
from insights.reports import daily_report
from schedules.posts import post_costs
from schedules.posts.states import DASHBOARD_ORIGIN
from studio.costs import cost_report as things
from studio.costs import spending_caps
from studio.costs.cost_report import SpendingFate, SpendingTotal
from studio.costs.spending_caps import PurchaseRequest
from studio.costs.text_requests import TextBilling, TextPurpose, TextSession
from studio.library.assets import run_source_key
from studio.recipes import specs
from studio.runs import runner
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.studio.builders import build_spec

KINDS = ("post", "unassigned", "total")
PRICES = parse_token_prices("big = 100/400 USD")


def run_of(lea: SandboxAgency, minors: Iterable[str], *, currency: str = "USD") -> list[UUID]:
    """Create a finished run whose photos were bought, and one more order that was paid but failed.
    Return the photos."""
    pictures = [lea.photo(int(uuid7()) % 10**6) for _ in minors]
    with lea.scope() as scope:
        recipe_id = specs.save_recipe(scope, lea.creator_id, build_spec(variants=len(pictures) + 1))
        job_id = runner.start_run(
            scope, creator_id=lea.creator_id, recipe_id=recipe_id, seed=1, key=str(uuid7())
        )
        for number, minor in enumerate([*minors, "1"]):
            price = Price(Decimal(minor), currency)
            row = spending_caps.reserve_price(
                scope,
                PurchaseRequest(lea.creator_id, job_id, number, "replicate", "a/b", price),
                {},
            )
            spending_caps.mark_ordering(scope, row.id, wall_now())
            spending_caps.settle_order(scope, row.id)
            if number < len(pictures):
                scope.run(
                    "UPDATE creations SET job_id = :job, source_key = :key, cost = :cost, "
                    "currency = :currency,"
                    " seconds = 2 WHERE tenant_id = :tenant AND asset_id = :asset",
                    job=job_id,
                    key=run_source_key(job_id, number),
                    cost=price.minor,
                    currency=currency,
                    tenant=lea.tenant_id,
                    asset=pictures[number],
                )
        scope.run(
            "UPDATE jobs SET state = 'failed' WHERE tenant_id = :t AND id = :job",
            t=lea.tenant_id,
            job=job_id,
        )
    return pictures


def ask(lea: SandboxAgency, draft: UUID, *, kept: bool = True) -> None:
    """Record a text generation for the draft of a post."""
    sitting = TextSession(
        lea.tenant, lea.tenant_id, lea.creator_id, TextPurpose.KIT, draft, TextBilling(PRICES)
    )
    tally = sitting.request_ledger()
    tally.record_request("ollama", "big", 10, 10)
    tally.record_answer(30, 20)
    with lea.scope() as scope:
        if kept:
            sitting.mark_used(scope)


def month(lea: SandboxAgency) -> post_costs.MonthCost:
    with lea.scope() as scope:
        return post_costs.load_month_cost(scope, lea.creator_id, spending_caps.current_month(scope))


def added(bills: Iterable[SpendingTotal]) -> tuple[int, dict[str, Decimal], dict[str, Decimal]]:
    count, exact, lost = 0, dict[str, Decimal](), dict[str, Decimal]()
    for one in bills:
        count += one.things
        for sums, said in ((exact, one.exact), (lost, one.lost)):
            for currency, minor in said.items():
                sums[currency] = sums.get(currency, Decimal(0)) + minor
    return count, exact, lost


def post(lea: SandboxAgency, media: Iterable[UUID], draft: UUID) -> UUID:
    return lea.write("hello", media=tuple(media), origin=DASHBOARD_ORIGIN, origin_key=str(draft))


def test_shared_photo_is_charged_to_first_post_and_failed_order_to_none(
    lea: SandboxAgency,
) -> None:
    one, two = run_of(lea, ["0.3", "0.5"])
    draft = uuid7()
    ask(lea, draft)
    first, second = post(lea, [one], draft), post(lea, [one, two], uuid7())
    found = month(lea)
    text = PRICES["big"].cost_of(30, 20).minor
    by_post = {row.post_id: row for row in found.posts}
    assert by_post[first].own.exact == {"USD": Decimal("0.3") + text}
    assert (by_post[second].own.exact, by_post[second].shared.exact) == (
        {"USD": Decimal("0.5")},
        {"USD": Decimal("0.3")},
    )
    assert (found.unassigned.exact, found.unassigned.lost) == (
        {"USD": Decimal(1)},
        {"USD": Decimal(1)},
    )
    assert found.total.seconds >= 4
    table = list(csv.DictReader(io.StringIO(daily_report.render_costs_csv(found))))
    paid = {
        kind: sum(Decimal(row["amount_minor"] or 0) for row in table if row["kind"] == kind)
        for kind in KINDS
    }
    assert paid["post"] + paid["unassigned"] == paid["total"] == found.total.exact["USD"]
    with lea.scope() as scope:
        assert post_costs.load_post_cost(scope, [lea.creator_id], second) == by_post[second]
        spent = spending_caps.monthly_budget(scope, "USD", {}).spent.minor
        assert found.total.exact["USD"] == spent, (
            "the amount that counts towards the monthly cap, texts included"
        )
        with pytest.raises(NotFound):
            post_costs.load_post_cost(scope, [uuid7()], first)
    other = create_sandbox_agency(lea.services, lea.network)
    with other.scope() as scope, pytest.raises(NotFound):
        post_costs.load_post_cost(scope, [lea.creator_id], first)


def test_copy_has_cost_of_original_and_erased_photo_is_no_loss(
    lea: SandboxAgency,
) -> None:
    one, two = run_of(lea, ["0.3", "0.5"])
    copy = lea.photo(77)
    with lea.scope() as scope, scope.acting_as("gate"):
        scope.run(
            "UPDATE assets SET parent_id = :one WHERE tenant_id = :t AND id = :copy",
            one=one,
            t=lea.tenant_id,
            copy=copy,
        )
    used = post(lea, [copy], uuid7())
    with lea.scope() as scope:
        assert post_costs.load_post_cost(scope, [lea.creator_id], used).own.exact == {
            "USD": Decimal("0.3")
        }
        ((job, spent),) = things.spent_by_run(scope, [_job(lea, two)]).items()
        assert sorted(each.fate for each in spent) == [
            SpendingFate.KEPT,
            SpendingFate.KEPT,
            SpendingFate.LOST,
        ]
        key = scope.run("SELECT source_key FROM creations WHERE asset_id = :a", a=two).scalar_one()
        creation = derived_uuid(scope.tenant_id, lea.creator_id, key)
        scope.run("UPDATE creations SET id = :id WHERE asset_id = :a", id=creation, a=two)
        scope.run(
            "INSERT INTO erased_pictures (tenant_id, id, creator_id, asset_id, job_id, engine, "
            "model, made_at, seconds,"
            " cost, currency, by) SELECT tenant_id, id, creator_id, asset_id, job_id, engine, "
            "model, created_at,"
            " seconds, cost, currency, 'x' FROM creations WHERE asset_id = :a",
            a=two,
        )
        scope.run("DELETE FROM creations WHERE asset_id = :a", a=two)
        again = things.spent_by_run(scope, [job])[job]
        assert things.total_spending(again) == things.total_spending(spent)


def _job(lea: SandboxAgency, asset: UUID) -> UUID:
    with lea.scope() as scope:
        found: UUID = scope.run(
            "SELECT job_id FROM creations WHERE asset_id = :a", a=asset
        ).scalar_one()
        return found


def test_costs_of_posts_and_unassigned_equal_total(lea: SandboxAgency) -> None:
    pictures = [
        *run_of(lea, ["0.3", "0.0001", "7"]),
        *run_of(lea, ["2.5"], currency="EUR"),
        lea.photo(5),
    ]

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sets(st.sampled_from(pictures)), st.sampled_from([0, 1, 2]), st.booleans(), st.booleans()
    )
    def adds_up(media: set[UUID], texts: int, kept: bool, written: bool) -> None:
        draft = uuid7()
        for _ in range(texts):
            ask(lea, draft, kept=kept)
        if written:
            post(lea, media, draft)
        found = month(lea)
        parts = added([*(row.own for row in found.posts), found.unassigned])
        assert parts == (found.total.things, dict(found.total.exact), dict(found.total.lost))
        with lea.scope() as scope:
            for row in found.posts:
                assert post_costs.load_post_cost(scope, [lea.creator_id], row.post_id) == row
            since, until = scope.now - timedelta(days=1), scope.now + timedelta(days=1)
            whole = things.spent_between(scope, lea.creator_id, since, until)
            assert added([things.total_spending(whole)]) == parts
            for cut in scope.run(
                "SELECT created_at FROM engine_orders UNION SELECT created_at FROM text_requests"
            ):
                days = ((since, cut.created_at), (cut.created_at, until))
                halves = [
                    one.id
                    for day in days
                    for one in things.spent_between(scope, lea.creator_id, *day)
                ]
                assert sorted(halves) == sorted(one.id for one in whole), (
                    "each item belongs to one day"
                )

    adds_up()
