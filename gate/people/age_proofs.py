"""Proofs of age of depicted persons, confirmed by an outside custodian.

Custodians answer requests of the agency (`gate/people/age_requests.py`) in their own session;
workers record the answer. No birth date and no document is stored, only the digest of a receipt.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate.contract.age_receipts import receipt_digest
from gate.people import account_holders, age_requests, persons
from gate.people.account_holders import AccountConfirmed
from gate.viewers.events import ViewerConfirmed
from tenants import audit
from tenants.auth import custodians
from tenants.notices import notices


@dataclass(frozen=True)
class AgeProofSubmitted:
    """A custodian, `by`, confirmed that a person, the subject, was of age: at the time of the
    check, or on `on_day`. `custodian` is the custodian's name."""

    kind: ClassVar[str] = "person.prove"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    custodian: str
    method: str
    verified_at: datetime
    valid_until: datetime | None
    on_day: datetime | None
    digest: str
    by: str
    principal_id: UUID | None = None
    """The member confirmed to be this person."""


@dataclass(frozen=True)
class AgeConfirmation:
    """The confirmation of a custodian; `receipt` is a digest, or a file number that is hashed."""

    method: str
    receipt: str
    verified_at: datetime
    valid_until: datetime | None = None
    on_day: datetime | None = None
    channels: tuple[UUID, ...] = ()
    """IDs of the accounts that are confirmed as held by the person."""


def submit_age_proof(scope: Scope, request_id: UUID, confirmation: AgeConfirmation) -> None:
    """Answer a request about a person, as the acting custodian. A worker records the proof at once.

    Raises Refused for anyone but a custodian outside the agency, NotFound for a request that is not
    open, BadInput for a request about a viewer, an unknown method, an invalid receipt, an
    impossible time or an account that the request does not claim.
    """
    member = custodians.get_acting_custodian(scope)
    request = age_requests.get_open_request(scope, request_id)
    if request.person_id is None:
        raise BadInput("person.unknown")
    digest = receipt_digest(confirmation.method, confirmation.receipt)
    times = (confirmation.verified_at, confirmation.on_day)
    ended = confirmation.valid_until is not None and confirmation.valid_until <= scope.now
    if ended or any(at > scope.now for at in times if at is not None):
        raise BadInput("proof.bad_time")
    event = AgeProofSubmitted(
        scope.tenant_id,
        request.person_id,
        member.name,
        confirmation.method,
        confirmation.verified_at,
        confirmation.valid_until,
        confirmation.on_day,
        digest,
        scope.actor,
        request.principal_id,
    )
    account_holders.require_claimed_accounts(request, confirmation.channels)
    outbox.put(scope, event, priority=0, dedupe=f"person.prove:{request_id}")
    for channel_id in confirmation.channels:
        account = AccountConfirmed(
            scope.tenant_id,
            request_id,
            channel_id,
            member.name,
            digest,
            confirmation.verified_at,
            confirmation.valid_until,
            scope.actor,
        )
        outbox.put(scope, account, priority=0, dedupe=f"{account.kind}:{request_id}:{channel_id}")
    age_requests.close_request(scope, request, confirmed=True)


def submit_viewer_age(scope: Scope, request_id: UUID, *, method: str, receipt: str) -> None:
    """Answer a request about a viewer, as the acting custodian. A worker records the answer at
    once.

    Raises the errors of `submit_age_proof`.
    """
    member = custodians.get_acting_custodian(scope)
    request = age_requests.get_open_request(scope, request_id)
    if request.person_id is not None:
        raise BadInput("proof.request_over")
    event = ViewerConfirmed(
        scope.tenant_id,
        request_id,
        request.platform,
        request.user_id,
        custodian=member.name,
        why=receipt_digest(method, receipt),
        by=scope.actor,
        method=method,
    )
    outbox.put(scope, event, priority=1, dedupe=f"viewer_confirmed:{request_id}")
    age_requests.close_request(scope, request, confirmed=True)


def handle_age_proof(event: AgeProofSubmitted, *, tenant: OpenScope) -> None:
    """Record a proof as the custodian who gave it, if they still have the right. Otherwise notify
    the agency of the reason."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            member = custodians.get_acting_custodian(scope)
            persons.record_age_proof(
                scope,
                event.subject_id,
                custodian=member.name,
                method=event.method,
                verified_at=event.verified_at,
                valid_until=event.valid_until,
                on_day=event.on_day,
                evidence_digest=event.digest,
                noted_by=event.by,
                custodian_id=member.id,
                principal_id=event.principal_id,
            )
            audit.record(scope, "person.proved", f"person:{event.subject_id}")
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")
