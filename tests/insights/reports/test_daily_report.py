"""The daily report: three formats, two languages, and user content escaped as plain text."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest

from foundation.i18n.translation import LANGUAGES, format_money
from foundation.ids import uuid7
from foundation.money import Money, parse_token_prices
from insights.reports import daily_report
from insights.reports.daily_report import DailyReport
from insights.rollups.history_import import PastFollowers, import_past_followers
from schedules.posts import labels
from studio.costs.text_requests import TextBilling, TextPurpose, TextSession
from subscribers.ledger import entries as ledger
from subscribers.statements import bookings, file_reader
from tests.insights.builders import CreatorHistory, create_creator_history
from workers.wiring import Services

DAY = date(2025, 6, 3)
NOON = datetime(2025, 6, 3, 10, tzinfo=UTC)
HOSTILE = '<script>alert(1)</script>[click](javascript:alert(2)) **x** `y` & "q" \n# Big\n=1+1'


def report(made: CreatorHistory, *, fresh: bool = True) -> DailyReport:
    if fresh:
        made.roll_up(DAY)
    with made.scope() as scope:
        return daily_report.load_daily_report(scope, made.creator_id, DAY)


@pytest.fixture
def full(ledgers: CreatorHistory) -> CreatorHistory:
    """A day with posts, sales in two currencies and a refund."""
    ledgers.post(NOON, late=timedelta(milliseconds=120), title="Premier café")
    ledgers.post(NOON + timedelta(hours=5), body="x" * 300)
    ledgers.sale(NOON, 500)
    ledgers.sale(NOON + timedelta(hours=1), 300, refunded_at=NOON + timedelta(hours=2))
    ledgers.sale(NOON, 1250, currency="EUR")
    return ledgers


def test_report_shows_posts_sales_and_refunds_of_day(full: CreatorHistory) -> None:
    found = report(full)
    assert found.balanced
    assert {str(row.net) for row in found.sales} == {"500 XTS", "12.50 EUR"}
    amounts = sorted(str(order.amount) for order in found.orders)
    assert amounts == ["-300 XTS", "12.50 EUR", "300 XTS", "500 XTS"]
    assert (found.work.published, found.work.lateness_p95_ms) == (2, 120)
    assert [post.title for post in found.posts] == ["Premier café", ""]


def asked(made: CreatorHistory, model: str, price: str, at: datetime) -> None:
    """Record a text request to a model at the given time."""
    prices = parse_token_prices(price)
    sitting = TextSession(
        made.services.tenant,
        made.tenant_id,
        made.creator_id,
        TextPurpose.KIT,
        uuid7(),
        TextBilling(prices),
    )
    sitting.request_ledger().record_request("ollama", model, 10_000, 0)
    with made.scope() as scope:
        scope.run(
            "UPDATE text_requests SET created_at = :at WHERE model = :model", at=at, model=model
        )


def test_content_costs_are_listed_and_do_not_change_sales(full: CreatorHistory) -> None:
    before = report(full)
    asked(full, "a", "a = 20/1 USD", NOON)
    asked(full, "b", "b = 3/1 EUR", NOON)
    asked(full, "c", "c = 999/1 EUR", NOON + timedelta(days=1))
    found = report(full, fresh=False)
    assert (found.sales, found.orders, found.balanced) == (
        before.sales,
        before.orders,
        before.balanced,
    )
    amounts = [Money(3, "EUR"), Money(20, "USD")]
    assert (list(found.spent.spent), list(found.spent.lost_spending)) == (amounts, amounts), (
        "requested, but never used"
    )
    for language in LANGUAGES:
        for form in (
            daily_report.render_daily_html(found, language),
            daily_report.render_daily_markdown(found, language),
        ):
            assert all(format_money(one, language) in form for one in amounts), form
    lines = [
        row
        for row in csv.reader(io.StringIO(daily_report.render_daily_csv(found)))
        if row[0] == "spent"
    ]
    assert [row[4:6] for row in lines] == [["3", "EUR"], ["20", "USD"]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_languages_show_same_figures(full: CreatorHistory, language: str) -> None:
    found = report(full)
    page, text = (
        daily_report.render_daily_html(found, language),
        daily_report.render_daily_markdown(found, language),
    )
    amounts = [
        format_money(Money(*one), language) for one in ((1250, "EUR"), (500, "XTS"), (-300, "XTS"))
    ]
    for wanted in (*amounts, "Premier café", "12:00", "Europe/Paris"):
        assert wanted in page, wanted
        assert wanted in text, wanted
    assert "report." not in page
    assert f'<html lang="{language}">' in page
    sentence = {"fr": "Ventes", "en": "Sales"}[language]
    assert sentence in page
    assert sentence in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_followers_are_compared_with_previous_day(full: CreatorHistory, language: str) -> None:
    assert report(full).crowds == ()
    told = ((DAY - timedelta(days=1), 1204), (DAY, 1190), (DAY + timedelta(days=1), 7))
    with full.scope() as scope:
        scope.run("UPDATE channels SET name = '=*Mia* <b>' WHERE id = :id", id=full.channel_id)
        import_past_followers(
            scope,
            [
                PastFollowers(full.creator_id, full.channel_id, day, many, NOON)
                for day, many in told
            ],
        )
    found = report(full)
    page, text = (
        daily_report.render_daily_html(found, language),
        daily_report.render_daily_markdown(found, language),
    )
    assert "<td>=*Mia* &lt;b&gt;</td>" in page
    assert "1190" in page
    assert "(-14)" in page
    assert r"- =\*Mia\* &lt;b> · 1190 (-14)" in text
    (line,) = [
        row
        for row in csv.DictReader(io.StringIO(daily_report.render_daily_csv(found)))
        if row["kind"] == "followers"
    ]
    assert (line["name"], line["count"], line["amount_minor"]) == ("'=*Mia* <b>", "1190", "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_of_a_post_are_named(full: CreatorHistory, language: str) -> None:
    with full.scope() as scope:
        (post_id,) = [one.post_id for one in report(full).posts if one.title]
        labels.set_post_labels(
            scope,
            post_id,
            [labels.create_label(scope, name, "green") for name in ("=1+1 <b>", "Été")],
        )
    found = report(full)
    called = {"fr": "Étiquettes", "en": "Labels"}[language]
    page, text = (
        daily_report.render_daily_html(found, language),
        daily_report.render_daily_markdown(found, language),
    )
    assert page.count(f"{called}: =1+1 &lt;b&gt;, Été") == 1, (
        "only the post with these labels shows them"
    )
    assert text.count(f"{called}: =1+1 &lt;b>, Été") == 1
    rows = [
        row
        for row in csv.DictReader(io.StringIO(daily_report.render_daily_csv(found)))
        if row["kind"] == "post_label"
    ]
    assert [(row["name"], row["state"]) for row in rows] == [
        ("Premier café", "'=1+1 <b>"),
        ("Premier café", "Été"),
    ]


class Tags(HTMLParser):
    """Collects the tags and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [
            value or ""
            for name, value in attrs
            if name in ("src", "href", "style") or name[:2] == "on"
        ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_user_content_is_escaped_as_text(services: Services, language: str) -> None:
    made = create_creator_history(services, name=HOSTILE)
    made.post(NOON, title=HOSTILE)
    made.post(NOON, body=HOSTILE)
    made.sale(NOON, title=HOSTILE)
    found = report(made)
    page = Tags()
    page.feed(daily_report.render_daily_html(found, language))
    assert "script" not in page.tags
    assert page.addresses == []
    text = daily_report.render_daily_markdown(found, language)
    assert "<script" not in text
    assert not re.search(r"(?<!\\)\[click", text)
    assert "\n# Big" not in text
    assert len(re.findall(r"^# ", text, re.M)) == 1


@pytest.mark.parametrize(
    "title",
    [
        "=1+1",
        "+1",
        "-1",
        "@cmd",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "＝1",
        '=HYPERLINK("http://evil")',
        "=1\r\n=2",
    ],
)
def test_no_csv_cell_is_a_formula(ledgers: CreatorHistory, title: str) -> None:
    ledgers.post(NOON, title=title)
    ledgers.sale(NOON, title=title)
    rows = list(csv.reader(io.StringIO(daily_report.render_daily_csv(report(ledgers)))))
    assert {len(row) for row in rows} == {7}
    names = [row[2] for row in rows if row[0] in ("post", "sale")]
    assert len(names) == 2
    for name in names:
        assert name.startswith("'") or name[:1].isalnum()


def test_ordinary_csv_cell_is_unchanged(full: CreatorHistory) -> None:
    rows = list(csv.DictReader(io.StringIO(daily_report.render_daily_csv(report(full)))))
    assert next(row["name"] for row in rows if row["kind"] == "post") == "Premier café"
    sums = {row["currency"]: int(row["amount_minor"]) for row in rows if row["kind"] == "net"}
    assert sums == {"XTS": 500, "EUR": 1250}
    assert (
        sum(int(row["amount_minor"]) for row in rows if row["kind"] in ("sale", "refund")) == 1750
    )


def test_sale_after_rollup_is_reported_as_difference(full: CreatorHistory) -> None:
    assert report(full).balanced
    full.sale(NOON + timedelta(hours=3), 70)
    late = report(full, fresh=False)
    assert not late.balanced
    assert "do not match" in daily_report.render_daily_markdown(late, "en")
    assert report(full).balanced


def test_imported_statement_lines_are_part_of_day(full: CreatorHistory) -> None:
    lines = (
        "date,type,reference,gross,fee,currency\n2025-06-03,sale,a,50.00,10.00,EUR\n2025-06-03,"
        "sale,b,1.00,0,EUR\n"
    )
    sheet = file_reader.read_statement(
        (lines + "2025-06-03,refund,a,-50.00,-10.00,EUR\n").encode(), "Ailleurs"
    )
    with full.scope() as scope:
        bookings.import_statement(scope, full.creator_id, sheet, source="Ailleurs", name="x.csv")
    found = report(full)
    told = [(one.kind, one.amount) for one in found.orders if one.title == "Ailleurs"]
    assert sorted(told, key=str) == [("refund", Money(-5000, "EUR")), ("sale", Money(5100, "EUR"))]
    assert found.balanced


def test_ledger_entry_without_payment_unbalances_report(full: CreatorHistory) -> None:
    with full.scope() as scope:
        entries = ledger.sale_entries(
            Money(40, "XTS"), ledger.rail_ledger_account("sandbox", "till")
        )
        ledger.post_transaction(
            scope,
            "sale",
            "payment",
            "no such payment",
            entries,
            occurred_at=NOON,
            creator_id=full.creator_id,
        )
    assert not report(full).balanced


def test_empty_day_yields_empty_report(ledgers: CreatorHistory) -> None:
    found = report(ledgers)
    assert found.balanced
    for language in LANGUAGES:
        assert daily_report.render_daily_html(found, language)
        assert daily_report.render_daily_markdown(found, language)
    assert list(csv.reader(io.StringIO(daily_report.render_daily_csv(found))))[1:] == []


def test_usual_sales_are_averaged_over_counted_days(ledgers: CreatorHistory) -> None:
    """Three days of history are not averaged over four weeks, and a day without sales counts as one
    day."""
    for back, minor in ((1, 600), (2, 0), (3, 300)):
        if minor:
            ledgers.sale(NOON - timedelta(days=back), minor)
        ledgers.roll_up(DAY - timedelta(days=back))
    ledgers.sale(NOON, 100)
    assert report(ledgers).usual == {"XTS": Money(300, "XTS")}
