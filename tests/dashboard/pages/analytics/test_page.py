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
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.queries import DaySales
from schedules.posts import labels
from schedules.posts import queries as schedule_reads
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
    lumiere.post("Le soir", state="published", url="https://example.test/p/1", minutes=-30)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights", period="days_7")
        for said in (
            "30,00\xa0€",
            "+50 % par rapport à 20,00\xa0€",
            "Le soir",
            "statistiques disponibles une heure",
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


def test_followers_are_summed_over_accounts(door: Door, lumiere: Agency) -> None:
    lumiere.post("Le soir", state="published", minutes=-30)  # creates its account
    assert lumiere.channel_id is not None
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Abonnés" not in page.open("/insights"), "no follower counts yet"
    for back, number in ((3, 1204), (1, 1300), (0, 1190)):
        lumiere.followed(back, number)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights")
    for said in (
        "Abonnés",
        "1\u202f190",
        "−14 sur la période",
        "de 1\u202f204 à 1\u202f190 abonnés",
    ):
        assert said in text, said


def test_results_by_label_contain_only_measured_posts(door: Door, lumiere: Agency) -> None:
    told, untold, bare = (
        lumiere.post(words, state="published", minutes=-30 - n)
        for n, words in enumerate(("Un", "Deux", "Trois"))
    )
    with lumiere.scope() as scope:
        post = {one: schedule_reads.post_id_of_delivery(scope, one) for one in (told, untold, bare)}
        spring, other = (
            labels.create_label(scope, "Printemps", "green"),
            labels.create_label(scope, "Autre", "red"),
        )
        labels.set_post_labels(scope, post[told], [spring, other])
        labels.set_post_labels(scope, post[untold], [spring])
        for metric, value in (("views", 4321), ("likes", 5), ("comments", 2)):
            scope.run(
                "INSERT INTO metric_snapshots (tenant_id, id, creator_id, channel_id, "
                "delivery_id, metric, age_hours,"
                " observed_at, value, quality) SELECT tenant_id, :id, creator_id, channel_id, id, "
                ":metric, 1,"
                " house_now(), :value, 'measured' FROM deliveries WHERE tenant_id = :t AND id = :d",
                id=uuid7(), metric=metric, value=value, t=lumiere.tenant_id, d=told,
            )  # fmt: skip
        mine = tenant_reads.list_creators(scope)[0]
        found = load_creator_detail(scope, mine, _week(scope)).labels
    assert [(one.label and one.label.name, one.posts, one.told, one.views, one.interactions) for one in found] == [
        ("Autre", 1, 1, 4321, 7), ("Printemps", 2, 1, 4321, 7), (None, 1, 0, None, None),
    ]  # fmt: skip
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights")
    for said in ("Par étiquette", "Printemps", "4\u202f321", "Sans étiquette"):
        assert said in text, said


def test_empty_analytics_are_explained(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights")
    assert "Aucune vente sur cette période." in text
    assert "Aucune donnée pour le moment." in text


def test_metrics_of_another_agency_are_not_read(tenant: OpenScope, lumiere: Agency) -> None:
    other = create_agency(tenant)
    theirs = other.post("Ailleurs", state="published", minutes=-30)
    with other.scope() as scope:
        creator = tenant_reads.list_creators(scope)[0]
    with lumiere.scope() as scope:
        assert latest_metrics(scope, [theirs]) == {}
        assert load_creator_detail(scope, creator, _week(scope)).posts == []


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
