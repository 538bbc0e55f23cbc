"""`greenroom removal-requests`: removal requests that the operator of the installation decides.

They concern the owners of an agency, or content of no agency.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID
from gate.removal import installation_reports, receipts, removal_requests
from gate.removal.receipts import SubmittedForm
from gate.removal.removal_requests import KEEP_REASONS, OFFICER_ACTOR
from gate.reviews import operator_requests
from tenants import audit
from tenants.scope import list_tenant_ids
from workers.terminal.lookup import TERMINAL_ACTOR
from workers.terminal.output import print_message
from workers.terminal.session import connect_installation
from workers.terminal.tables import format_json, format_table
from workers.wiring import Services


@dataclass(frozen=True)
class PendingRequest:
    """A request or report in the operator's list; `state` is empty for a report that matched no
    content."""

    receipt: str
    received_at: datetime
    category: str
    state: str
    address: str
    text: str


def print_pending_requests(*, as_json: bool) -> None:
    """Print the requests pending a decision, then the reports that matched no content."""
    with connect_installation("removal-requests") as services:
        found = list_pending_requests(services)
    if as_json:
        print(format_json(found))
    elif found:
        rows = [
            (
                one.receipt,
                f"{one.received_at:%Y-%m-%d %H:%M}",
                one.category,
                one.state,
                one.address,
                one.text,
            )
            for one in found
        ]
        print(format_table(("number", "received", "category", "state", "address", "text"), rows))
    else:
        print_message(Message("cli.complaints.none"))


def list_pending_requests(services: Services) -> list[PendingRequest]:
    """Return the requests pending a decision, then the reports that matched no content."""
    found = []
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            found += [
                _build_row(one.receipt, one.at, one.category, str(one.state), one.given)
                for one in operator_requests.list_operator_requests(scope)
            ]
    with services.tenant(INSTALLATION_ID, TERMINAL_ACTOR) as scope:
        unmatched = installation_reports.list_unmatched_reports(scope)
    return found + [
        _build_row(one.receipt, one.at, one.category, "", one.given) for one in unmatched
    ]


def _build_row(
    receipt: str, at: datetime, category: str, state: str, given: SubmittedForm
) -> PendingRequest:
    return PendingRequest(receipt, at, category, state, given.address, given.words)


def print_contact(number: str, *, name: str, as_json: bool) -> None:
    """Print the contact details of a requester. See `open_contact`."""
    with connect_installation("removal-requests") as services:
        contact = open_contact(services, number, name=name)
    if as_json:
        print(format_json({"number": number.strip().upper(), "contact": contact}))
    elif contact is None:
        print_message(Message("cli.complaints.no_contact"))
    else:
        print(contact)


def open_contact(services: Services, number: str, *, name: str) -> str | None:
    """Return the contact details of a requester, or None if the form has none, and record the
    access in the audit log.

    Raises NotFound for an unknown number, BadInput without a name, Unavailable if the master key is
    not the one that sealed them.
    """
    actor = _build_actor(name)
    receipt = number.strip().upper()
    form = _find_form_digest(services, receipt)
    with services.tenant(INSTALLATION_ID, actor) as scope:
        letter = installation_reports.sealed_contact(scope, form) if form is not None else None
        audit.record(scope, "report.contact", f"report:{receipt}")
    if letter is None:
        return None
    return str(services.read_form(INSTALLATION_ID, letter, frozenset())["contact"])


def decide_request(number: str, *, name: str, because: str) -> None:
    """Decide a request and print the result. See `record_decision`."""
    with connect_installation("removal-requests") as services:
        record_decision(services, number, name=name, because=because)
    print_message(
        Message(
            "cli.complaints.stays" if because else "cli.complaints.goes",
            {"number": number.strip().upper()},
        )
    )


def record_decision(services: Services, number: str, *, name: str, because: str) -> None:
    """Uphold a request, or reject it for the reason `because`.

    Raises BadInput without a name, and as `operator_requests.decide_operator_request`.
    """
    if because and because not in KEEP_REASONS:
        raise BadInput("complaint.no_reason")
    tenant_id = _get_tenant_id(services, number.strip().upper())
    with services.tenant(tenant_id, _build_actor(name)) as scope:
        operator_requests.decide_operator_request(
            scope,
            removal_requests.find_status_by_receipt(scope, number.strip().upper()).id,
            because=because,
        )


def _build_actor(name: str) -> str:
    plain = " ".join(name.split())
    if not plain or len(plain) > 60:
        raise BadInput("cli.complaints.no_name")
    return f"{OFFICER_ACTOR}{plain.casefold()}"


def _get_tenant_id(services: Services, receipt: str) -> UUID:
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            try:
                removal_requests.find_status_by_receipt(scope, receipt)
            except NotFound:
                continue
            return tenant_id
    raise NotFound("complaint.unknown")


def _find_form_digest(services: Services, receipt: str) -> str | None:
    """Return the digest of the form of a request or report. Raises NotFound."""
    with services.tenant(INSTALLATION_ID, TERMINAL_ACTOR) as scope:
        try:
            installation_reports.find_report_by_receipt(scope, receipt)
        except NotFound:
            pass
        else:
            return installation_reports.report_form_digest(scope, receipt)
    with services.tenant(_get_tenant_id(services, receipt), TERMINAL_ACTOR) as scope:
        return receipts.form_digest_of_receipt(scope, receipt)
