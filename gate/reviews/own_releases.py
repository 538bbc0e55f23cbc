"""Own releases: a member publishes their own picture without a second review.

The module stores signed releases and their withdrawal; custodians confirm account holders
(`gate/people/account_holders.py`). The conditions are in `gate/decision/own_release_rules.py` and
apply at every decision. They are also checked before a release is recorded, so that the member
learns of a refusal immediately and not ten minutes later.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
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
from foundation.errors import GreenroomError, NotFound, Refused
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate import epochs
from gate.assets import viewings
from gate.contract.facts import OwnReleaseFacts, parse_unit
from gate.contract.units import Unit
from gate.decision import own_release_rules
from gate.decision.case import Case, is_adult_medium
from gate.decision.own_release_rules import OWN_RELEASE_DELAY, MissingCondition
from gate.evidence import own_release_facts, snapshot
from gate.log.models import DecisionInput, DecisionRow
from gate.policy import active_policy
from gate.policy.active_policy import ActivePolicy
from gate.policy.bundle import Bundle
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, has_right, require_right
from tenants.auth import passkeys
from tenants.notices import notices

OWN_RELEASE_ACT = "own.release"
"""The action that is signed with a passkey, about the digest of the unit."""


class OwnRelease(TenantRow, table=True):
    """A member's signed release of their own picture; `ended_at` is the time of its withdrawal."""

    __tablename__ = "own_releases"
    __table_args__ = table_arguments(
        tenant_foreign_key("member_id", "members"),
        tenant_foreign_key("passkey_id", "passkeys"),
        tenant_foreign_key("ask_id", "passkey_asks"),
        UniqueConstraint("tenant_id", "ask_id", name="own_releases_ask"),
        Index("own_releases_subject", "tenant_id", "subject_id"),
        about="member",
        keep=FOREVER,
    )
    subject_kind: str
    subject_id: UUID
    unit_digest: str
    channel_id: UUID
    member_id: UUID
    passkey_id: UUID
    ask_id: UUID
    seen_percent: int
    ended_at: datetime | None = timestamp_column(optional=True)
    ended_by: str = ""


@dataclass(frozen=True)
class OwnReleaseRequested:
    """A member signed a release; `subject_id` is the signature and `by` is `member:<id>`."""

    kind: ClassVar[str] = "own.release"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    unit_digest: str
    by: str


@dataclass(frozen=True)
class OwnReleaseWithdrawn:
    """A member withdraws a release; `subject_id` is the item to be posted."""

    kind: ClassVar[str] = "own.withdraw"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    by: str


@dataclass(frozen=True)
class OwnReleaseMatured:
    """The delay of a release is over: publishing the item, `subject_id`, may now be attempted."""

    kind: ClassVar[str] = "own.ripe"
    queue: ClassVar[Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class OwnReleaseStatus:
    """The missing conditions and the signature of a release that exists or could be signed."""

    unit: Unit
    lacks: tuple[MissingCondition, ...]
    signed_at: datetime | None
    """None if the release is not signed."""


def own_release_status(
    scope: Scope, unit_digest: str, *, rules: Bundle | None = None
) -> OwnReleaseStatus:
    """Return the missing conditions for a release of a unit by the acting member.

    Raises NotFound, and Refused for a member who cannot sign.
    """
    member = _get_signer(scope)
    unit, author = _load_decided_unit(scope, unit_digest)
    case = _build_case(scope, unit, author, rules)
    known = case.facts.release
    if known is not None and known.unit_digest == unit_digest and known.stands:
        return OwnReleaseStatus(unit, own_release_rules.missing_conditions(case), known.at)
    supposed = replace(case.facts, release=_build_draft_release(scope, case, member))
    lacks = own_release_rules.missing_conditions(replace(case, facts=supposed))
    return OwnReleaseStatus(
        unit, tuple(lack for lack in lacks if lack is not MissingCondition.SOON), None
    )


def _build_draft_release(scope: Scope, case: Case, member: queries.Member) -> OwnReleaseFacts:
    """Return the release as if this member had signed it now."""
    return OwnReleaseFacts(
        unit_digest=case.unit.digest(),
        principal=member.principal_id,
        at=case.now,
        seen_percent=_viewed_percent(scope, case, member),
        stands=True,
        holders=own_release_facts.account_holders(scope, case.unit),
    )


def _viewed_percent(scope: Scope, case: Case, member: queries.Member) -> int:
    """Return the percentage of the adult media that this member had on screen in the last hour."""
    wanted = {medium.sha256 for medium in case.media_facts if is_adult_medium(medium)}
    shown = viewings.viewed_digests_of(scope, member.principal_id, wanted)
    return 100 * len(shown) // len(wanted) if wanted else 0


def _build_case(scope: Scope, unit: Unit, author: str, rules: Bundle | None) -> Case:
    by = active_policy.current_policy(scope) if rules is None else ActivePolicy(rules)
    facts, now = snapshot.gather_snapshot(scope, unit, author=author, by=by)
    return Case(facts, unit, by.bundle, now)


def _get_signer(scope: Scope) -> queries.Member:
    member = queries.get_acting_member(scope, "passkey.people_only")
    require_right(member.role, Right.RUN)
    return member


def _load_decided_unit(scope: Scope, unit_digest: str) -> tuple[Unit, str]:
    """Return the unit of its latest decision, and its author. Raises NotFound if none is stored."""
    row = scope.session.exec(
        select(DecisionRow)
        .where(DecisionRow.tenant_id == scope.tenant_id, DecisionRow.unit_digest == unit_digest)
        .order_by(col(DecisionRow.seq).desc())
        .limit(1)
    ).first()
    stored = (
        scope.session.get(DecisionInput, (scope.tenant_id, row.id)) if row is not None else None
    )
    if row is None or stored is None:
        raise NotFound("review.unknown")
    return parse_unit(stored.unit), row.author


def release_own_picture(
    scope: Scope, unit_digest: str, *, signed: UUID, rules: Bundle | None = None
) -> UUID:
    """Release the acting member's own picture after a delay of ten minutes; return the release's
    ID.

    `signed` is the passkey signature. Raises Refused for a member who cannot sign, for a signature
    that is not theirs, not recent or not for this unit, and for a missing condition; NotFound for a
    unit without a decision.
    """
    member = _get_signer(scope)
    key = passkeys.consume_signature(scope, signed, act=OWN_RELEASE_ACT, about=unit_digest)
    unit, author = _load_decided_unit(scope, unit_digest)
    case = _build_case(scope, unit, author, rules)
    supposed = _build_draft_release(scope, case, member)
    lacks = own_release_rules.missing_conditions(
        replace(case, facts=replace(case.facts, release=supposed))
    )
    first = next((lack for lack in lacks if lack is not MissingCondition.SOON), None)
    if first is not None:
        raise Refused(f"own.lack.{first}")
    row = OwnRelease(
        tenant_id=scope.tenant_id,
        subject_kind=unit.subject.kind,
        subject_id=unit.subject.id,
        unit_digest=unit_digest,
        channel_id=unit.channel_id,
        member_id=member.id,
        passkey_id=key,
        ask_id=signed,
        seen_percent=supposed.seen_percent,
    )
    with scope.acting_as("gate"):
        scope.add(row)
    audit.record(scope, "own.released", f"{unit.subject.kind}:{unit.subject.id}")
    outbox.put(
        scope, OwnReleaseMatured(scope.tenant_id, unit.subject.id), at=case.now + OWN_RELEASE_DELAY
    )
    return row.id


_END = """
UPDATE own_releases SET ended_at = house_now(), ended_by = :by, updated_at = house_now()
WHERE tenant_id = :tenant AND subject_id = :subject AND ended_at IS NULL RETURNING id
"""


def withdraw_own_release(scope: Scope, subject_id: UUID) -> int:
    """Withdraw the releases of an item, which then needs a second review; return their number.

    Raises Refused for a member who may neither run, review nor stop.
    """
    member = queries.get_acting_member(scope, "passkey.people_only")
    if not any(has_right(member.role, right) for right in (Right.RUN, Right.REVIEW, Right.STOP)):
        require_right(member.role, Right.STOP)
    return _record_withdrawal(scope, subject_id)


def _record_withdrawal(scope: Scope, subject_id: UUID) -> int:
    channels = scope.session.exec(
        select(OwnRelease.channel_id).where(
            OwnRelease.tenant_id == scope.tenant_id, OwnRelease.subject_id == subject_id
        )
    ).all()
    epochs.lock_and_advance(scope, *(epochs.channel_key(scope, one) for one in channels))
    with scope.acting_as("gate"):
        ended = scope.run(_END, tenant=scope.tenant_id, subject=subject_id, by=scope.actor).all()
    if ended:
        audit.record(scope, "own.withdrawn", f"delivery:{subject_id}")
    return len(ended)


def handle_own_release(event: OwnReleaseRequested, *, tenant: OpenScope) -> None:
    """Carry out a signed release; a missing condition becomes a notice for the member."""
    cause = f"own:{event.unit_digest}"
    try:
        with tenant(event.tenant_id, event.by) as scope:
            release_own_picture(scope, event.unit_digest, signed=event.subject_id)
            notices.close(scope, cause)
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=cause, urgent=True)


def handle_own_release_end(event: OwnReleaseWithdrawn, *, tenant: OpenScope) -> None:
    """Withdraw a release as the member who requested it.

    A member who has left since then had the right at the time of the request, and a withdrawal only
    restricts.
    """
    with tenant(event.tenant_id, event.by) as scope:
        try:
            withdraw_own_release(scope, event.subject_id)
        except NotFound:
            _record_withdrawal(scope, event.subject_id)
