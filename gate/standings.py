"""How requests for removal stand: their rows, what was decided, and where the copies were."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from gate import copies, rulings
from gate.copies import Copy
from gate.models import Complaint
from gate.rulings import Appealed, Ruled
from gate.states import ComplaintState


@dataclass(frozen=True)
class Standing:
    """How a complaint stands: `copies` are all that were outside when it came, with the instant each was gone."""

    id: UUID
    creator_id: UUID
    receipt: str
    category: str
    named: str
    state: ComplaintState
    at: datetime
    copies: tuple[Copy, ...]
    rulings: tuple[Ruled, ...] = ()
    """Every decision about it, the first one first."""
    appeals: tuple[Appealed, ...] = ()
    found: bool = True
    """Whether anybody knows which bytes are meant."""

    @property
    def outcome(self) -> ComplaintState | None:
        """What stands now: called, upheld or rejected; None while nobody decided."""
        return self.rulings[-1].outcome if self.rulings else None

    @property
    def reason(self) -> Message | None:
        """Why it may stay, for who asked."""
        return self.rulings[-1].reason if self.rulings else None


def by_receipt(scope: Scope, receipt: str) -> Standing:
    """How a complaint stands. Raises NotFound for a receipt nobody was given."""
    return _found(scope, Complaint.receipt == receipt)


def latest(scope: Scope, creator_id: UUID) -> Standing | None:
    """A creator's newest complaint; None while there is none."""
    try:
        return _found(scope, Complaint.creator_id == creator_id)
    except NotFound:
        return None


def _found(scope: Scope, condition: object) -> Standing:
    row = scope.session.exec(
        select(Complaint)
        .where(Complaint.tenant_id == scope.tenant_id, condition)  # type: ignore[arg-type]  # a column's comparison
        .order_by(col(Complaint.id).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("complaint.unknown")
    return replace(brief(scope, row), copies=copies_of(scope, row))


def copies_of(scope: Scope, row: Complaint) -> tuple[Copy, ...]:
    """All copies of what was named that were outside when the complaint came, or came to be since."""
    listed = {one.jti: one for sha256 in row.digests for one in copies.of_bytes(scope, sha256)}
    shown, at = (one for one in listed.values() if one.native_ids), row.created_at or scope.now
    return tuple(one for one in shown if one.gone_at is None or one.gone_at >= at)


def brief(scope: Scope, row: Complaint) -> Standing:
    """How a complaint stands, without its copies."""
    said, at = rulings.rulings(scope, [row.id])[row.id], row.created_at or scope.now
    asked = rulings.appeals(scope, row.id, len(said))
    state = ComplaintState(row.state)
    return Standing(
        id=row.id,
        creator_id=row.creator_id,
        receipt=row.receipt,
        category=row.category,
        named=row.named,
        state=state,
        at=at,
        copies=(),
        rulings=said,
        appeals=asked,
        found=bool(row.digests),
    )


def row_of(scope: Scope, complaint_id: UUID) -> Complaint:
    """A complaint's row. Raises NotFound."""
    row = scope.session.get(Complaint, (scope.tenant_id, complaint_id))
    if row is None:
        raise NotFound("complaint.unknown")
    return row


def locked(scope: Scope, complaint_id: UUID) -> Complaint:
    """A complaint's row as it is now, which nobody else decides about until the transaction ends. Raises NotFound."""
    with scope.acting_as("gate"):
        key = (scope.tenant_id, complaint_id)
        row = scope.session.get(Complaint, key, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("complaint.unknown")
    return row
