"""`greenroom gate report`: a month of the safety check in numbers, for one agency of the house that
runs here."""

from foundation.errors import BadInput
from foundation.ops import settings
from insights.reports import transparency_report
from tenants.agencies import queries
from workers.cli.gate.log_export import TERMINAL_ACTOR, find_tenants
from workers.terminal.session import connect_installation
from workers.wiring import Services


def export_transparency_report(month: str, *, agency: str, as_csv: bool) -> str:
    """The report of a month as Markdown or CSV. See `made`."""
    with connect_installation("gate") as services:
        return build_report(services, month, agency=agency, as_csv=as_csv)


def build_report(services: Services, month: str, *, agency: str, as_csv: bool) -> str:
    """The report of a month (2026-11, the running one when empty), in the terminal's language.

    Raises NotFound for an agency nobody knows, BadInput for a month nobody can read, or where
    several agencies fit.
    """
    first = transparency_report.parse_month(month) if month else None
    chosen = find_tenants(services, agency)
    if len(chosen) != 1:
        raise BadInput("cli.report.which", agencies=", ".join(_list_agency_names(services)))
    with services.tenant(chosen[0], TERMINAL_ACTOR) as scope:
        found = transparency_report.load_transparency_report(scope, first)
    return (
        transparency_report.render_transparency_csv(found)
        if as_csv
        else transparency_report.render_transparency_markdown(found, settings.terminal_language())
    )


def _list_agency_names(services: Services) -> list[str]:
    found = []
    for tenant_id in find_tenants(services, ""):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            found.append(queries.get_agency(scope).name)
    return sorted(found)
