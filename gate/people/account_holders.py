"""Account holders: custodians confirm that a member, as a depicted person, holds an account.

Releases of own pictures depend on it (`gate/decision/own_release_rules.py`). A member names the
accounts in the request for a check of the person; the custodian confirms each account separately.
No document is stored.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import col, select

import gate.people.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.database import OpenScope, Scope
from foundation.db.tables import (
    FOREVER,
    TenantRow,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)
from foundation.errors import BadInput, GreenroomError, NotFound
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate import epochs
from gate.people.age_requests import AgeRequest, ClaimedAccount
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, has_right, require_right
from tenants.auth import custodians
from tenants.notices import notices


class AccountHolder(TenantRow, table=True):
    """A custodian's statement that a member, as a depicted person, holds an account."""

    __tablename__ = "account_holders"
    __table_args__ = table_arguments(
        tenant_foreign_key("person_id", "persons"),
        tenant_foreign_key("principal_id", "principals"),
        Index("account_holders_account", "tenant_id", "channel_id"),
        about="person",
        keep=FOREVER,
    )
    person_id: UUID
    principal_id: UUID
    channel_id: UUID
    account: str
    custodian: str
    evidence_digest: str
    verified_at: datetime = timestamp_column()
    valid_until: datetime | None = timestamp_column(optional=True)
    ended_at: datetime | None = timestamp_column(optional=True)
    ended_by: str = ""


@dataclass(frozen=True)
class AccountConfirmed:
    """A custodian, `by`, confirmed that a person holds an account, `channel_id`; the subject is the
    request that claims it."""

    kind: ClassVar[str] = "person.account_confirmed"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    channel_id: UUID
    custodian: str
    digest: str
    verified_at: datetime
    valid_until: datetime | None
    by: str


@dataclass(frozen=True)
class AccountHolderEnded:
    """A member, `by`, ends the record of an account holder, the subject."""

    kind: ClassVar[str] = "person.account_ended"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    by: str


@dataclass(frozen=True)
class HeldAccount:
    """An account that a custodian confirmed as held by a person."""

    id: UUID
    channel_id: UUID
    account: str
    custodian: str
    verified_at: datetime
    valid_until: datetime | None


def list_held_accounts(scope: Scope, person_id: UUID) -> list[HeldAccount]:
    """Return the confirmed accounts of a person whose record has not ended, oldest first."""
    rows = scope.session.exec(
        select(AccountHolder)
        .where(
            AccountHolder.tenant_id == scope.tenant_id,
            AccountHolder.person_id == person_id,
            col(AccountHolder.ended_at).is_(None),
        )
        .order_by(col(AccountHolder.verified_at), col(AccountHolder.id))
    )
    return [
        HeldAccount(
            row.id,
            row.channel_id,
            row.account,
            row.custodian,
            row.verified_at,
            row.valid_until,
        )
        for row in rows
    ]


def require_claimed_accounts(request: AgeRequest, channels: Collection[UUID]) -> None:
    """Raise BadInput unless the request claims each of these accounts, for a named member."""
    if channels and (
        request.principal_id is None
        or not set(channels) <= {account.channel_id for account in request.claimed_accounts}
    ):
        raise BadInput("own.no_holder")


def record_account_holder(
    scope: Scope,
    person_id: UUID,
    *,
    principal_id: UUID,
    account: ClaimedAccount,
    custodian: str,
    evidence_digest: str,
    verified_at: datetime,
    valid_until: datetime | None = None,
) -> UUID:
    """Record that a person, who signs in as this principal, holds this account; return the row's
    ID."""
    row = AccountHolder(
        tenant_id=scope.tenant_id,
        person_id=person_id,
        principal_id=principal_id,
        channel_id=account.channel_id,
        account=account.account,
        custodian=custodian,
        evidence_digest=evidence_digest,
        verified_at=verified_at,
        valid_until=valid_until,
    )
    with scope.acting_as("gate"):
        scope.add(row)
    audit.record(scope, "person.account_held", f"person:{person_id}")
    return row.id


def handle_account_confirmed(event: AccountConfirmed, *, tenant: OpenScope) -> None:
    """Record the holder as the custodian who confirmed the account, if they still have the right.
    Otherwise notify the agency of the reason. Repeatable."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            custodian = custodians.get_acting_custodian(scope)
            request = scope.session.get(AgeRequest, (scope.tenant_id, event.subject_id))
            if request is None or request.person_id is None or request.principal_id is None:
                raise NotFound("own.no_holder")
            known = {
                (held.channel_id, held.account)
                for held in list_held_accounts(scope, request.person_id)
            }
            for account in request.claimed_accounts:
                held = (account.channel_id, account.account)
                if account.channel_id != event.channel_id or held in known:
                    continue
                record_account_holder(
                    scope,
                    request.person_id,
                    principal_id=request.principal_id,
                    account=account,
                    custodian=custodian.name,
                    evidence_digest=event.digest,
                    verified_at=event.verified_at,
                    valid_until=event.valid_until,
                )
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


_END_HOLDER = """
UPDATE account_holders SET ended_at = house_now(), ended_by = :by, updated_at = house_now()
WHERE tenant_id = :tenant AND id = :id AND ended_at IS NULL RETURNING channel_id
"""


def request_account_holder_end(scope: Scope, holder_id: UUID) -> None:
    """Request the end of an account holder's record, as the acting member. A worker executes it at
    once.

    It only restricts, so the right to stop the agency is enough. Raises Refused, NotFound.
    """
    member = queries.get_acting_member(scope, "person.people_only")
    if not has_right(member.role, Right.STOP):
        require_right(member.role, Right.RUN)
    _get_holder(scope, holder_id)
    outbox.put(
        scope,
        AccountHolderEnded(scope.tenant_id, holder_id, scope.actor),
        priority=0,
        dedupe=f"{AccountHolderEnded.kind}:{holder_id}",
    )


def handle_account_holder_end(event: AccountHolderEnded, *, tenant: OpenScope) -> None:
    """End an account holder's record. A member who has left since then had the right at the time
    of the request."""
    with tenant(event.tenant_id, event.by) as scope:
        end_account_holder(scope, event.subject_id)


def end_account_holder(scope: Scope, holder_id: UUID) -> None:
    """End an account holder's record; releases that depend on it are no longer valid.

    Raises NotFound.
    """
    row = _get_holder(scope, holder_id)
    epochs.lock_and_advance(scope, epochs.channel_key(scope, row.channel_id))
    with scope.acting_as("gate"):
        scope.run(_END_HOLDER, tenant=scope.tenant_id, id=holder_id, by=scope.actor)
    audit.record(scope, "person.account_ended", f"person:{row.person_id}")


def _get_holder(scope: Scope, holder_id: UUID) -> AccountHolder:
    row = scope.session.get(AccountHolder, (scope.tenant_id, holder_id))
    if row is None:
        raise NotFound("own.no_holder")
    return row
