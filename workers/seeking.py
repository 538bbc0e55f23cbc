"""Looking in every agency for what was reported to the house; each find becomes a request there, frozen at once."""

from uuid import UUID

from foundation.database import OpenScope, Scope
from foundation.ids import HOUSE
from gate import complaints, receipts, reports
from gate.events import ReportDue
from gate.receipts import Given
from gate.reports import Report
from tenants.scope import all_tenants
from web import finding

ACTOR = "system:reports"


def seek(event: ReportDue, *, tenant: OpenScope, base: str) -> None:
    """Make a request of each find, once, however often this is done; then write down which they are.

    `base` is where our pages lie. Agencies learn of a request as of any other, and nothing of who asked.
    """
    with tenant(HOUSE, ACTOR) as scope:
        report = reports.one(scope, event.subject_id)
    if report.sought_at is not None:
        return
    found: list[tuple[UUID, str]] = []
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, ACTOR) as scope:
            found += [(tenant_id, receipt) for receipt in _requests(scope, report, base)]
    with tenant(HOUSE, ACTOR) as scope:
        reports.found(scope, report.id, found)


def _requests(scope: Scope, report: Report, base: str) -> list[str]:
    """The receipts of the requests in one agency: one for each creator whose pictures are meant."""
    meant = finding.meant(scope, report.given.address, report.looks, base=base)
    return [_request(scope, report, creator_id, meant[creator_id]) for creator_id in sorted(meant)]


def _request(scope: Scope, report: Report, creator_id: UUID, digests: set[str]) -> str:
    said = Given(report.given.address, report.given.words, report.given.by_house, f"{report.id}:{creator_id}")
    before = receipts.of_form(scope, said.form)
    if before is not None:
        return before
    receipt = complaints.receive(
        scope,
        creator_id=creator_id,
        category=report.category,
        named="",
        digests=sorted(digests),
        source=f"house:{report.source}",
    )
    receipts.keep(scope, receipt, said, reports.NO_CODE)
    return receipt
