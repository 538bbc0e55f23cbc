"""`greenroom report`: a creator's report of a day, week or month, shown and saved."""

from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ops.wall_time import local_day
from insights.reports import brief, charts, daily_report, runs
from insights.reports.daily_report import DailyReport
from insights.reports.documents import ReportDocument
from insights.reports.options import ReportFormat
from insights.reports.outgoing_reports import file_stem
from insights.reports.periods import ReportKind, period_before, period_with
from insights.reports.report_files import render_report
from workers.terminal.lookup import (
    TERMINAL_ACTOR,
    create_reports_folder,
    find_creator,
    parse_day_argument,
)
from workers.terminal.output import print_progress, terminal_language
from workers.terminal.session import connect_installation
from workers.terminal.tables import format_json


def export_daily_report(creator: str, *, day: str, agency: str, as_json: bool) -> str:
    """Save the report of a creator's day as HTML, Markdown and CSV, and return it as Markdown or
    JSON.

    `day` is an ISO date, or empty for today in the creator's time zone. Raises NotFound for an
    unknown creator, BadInput for a date that is not ISO.
    """
    requested = parse_day_argument(day)
    with connect_installation("report") as services:
        tenant_id, found = find_creator(services, creator, agency)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            requested = requested or local_day(scope.now, found.zone)
            report = daily_report.rebuild_daily_report(scope, found.id, requested)
    folder = create_reports_folder(services.settings, tenant_id, found)
    language = terminal_language()
    page = daily_report.write_daily_report(report, folder, language)
    print_progress(Message("cli.report.saved", {"file": str(page)}))
    return (
        _report_as_json(report) if as_json else daily_report.render_daily_markdown(report, language)
    )


def _report_as_json(report: DailyReport) -> str:
    return format_json(
        {
            "creator": report.creator.slug,
            "date": report.day,
            "balanced": report.balanced,
            "sales": [{"net": sales.net, **vars(sales)} for sales in report.sales],
            "posts": [
                {
                    "id": post.delivery_id,
                    "channel": post.channel,
                    "state": post.state,
                    "due_at": post.due_at,
                    "url": post.url,
                    "metrics": report.best_posts(post),
                }
                for post in report.posts
            ],
        }
    )


def export_period_report(
    creator: str, *, kind: str, day: str, agency: str, client: bool, as_json: bool
) -> str:
    """Save the report of a creator's day, week or month as HTML, PDF, CSV and Excel, and return its
    brief, or its facts as JSON.

    `day` is a day of the period (ISO date), or empty for the last period that has ended. Raises
    NotFound for an unknown creator, BadInput for another kind and a date that is not ISO.
    """
    if kind not in set(ReportKind):
        raise BadInput("cli.report.kind", kind=kind[:20])
    wanted = ReportKind(kind)
    requested = parse_day_argument(day)
    with connect_installation("report") as services:
        tenant_id, found = find_creator(services, creator, agency)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            today = local_day(scope.now, found.zone)
            period = period_with(wanted, requested) if requested else period_before(wanted, today)
            facts, brand = runs.load_direct_report(
                scope, [found], wanted, period, "client" if client else "team"
            )
    language = terminal_language()
    told = brief.build_brief(facts, language)
    pictures = charts.render_charts(facts, language, brand.accent)
    document = ReportDocument(facts, brand, told, pictures, language, found.zone)
    folder = create_reports_folder(services.settings, tenant_id, found)
    for form in ReportFormat:
        file = folder / f"{file_stem(document)}.{form}"
        file.write_bytes(render_report(document, form))
        print_progress(Message("cli.report.saved", {"file": str(file)}))
    return format_json(facts.to_json()) if as_json else f"{document.title}\n\n{told.text}"
