"""Requests to outside custodians: a member requests a check, a custodian answers it.

A request is about a depicted person or a viewer. It contains no birth date and no document: the
custodian finds their record by the reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import col, select

import gate.people.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.database import Scope
from foundation.db.tables import (
    FOREVER,
    TenantRow,
    jsonb_column,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)
from foundation.errors import BadInput, Conflict, NotFound
from gate.contract.age_receipts import DATE_LIKE
from gate.people import persons
from gate.people.models import Person
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, Role, require_right
from tenants.auth import custodians

MAX_REFERENCE = 80
"""Maximum number of characters of a reference."""


class AgeRequest(TenantRow, table=True):
    """A request to the custodians of an agency about a person, or about a viewer on a platform."""

    __tablename__ = "age_requests"
    __table_args__ = table_arguments(
        tenant_foreign_key("person_id", "persons"),
        tenant_foreign_key("principal_id", "principals"),
        Index("age_requests_open", "tenant_id", "answered_at"),
        about="person",
        keep=FOREVER,
    )
    person_id: UUID | None = None
    platform: str = ""
    user_id: str = ""
    reference: str
    """The custodian's file or customer number."""
    principal_id: UUID | None = None
    """The member claimed to be this person."""
    accounts: list[dict[str, str]] = jsonb_column(list)
    """Accounts that this member is claimed to hold."""
    asked_by: str
    answered_at: datetime | None = timestamp_column(optional=True)
    answered_by: str = ""
    confirmed: bool = False

    @property
    def claimed_accounts(self) -> tuple["ClaimedAccount", ...]:
        """The accounts that the member is claimed to hold."""
        return tuple(
            ClaimedAccount(UUID(stored["channel_id"]), stored["platform"], stored["account"])
            for stored in self.accounts
        )


@dataclass(frozen=True)
class ClaimedAccount:
    """An account of the agency that a depicted person is claimed to hold."""

    channel_id: UUID
    platform: str
    account: str

    def to_json(self) -> dict[str, str]:
        """Return the stored form."""
        return {
            "channel_id": str(self.channel_id),
            "platform": self.platform,
            "account": self.account,
        }


@dataclass(frozen=True)
class AgeRequestSummary:
    """An open request as a custodian sees it.

    `name` is the name by which members know the person, or the name of the platform account;
    `signs_in_as` is the name and address of a member, or empty.
    """

    id: UUID
    person_id: UUID | None
    platform: str
    user_id: str
    name: str
    reference: str
    principal_id: UUID | None
    signs_in_as: str
    address: str
    """Email address for links to the person; empty for a viewer."""
    asked_at: datetime
    accounts: tuple[ClaimedAccount, ...] = ()
    """Accounts that the member is claimed to hold."""


def request_person_check(
    scope: Scope,
    person_id: UUID,
    *,
    reference: str,
    member_id: UUID | None = None,
    accounts: Sequence[ClaimedAccount] = (),
) -> UUID:
    """Request that the custodians of the agency confirm the identity and age of a real person, as
    the acting member.

    `member_id` is the member claimed to be this person, and `accounts` are those that this member
    is claimed to hold. Raises Refused for a member without the right, NotFound, BadInput for a
    synthetic person, an invalid reference or accounts without a member, Conflict without a
    custodian or if the same request is open.
    """
    require_right(queries.get_acting_member(scope, "person.people_only").role, Right.RUN)
    if persons.get_person(scope, person_id).kind != persons.REAL_PERSON:
        raise BadInput("person.bad_kind", kind="synthetic")
    if accounts and member_id is None:
        raise BadInput("proof.accounts_without_member")
    principal = queries.get_member(scope, member_id).principal_id if member_id else None
    if any(one.person_id == person_id for one in _list_open(scope)):
        raise Conflict("proof.requested")
    return _record_request(
        scope,
        reference=reference,
        person_id=person_id,
        principal_id=principal,
        accounts=accounts,
    )


def request_viewer_check(scope: Scope, platform: str, user_id: str, *, reference: str) -> UUID:
    """Request that the custodians of the agency confirm the age of a viewer, as the acting member.

    Raises Refused for a member without the right to review, BadInput for an invalid reference,
    Conflict without a custodian or if the same request is open.
    """
    require_right(queries.get_acting_member(scope, "viewer.person_decides").role, Right.REVIEW)
    if any((one.platform, one.user_id) == (platform, user_id) for one in _list_open(scope)):
        raise Conflict("proof.requested")
    return _record_request(scope, reference=reference, platform=platform, user_id=user_id)


def _record_request(
    scope: Scope,
    *,
    reference: str,
    person_id: UUID | None = None,
    principal_id: UUID | None = None,
    platform: str = "",
    user_id: str = "",
    accounts: Sequence[ClaimedAccount] = (),
) -> UUID:
    text = " ".join(reference.split())
    if not 0 < len(text) <= MAX_REFERENCE or DATE_LIKE.search(text):
        raise BadInput("proof.bad_reference", most=MAX_REFERENCE).about("reference")
    if not has_custodian(scope):
        raise Conflict("proof.no_custodian_here")
    row = AgeRequest(
        tenant_id=scope.tenant_id,
        person_id=person_id,
        platform=platform,
        user_id=user_id,
        reference=text,
        principal_id=principal_id,
        accounts=[account.to_json() for account in accounts],
        asked_by=scope.actor,
    )
    scope.add(row)
    audit.record(scope, "proof.requested", f"age_request:{row.id}")
    return row.id


def has_custodian(scope: Scope) -> bool:
    """Return True if the agency has an outside custodian."""
    return any(one.role is Role.CUSTODIAN for one in queries.list_members(scope))


def _list_open(scope: Scope) -> list[AgeRequest]:
    return list(
        scope.session.exec(
            select(AgeRequest)
            .where(AgeRequest.tenant_id == scope.tenant_id, col(AgeRequest.answered_at).is_(None))
            .order_by(col(AgeRequest.created_at), col(AgeRequest.id))
            .execution_options(populate_existing=True)
        )
    )


def is_person_requested(scope: Scope, person_id: UUID) -> bool:
    """Return True while a request about a person is open."""
    return any(one.person_id == person_id for one in _list_open(scope))


_ADDRESSES = "SELECT person_id, address FROM person_links WHERE tenant_id = :tenant"


def list_open_requests(scope: Scope) -> list[AgeRequestSummary]:
    """Return the open requests, oldest first, as the acting custodian sees them. Raises Refused."""
    custodians.get_acting_custodian(scope)
    names = dict(
        scope.session.exec(
            select(Person.id, Person.display_ref).where(Person.tenant_id == scope.tenant_id)
        ).all()
    )
    members = {one.principal_id: f"{one.name} <{one.email}>" for one in queries.list_members(scope)}
    addresses = {
        row.person_id: row.address for row in scope.run(_ADDRESSES, tenant=scope.tenant_id)
    }
    return [
        AgeRequestSummary(
            id=row.id,
            person_id=row.person_id,
            platform=row.platform,
            user_id=row.user_id,
            name=names.get(row.person_id, "") if row.person_id else row.user_id,
            reference=row.reference,
            principal_id=row.principal_id,
            signs_in_as=members.get(row.principal_id, "") if row.principal_id else "",
            address=addresses.get(row.person_id, "") if row.person_id else "",
            asked_at=row.created_at or scope.now,
            accounts=row.claimed_accounts,
        )
        for row in _list_open(scope)
    ]


def get_open_request(scope: Scope, request_id: UUID) -> AgeRequest:
    """Return an open request. Raises NotFound for one that was answered or does not exist."""
    row = next((one for one in _list_open(scope) if one.id == request_id), None)
    if row is None:
        raise NotFound("proof.request_over")
    return row


def decline_request(scope: Scope, request_id: UUID) -> None:
    """Close a request without a confirmation, as the acting custodian. Raises Refused, NotFound."""
    custodians.get_acting_custodian(scope)
    close_request(scope, get_open_request(scope, request_id), confirmed=False)


def close_request(scope: Scope, row: AgeRequest, *, confirmed: bool) -> None:
    """Record the answer to a request."""
    row.answered_at = scope.now
    row.answered_by = scope.actor
    row.confirmed = confirmed
    scope.add(row)
    audit.record(
        scope, "proof.confirmed" if confirmed else "proof.declined", f"age_request:{row.id}"
    )


_VERIFIED_PRINCIPALS = f"""
SELECT i.principal_id FROM identity_checks i WHERE i.tenant_id = :tenant
  AND i.person_id = :person AND i.principal_id IS NOT NULL AND i.withdrawn_at IS NULL
  AND (i.valid_until IS NULL OR i.valid_until > house_now())
  AND NOT {custodians.INSIDE_CUSTODIAN_SQL}
"""  # noqa: S608 constants of this file


def verified_principals(scope: Scope, person_id: UUID) -> frozenset[UUID]:
    """Return the principals whom custodians confirmed to be this person."""
    rows = scope.run(_VERIFIED_PRINCIPALS, tenant=scope.tenant_id, person=person_id)
    return frozenset(rows.scalars())
