"""Removal requests about an agency's own staff, which the operator of the installation decides.

Officers decide on the command line under their own names. An appeal must be decided by a different
officer, just as members may not decide appeals against their own decisions.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import Conflict, Refused
from gate.contract.states import RemovalRequestState
from gate.removal import receipts, removal_requests, rulings
from gate.removal.models import RemovalRequest
from gate.removal.receipts import RemovalReceipt, SubmittedForm
from gate.removal.removal_requests import OFFICER_ACTOR
from gate.reviews import appeals
from tenants import audit

DECIDED = {True: "complaint.upheld", False: "complaint.stays"}
OPEN = (RemovalRequestState.RECEIVED, RemovalRequestState.CALLED, RemovalRequestState.APPEALED)


@dataclass(frozen=True)
class PendingOperatorRequest:
    """A removal request that awaits a decision by the operator of the installation."""

    id: UUID
    receipt: str
    category: str
    state: RemovalRequestState
    at: datetime
    given: SubmittedForm


def list_operator_requests(scope: Scope) -> list[PendingOperatorRequest]:
    """Return an agency's requests that await a decision by the operator, oldest first."""
    rows = scope.session.exec(
        select(RemovalRequest)
        .join(RemovalReceipt, col(RemovalReceipt.complaint_id) == RemovalRequest.id)
        .where(
            RemovalRequest.tenant_id == scope.tenant_id,
            RemovalReceipt.tenant_id == scope.tenant_id,
            col(RemovalReceipt.by_house),
            col(RemovalRequest.state).in_([str(state) for state in OPEN]),
        )
        .order_by(col(RemovalRequest.created_at))
    ).all()
    came = receipts.submissions_by_request(scope, [row.id for row in rows])
    return [
        PendingOperatorRequest(
            row.id,
            row.receipt,
            row.category,
            RemovalRequestState(row.state),
            row.created_at or scope.now,
            came[row.id],
        )
        for row in rows
    ]


def decide_operator_request(scope: Scope, complaint_id: UUID, *, because: str = "") -> None:
    """Decide a request as an officer, with immediate effect.

    With a reason the content is kept; without one it is removed everywhere. Raises Refused for an
    actor who is not an officer, for requests that members decide, and for the officer of the
    earlier decision; BadInput for an unknown reason; NotFound; Conflict if it was decided and not
    appealed.
    """
    if not scope.actor.startswith(OFFICER_ACTOR) or not receipts.decided_by_installation(
        scope, [complaint_id]
    ):
        raise Refused("complaint.not_house")
    row = removal_requests.lock_removal_request(scope, complaint_id)
    about = f"complaint:{complaint_id}"
    spoke = {
        found.actor
        for act in DECIDED.values()
        if (found := audit.find_last_act(scope, act, about)) is not None
    }
    if scope.actor in spoke:
        raise Refused("appeal.another")
    if row.state != RemovalRequestState.APPEALED:
        _record_first_decision(scope, complaint_id, because)
    elif because:
        removal_requests.keep_content(
            scope,
            row,
            because=because,
            after=appeals.outcome_of_appeal(scope, row, RemovalRequestState.REJECTED),
        )
    else:
        removal_requests.remove_content(
            scope, row, after=appeals.outcome_of_appeal(scope, row, RemovalRequestState.UPHELD)
        )
    rulings.audit_ruling(scope, DECIDED[not because], complaint_id)


def _record_first_decision(scope: Scope, complaint_id: UUID, because: str) -> None:
    if not because and not removal_requests.get_removal_request(scope, complaint_id).digests:
        raise Conflict("complaint.not_found")
    if because:
        removal_requests.reject_removal_request(scope, complaint_id, because=because)
    else:
        removal_requests.uphold_removal_request(scope, complaint_id)
