"""Requests about those who run an agency: whoever runs the house decides them, at the terminal, under their own name.

An appeal is for another of them than decided before, as among members.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from foundation.errors import Conflict, Refused
from gate import appealing, complaints, receipts, rulings
from gate.complaints import OFFICER
from gate.models import Complaint
from gate.receipts import ComplaintReceipt, Given
from gate.states import ComplaintState
from tenants import audit

DECIDED = {True: "complaint.upheld", False: "complaint.stays"}
OPEN = (ComplaintState.RECEIVED, ComplaintState.CALLED, ComplaintState.APPEALED)


@dataclass(frozen=True)
class Waiting:
    """A request that waits for the house."""

    id: UUID
    receipt: str
    category: str
    state: ComplaintState
    at: datetime
    given: Given


def waiting(scope: Scope) -> list[Waiting]:
    """What of an agency waits for the house to decide, the oldest first."""
    rows = scope.session.exec(
        select(Complaint)
        .join(ComplaintReceipt, col(ComplaintReceipt.complaint_id) == Complaint.id)
        .where(
            Complaint.tenant_id == scope.tenant_id,
            ComplaintReceipt.tenant_id == scope.tenant_id,
            col(ComplaintReceipt.by_house),
            col(Complaint.state).in_([str(state) for state in OPEN]),
        )
        .order_by(col(Complaint.created_at))
    ).all()
    came = receipts.given(scope, [row.id for row in rows])
    return [
        Waiting(row.id, row.receipt, row.category, ComplaintState(row.state), row.created_at or scope.now, came[row.id])
        for row in rows
    ]


def decide(scope: Scope, complaint_id: UUID, *, because: str = "") -> None:
    """An officer's word, at once: with a reason of `STAYS` it may stay, without one it goes everywhere.

    Raises Refused for who is no officer, for what the members decide, and for who decided about it before; BadInput for
    another reason, NotFound, Conflict when it was decided before and nobody appealed.
    """
    if not scope.actor.startswith(OFFICER) or not receipts.of_house(scope, [complaint_id]):
        raise Refused("complaint.not_house")
    row = complaints.locked(scope, complaint_id)
    about = f"complaint:{complaint_id}"
    spoke = {found.actor for act in DECIDED.values() if (found := audit.last(scope, act, about)) is not None}
    if scope.actor in spoke:
        raise Refused("appeal.another")
    if row.state != ComplaintState.APPEALED:
        _first(scope, complaint_id, because)
    elif because:
        complaints.leave(scope, row, because=because, after=appealing.after(scope, row, ComplaintState.REJECTED))
    else:
        complaints.take_away(scope, row, after=appealing.after(scope, row, ComplaintState.UPHELD))
    rulings.note(scope, DECIDED[not because], complaint_id)


def _first(scope: Scope, complaint_id: UUID, because: str) -> None:
    if not because and not complaints.row_of(scope, complaint_id).digests:
        raise Conflict("complaint.not_found")
    if because:
        complaints.reject(scope, complaint_id, because=because)
    else:
        complaints.uphold(scope, complaint_id)
