"""The facts of a report as tables for CSV and Excel: one row for each fact, day and post. All
numbers come from the facts, so that files, pages and messages of a report are equal."""

from collections.abc import Sequence
from datetime import date, timedelta

from foundation.money import Money
from insights.reports import charts, fact_texts
from insights.reports.fact_texts import render_text
from insights.reports.facts import Fact, ReportFacts, parse_instant
from insights.reports.tables.table_files import Sheet, TableValue, render_csv, render_xlsx

FACT_COLUMNS = (
    *("first_day", "last_day", "creator", "metric", "name", "unit", "currency"),
    *("value", "before", "change_percent", "source", "as_of"),
)


def render_report_csv(facts: ReportFacts, language: str) -> bytes:
    """Return all facts as CSV in UTF-8 with a byte order mark, which spreadsheets need for
    accents."""
    sheet = facts_sheet(facts, language)
    return render_csv(sheet.headers, sheet.rows).encode("utf-8-sig")


def render_report_xlsx(facts: ReportFacts, language: str) -> bytes:
    """Return a workbook with a sheet of facts, one of days and one of posts."""
    sheets = [facts_sheet(facts, language), days_sheet(facts, language)]
    if facts.posts:
        sheets.append(posts_sheet(facts, language))
    return render_xlsx(sheets)


def facts_sheet(facts: ReportFacts, language: str) -> Sheet:
    """Return one row for each fact: the totals first, then each creator. A report about one creator
    has no separate totals."""
    keys = [""] if len(facts.creators) == 1 else ["", *facts.creators]
    only = next(iter(facts.creators.values()), "") if len(facts.creators) == 1 else ""
    rows: list[Sequence[TableValue]] = []
    for key in keys:
        name = facts.creators.get(key, only) or render_text("reports.all_creators", language)
        for line in fact_texts.list_fact_lines(facts, language, key):
            rows.append(_fact_row(facts, line.fact, name, language))
    headers = [render_text(f"reports.column.{name}", language) for name in FACT_COLUMNS]
    return Sheet(render_text("reports.sheet.facts", language), headers, rows)


def _fact_row(facts: ReportFacts, fact: Fact, creator: str, language: str) -> Sequence[TableValue]:
    at = parse_instant(fact.as_of)
    return (
        *(facts.period.first, facts.period.last, creator),
        *(fact.metric, fact_texts.metric_name(fact, language)),
        *(render_text(f"reports.unit.{fact.unit}", language), fact.currency),
        *(_cell(fact, fact.value), _cell(fact, fact.before)),
        fact_texts.percent_of_change(fact),
        *(render_text(f"reports.source.{fact.source}", language), at),
    )


def _cell(fact: Fact, value: int | None) -> TableValue:
    if value is None or fact.unit != "money":
        return value
    return Money(value, fact.currency)


def days_sheet(facts: ReportFacts, language: str) -> Sheet:
    """Return one row for each day of each chart."""
    headers = [render_text(f"reports.column.{name}", language) for name in ("day", "name", "value")]
    rows: list[Sequence[TableValue]] = []
    for one in facts.series:
        first = date.fromisoformat(one.first)
        for number, value in enumerate(one.values):
            cell: TableValue = Money(value, one.currency) if one.currency else value
            day = first + timedelta(days=number)
            rows.append((day, charts.chart_title(one, language), cell))
    return Sheet(render_text("reports.sheet.days", language), headers, rows)


def posts_sheet(facts: ReportFacts, language: str) -> Sheet:
    """Return one row for each post of the report."""
    names = ("at", "creator", "channel", "post", "url", "views", "interactions")
    headers = [render_text(f"reports.column.{name}", language) for name in names]
    rows = [
        (
            *(parse_instant(one.at), one.creator, one.channel, one.title, one.url),
            *(one.views, one.interactions),
        )
        for one in facts.posts
    ]
    return Sheet(render_text("reports.sheet.posts", language), headers, rows)
