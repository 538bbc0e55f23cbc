"""What whoever runs the house does at the terminal with requests that no agency may decide."""

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
from workers.terminal.output import print_message, translate
from workers.terminal.session import connect_installation
from workers.wiring import Services

TERMINAL_ACTOR = "system:terminal"


def print_waiting_requests() -> list[str]:
    """A line for each request that waits for the house, then for each report that nothing was found
    for."""
    with connect_installation("removal-requests") as services:
        return waiting_request_lines(services) or [translate(Message("cli.complaints.none"))]


def waiting_request_lines(services: Services) -> list[str]:
    """As `listed`, of these parts of a house."""
    found = []
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            found += [
                _format_line(
                    one.receipt, f"{one.at:%Y-%m-%d %H:%M}", one.category, str(one.state), one.given
                )
                for one in operator_requests.list_operator_requests(scope)
            ]
    with services.tenant(INSTALLATION_ID, TERMINAL_ACTOR) as scope:
        unplaced = installation_reports.list_unmatched_reports(scope)
    return found + [
        _format_line(one.receipt, f"{one.at:%Y-%m-%d %H:%M}", one.category, "-", one.given)
        for one in unplaced
    ]


def _format_line(receipt: str, at: str, category: str, state: str, given: SubmittedForm) -> str:
    return "  ".join(
        part for part in (receipt, at, category, state, given.address, given.words) if part
    )


def show_contact(number: str, *, name: str) -> str:
    """How who asked may be reached. See `opened`."""
    with connect_installation("removal-requests") as services:
        return open_contact(services, number, name=name)


def open_contact(services: Services, number: str, *, name: str) -> str:
    """Open the letter of a request, or say that none was left; who opened it is written into the
    house's audit.

    Raises NotFound for a number nobody was given, BadInput without a name, Unavailable with another
    master key.
    """
    actor = _build_actor(name)
    receipt = number.strip().upper()
    form = _find_form_digest(services, receipt)
    with services.tenant(INSTALLATION_ID, actor) as scope:
        letter = installation_reports.sealed_contact(scope, form) if form is not None else None
        audit.record(scope, "report.contact", f"report:{receipt}")
    if letter is None:
        return translate(Message("cli.complaints.no_contact"))
    return str(services.read_form(INSTALLATION_ID, letter, frozenset())["contact"])


def decide_request(number: str, *, name: str, because: str) -> None:
    """The house's word about a request, told at the terminal. See `decided`."""
    with connect_installation("removal-requests") as services:
        record_decision(services, number, name=name, because=because)
    print_message(
        Message(
            "cli.complaints.stays" if because else "cli.complaints.goes",
            {"number": number.strip().upper()},
        )
    )


def record_decision(services: Services, number: str, *, name: str, because: str) -> None:
    """Take it away, or leave it with a reason. Raises what
    `operator_requests.decide_operator_request` raises, BadInput without a name."""
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
    """The digest of the form behind a number: of a report to the house, or of a request in an
    agency."""
    with services.tenant(INSTALLATION_ID, TERMINAL_ACTOR) as scope:
        try:
            installation_reports.find_report_by_receipt(scope, receipt)
        except NotFound:
            pass
        else:
            return installation_reports.report_form_digest(scope, receipt)
    with services.tenant(_get_tenant_id(services, receipt), TERMINAL_ACTOR) as scope:
        return receipts.form_digest_of_receipt(scope, receipt)
