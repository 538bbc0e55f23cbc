"""Handler that searches all agencies for content reported to the installation and opens a removal
request for each match. The content is frozen at once."""

from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.ids import INSTALLATION_ID
from gate.removal import installation_reports, receipts, removal_requests
from gate.removal.events import ReportDue
from gate.removal.installation_reports import ReportDetails
from gate.removal.receipts import SubmittedForm
from tenants.scope import list_tenant_ids
from web.removal import picture_lookup

ACTOR = "system:reports"


def search_reported_content(event: ReportDue, *, tenant: OpenScope, base: str) -> None:
    """Open exactly one request per match, even if the event is repeated, and record the requests
    with the report.

    `base` is the URL of the pages. Agencies are notified as for any request, without the reporter's
    identity.
    """
    with tenant(INSTALLATION_ID, ACTOR) as scope:
        report = installation_reports.get_report(scope, event.subject_id)
    if report.sought_at is not None:
        return
    found: list[tuple[UUID, str]] = []
    for tenant_id in list_tenant_ids(tenant):
        with tenant(tenant_id, ACTOR) as scope:
            found += [(tenant_id, receipt) for receipt in _create_requests(scope, report, base)]
    with tenant(INSTALLATION_ID, ACTOR) as scope:
        installation_reports.record_found_requests(scope, report.id, found)


def _create_requests(scope: Scope, report: ReportDetails, base: str) -> list[str]:
    """Return the receipts of an agency's requests, one per creator of the reported pictures."""
    meant = picture_lookup.find_pictures(scope, report.given.address, report.looks, base=base)
    return [
        _create_request(scope, report, creator_id, meant[creator_id])
        for creator_id in sorted(meant)
    ]


def _create_request(
    scope: Scope, report: ReportDetails, creator_id: UUID, digests: set[str]
) -> str:
    said = SubmittedForm(
        report.given.address, report.given.words, report.given.by_house, f"{report.id}:{creator_id}"
    )
    before = receipts.receipt_of_form(scope, said.form)
    if before is not None:
        return before
    receipt = removal_requests.receive_removal_request(
        scope,
        creator_id=creator_id,
        category=report.category,
        named="",
        digests=sorted(digests),
        source=f"house:{report.source}",
    )
    receipts.store_submission(scope, receipt, said, installation_reports.NO_ACCESS_CODE)
    return receipt
