"""Reports to the installation as a whole: somebody saw a picture and does not know whose page, or which agency, it is.

They are rows of the house, written by the door; the workers look in every agency and make a request of each find
(`workers/seeking.py`). Who reports never reads which agencies there are. What lets them be reached lies here too,
sealed to the house: no agency's role reads a row of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import Field, col, select

from foundation import outbox
from foundation.database import Scope, TenantRow, instant, jsonb, table
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import HOUSE, uuid7
from foundation.words import canonical
from gate import receipts
from gate.complaints import CATEGORIES, MOST, WITHIN
from gate.events import ReportDue
from gate.receipts import Given

NO_CODE = "-"
"""In place of a code's hash, for a request made of a report: that one's receipt is read, and nothing opens its own."""


class HouseReport(TenantRow, table=True):
    """One report; `found` are the requests that were made of it: tenant and receipt. The gate alone changes it."""

    __tablename__ = "house_reports"
    __table_args__ = table(
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
    """Where it came from, as a digest that one process of ours can make, while it runs."""
    form: str | None = None
    by_house: bool = False
    looks: list[str] = jsonb(list)
    found: list[dict[str, Any]] = jsonb(list)
    sought_at: datetime | None = instant(optional=True)


class ReportContact(TenantRow, table=True):
    """How somebody who reported may be reached: a letter to the house, under the digest of the form they filled in."""

    __tablename__ = "report_contacts"
    __table_args__ = table(UniqueConstraint("tenant_id", "about"), about="person", keep="5 years")
    about: str
    letter: bytes = Field(sa_type=LargeBinary)


@dataclass(frozen=True)
class Report:
    """A report as it stands; `found` are the agencies and receipts of the requests that were made of it."""

    id: UUID
    receipt: str
    category: str
    given: Given
    looks: tuple[str, ...]
    source: str
    at: datetime
    sought_at: datetime | None
    found: tuple[tuple[UUID, str], ...]


def receive(
    scope: Scope, *, receipt: str, pin_hash: str, category: str, given: Given, looks: Sequence[str], source: str
) -> str:
    """Write a report down, and have the workers look for what it means; in a scope of the door. Returns its receipt.

    A form that was sent before gives the receipt it had. Raises BadInput for a category nobody knows or where nothing
    is said, Refused for a flood of one source.
    """
    if category not in CATEGORIES or not (given.address or looks or given.words):
        raise BadInput("report.unfit")
    form = receipts.digest(given.form)
    scope.hold(f"report form:{HOUSE}:{form}")
    before = scope.run("SELECT receipt FROM house_reports WHERE tenant_id = :h AND form = :form", h=HOUSE, form=form)
    if (known := before.scalar()) is not None:
        return str(known)
    lately = scope.run(
        "SELECT count(*) FROM house_reports WHERE tenant_id = :house AND source = :source AND created_at > :since",
        house=HOUSE,
        source=source,
        since=scope.now - WITHIN,
    ).scalar_one()
    if lately >= MOST:
        raise Refused("complaint.flood", most=MOST)
    row = HouseReport(
        tenant_id=HOUSE,
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
    outbox.put(scope, ReportDue(HOUSE, row.id), priority=0)
    return receipt


def found(scope: Scope, report_id: UUID, requests: Sequence[tuple[UUID, str]]) -> None:
    """Write down which requests were made of a report, and when it was looked for; in a scope of the house."""
    listed = [{"tenant": str(tenant), "receipt": receipt} for tenant, receipt in requests]
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE house_reports SET found = CAST(:found AS jsonb), sought_at = house_now(), updated_at = house_now()"
            " WHERE tenant_id = :house AND id = :id",
            house=HOUSE,
            id=report_id,
            found=canonical(listed).decode(),
        )


def one(scope: Scope, report_id: UUID) -> Report:
    """A report, in a scope of the house. Raises NotFound."""
    return _report(scope.session.get(HouseReport, (HOUSE, report_id)), scope)


def by_receipt(scope: Scope, receipt: str) -> Report:
    """A report, in a scope of the house. Raises NotFound for a receipt nobody was given."""
    asked = select(HouseReport).where(HouseReport.tenant_id == HOUSE, HouseReport.receipt == receipt)
    return _report(scope.session.exec(asked.execution_options(populate_existing=True)).first(), scope)


def pin_hash(scope: Scope, receipt: str) -> str | None:
    """What is kept of the code of a report's receipt; None where nobody was given one."""
    asked = select(HouseReport.pin_hash).where(HouseReport.tenant_id == HOUSE, HouseReport.receipt == receipt)
    return scope.session.exec(asked).first()


def unplaced(scope: Scope) -> list[Report]:
    """Reports that nothing was found for: a person of the house reads them. In a scope of the house, newest first."""
    rows = scope.session.exec(
        select(HouseReport)
        .where(HouseReport.tenant_id == HOUSE, col(HouseReport.sought_at).is_not(None), HouseReport.found == [])
        .order_by(col(HouseReport.created_at).desc())
    )
    return [_report(row, scope) for row in rows]


def _report(row: HouseReport | None, scope: Scope) -> Report:
    if row is None:
        raise NotFound("complaint.unknown")
    said = Given(row.address, row.words, row.by_house)
    listed = tuple((UUID(each["tenant"]), str(each["receipt"])) for each in row.found)
    at = row.created_at or scope.now
    return Report(row.id, row.receipt, row.category, said, tuple(row.looks), row.source, at, row.sought_at, listed)


def keep_contact(scope: Scope, form: str, letter: bytes) -> None:
    """Keep a sealed letter for the house; in a scope of the door. The first one of a form stands."""
    scope.run(
        "INSERT INTO report_contacts (tenant_id, id, about, letter) VALUES (:house, :id, :about, :letter)"
        " ON CONFLICT DO NOTHING",
        house=HOUSE,
        id=uuid7(),
        about=receipts.digest(form),
        letter=letter,
    )


def contact(scope: Scope, form: str) -> bytes | None:
    """The sealed letter under the digest of a form, in a scope of the house; None where nobody left one."""
    asked = select(ReportContact.letter).where(ReportContact.tenant_id == HOUSE, ReportContact.about == form)
    return scope.session.exec(asked).first()


def form_of(scope: Scope, receipt: str) -> str | None:
    """The digest of the form behind a report's receipt; in a scope of the house."""
    return scope.session.exec(
        select(HouseReport.form).where(HouseReport.tenant_id == HOUSE, HouseReport.receipt == receipt)
    ).first()
