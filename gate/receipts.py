"""What came with a request beside what it names: the code of its receipt, words, an address; who is to decide."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlmodel import col, select

from foundation.database import Scope, TenantRow, table
from gate.models import Complaint

LONGEST_ADDRESS = 2000


class ComplaintReceipt(TenantRow, table=True):
    """One for each request made by a form. The app may insert; nobody changes it."""

    __tablename__ = "complaint_receipts"
    __table_args__ = table(
        ForeignKeyConstraint(["tenant_id", "complaint_id"], ["complaints.tenant_id", "complaints.id"]),
        UniqueConstraint("tenant_id", "complaint_id"),
        UniqueConstraint("tenant_id", "form"),
        about="person",
        keep="5 years",
    )
    complaint_id: UUID
    pin_hash: str
    form: str | None = None
    """Digest of the form that was filled in: sent twice, it is one request."""
    address: str
    """Where they saw it, as they wrote it."""
    words: str
    """What they describe, as plain text."""
    by_house: bool = False
    """About those who run the agency: whoever runs the house decides, and no member."""


@dataclass(frozen=True)
class Given:
    """What somebody typed beside what they name."""

    address: str = ""
    words: str = ""
    by_house: bool = False
    form: str = ""


def keep(scope: Scope, receipt: str, given: Given, pin_hash: str) -> UUID:
    """Keep what came with the request of a receipt, just written in this transaction; the request's id."""
    complaint_id = scope.session.exec(
        select(Complaint.id).where(Complaint.tenant_id == scope.tenant_id, Complaint.receipt == receipt)
    ).one()
    scope.add(
        ComplaintReceipt(
            tenant_id=scope.tenant_id,
            complaint_id=complaint_id,
            pin_hash=pin_hash,
            form=digest(given.form),
            address=given.address,
            words=given.words,
            by_house=given.by_house,
        )
    )
    return complaint_id


def digest(form: str) -> str | None:
    """What is kept of a form's number; None for a form without one."""
    return hashlib.sha256(form.encode()).hexdigest() if form else None


def of_form(scope: Scope, form: str) -> str | None:
    """The receipt of a form that was sent before; who sends it now waits until the other has its receipt."""
    if not form:
        return None
    scope.hold(f"report form:{scope.tenant_id}:{digest(form)}")
    return scope.session.exec(
        select(Complaint.receipt)
        .join(ComplaintReceipt, col(ComplaintReceipt.complaint_id) == Complaint.id)
        .where(
            Complaint.tenant_id == scope.tenant_id,
            ComplaintReceipt.tenant_id == scope.tenant_id,
            ComplaintReceipt.form == digest(form),
        )
    ).first()


def pin_hash(scope: Scope, receipt: str) -> str | None:
    """What is kept of the code of a receipt; None where nobody was given one."""
    row = _behind(scope, receipt)
    return row.pin_hash if row is not None else None


def given(scope: Scope, complaints: Collection[UUID]) -> dict[UUID, Given]:
    """What came with each of these requests; one that came without a form is missing."""
    if not complaints:
        return {}
    rows = scope.session.exec(
        select(ComplaintReceipt).where(
            ComplaintReceipt.tenant_id == scope.tenant_id, col(ComplaintReceipt.complaint_id).in_(list(complaints))
        )
    )
    return {row.complaint_id: Given(row.address, row.words, row.by_house) for row in rows}


def of_house(scope: Scope, complaints: Collection[UUID]) -> frozenset[UUID]:
    """Those of these requests that whoever runs the house decides."""
    return frozenset(one for one, said in given(scope, complaints).items() if said.by_house)


def form_of(scope: Scope, receipt: str) -> str | None:
    """The digest of the form behind a receipt; None where it came without one."""
    row = _behind(scope, receipt)
    return row.form if row is not None else None


def _behind(scope: Scope, receipt: str) -> ComplaintReceipt | None:
    return scope.session.exec(
        select(ComplaintReceipt)
        .join(Complaint, col(Complaint.id) == ComplaintReceipt.complaint_id)
        .where(
            ComplaintReceipt.tenant_id == scope.tenant_id,
            Complaint.tenant_id == scope.tenant_id,
            Complaint.receipt == receipt,
        )
    ).first()
