"""`greenroom gate report`: the transparency report of an agency for one month."""

from enum import Enum, auto

from foundation.errors import BadInput
from insights.reports import transparency_report
from tenants.agencies import queries
from workers.cli.gate.log_export import find_tenants
from workers.terminal.lookup import TERMINAL_ACTOR
from workers.terminal.output import terminal_language
from workers.terminal.session import connect_installation
from workers.terminal.tables import format_json
from workers.wiring import Services


class ReportFormat(Enum):
    """Output formats of the report."""

    MARKDOWN = auto()
    CSV = auto()
    JSON = auto()


def export_transparency_report(month: str, *, agency: str, form: ReportFormat) -> str:
    """Return the report of a month. See `build_report`."""
    with connect_installation("gate") as services:
        return build_report(services, month, agency=agency, form=form)


def build_report(services: Services, month: str, *, agency: str, form: ReportFormat) -> str:
    """Return the report of a month such as 2026-11 (empty: the current month), in the terminal's
    language.

    Raises NotFound for an unknown agency, BadInput for an invalid month or if there are several
    agencies and none is named.
    """
    first = transparency_report.parse_month(month) if month else None
    chosen = find_tenants(services, agency)
    if len(chosen) != 1:
        raise BadInput("cli.report.which", agencies=", ".join(_list_agency_names(services)))
    with services.tenant(chosen[0], TERMINAL_ACTOR) as scope:
        found = transparency_report.load_transparency_report(scope, first)
    match form:
        case ReportFormat.CSV:
            return transparency_report.render_transparency_csv(found)
        case ReportFormat.JSON:
            return format_json(found)
        case ReportFormat.MARKDOWN:
            return transparency_report.render_transparency_markdown(found, terminal_language())


def _list_agency_names(services: Services) -> list[str]:
    found = []
    for tenant_id in find_tenants(services, ""):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            found.append(queries.get_agency(scope).name)
    return sorted(found)
