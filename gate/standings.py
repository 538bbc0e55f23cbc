"""How requests for removal stand: their rows, what was decided, and where the copies were."""

from collections.abc import Sequence
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
    return replace(brief(scope, row), copies=copies_of(scope, [row])[row.id])


def copies_of(scope: Scope, rows: Sequence[Complaint]) -> dict[UUID, tuple[Copy, ...]]:
    """Of each complaint, all copies of what was named that were outside when it came, or came to be since."""
    listed = copies.of_bytes(scope, *{sha256 for row in rows for sha256 in row.digests})
    return {row.id: tuple(one for one in listed if _outside(one, row, scope.now)) for row in rows}


def _outside(one: Copy, row: Complaint, now: datetime) -> bool:
    if not one.native_ids or set(one.media).isdisjoint(row.digests):
        return False
    return one.gone_at is None or one.gone_at >= (row.created_at or now)


def brief(scope: Scope, row: Complaint) -> Standing:
    """How a complaint stands, without its copies."""
    return briefs(scope, [row])[row.id]


def briefs(scope: Scope, rows: Sequence[Complaint]) -> dict[UUID, Standing]:
    """How each of these complaints stands, without its copies."""
    said = rulings.rulings(scope, [row.id for row in rows])
    asked = rulings.appeals(scope, {one: len(those) for one, those in said.items()})
    return {row.id: _standing(row, said[row.id], asked[row.id], row.created_at or scope.now) for row in rows}


def _standing(row: Complaint, said: tuple[Ruled, ...], asked: tuple[Appealed, ...], at: datetime) -> Standing:
    return Standing(
        id=row.id,
        creator_id=row.creator_id,
        receipt=row.receipt,
        category=row.category,
        named=row.named,
        state=ComplaintState(row.state),
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
