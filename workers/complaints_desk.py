"""What whoever runs the house does at the terminal with requests that no agency may decide."""

from uuid import UUID

from foundation.errors import BadInput, NotFound
from foundation.ids import HOUSE
from foundation.words import Message
from gate import complaints, officer, receipts, reports
from gate.complaints import OFFICER, STAYS
from gate.receipts import Given
from tenants import audit
from tenants.scope import all_tenants
from workers.terminal import sentence, tell
from workers.visiting import at_home
from workers.wiring import Services

ASKING = "system:terminal"


def listed() -> list[str]:
    """A line for each request that waits for the house, then for each report that nothing was found for."""
    with at_home("complaints") as services:
        return lines(services) or [sentence(Message("cli.complaints.none"))]


def lines(services: Services) -> list[str]:
    """As `listed`, of these parts of a house."""
    found = []
    for tenant_id in all_tenants(services.tenant):
        with services.tenant(tenant_id, ASKING) as scope:
            found += [
                _line(one.receipt, f"{one.at:%Y-%m-%d %H:%M}", one.category, str(one.state), one.given)
                for one in officer.waiting(scope)
            ]
    with services.tenant(HOUSE, ASKING) as scope:
        unplaced = reports.unplaced(scope)
    return found + [_line(one.receipt, f"{one.at:%Y-%m-%d %H:%M}", one.category, "-", one.given) for one in unplaced]


def _line(receipt: str, at: str, category: str, state: str, given: Given) -> str:
    return "  ".join(part for part in (receipt, at, category, state, given.address, given.words) if part)


def contact(number: str, *, name: str) -> str:
    """How who asked may be reached. See `opened`."""
    with at_home("complaints") as services:
        return opened(services, number, name=name)


def opened(services: Services, number: str, *, name: str) -> str:
    """Open the letter of a request, or say that none was left; who opened it is written into the house's audit.

    Raises NotFound for a number nobody was given, BadInput without a name, Unavailable with another master key.
    """
    actor, receipt = _actor(name), number.strip().upper()
    form = _form(services, receipt)
    with services.tenant(HOUSE, actor) as scope:
        letter = reports.contact(scope, form) if form is not None else None
        audit.note(scope, "report.contact", f"report:{receipt}")
    if letter is None:
        return sentence(Message("cli.complaints.no_contact"))
    return str(services.read_form(HOUSE, letter, frozenset())["contact"])


def decide(number: str, *, name: str, because: str) -> None:
    """The house's word about a request, told at the terminal. See `decided`."""
    with at_home("complaints") as services:
        decided(services, number, name=name, because=because)
    tell(Message("cli.complaints.stays" if because else "cli.complaints.goes", {"number": number.strip().upper()}))


def decided(services: Services, number: str, *, name: str, because: str) -> None:
    """Take it away, or leave it with a reason. Raises what `officer.decide` raises, BadInput without a name."""
    if because and because not in STAYS:
        raise BadInput("complaint.no_reason")
    tenant_id = _where(services, number.strip().upper())
    with services.tenant(tenant_id, _actor(name)) as scope:
        officer.decide(scope, complaints.by_receipt(scope, number.strip().upper()).id, because=because)


def _actor(name: str) -> str:
    plain = " ".join(name.split())
    if not plain or len(plain) > 60:
        raise BadInput("cli.complaints.no_name")
    return f"{OFFICER}{plain.casefold()}"


def _where(services: Services, receipt: str) -> UUID:
    for tenant_id in all_tenants(services.tenant):
        with services.tenant(tenant_id, ASKING) as scope:
            try:
                complaints.by_receipt(scope, receipt)
            except NotFound:
                continue
            return tenant_id
    raise NotFound("complaint.unknown")


def _form(services: Services, receipt: str) -> str | None:
    """The digest of the form behind a number: of a report to the house, or of a request in an agency."""
    with services.tenant(HOUSE, ASKING) as scope:
        try:
            reports.by_receipt(scope, receipt)
        except NotFound:
            pass
        else:
            return reports.form_of(scope, receipt)
    with services.tenant(_where(services, receipt), ASKING) as scope:
        return receipts.form_of(scope, receipt)
