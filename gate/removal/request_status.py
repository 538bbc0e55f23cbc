"""How requests for removal stand: their rows, what was decided, and where the copies were."""

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
    """How a complaint stands: `live_copies` are all that were outside when it came, with the
    instant each was gone."""

    id: UUID
    creator_id: UUID
    receipt: str
    category: str
    named: str
    state: RemovalRequestState
    at: datetime
    copies: tuple[LiveCopy, ...]
    rulings: tuple[RulingSummary, ...] = ()
    """Every decision about it, the first one first."""
    appeals: tuple[AppealSummary, ...] = ()
    found: bool = True
    """Whether anybody knows which bytes are meant."""

    @property
    def outcome(self) -> RemovalRequestState | None:
        """What stands now: called, upheld or rejected; None while nobody decided."""
        return self.rulings[-1].outcome if self.rulings else None

    @property
    def reason(self) -> Message | None:
        """Why it may stay, for who asked."""
        return self.rulings[-1].reason if self.rulings else None


def find_status_by_receipt(scope: Scope, receipt: str) -> RequestStatus:
    """How a complaint stands. Raises NotFound for a receipt nobody was given."""
    return _get_status(scope, RemovalRequest.receipt == receipt)


def latest_status(scope: Scope, creator_id: UUID) -> RequestStatus | None:
    """A creator's newest complaint; None while there is none."""
    try:
        return _get_status(scope, RemovalRequest.creator_id == creator_id)
    except NotFound:
        return None


def _get_status(scope: Scope, condition: object) -> RequestStatus:
    row = scope.session.exec(
        select(RemovalRequest)
        # a column's comparison
        .where(RemovalRequest.tenant_id == scope.tenant_id, condition)  # type: ignore[arg-type]  # see above
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
    """Of each complaint, all copies of what was named that were outside when it came, or came to be
    since."""
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
    """How a complaint stands, without its copies."""
    return brief_statuses(scope, [row])[row.id]


def brief_statuses(scope: Scope, rows: Sequence[RemovalRequest]) -> dict[UUID, RequestStatus]:
    """How each of these complaints stands, without its copies."""
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
    """A complaint's row. Raises NotFound."""
    row = scope.session.get(RemovalRequest, (scope.tenant_id, complaint_id))
    if row is None:
        raise NotFound("complaint.unknown")
    return row


def lock_removal_request(scope: Scope, complaint_id: UUID) -> RemovalRequest:
    """A complaint's row as it is now, which nobody else decides about until the transaction ends.
    Raises NotFound."""
    with scope.acting_as("gate"):
        key = (scope.tenant_id, complaint_id)
        row = scope.session.get(RemovalRequest, key, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("complaint.unknown")
    return row
