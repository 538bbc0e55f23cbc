"""The status of removal requests: their rows, decisions, appeals and copies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from gate.contract.states import RemovalRequestState
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy
from gate.removal import rulings
from gate.removal.models import RemovalRequest
from gate.removal.rulings import AppealSummary, RulingSummary


@dataclass(frozen=True)
class RequestStatus:
    """The status of a removal request.

    `copies` are all copies that were live at or after the request, with the time of their removal.
    """

    id: UUID
    creator_id: UUID
    receipt: str
    category: str
    named: str
    state: RemovalRequestState
    at: datetime
    copies: tuple[LiveCopy, ...]
    rulings: tuple[RulingSummary, ...] = ()
    """The decisions, oldest first."""
    appeals: tuple[AppealSummary, ...] = ()
    found: bool = True
    """True if the requested bytes are known."""

    @property
    def outcome(self) -> RemovalRequestState | None:
        """Return the current outcome (called, upheld or rejected), or None without a decision."""
        return self.rulings[-1].outcome if self.rulings else None

    @property
    def reason(self) -> Message | None:
        """Return the reason for keeping the content, for the requester."""
        return self.rulings[-1].reason if self.rulings else None


def find_status_by_receipt(scope: Scope, receipt: str) -> RequestStatus:
    """Return the status of a request. Raises NotFound for an unknown receipt."""
    return _get_status(scope, RemovalRequest.receipt == receipt)


def latest_status(scope: Scope, creator_id: UUID) -> RequestStatus | None:
    """Return the status of a creator's newest request, or None if there is none."""
    try:
        return _get_status(scope, RemovalRequest.creator_id == creator_id)
    except NotFound:
        return None


def _get_status(scope: Scope, condition: object) -> RequestStatus:
    row = scope.session.exec(
        select(RemovalRequest)
        .where(
            RemovalRequest.tenant_id == scope.tenant_id,
            condition,  # type: ignore[arg-type]  # a column comparison
        )
        .order_by(col(RemovalRequest.id).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("complaint.unknown")
    return replace(brief_status(scope, row), copies=copies_by_removal_request(scope, [row])[row.id])


def copies_by_removal_request(
    scope: Scope, rows: Sequence[RemovalRequest]
) -> dict[UUID, tuple[LiveCopy, ...]]:
    """Return the copies of each request's content that were live at or after the request."""
    listed = live_copies.all_copies_of_bytes(
        scope, *{sha256 for row in rows for sha256 in row.digests}
    )
    return {
        row.id: tuple(one for one in listed if _is_live_copy(one, row, scope.now)) for row in rows
    }


def _is_live_copy(one: LiveCopy, row: RemovalRequest, now: datetime) -> bool:
    if not one.native_ids or set(one.media).isdisjoint(row.digests):
        return False
    return one.removed_at is None or one.removed_at >= (row.created_at or now)


def brief_status(scope: Scope, row: RemovalRequest) -> RequestStatus:
    """Return the status of a request without its copies."""
    return brief_statuses(scope, [row])[row.id]


def brief_statuses(scope: Scope, rows: Sequence[RemovalRequest]) -> dict[UUID, RequestStatus]:
    """Return the statuses of these requests without their copies."""
    said = rulings.list_rulings(scope, [row.id for row in rows])
    asked = rulings.list_appeals(scope, {one: len(those) for one, those in said.items()})
    return {
        row.id: _build_status(row, said[row.id], asked[row.id], row.created_at or scope.now)
        for row in rows
    }


def _build_status(
    row: RemovalRequest,
    said: tuple[RulingSummary, ...],
    asked: tuple[AppealSummary, ...],
    at: datetime,
) -> RequestStatus:
    return RequestStatus(
        id=row.id,
        creator_id=row.creator_id,
        receipt=row.receipt,
        category=row.category,
        named=row.named,
        state=RemovalRequestState(row.state),
        at=at,
        copies=(),
        rulings=said,
        appeals=asked,
        found=bool(row.digests),
    )


def get_removal_request(scope: Scope, complaint_id: UUID) -> RemovalRequest:
    """Return the row of a request. Raises NotFound."""
    row = scope.session.get(RemovalRequest, (scope.tenant_id, complaint_id))
    if row is None:
        raise NotFound("complaint.unknown")
    return row


def lock_removal_request(scope: Scope, complaint_id: UUID) -> RemovalRequest:
    """Return the current row of a request, locked until the end of the transaction.

    Raises NotFound.
    """
    with scope.acting_as("gate"):
        key = (scope.tenant_id, complaint_id)
        row = scope.session.get(RemovalRequest, key, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("complaint.unknown")
    return row
