"""Sales in Stars and in test money: no page and no report shows the code of these currencies."""

import re
from datetime import timedelta
from html import unescape

import pytest

from dashboard.pages.analytics.page import VIEWS as ANALYTICS_VIEWS
from dashboard.pages.shop.page import VIEWS as SHOP_VIEWS
from dashboard.shell.navigation import PAGES
from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES, currency_name
from foundation.ids import uuid7
from foundation.money import STARS, TEST_CURRENCY, Money
from foundation.ops.wall_time import local_day
from insights.alerts import rules
from insights.alerts.rules import RuleSettings
from insights.alerts.states import AlertKind
from insights.reports import charts, runs
from insights.reports.brief import build_brief
from insights.reports.documents import ReportDocument, render_html
from insights.reports.payout_statement_pdf import render_payout_statement_pdf
from insights.reports.periods import ReportKind
from insights.rollups.periods import DateRange
from insights.workspace.goals import GoalMetric, set_goal
from subscribers.ledger import entries, payout_statements
from subscribers.ledger.entries import SplitShares
from tenants.agencies import agency_settings, queries
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

CODES = re.compile(rf"\b({STARS}|{TEST_CURRENCY})\b")
CURRENCIES = (STARS, TEST_CURRENCY)


@pytest.fixture(params=LANGUAGES)
def agency(request: pytest.FixtureRequest, tenant: OpenScope) -> Agency:
    """Return an agency with sales, a goal and an alert rule in both currencies."""
    made = create_agency(tenant, language=request.param)
    with made.scope() as scope:
        since = scope.now - timedelta(days=400)
        entries.set_revenue_split(
            scope, made.creator_id, SplitShares(2000, 8000, 0), effective_from=since
        )
        for currency in CURRENCIES:
            for back in range(8):
                entries.record_sale(
                    scope,
                    uuid7(),
                    Money(500 + back, currency),
                    rail="rail:stars:till",
                    at=scope.now - timedelta(days=back),
                    creator_id=made.creator_id,
                    fan_id=None,
                )
            limit = RuleSettings(AlertKind.THRESHOLD, "net", threshold=5, currency=currency, days=1)
            rules.add_rule(scope, uuid7(), limit)
            set_goal(
                scope,
                member_id=made.members[Role.OWNER],
                creator_id=made.creator_id,
                month=scope.now.date(),
                metric=GoalMetric.NET,
                target=1000,
                currency=currency,
                key=uuid7(),
            )
    for currency in CURRENCIES:
        for back in range(1, 8):
            made.sold(back, 500 + back, currency=currency)
    return made


def test_no_page_shows_the_code_of_a_currency(
    door: Door, agency: Agency, request: pytest.FixtureRequest
) -> None:
    language = request.node.callspec.params["agency"]
    before = len(door.log.read_text())
    shown: dict[str, str] = {}
    with stream(door.url, door.cookie(agency)) as page:
        for row in PAGES:
            if not row.demo_only:
                shown[row.name] = page.open(f"/{row.name}")
    for path, views in (("shop", SHOP_VIEWS), ("insights", [name for name, _ in ANALYTICS_VIEWS])):
        for view in views:
            with stream(door.url, door.cookie(agency)) as page:
                shown[f"{path}:{view}"] = page.open(f"/{path}", view=view)
    with stream(door.url, door.cookie(agency)) as page:
        shown["alerts"] = page.open("/notifications", section="alerts")
    codes = {name: found[0] for name, text in shown.items() if (found := CODES.search(text))}
    assert not codes, codes
    stars = currency_name(STARS, language)
    for name in ("insights", "shop:books", "insights:sales"):
        assert stars in unescape(shown[name]), f"{name} shows the sales"
    assert "dashboard.page_failed" not in door.log.read_text()[before:]


def test_totals_of_stars_show_what_they_are_worth(door: Door, agency: Agency) -> None:
    pages = (("insights", "overview"), ("insights", "sales"), ("shop", "orders"), ("shop", "books"))

    def estimates() -> list[bool]:
        found = []
        for path, view in pages:
            with stream(door.url, door.cookie(agency)) as page:
                text = page.open(f"/{path}", view=view)
                found.append(bool(re.search(r"(Stars|Étoiles)[^(<]{0,3}\((about|environ) ", text)))
        return found

    assert not any(estimates()), "nobody said what Stars are worth"
    with agency.scope() as scope:
        agency_settings.update_agency_settings(scope, {"stars_value": "13 USD"})
    assert not any(estimates()), "the agency counts in euros"
    with agency.scope() as scope:
        agency_settings.update_agency_settings(scope, {"stars_value": "13.00 EUR"})
    assert all(estimates()), dict(zip(pages, estimates(), strict=True))


@pytest.mark.parametrize("kind", ReportKind)
def test_no_report_shows_the_code_of_a_currency(agency: Agency, kind: ReportKind) -> None:
    with agency.scope() as scope:
        creators = queries.list_creators(scope)
        language = queries.get_agency(scope).language
        today = local_day(scope.now, ZONE)
        period = DateRange(today - timedelta(days=6), today)
        facts, brand = runs.load_direct_report(scope, creators, kind, period, "team")
        statement = payout_statements.load_payout_statement(scope, agency.creator_id, today)
    made = charts.render_charts(facts, language)
    document = ReportDocument(facts, brand, build_brief(facts, language), made, language, ZONE)
    text = re.sub(r'src="data:[^"]*"', "", render_html(document))
    assert currency_name(STARS, language) in text
    assert not CODES.search(text)
    assert render_payout_statement_pdf(statement, language).startswith(b"%PDF")
