"""What a person asks of the house at the terminal beside the day: a report, a link."""

from pathlib import Path

from foundation.ops import settings
from foundation.ops.wall_time import local_day
from insights.reports import daily_report
from insights.rollups import daily_rollups
from workers.terminal.lookup import (
    TERMINAL_ACTOR,
    create_reports_folder,
    find_creator,
    parse_day_argument,
)
from workers.terminal.session import connect_installation


def export_daily_report(creator: str, *, day: str, agency: str) -> tuple[str, Path]:
    """The report of a creator's day as it stands now: its Markdown, and the page that was written.

    `day` is ISO, empty for today in the creator's zone. Raises NotFound for a creator nobody knows,
    BadInput for a day nobody can read.
    """
    asked = parse_day_argument(day)
    with connect_installation("report") as services:
        tenant_id, found = find_creator(services, creator, agency)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            asked = asked or local_day(scope.now, found.zone)
            daily_rollups.rebuild_day(scope, found.id, asked)
            whole = daily_report.load_daily_report(scope, found.id, asked)
    folder = create_reports_folder(services.settings, tenant_id, found)
    return daily_report.render_daily_markdown(
        whole, settings.terminal_language()
    ), daily_report.write_daily_report(whole, folder, settings.terminal_language())
