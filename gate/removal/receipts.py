"""What came with a request beside what it names: the code of its receipt, words, an address; who is
to decide."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.db.tables import TenantRow, table_arguments
from gate.removal.models import RemovalRequest

MAX_ADDRESS_LENGTH = 2000


class RemovalReceipt(TenantRow, table=True):
    """One for each request made by a form. The app may insert; nobody changes it."""

    __tablename__ = "complaint_receipts"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(
            ["tenant_id", "complaint_id"], ["complaints.tenant_id", "complaints.id"]
        ),
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
class SubmittedForm:
    """What somebody typed beside what they name."""

    address: str = ""
    words: str = ""
    by_house: bool = False
    form: str = ""


def store_submission(scope: Scope, receipt: str, given: SubmittedForm, pin_hash: str) -> UUID:
    """Keep what came with the request of a receipt, just written in this transaction; the request's
    id."""
    complaint_id = scope.session.exec(
        select(RemovalRequest.id).where(
            RemovalRequest.tenant_id == scope.tenant_id, RemovalRequest.receipt == receipt
        )
    ).one()
    scope.add(
        RemovalReceipt(
            tenant_id=scope.tenant_id,
            complaint_id=complaint_id,
            pin_hash=pin_hash,
            form=form_digest(given.form),
            address=given.address,
            words=given.words,
            by_house=given.by_house,
        )
    )
    return complaint_id


def form_digest(form: str) -> str | None:
    """What is kept of a form's number; None for a form without one."""
    return hashlib.sha256(form.encode()).hexdigest() if form else None


def receipt_of_form(scope: Scope, form: str) -> str | None:
    """The receipt of a form that was sent before; who sends it now waits until the other has its
    receipt."""
    if not form:
        return None
    scope.lock(f"report form:{scope.tenant_id}:{form_digest(form)}")
    return scope.session.exec(
        select(RemovalRequest.receipt)
        .join(RemovalReceipt, col(RemovalReceipt.complaint_id) == RemovalRequest.id)
        .where(
            RemovalRequest.tenant_id == scope.tenant_id,
            RemovalReceipt.tenant_id == scope.tenant_id,
            RemovalReceipt.form == form_digest(form),
        )
    ).first()


def access_code_hash(scope: Scope, receipt: str) -> str | None:
    """What is kept of the code of a receipt; None where nobody was given one."""
    row = _find_linked_receipt(scope, receipt)
    return row.pin_hash if row is not None else None


def submissions_by_request(scope: Scope, complaints: Collection[UUID]) -> dict[UUID, SubmittedForm]:
    """What came with each of these requests; one that came without a form is missing."""
    if not complaints:
        return {}
    rows = scope.session.exec(
        select(RemovalReceipt).where(
            RemovalReceipt.tenant_id == scope.tenant_id,
            col(RemovalReceipt.complaint_id).in_(list(complaints)),
        )
    )
    return {row.complaint_id: SubmittedForm(row.address, row.words, row.by_house) for row in rows}


def decided_by_installation(scope: Scope, complaints: Collection[UUID]) -> frozenset[UUID]:
    """Those of these requests that whoever runs the house decides."""
    return frozenset(
        one for one, said in submissions_by_request(scope, complaints).items() if said.by_house
    )


def form_digest_of_receipt(scope: Scope, receipt: str) -> str | None:
    """The digest of the form behind a receipt; None where it came without one."""
    row = _find_linked_receipt(scope, receipt)
    return row.form if row is not None else None


def _find_linked_receipt(scope: Scope, receipt: str) -> RemovalReceipt | None:
    return scope.session.exec(
        select(RemovalReceipt)
        .join(RemovalRequest, col(RemovalRequest.id) == RemovalReceipt.complaint_id)
        .where(
            RemovalReceipt.tenant_id == scope.tenant_id,
            RemovalRequest.tenant_id == scope.tenant_id,
            RemovalRequest.receipt == receipt,
        )
    ).first()
