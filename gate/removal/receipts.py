"""Submitted forms of removal requests: access code, description, address, and the side that
decides."""

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
    """The form of a removal request. The app may only insert."""

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
    """Digest of the submitted form: a second submission is the same request."""
    address: str
    """The address of the content, as entered."""
    words: str
    """The description, as plain text."""
    by_house: bool = False
    """True if the request is about the agency's own staff: the operator decides, not a member."""


@dataclass(frozen=True)
class SubmittedForm:
    """The text entered in the form, apart from the named content."""

    address: str = ""
    words: str = ""
    by_house: bool = False
    form: str = ""


def store_submission(scope: Scope, receipt: str, given: SubmittedForm, pin_hash: str) -> UUID:
    """Store the form of a request that was created in this transaction, and return the request's
    ID."""
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
    """Return the digest of a form's number, or None for a form without one."""
    return hashlib.sha256(form.encode()).hexdigest() if form else None


def receipt_of_form(scope: Scope, form: str) -> str | None:
    """Return the receipt of a form that was submitted before, or None.

    The lock makes a second submission wait until the first has its receipt.
    """
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
    """Return the hash of a receipt's access code, or None for an unknown receipt."""
    row = _find_linked_receipt(scope, receipt)
    return row.pin_hash if row is not None else None


def submissions_by_request(scope: Scope, complaints: Collection[UUID]) -> dict[UUID, SubmittedForm]:
    """Return the forms of these requests; requests without a form are absent."""
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
    """Return the requests that the operator of the installation decides."""
    return frozenset(
        one for one, said in submissions_by_request(scope, complaints).items() if said.by_house
    )


def form_digest_of_receipt(scope: Scope, receipt: str) -> str | None:
    """Return the digest of the form of a receipt, or None if it has none."""
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
