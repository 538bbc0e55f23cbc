"""Transparency report: a month of the safety check, which an agency can publish or send to an
authority.

It contains counts and no names. Months follow the agency's time zone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from foundation.csv_tables import CsvCell, render_csv_table
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message, render_message
from foundation.ops.wall_time import day_bounds, local_day
from gate.removal import transparency
from gate.removal.transparency import REMOVAL_DEADLINE_HOURS, TransparencyCounts
from insights.reports import daily_report
from tenants.agencies import queries


@dataclass(frozen=True)
class TransparencyReport:
    """One month of an agency. `first` is its first day and `whole` is True if it is over. `made_at`
    is UTC-aware."""

    agency: str
    first: date
    whole: bool
    made_at: datetime
    counts: TransparencyCounts


def parse_month(text: str) -> date:
    """Return the first day of a month in the format 2026-11. Raises BadInput."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise BadInput("transparency.no_month", month=text[:20]) from error


def list_report_months(scope: Scope, count: int = 13) -> list[date]:
    """Return the first days of the current and preceding months, newest first."""
    found = [local_day(scope.now, queries.get_agency(scope).zone).replace(day=1)]
    while len(found) < count:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found


def load_transparency_report(scope: Scope, first: date | None = None) -> TransparencyReport:
    """Return the report of the month that starts on `first`, by default the current month. Raises
    BadInput for a future month."""
    agency = queries.get_agency(scope)
    today = local_day(scope.now, agency.zone)
    chosen = (first or today).replace(day=1)
    if chosen > today:
        raise BadInput("transparency.to_come", month=f"{chosen:%Y-%m}")
    following = (chosen + timedelta(days=31)).replace(day=1)
    start = day_bounds(chosen, agency.zone)[0]
    end = day_bounds(following, agency.zone)[0]
    return TransparencyReport(
        agency.name,
        chosen,
        end <= scope.now,
        scope.now,
        transparency.monthly_report(scope, start, end),
    )


def render_transparency_html(found: TransparencyReport, language: str) -> str:
    """Return the report as a self-contained HTML page without scripts or external resources."""
    return _render_report("transparency.html", found, language)


def render_transparency_markdown(found: TransparencyReport, language: str) -> str:
    """Return the report as Markdown."""
    return _render_report("transparency.md", found, language)


def _render_report(template: str, found: TransparencyReport, language: str) -> str:
    def word(code: str, **params: str | int) -> str:
        return render_message(Message(code, params), language)

    def hours(value: float) -> str:
        shown = f"{value:.1f}"
        return shown.replace(".", ",") if language == "fr" else shown

    drawn = daily_report.report_templates().get_template(template)
    name = daily_report.escape_markdown(found.agency) if template.endswith(".md") else found.agency
    return drawn.render(
        found=found,
        month=found.counts,
        name=name,
        word=word,
        hours=hours,
        legal=REMOVAL_DEADLINE_HOURS,
        language=language,
    )


def render_transparency_csv(found: TransparencyReport) -> str:
    """Return the counts as CSV, one per line with name, category and value; hours have two
    decimals."""
    month = found.counts
    rows: list[Sequence[CsvCell]] = [["what", "of", "value"]]
    for what in ("sent", "held", "blocked", "called", "gone", "withdrawn", "proofs", "closed"):
        rows.append([what, "", getattr(month, what)])
    for reason, count in month.reasons:
        rows.append(["reason", reason, count])
    for asked in month.requests:
        for what in ("received", "taken", "kept", "open"):
            rows.append([f"requests_{what}", asked.category, getattr(asked, what)])
    for again in month.appeals:
        for what in ("received", "changed", "confirmed", "open"):
            rows.append([f"appeals_{what}", again.side, getattr(again, what)])
    for what, (median, longest) in (("settled", month.settled_hours), ("gone", month.gone_hours)):
        rows.append([f"{what}_hours_median", "", f"{median:.2f}"])
        rows.append([f"{what}_hours_longest", "", f"{longest:.2f}"])
    return render_csv_table(rows)
