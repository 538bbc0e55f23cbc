"""Rulings on removal requests and appeals against them: two append-only tables.

A ruling is the n-th decision about a request, by a member or by the deadline. An appeal is against
one ruling, and the next ruling answers it. Unique constraints prevent duplicates by concurrent
users.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlmodel import col, select

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.db.tables import TenantRow, message_column, table_arguments
from foundation.errors import Conflict
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate import journal
from gate.contract.states import RemovalRequestState
from gate.removal.models import RemovalRequest
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, Role, has_right
from tenants.auth import device_fingerprints

REQUESTER_SIDE = "asked"
AGENCY_SIDE = "agency"
"""The side that published the content; `REQUESTER_SIDE` is the one that asked for its removal."""


def _of_request() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id", "complaint_id"], ["complaints.tenant_id", "complaints.id"]
    )


class Ruling(TenantRow, table=True):
    """The n-th decision about a request.

    `outcome` is called (by the deadline), upheld or rejected.
    """

    __tablename__ = "rulings"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "complaint_id", "number"),
        _of_request(),
        about="member",
        keep="5 years",
    )
    complaint_id: UUID
    number: int
    outcome: str
    reason: dict[str, Any] | None = message_column()
    """The reason for keeping the content."""
    principal_id: UUID | None = None
    """The principal who decided; None for the deadline."""


class Appeal(TenantRow, table=True):
    """An appeal against ruling `against`: one per ruling and one per side. The app may insert."""

    __tablename__ = "appeals"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "complaint_id", "against"),
        UniqueConstraint("tenant_id", "complaint_id", "side"),
        _of_request(),
        about="person",
        keep="5 years",
    )
    complaint_id: UUID
    against: int
    side: str
    words: str
    """The explanation, as plain text; may be empty."""
    principal_id: UUID | None = None
    """The principal of the agency's appeal; None for the requester's."""


@dataclass(frozen=True)
class RulingSummary:
    """A decision in the form that may be shown, without the name of the member."""

    number: int
    outcome: RemovalRequestState
    reason: Message | None
    at: datetime

    @property
    def by_person(self) -> bool:
        """Return True if a person decided and not the deadline."""
        return self.outcome is not RemovalRequestState.CALLED


@dataclass(frozen=True)
class AppealSummary:
    """An appeal in the form that may be shown to its author; `open` until the next ruling."""

    id: UUID
    against: int
    side: str
    at: datetime
    open: bool


def record_ruling(
    scope: Scope,
    complaint_id: UUID,
    outcome: RemovalRequestState,
    *,
    after: int,
    reason: Message | None,
) -> None:
    """Record the next decision after ruling number `after`, as the scope's actor.

    Raises Conflict if another came first.
    """
    with scope.acting_as("gate"):
        done = scope.run(
            "INSERT INTO rulings (tenant_id, id, complaint_id, number, outcome, reason, "
            "principal_id)"
            " VALUES (:tenant, :id, :complaint, :number, :outcome, CAST(:reason AS jsonb), "
            ":principal)"
            " ON CONFLICT DO NOTHING",
            tenant=scope.tenant_id,
            id=uuid7(),
            complaint=complaint_id,
            number=after + 1,
            outcome=str(outcome),
            reason=canonical_json(reason.to_json()).decode() if reason is not None else None,
            principal=queries.principal_of_actor(scope, scope.actor),
        )
    if done.rowcount != 1:
        # The unique key on the number decides between concurrent rulings.
        raise Conflict("complaint.decided")
    journal.record_restriction(scope, journal.RULING, complaint_id, more=f"{after + 1}:{outcome}")


def record_appeal(scope: Scope, complaint_id: UUID, *, against: int, side: str, words: str) -> UUID:
    """Record an appeal against ruling `against` and return its ID.

    Raises Conflict if there is one already.
    """
    appeal_id = uuid7()
    done = scope.run(
        "INSERT INTO appeals (tenant_id, id, complaint_id, against, side, words, principal_id)"
        " VALUES (:tenant, :id, :complaint, :against, :side, :words, :principal) ON CONFLICT DO "
        "NOTHING",
        tenant=scope.tenant_id,
        id=appeal_id,
        complaint=complaint_id,
        against=against,
        side=side,
        words=words,
        principal=queries.principal_of_actor(scope, scope.actor) if side == AGENCY_SIDE else None,
    )
    if done.rowcount != 1:
        raise Conflict("appeal.twice")
    return appeal_id


def list_rulings(
    scope: Scope, complaints: Collection[UUID]
) -> dict[UUID, tuple[RulingSummary, ...]]:
    """Return the decisions about each of these requests, oldest first; empty without a decision."""
    found: dict[UUID, tuple[RulingSummary, ...]] = dict.fromkeys(complaints, ())
    rows = scope.session.exec(
        select(Ruling)
        .where(Ruling.tenant_id == scope.tenant_id, col(Ruling.complaint_id).in_(list(complaints)))
        .order_by(col(Ruling.number))
    )
    for row in rows:
        reason = Message.from_json(row.reason) if row.reason else None
        outcome = RemovalRequestState(row.outcome)
        found[row.complaint_id] += (
            RulingSummary(row.number, outcome, reason, row.created_at or scope.now),
        )
    return found


def list_appeals(scope: Scope, after: Mapping[UUID, int]) -> dict[UUID, tuple[AppealSummary, ...]]:
    """Return the appeals about each of these requests, oldest first.

    `after` is the number of decisions of each request.
    """
    found: dict[UUID, tuple[AppealSummary, ...]] = dict.fromkeys(after, ())
    rows = scope.session.exec(
        select(Appeal)
        .where(Appeal.tenant_id == scope.tenant_id, col(Appeal.complaint_id).in_(list(after)))
        .order_by(col(Appeal.against))
    )
    for row in rows:
        still = row.against == after[row.complaint_id]
        found[row.complaint_id] += (
            AppealSummary(row.id, row.against, row.side, row.created_at or scope.now, still),
        )
    return found


def eligible_deciders(
    scope: Scope, appeal: Appeal, members: Iterable[queries.Member]
) -> list[queries.Member]:
    """Return the members who may decide an appeal.

    They have the right to review and work for the creator. Excluded are the members of earlier
    decisions, the member who appealed for the agency, and guests who count as one of them.
    """
    about = select(RemovalRequest.creator_id).where(
        RemovalRequest.tenant_id == scope.tenant_id, RemovalRequest.id == appeal.complaint_id
    )
    creator = queries.get_creator(scope, scope.session.exec(about).one())
    rows = scope.session.exec(
        select(Ruling.principal_id).where(
            Ruling.tenant_id == scope.tenant_id,
            Ruling.complaint_id == appeal.complaint_id,
            col(Ruling.number) <= appeal.against,
        )
    )
    spoke = {one for one in (*rows, appeal.principal_id) if one is not None}
    # Guests may decide, because an agency of one person has no other member.
    same = device_fingerprints.same_humans(scope) if spoke else {}
    return [
        one
        for one in members
        if has_right(one.role, Right.REVIEW)
        and (creator.slug in one.creators or (not one.creators and one.role is not Role.GUEST))
        and one.principal_id not in spoke
        and not same.get(one.principal_id, frozenset()) & spoke
    ]


_KEPT_ELSEWHERE = """
SELECT DISTINCT d.sha256 FROM complaints c, jsonb_array_elements_text(c.digests) d(sha256)
WHERE c.tenant_id = :tenant AND c.id <> :id AND d.sha256 = ANY(:digests) AND c.state <> 'rejected'
  AND (c.state <> 'closed' OR 'rejected' <> (SELECT r.outcome FROM rulings r WHERE r.tenant_id =
  c.tenant_id
    AND r.complaint_id = c.id ORDER BY r.number DESC LIMIT 1))
"""


def restricted_by_others(scope: Scope, complaint_id: UUID, digests: Collection[str]) -> set[str]:
    """Return the digests that another request keeps frozen or blocked."""
    found = scope.run(
        _KEPT_ELSEWHERE, tenant=scope.tenant_id, id=complaint_id, digests=list(digests)
    )
    return {one.sha256 for one in found}


def audit_ruling(scope: Scope, act: str, complaint_id: UUID) -> None:
    """Record an action about a request in the audit log."""
    audit.record(scope, act, f"complaint:{complaint_id}")
