"""`greenroom gate report`: a month of the safety check in numbers, for one agency of the house that runs here."""

from foundation import settings
from foundation.errors import BadInput
from insights import transparency
from tenants import reads as tenant_reads
from workers.gate_log import ASKING, tenants
from workers.visiting import at_home
from workers.wiring import Services


def report(month: str, *, agency: str, as_csv: bool) -> str:
    """The report of a month as Markdown or CSV. See `made`."""
    with at_home("gate") as services:
        return made(services, month, agency=agency, as_csv=as_csv)


def made(services: Services, month: str, *, agency: str, as_csv: bool) -> str:
    """The report of a month (2026-11, the running one when empty), in the terminal's language.

    Raises NotFound for an agency nobody knows, BadInput for a month nobody can read, or where several agencies fit.
    """
    first = transparency.first_of(month) if month else None
    chosen = tenants(services, agency)
    if len(chosen) != 1:
        raise BadInput("cli.report.which", agencies=", ".join(_names(services)))
    with services.tenant(chosen[0], ASKING) as scope:
        found = transparency.report(scope, first)
    return transparency.table(found) if as_csv else transparency.markdown(found, settings.language())


def _names(services: Services) -> list[str]:
    found = []
    for tenant_id in tenants(services, ""):
        with services.tenant(tenant_id, ASKING) as scope:
            found.append(tenant_reads.agency(scope).name)
    return sorted(found)
