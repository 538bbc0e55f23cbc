"""Analytics: permissions, totals of a period, empty states, exports."""

import re
from datetime import date, timedelta

import pytest

from dashboard.pages.analytics.creator_queries import load_creator_detail, total_currency
from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.money import Money, parse_token_prices
from foundation.ops.wall_time import local_day
from insights.metrics.queries import latest_metrics
from insights.rollups import channel_results, post_results
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.queries import DaySales
from studio.costs.text_requests import TextBilling, TextPurpose, TextSession
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

SEES = {Role.OWNER, Role.MANAGER, Role.CREATOR, Role.ACCOUNTANT}
SOLD = re.compile(r"987[.,]65")
"""98,765 cents as displayed; fewer digits also occur in IDs."""


@pytest.mark.parametrize("role", Role)
def test_sales_are_shown_only_to_permitted_roles(door: Door, lumiere: Agency, role: Role) -> None:
    lumiere.sold(0, 98765)
    with stream(door.url, door.cookie(lumiere, role)) as page:
        assert bool(SOLD.search(page.open("/insights"))) == (role in SEES)


def _week(scope: Scope) -> AnalyticsPeriod:
    today = local_day(scope.now, ZONE)
    return AnalyticsPeriod(today - timedelta(days=6), today)


def test_week_is_compared_with_the_week_before(door: Door, lumiere: Agency) -> None:
    lumiere.sold(0, 3000, orders=2)
    lumiere.sold(9, 2000)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights", period="days_7")
        for said in (
            "30,00\xa0€",
            "+50 % par rapport à 20,00\xa0€",
            "Exporter en CSV",
        ):
            assert said in text, said
        longer = page.choose("Période", "28 derniers jours")
        bare = page.choose("Comparer avec", "Aucune comparaison")
    assert "50,00\xa0€" in longer
    assert "aucune vente sur la période de comparaison" in longer
    assert "période de comparaison" not in bare
    assert {"period=days_28", "compare=none"} <= set(page.query.split("&"))


def test_content_costs_of_the_month_are_shown(door: Door, lumiere: Agency) -> None:
    billing = TextBilling(parse_token_prices("big = 1000/1000 EUR"))
    about = (lumiere.tenant_id, lumiere.creator_id, TextPurpose.CHAT, uuid7(), billing)
    for end in ("record_lost", "record_not_received"):
        tally = TextSession(door.tenant, *about).request_ledger()
        tally.record_request("ollama", "big", 100, 100)
        getattr(tally, end)()
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights")
    assert text.count("0,20\xa0€") == 3, "spent, lost, and without a post"
    for said in (
        "Coûts de contenu du mois",
        "inutilisé",
        "Exporter les coûts du mois en CSV",
    ):
        assert said in text, said


def test_empty_analytics_are_explained(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights")
    assert "Aucune vente sur cette période." in text
    assert "Aucune donnée pour le moment." in text


def test_metrics_of_another_agency_are_not_read(tenant: OpenScope, lumiere: Agency) -> None:
    other = create_agency(tenant)
    theirs = other.post("Ailleurs", state="published", minutes=-30)
    other.sold(0, 555)
    with other.scope() as scope:
        creators = tenant_reads.list_creators(scope)
    with lumiere.scope() as scope:
        assert latest_metrics(scope, [theirs]) == {}
        week = _week(scope)
        assert load_creator_detail(scope, creators[0], week).purses == []
        assert post_results.list_post_results(scope, creators, week, age_hours=24) == []
        assert channel_results.list_channel_results(scope, creators, week) == []


def test_totals_may_be_negative_when_refunds_exceed_sales() -> None:
    def sold(net: int) -> DaySales:
        gross, refunds = max(net, 0), max(-net, 0)
        nothing = Money(0, "EUR")
        return DaySales(1, Money(gross, "EUR"), Money(refunds, "EUR"), nothing, nothing, nothing)

    period = AnalyticsPeriod(date(2026, 3, 28), date(2026, 3, 30))
    days = period.days
    sales = {day: [sold(net)] for day, net in zip(days, (500, -800, 100), strict=True)}
    found = total_currency(sales, {}, period, "EUR")
    assert (found.net.minor, found.gross.minor, found.refunds.minor) == (-200, 600, 800)
    assert found.days == (500, -800, 100)
    assert (found.before, found.percent_change) == (None, None)
    again = total_currency(sales, {days[0] - timedelta(days=1): [sold(0)]}, period, "EUR")
    assert again.percent_change is None
