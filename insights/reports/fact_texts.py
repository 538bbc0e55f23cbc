"""Facts in the words and number formats of a reader: names, values, changes and periods."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from foundation.i18n.translation import (
    Message,
    currency_name,
    format_date,
    format_money,
    render_message,
)
from foundation.money import Money
from insights.metrics.catalog import METRICS
from insights.reports.facts import Fact, ReportFacts, order_currencies
from insights.reports.periods import ReportKind
from insights.rollups.periods import DateRange

ORDER = (
    *("net", "gross", "refunds", "fees", "orders", "buyers_new", "buyers_returning"),
    *("creator_share", "agency_share", "staff_share", "cost_engines"),
    *("posts_published", "posts_failed", "views", "interactions", "followers"),
    *("new_fans", "messages_in", "messages_out"),
)
"""Metrics in the order of a report."""


@dataclass(frozen=True)
class FactLine:
    """A fact as text. `change` is "" if it cannot be compared."""

    fact: Fact
    name: str
    value: str
    before: str
    change: str


def list_fact_lines(facts: ReportFacts, language: str, creator: str = "") -> list[FactLine]:
    """Return the facts of a creator, or the totals, in the order of a report."""
    found = facts.of(creator)
    currencies = order_currencies((one.currency for one in found), facts.currency)
    known = [one for one in found if one.metric in ORDER]
    known.sort(key=lambda one: (ORDER.index(one.metric), currencies.index(one.currency)))
    return [build_fact_line(one, language) for one in known]


def build_fact_line(fact: Fact, language: str) -> FactLine:
    """Return a fact as text."""
    return FactLine(
        fact,
        metric_name(fact, language),
        format_value(fact, fact.value, language),
        format_value(fact, fact.before, language),
        format_change(fact, language),
    )


def metric_name(fact: Fact, language: str) -> str:
    """Return the name of a metric; counts of one currency also name it."""
    name = render_text(metric_code(fact.metric), language)
    return qualify_currency(name, fact.currency if fact.unit == "count" else "", language)


def qualify_currency(name: str, currency: str, language: str) -> str:
    """Return a name with its currency, which is "" for numbers."""
    return f"{name} ({currency_name(currency, language)})" if currency else name


def metric_code(metric: str) -> str:
    """Return the message code of the name of a metric: that of the catalogue, or of a share of the
    sales."""
    return METRICS[metric].name.code if metric in METRICS else f"reports.metric.{metric}"


def format_value(fact: Fact, value: int | None, language: str) -> str:
    """Return a value with the unit of its fact. An unknown value is never shown as 0."""
    if value is None:
        return render_text("reports.unknown", language)
    if fact.unit == "money":
        return format_money(Money(value, fact.currency), language)
    return format_count(value, language)


def format_count(value: int | None, language: str) -> str:
    """Return a number with the thousands separators of a language, or that it is unknown."""
    if value is None:
        return render_text("reports.unknown", language)
    # Loaded late: most processes format nothing.
    from babel.numbers import format_decimal  # noqa: PLC0415  see above

    return str(format_decimal(value, locale=language))


def percent_of_change(fact: Fact) -> int | None:
    """Return the change from the preceding period in per cent, or None if it was not positive or
    one of the values is unknown."""
    if fact.value is None or fact.before is None or fact.before <= 0:
        return None
    return round(Fraction(100 * (fact.value - fact.before), fact.before))


def format_change(fact: Fact, language: str) -> str:
    """Return the change with its sign: `+12%`, `−3 %`."""
    change = percent_of_change(fact)
    if change is None:
        return ""
    # Loaded late for the same reason as above.
    from babel.numbers import format_percent  # noqa: PLC0415  see above

    size = str(format_percent(abs(change) / 100, locale=language))
    return size if not change else f"{'+' if change > 0 else '−'}{size}"


def format_period(period: DateRange, language: str) -> str:
    """Return a period as one date or two."""
    first = format_date(period.first, language)
    if period.first == period.last:
        return first
    return f"{first} – {format_date(period.last, language)}"


def format_instant(at: datetime, zone: str, language: str) -> str:
    """Return a date and time in a time zone, which is named."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{format_date(local.date(), language)} {local:%H:%M} ({zone})"


def report_subject(facts: ReportFacts, agency: str) -> str:
    """Return the name of what a report is about: its only creator, or the agency."""
    names = list(facts.creators.values())
    return names[0] if len(names) == 1 else agency


def report_title(facts: ReportFacts, agency: str, language: str) -> str:
    """Return the title of a report: kind, subject and period, on one line."""
    params = {
        "who": " ".join(report_subject(facts, agency).split()),
        "period": format_period(facts.period, language),
    }
    return render_message(Message(f"reports.title.{ReportKind(facts.kind)}", params), language)


def render_text(code: str, language: str, **params: str | int) -> str:
    """Return a text of the catalogues."""
    return render_message(Message(code, params), language)


def list_highlights(facts: ReportFacts, language: str) -> list[FactLine]:
    """Return the facts that a report shows in large type."""
    lines = list_fact_lines(facts, language)
    chosen = {"net", "orders", "posts_published", "views", "followers"}
    return [one for one in lines if one.fact.metric in chosen and one.fact.value is not None]


CREATOR_COLUMNS = ("net", "orders", "posts_published", "views", "followers")
"""Metrics of the table of creators."""


def list_creator_rows(facts: ReportFacts, language: str) -> list[tuple[str, ...]]:
    """Return the name of each creator with the metrics of `CREATOR_COLUMNS`, or nothing in a report
    about one creator. Amounts of several currencies are beside each other."""
    if len(facts.creators) == 1:
        return []
    rows: list[tuple[str, ...]] = []
    for key, name in facts.creators.items():
        lines = list_fact_lines(facts, language, key)
        cells: list[str] = []
        for metric in CREATOR_COLUMNS:
            found = [one for one in lines if one.fact.metric == metric]
            if metric == "orders":
                count = sum(one.fact.value or 0 for one in found)
                cells.append(format_count(count, language))
            else:
                cells.append(" · ".join(one.value for one in found) or "–")
        rows.append((name, *cells))
    return rows
