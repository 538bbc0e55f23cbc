"""Reports to the installation, from people who do not know the page or agency of a picture.

Reports are rows of the installation, written by the public web process. Workers search every agency
and create a request for each match (`workers/event_handlers/reported_content.py`). The reporter
does not learn the names of agencies. The reporter's contact details are stored here, encrypted for
the installation; no agency's database role can read them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import Field, col, select

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.db.tables import TenantRow, jsonb_column, table_arguments, timestamp_column
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox
from gate.removal import receipts
from gate.removal.events import ReportDue
from gate.removal.receipts import SubmittedForm
from gate.removal.removal_requests import MAX_REMOVAL_REQUESTS, RATE_WINDOW, REMOVAL_CATEGORIES

NO_ACCESS_CODE = "-"
"""Stored instead of a code's hash for a request created from a report.

Only the report's own receipt gives access.
"""


class InstallationReport(TenantRow, table=True):
    """A report; `found` are the requests created from it: tenant and receipt. Only the gate updates
    it."""

    __tablename__ = "house_reports"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "receipt"),
        UniqueConstraint("tenant_id", "form"),
        about="person",
        keep="5 years",
    )
    receipt: str
    pin_hash: str
    category: str
    address: str
    words: str
    source: str
    """The origin, as a digest that only one running process can compute."""
    form: str | None = None
    by_house: bool = False
    looks: list[str] = jsonb_column(list)
    found: list[dict[str, Any]] = jsonb_column(list)
    sought_at: datetime | None = timestamp_column(optional=True)


class ReportContact(TenantRow, table=True):
    """The encrypted contact details of a reporter, under the digest of the submitted form."""

    __tablename__ = "report_contacts"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "about"), about="person", keep="5 years"
    )
    about: str
    letter: bytes = Field(sa_type=LargeBinary)


@dataclass(frozen=True)
class ReportDetails:
    """A report and its status; `found` are the tenants and receipts of the requests created from
    it."""

    id: UUID
    receipt: str
    category: str
    given: SubmittedForm
    looks: tuple[str, ...]
    source: str
    at: datetime
    sought_at: datetime | None
    found: tuple[tuple[UUID, str], ...]


def receive_report(
    scope: Scope,
    *,
    receipt: str,
    pin_hash: str,
    category: str,
    given: SubmittedForm,
    looks: Sequence[str],
    source: str,
) -> str:
    """Store a report, start the search and return the receipt. Call it in a scope of the role
    `door`.

    A form that was submitted before returns its receipt again. Raises BadInput for an unknown
    category or an empty report, and Refused if one source sends too many.
    """
    if category not in REMOVAL_CATEGORIES or not (given.address or looks or given.words):
        raise BadInput("report.unfit")
    form = receipts.form_digest(given.form)
    # A form submitted twice waits here until the first submission has its receipt.
    scope.lock(f"report form:{INSTALLATION_ID}:{form}")
    before = scope.run(
        "SELECT receipt FROM house_reports WHERE tenant_id = :h AND form = :form",
        h=INSTALLATION_ID,
        form=form,
    )
    if (known := before.scalar()) is not None:
        return str(known)
    lately = scope.run(
        "SELECT count(*) FROM house_reports WHERE tenant_id = :house AND source = :source AND "
        "created_at > :since",
        house=INSTALLATION_ID,
        source=source,
        since=scope.now - RATE_WINDOW,
    ).scalar_one()
    if lately >= MAX_REMOVAL_REQUESTS:
        raise Refused("complaint.flood", most=MAX_REMOVAL_REQUESTS)
    row = InstallationReport(
        tenant_id=INSTALLATION_ID,
        id=uuid7(),
        receipt=receipt,
        pin_hash=pin_hash,
        category=category,
        address=given.address,
        words=given.words,
        source=source,
        form=form,
        by_house=given.by_house,
        looks=list(looks),
    )
    scope.add(row)
    outbox.put(scope, ReportDue(INSTALLATION_ID, row.id), priority=0)
    return receipt


def record_found_requests(
    scope: Scope, report_id: UUID, requests: Sequence[tuple[UUID, str]]
) -> None:
    """Record the requests created from a report and the time of the search.

    Call it in a scope of the installation.
    """
    listed = [{"tenant": str(tenant), "receipt": receipt} for tenant, receipt in requests]
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE house_reports SET found = CAST(:found AS jsonb), sought_at = house_now(), "
            "updated_at = house_now()"
            " WHERE tenant_id = :house AND id = :id",
            house=INSTALLATION_ID,
            id=report_id,
            found=canonical_json(listed).decode(),
        )


def get_report(scope: Scope, report_id: UUID) -> ReportDetails:
    """Return a report, in a scope of the installation. Raises NotFound."""
    return _report_from_row(
        scope.session.get(InstallationReport, (INSTALLATION_ID, report_id)), scope
    )


def find_report_by_receipt(scope: Scope, receipt: str) -> ReportDetails:
    """Return a report, in a scope of the installation. Raises NotFound for an unknown receipt."""
    asked = select(InstallationReport).where(
        InstallationReport.tenant_id == INSTALLATION_ID, InstallationReport.receipt == receipt
    )
    return _report_from_row(
        scope.session.exec(asked.execution_options(populate_existing=True)).first(), scope
    )


def report_code_hash(scope: Scope, receipt: str) -> str | None:
    """Return the hash of the access code of a report's receipt, or None for an unknown receipt."""
    asked = select(InstallationReport.pin_hash).where(
        InstallationReport.tenant_id == INSTALLATION_ID, InstallationReport.receipt == receipt
    )
    return scope.session.exec(asked).first()


def list_unmatched_reports(scope: Scope) -> list[ReportDetails]:
    """Return the reports without matches, which an officer must read, newest first.

    Call it in a scope of the installation.
    """
    rows = scope.session.exec(
        select(InstallationReport)
        .where(
            InstallationReport.tenant_id == INSTALLATION_ID,
            col(InstallationReport.sought_at).is_not(None),
            InstallationReport.found == [],
        )
        .order_by(col(InstallationReport.created_at).desc())
    )
    return [_report_from_row(row, scope) for row in rows]


def _report_from_row(row: InstallationReport | None, scope: Scope) -> ReportDetails:
    if row is None:
        raise NotFound("complaint.unknown")
    said = SubmittedForm(row.address, row.words, row.by_house)
    listed = tuple((UUID(each["tenant"]), str(each["receipt"])) for each in row.found)
    at = row.created_at or scope.now
    return ReportDetails(
        row.id,
        row.receipt,
        row.category,
        said,
        tuple(row.looks),
        row.source,
        at,
        row.sought_at,
        listed,
    )


def store_contact(scope: Scope, form: str, letter: bytes) -> None:
    """Store encrypted contact details, in a scope of the role `door`. The first ones of a form are
    kept."""
    scope.run(
        "INSERT INTO report_contacts (tenant_id, id, about, letter) VALUES (:house, :id, :about, "
        ":letter)"
        " ON CONFLICT DO NOTHING",
        house=INSTALLATION_ID,
        id=uuid7(),
        about=receipts.form_digest(form),
        letter=letter,
    )


def sealed_contact(scope: Scope, form: str) -> bytes | None:
    """Return the encrypted contact details of a form, by its digest, or None if there are none.

    Call it in a scope of the installation.
    """
    asked = select(ReportContact.letter).where(
        ReportContact.tenant_id == INSTALLATION_ID, ReportContact.about == form
    )
    return scope.session.exec(asked).first()


def report_form_digest(scope: Scope, receipt: str) -> str | None:
    """Return the digest of the form of a report's receipt, in a scope of the installation."""
    return scope.session.exec(
        select(InstallationReport.form).where(
            InstallationReport.tenant_id == INSTALLATION_ID, InstallationReport.receipt == receipt
        )
    ).first()
