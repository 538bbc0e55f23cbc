"""The nightly predictions of an agency, from sales in the ledger to rows with a model card."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from channels.accounts import lifecycle
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import day_bounds, local_day
from insights.predictions import nightly, pack_predictions, schedule, storage
from insights.predictions.events import AnalysisPackagesDue, PredictionsDue
from insights.predictions.evidence import NotEnoughData
from insights.predictions.pack_predictions import PackFacts
from insights.predictions.states import PredictionState, PredictionTask, SetupState
from insights.predictions.storage import StoredPrediction
from insights.rollups.history_import import PastDay, import_past_days
from insights.rollups.queries import DaySales, DayWork
from subscribers import erasure
from subscribers.catalog.recommendations import (
    Recommendation,
    RecommendationBasis,
    load_recommendation,
    replace_recommendations,
)
from subscribers.fans import scores
from subscribers.fans.scores import ScoreDraft
from subscribers.history.fan_outcomes import PackPurchase, list_fan_purchases, list_leads
from subscribers.history.history_import import (
    PastFan,
    PastLine,
    PastSale,
    import_past_fans,
    import_past_sales,
)
from tenants.agencies import agencies
from tenants.agencies.queries import get_creator
from tests.conftest import WAITS_FOR_US, wait_until
from tests.insights.builders import ZONE, CreatorHistory


def compute(history: CreatorHistory) -> None:
    due = PredictionsDue(history.tenant_id, history.tenant_id)
    services = history.services
    nightly.compute_predictions(due, tenant=services.tenant, home=services.settings.home)


def load(history: CreatorHistory, task: PredictionTask) -> dict[str, StoredPrediction]:
    with history.scope() as scope:
        found = storage.load_predictions(scope, [history.creator_id], task)
    return {one.subject: one for one in found}


def import_days(history: CreatorHistory, days: int, *, views: int = 100) -> date:
    """Import days with sales of 1000 cents plus 100 for each weekday, and return today."""
    with history.scope() as scope:
        today = local_day(scope.now, ZONE)
        past = [today - timedelta(days=back) for back in range(days, 0, -1)]
        import_past_days(
            scope,
            [
                PastDay(
                    history.creator_id,
                    day,
                    DayWork(views=views + 10 * day.weekday(), new_fans=2),
                    (_sales(1000 + 100 * day.weekday()),),
                )
                for day in past
            ],
        )
    return today


def _sales(minor: int) -> DaySales:
    money = Money(minor, "XTS")
    none = Money(0, "XTS")
    return DaySales(1, gross=money, refunds=none, creator=money, agency=none, staff=none)


def test_forecasts_follow_the_rollups_and_say_what_they_lack(ledgers: CreatorHistory) -> None:
    today = import_days(ledgers, 40)
    compute(ledgers)
    found = load(ledgers, PredictionTask.FORECAST)
    net = found["net:XTS"]
    assert net.state is PredictionState.BASELINE
    assert net.card.method == net.card.baseline == "seasonal_naive"
    assert net.card.last_day == today - timedelta(days=1)
    assert net.result["totals"] == {"7": [7 * 1000 + 2100, 9100.0, 9100.0]}
    assert set(found) == {"net:XTS", "views", "new_fans"}
    with ledgers.scope() as scope:
        # Computed today: nothing is queued again.
        schedule.plan_predictions(scope)
        assert not scope.run("SELECT 1 FROM outbox WHERE kind = 'predictions.compute'").all()


def test_a_prediction_that_fails_does_not_end_the_others(ledgers: CreatorHistory) -> None:
    import_days(ledgers, 12)
    with ledgers.scope() as scope:
        broken = agencies.add_creator(
            scope, slug="ada", name="Ada", kind="virtual", zone=ZONE, languages=["fr"]
        )
        lifecycle.connect_account(
            scope,
            creator_id=broken,
            platform="sandbox",
            surface="sandbox.post",
            account=f"ada-{ledgers.tenant_id}",
            name="Essai",
            base_url="http://127.0.0.1:1",
            token=None,
            zone=ZONE,
        )
        scope.run("UPDATE creators SET zone = 'Mars/Olympus' WHERE id = :id", id=broken)
    compute(ledgers)
    assert load(ledgers, PredictionTask.FORECAST), "another creator's forecasts"
    with ledgers.scope() as scope:
        assert not storage.load_predictions(scope, [broken], PredictionTask.REPEAT)
        assert storage.load_predictions(scope, [broken], PredictionTask.RANKS), "a later step"


def test_results_stored_during_an_erasure_are_erased(ledgers: CreatorHistory) -> None:
    fan = ledgers.fan.id

    def erase() -> None:
        with ledgers.scope() as scope:
            erasure.erase_fan(scope, fan)

    own = Recommendation(fan, (ledgers.pack_id,), RecommendationBasis.SIMILAR_BUYERS)
    for store in (
        partial(scores.replace_scores, task="repeat", scores=[ScoreDraft(fan)]),
        partial(replace_recommendations, found=[own]),
    ):
        with ledgers.scope() as scope:
            scope.run("UPDATE fans SET status = 'active', opt_out = 'none' WHERE id = :id", id=fan)
        with ThreadPoolExecutor(1) as other:
            with ledgers.scope() as scope:
                store(scope, ledgers.creator_id)
                erased = other.submit(erase)
                wait_until(lambda s=scope, e=erased: e.done() or s.run(WAITS_FOR_US).scalar() == 1)
            erased.result(timeout=60)
    with ledgers.scope() as scope:
        assert scores.load_scores_of_fan(scope, fan) == []
        assert load_recommendation(scope, ledgers.creator_id, fan) is None


def test_young_creator_waits_for_28_days(ledgers: CreatorHistory) -> None:
    today = import_days(ledgers, 12)
    compute(ledgers)
    waiting = load(ledgers, PredictionTask.FORECAST)["net:XTS"]
    assert waiting.state is PredictionState.WAITING
    assert waiting.lacking == NotEnoughData(12, 28, "days", today + timedelta(days=16))


def test_selection_is_kept_for_a_week(ledgers: CreatorHistory) -> None:
    import_days(ledgers, 40)
    compute(ledgers)
    first = load(ledgers, PredictionTask.FORECAST)["views"]
    compute(ledgers)
    again = load(ledgers, PredictionTask.FORECAST)["views"]
    assert again.selected_at == first.selected_at
    assert again.computed_at > first.computed_at
    assert (again.parameters, again.card) == (first.parameters, first.card)


def import_buyers(history: CreatorHistory, count: int) -> list[UUID]:
    """Import fans who write once and buy one to four times within 100 days."""
    with history.scope() as scope:
        today = local_day(scope.now, ZONE)
        begin = day_bounds(today - timedelta(days=100), ZONE)[0]
        fans = []
        sales = []
        for number in range(count):
            at = begin + timedelta(days=number % 40, hours=number % 24)
            lines = (PastLine("fan", "hello", at), PastLine("bot", "hi", at + timedelta(minutes=1)))
            fan = PastFan(
                uuid7(),
                history.creator_id,
                history.channel_id,
                f"buyer-{number}",
                "Ana",
                "fr",
                at,
                lines,
            )
            fans.append(fan)
            sales += [
                PastSale(
                    id=uuid7(),
                    fan=fan,
                    rail="sandbox",
                    account="till",
                    pack_id=history.pack_id,
                    pack_version=1,
                    title="Dawn",
                    money=Money(500 + 10 * (number % 7), "XTS"),
                    charge_id=f"{history.tenant_id}-{number}-{again}",
                    at=at + timedelta(days=1 + again * (3 + number % 9)),
                    refunded_at=None,
                )
                for again in range(1 + (number % 4) * (number % 3))
            ]
        import_past_fans(scope, fans)
        import_past_sales(scope, sales)
    return [one.id for one in fans]


def test_buyers_get_a_value_and_an_erased_fan_has_none(ledgers: CreatorHistory) -> None:
    fans = import_buyers(ledgers, 320)
    compute(ledgers)
    found = load(ledgers, PredictionTask.REPEAT)["XTS"]
    assert found.card.samples == 320
    assert found.card.own_error is not None
    total = found.result["total"][0]
    with ledgers.scope() as scope:
        every = scores.load_scores(scope, [ledgers.creator_id], "repeat", limit=1000)
        assert sum(one.value.minor for one in every if one.value) == pytest.approx(total, abs=160)
        purchases = list_fan_purchases(scope, get_creator(scope, ledgers.creator_id))
        booked = scope.run(
            "SELECT -sum(amount_minor) FROM ledger_entries WHERE account IN ('sales', 'refunds')"
        ).scalar()
        assert sum(one.net_minor for one in purchases) == booked
        leads = list_leads(scope, get_creator(scope, ledgers.creator_id))
        assert sum(bool(one.bought) for one in leads) == 320
        assert all(one.messages_in == 1 for one in leads)
        erasure.erase_fan(scope, fans[0])
        assert scores.load_scores_of_fan(scope, fans[0]) == []
        assert scores.load_scores_of_fan(scope, fans[1])
        scores.replace_scores(
            scope, ledgers.creator_id, "repeat", [ScoreDraft(one) for one in fans]
        )
        assert scores.load_scores_of_fan(scope, fans[0]) == []
        assert scores.load_scores_of_fan(scope, fans[1])


def simulate_tastes(history: CreatorHistory, buyers: int, packs: int) -> PackFacts:
    """Import fans, and return purchases of three packs by each, all of the fan's taste."""
    drawn = np.random.default_rng(7)
    with history.scope() as scope:
        begin = scope.now - timedelta(days=5)
        fans = [
            PastFan(
                uuid7(),
                history.creator_id,
                history.channel_id,
                f"taste-{number}",
                "Ana",
                "fr",
                begin,
                (),
            )
            for number in range(buyers)
        ]
        import_past_fans(scope, fans)
        creator = get_creator(scope, history.creator_id)
        today = local_day(scope.now, ZONE)
    purchases = [
        PackPurchase(
            fan.id,
            UUID(int=1 + 4 * int(place) + number % 4),
            begin + timedelta(hours=again, seconds=number),
        )
        for number, fan in enumerate(fans)
        for again, place in enumerate(drawn.choice(packs // 4, 3, replace=False))
    ]
    on_sale = frozenset(UUID(int=number) for number in range(1, packs + 1))
    return PackFacts(creator, today, sorted(purchases, key=lambda one: one.at), on_sale)


def test_packs_of_similar_buyers_are_recommended_to_fans_who_may_be_sold_to(
    ledgers: CreatorHistory,
) -> None:
    facts = simulate_tastes(ledgers, 160, 24)
    fans = list(dict.fromkeys(one.fan_id for one in facts.purchases))
    with ledgers.scope() as scope:
        scope.run(
            "UPDATE fans SET opt_out = 'sales' WHERE tenant_id = :tenant AND id = :id",
            tenant=ledgers.tenant_id,
            id=fans[1],
        )
        now = scope.now
    home = ledgers.services.settings.home
    found = pack_predictions.predict_packs(facts, home=home, now=now, buyers=150, packs=20)
    assert found is not None
    assert found.prediction.state is PredictionState.SERVED
    card = found.prediction.card
    assert card.own_error is not None
    assert card.baseline_error is not None
    assert card.own_error < card.baseline_error
    with ledgers.scope() as scope:
        replace_recommendations(scope, ledgers.creator_id, found.recommendations)
        own = load_recommendation(scope, ledgers.creator_id, fans[0])
        opted_out = load_recommendation(scope, ledgers.creator_id, fans[1])
        erasure.erase_fan(scope, fans[0])
        erased = load_recommendation(scope, ledgers.creator_id, fans[0])
    assert own is not None
    assert own.basis is RecommendationBasis.SIMILAR_BUYERS
    taste = {one.pack_id.int % 4 for one in facts.purchases if one.fan_id == fans[0]}
    assert {pack.int % 4 for pack in own.packs[:2]} == taste
    assert opted_out == erased
    assert opted_out is not None
    assert (opted_out.fan_id, opted_out.basis) == (None, RecommendationBasis.MOST_BOUGHT)


def test_few_buyers_get_the_most_bought_packs(ledgers: CreatorHistory) -> None:
    import_buyers(ledgers, 30)
    compute(ledgers)
    found = load(ledgers, PredictionTask.PACKS)[""]
    assert found.state is PredictionState.WAITING
    assert found.lacking is not None
    assert (found.lacking.have, found.lacking.need) == (0, 500)
    assert found.card.method == "most_bought"


def test_few_buyers_wait_and_leads_are_graded_by_rule(ledgers: CreatorHistory) -> None:
    import_buyers(ledgers, 30)
    with ledgers.scope() as scope:
        lines = tuple(
            PastLine("fan", "hello", scope.now - timedelta(hours=5, minutes=-number))
            for number in range(6)
        )
        lead = PastFan(
            uuid7(), ledgers.creator_id, ledgers.channel_id, "lead", "Ana", "fr", lines[0].at, lines
        )
        import_past_fans(scope, [lead])
    compute(ledgers)
    lacking = load(ledgers, PredictionTask.REPEAT)["XTS"].lacking
    assert lacking is not None
    assert (lacking.have, lacking.need, lacking.unit) == (30, 300, "buyers")
    with ledgers.scope() as scope:
        assert scores.count_grades(scope, [ledgers.creator_id], "leads") == {"B": 1}


def test_installation_reports_its_end_and_computes(ledgers: CreatorHistory) -> None:
    with ledgers.scope() as scope:
        nightly.request_packages(scope)
        nightly.request_packages(scope)
        queued: list[Any] = (
            scope.run("SELECT kind FROM outbox WHERE queue = 'make'").scalars().all()
        )
        assert queued.count("predictions.install") == 1
        setup = nightly.load_setup(scope)
    assert setup is not None
    assert setup.state is SetupState.INSTALLING
    due = AnalysisPackagesDue(ledgers.tenant_id, ledgers.tenant_id)
    services = ledgers.services
    nightly.install_packages(due, tenant=services.tenant, home=services.settings.home)
    with ledgers.scope() as scope:
        setup = nightly.load_setup(scope)
        kinds = scope.run("SELECT kind FROM outbox WHERE queue = 'make'").scalars().all()
    assert setup is not None
    assert setup.state is SetupState.INSTALLED
    assert "predictions.compute" in kinds
