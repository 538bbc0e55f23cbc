"""Secret addresses of calendars: a phone reads under one what is planned, and shows its owner's wishes, no more.

The address is the only secret: it is shown once, kept as a digest, and ended by hand, or when its member leaves.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound
from foundation.ids import HOUSE
from foundation.words import Message, canonical, say
from schedules import exports
from schedules.models_planning import CalendarAddress
from tenants import audit, failures
from tenants import reads as tenant_reads
from tenants.roles import Right, may, require

PREFIX = "gri_"
"""What every address begins with, so that those who search for lost secrets know one."""

BEFORE, AHEAD = timedelta(days=31), timedelta(days=90)
"""What a calendar shows around now."""

MOST = 20
"""Living addresses of a member."""

TAG = 32
_SECRET = re.compile(rf"{PREFIX}[\w-]{{43}}", re.ASCII)


@dataclass(frozen=True)
class Address:
    """An address as its owner sees it; without `creator_id` it tells of all they work for. Instants are UTC-aware."""

    id: UUID
    creator_id: UUID | None
    words: bool
    made_at: datetime
    used_at: datetime | None


@dataclass(frozen=True)
class Entered:
    """Whose calendar a living address is."""

    tenant_id: UUID
    address_id: UUID
    member_id: UUID
    creator_id: UUID | None
    words: bool


@dataclass(frozen=True)
class Calendar:
    """A calendar (RFC 5545); `tag` changes when what it tells does, not with the moment it was asked for."""

    data: bytes
    tag: str


def make(scope: Scope, *, creator_id: UUID | None, words: bool, key: UUID) -> str:
    """A new address for the member who asks; returns its secret, which is shown once. Made before under `key`: "".

    `words`: whether it tells what posts say. Raises Refused for a role that plans nothing, NotFound for a creator the
    member does not work for, BadInput for one too many.
    """
    member = tenant_reads.acting(scope, "address.members_only")
    require(member.role, Right.RUN)
    if creator_id is not None and creator_id not in {one.id for one in _hers(scope, member.creators)}:
        raise NotFound("creator.unknown", creator=str(creator_id))
    scope.hold(f"addresses:{scope.tenant_id}:{member.id}")
    if scope.session.get(CalendarAddress, (scope.tenant_id, key)) is not None:
        return ""
    if len(living(scope, member.id)) >= MOST:
        raise BadInput("address.too_many", most=MOST)
    secret = PREFIX + secrets.token_urlsafe(32)
    scope.add(
        CalendarAddress(
            tenant_id=scope.tenant_id,
            id=key,
            member_id=member.id,
            creator_id=creator_id,
            digest=_digest(secret),
            words=words,
        )
    )
    audit.note(scope, "address.made", f"calendar_address:{key}")
    return secret


def revoke(scope: Scope, address_id: UUID) -> None:
    """End an address of one's own; who may choose the staff ends anybody's. The next request is answered as if it had
    never been. Twice is as once. Raises NotFound."""
    member = tenant_reads.acting(scope, "address.members_only")
    row = scope.session.get(CalendarAddress, (scope.tenant_id, address_id), with_for_update=True)
    if row is None or not (row.member_id == member.id or may(member.role, Right.STAFF)):
        raise NotFound("address.unknown")
    if row.revoked_at is None:
        row.revoked_at = scope.now
        scope.add(row)
        audit.note(scope, "address.revoked", f"calendar_address:{address_id}")


def living(scope: Scope, member_id: UUID) -> list[Address]:
    """The addresses of a member that open something, the newest first."""
    rows = scope.session.exec(
        select(CalendarAddress)
        .where(
            CalendarAddress.tenant_id == scope.tenant_id,
            CalendarAddress.member_id == member_id,
            col(CalendarAddress.revoked_at).is_(None),
        )
        .order_by(col(CalendarAddress.created_at).desc(), col(CalendarAddress.id))
        .execution_options(populate_existing=True)
    )
    left = audit.last(scope, "member.let_go", f"member:{member_id}")
    return [
        Address(row.id, row.creator_id, row.words, row.created_at or scope.now, row.used_at)
        for row in rows
        if left is None or (row.created_at or scope.now) > left.at  # who comes back makes new ones
    ]


def _digest(secret: str) -> str:
    """What is kept: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _hers(scope: Scope, slugs: tuple[str, ...]) -> list[tenant_reads.Creator]:
    return [one for one in tenant_reads.creators(scope) if not slugs or one.slug in slugs]


_FIND = """
SELECT a.tenant_id, a.id, a.member_id, a.creator_id, a.words,
  a.used_at IS NULL OR a.used_at < house_now() - interval '1 minute' AS stale
FROM calendar_addresses a WHERE a.digest = :digest AND a.revoked_at IS NULL
"""
_USED = "UPDATE calendar_addresses SET used_at = house_now() WHERE tenant_id = :tenant AND id = :id"


def enter(tenant: OpenScope, secret: str, *, address: str) -> Entered | None:
    """Whose calendar it is; None for an address nobody has, and one that ended. Whether its member is here still,
    `calendar` asks.

    What fails is counted by network address. Raises Refused after too many: a right one is let in all the same.
    """
    if not _SECRET.fullmatch(secret):
        return None
    with tenant(HOUSE, "system:door", role="door") as scope:
        row = scope.run(_FIND, digest=_digest(secret)).first()
        if row is None:
            failures.guessed(scope, "calendar address", address, wait="address.wait")
            return None
        if row.stale:
            scope.run(_USED, tenant=row.tenant_id, id=row.id)
    return Entered(row.tenant_id, row.id, row.member_id, row.creator_id, row.words)


def calendar(scope: Scope, entered: Entered) -> Calendar:
    """What an address tells now: a month back and ninety days ahead, of those its member still works for.

    Raises NotFound for a member who left, also once they are back, or may not plan any more, and for a creator who is
    not theirs any more.
    """
    member = next((one for one in tenant_reads.members(scope) if one.id == entered.member_id), None)
    if member is None or entered.address_id not in {one.id for one in living(scope, member.id)}:
        raise NotFound("address.unknown")
    hers = {one.id: one.name for one in _hers(scope, member.creators)}
    seen = {one for one in hers if entered.creator_id in (None, one)}
    if not may(member.role, Right.RUN) or (entered.creator_id is not None and not seen):
        raise NotFound("address.unknown")
    found = exports.lines(scope, seen, scope.now - BEFORE, scope.now + AHEAD)
    whose = "" if entered.creator_id is None else f" · {hers[entered.creator_id]}"
    name = f"{say(Message('address.calendar'), member.language)}{whose}"
    data = exports.ics(found, now=scope.now, name=name, words=entered.words)
    tag = hashlib.sha256(canonical([name, entered.words, found])).hexdigest()[:TAG]
    return Calendar(data, tag)
