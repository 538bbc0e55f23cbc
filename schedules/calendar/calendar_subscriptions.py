"""Secret addresses of calendars: a phone reads under one what is planned, and shows its owner's
wishes, no more.

The address is the only secret: it is shown once, kept as a digest, and ended by hand, or when its
member leaves.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message, render_message
from foundation.ids import INSTALLATION_ID
from schedules.calendar import exports
from schedules.calendar.icalendar import render_icalendar
from schedules.calendar.models import CalendarSubscriptionRow
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, has_right, require_right
from tenants.auth import failed_attempts

PREFIX = "gri_"
"""What every address begins with, so that those who search for lost secrets know one."""

BEFORE = timedelta(days=31)
AHEAD = timedelta(days=90)
"""What a calendar shows around now."""

MAX_CALENDAR_SUBSCRIPTIONS = 20
"""Living addresses of a member."""

TAG = 32
_SECRET = re.compile(rf"{PREFIX}[\w-]{{43}}", re.ASCII)


@dataclass(frozen=True)
class CalendarSubscription:
    """An address as its owner sees it; without `creator_id` it tells of all they work for. Instants
    are UTC-aware."""

    id: UUID
    creator_id: UUID | None
    words: bool
    made_at: datetime
    used_at: datetime | None


@dataclass(frozen=True)
class CalendarAccess:
    """Whose calendar a living address is."""

    tenant_id: UUID
    address_id: UUID
    member_id: UUID
    creator_id: UUID | None
    words: bool


@dataclass(frozen=True)
class IcsDocument:
    """A calendar (RFC 5545); `tag` changes when what it tells does, not with the moment it was
    asked for."""

    data: bytes
    tag: str


def create_calendar_subscription(
    scope: Scope, *, creator_id: UUID | None, words: bool, key: UUID
) -> str:
    """A new address for the member who asks; returns its secret, which is shown once. Made before
    under `key`: "".

    `words`: whether it tells what posts say. Raises Refused for a role that plans nothing, NotFound
    for a creator the member does not work for, BadInput for one too many.
    """
    member = queries.get_acting_member(scope, "address.members_only")
    require_right(member.role, Right.RUN)
    if creator_id is not None and creator_id not in {
        one.id for one in _list_subscribed_creators(scope, member.creators)
    }:
        raise NotFound("creator.unknown", creator=str(creator_id))
    scope.lock(f"addresses:{scope.tenant_id}:{member.id}")
    if scope.session.get(CalendarSubscriptionRow, (scope.tenant_id, key)) is not None:
        return ""
    if len(list_calendar_subscriptions(scope, member.id)) >= MAX_CALENDAR_SUBSCRIPTIONS:
        raise BadInput("address.too_many", most=MAX_CALENDAR_SUBSCRIPTIONS)
    secret = PREFIX + secrets.token_urlsafe(32)
    scope.add(
        CalendarSubscriptionRow(
            tenant_id=scope.tenant_id,
            id=key,
            member_id=member.id,
            creator_id=creator_id,
            digest=_hash_secret(secret),
            words=words,
        )
    )
    audit.record(scope, "address.made", f"calendar_address:{key}")
    return secret


def revoke_calendar_subscription(scope: Scope, address_id: UUID) -> None:
    """End an address of one's own; who may choose the staff ends anybody's. The next request is
    answered as if it had never been. Twice is as once. Raises NotFound."""
    member = queries.get_acting_member(scope, "address.members_only")
    row = scope.session.get(
        CalendarSubscriptionRow, (scope.tenant_id, address_id), with_for_update=True
    )
    if row is None or not (row.member_id == member.id or has_right(member.role, Right.STAFF)):
        raise NotFound("address.unknown")
    if row.revoked_at is None:
        row.revoked_at = scope.now
        scope.add(row)
        audit.record(scope, "address.revoked", f"calendar_address:{address_id}")


def list_calendar_subscriptions(scope: Scope, member_id: UUID) -> list[CalendarSubscription]:
    """The addresses of a member that open something, the newest first."""
    rows = scope.session.exec(
        select(CalendarSubscriptionRow)
        .where(
            CalendarSubscriptionRow.tenant_id == scope.tenant_id,
            CalendarSubscriptionRow.member_id == member_id,
            col(CalendarSubscriptionRow.revoked_at).is_(None),
        )
        .order_by(col(CalendarSubscriptionRow.created_at).desc(), col(CalendarSubscriptionRow.id))
        .execution_options(populate_existing=True)
    )
    left = audit.find_last_act(scope, "member.let_go", f"member:{member_id}")
    return [
        CalendarSubscription(
            row.id, row.creator_id, row.words, row.created_at or scope.now, row.used_at
        )
        for row in rows
        if left is None or (row.created_at or scope.now) > left.at  # who comes back makes new ones
    ]


def _hash_secret(secret: str) -> str:
    """What is kept: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _list_subscribed_creators(scope: Scope, slugs: tuple[str, ...]) -> list[queries.Creator]:
    return [one for one in queries.list_creators(scope) if not slugs or one.slug in slugs]


_FIND = """
SELECT a.tenant_id, a.id, a.member_id, a.creator_id, a.words,
  a.used_at IS NULL OR a.used_at < house_now() - interval '1 minute' AS stale
FROM calendar_addresses a WHERE a.digest = :digest AND a.revoked_at IS NULL
"""
_USED = "UPDATE calendar_addresses SET used_at = house_now() WHERE tenant_id = :tenant AND id = :id"


def resolve_calendar_secret(
    tenant: OpenScope, secret: str, *, address: str
) -> CalendarAccess | None:
    """Whose calendar it is; None for an address nobody has, and one that ended. Whether its member
    is here still, `calendar` asks.

    What fails is counted by network address. Raises Refused after too many: a right one is let in
    all the same.
    """
    if not _SECRET.fullmatch(secret):
        return None
    with tenant(INSTALLATION_ID, "system:door", role="door") as scope:
        row = scope.run(_FIND, digest=_hash_secret(secret)).first()
        if row is None:
            failed_attempts.record_guess(scope, "calendar address", address, wait="address.wait")
            return None
        if row.stale:
            scope.run(_USED, tenant=row.tenant_id, id=row.id)
    return CalendarAccess(row.tenant_id, row.id, row.member_id, row.creator_id, row.words)


def render_ics_calendar(scope: Scope, entered: CalendarAccess) -> IcsDocument:
    """What an address tells now: a month back and ninety days ahead, of those its member still
    works for.

    Raises NotFound for a member who left, also once they are back, or may not plan any more, and
    for a creator who is not theirs any more.
    """
    member = next((one for one in queries.list_members(scope) if one.id == entered.member_id), None)
    if member is None or entered.address_id not in {
        one.id for one in list_calendar_subscriptions(scope, member.id)
    }:
        raise NotFound("address.unknown")
    hers = {one.id: one.name for one in _list_subscribed_creators(scope, member.creators)}
    seen = {one for one in hers if entered.creator_id in (None, one)}
    if not has_right(member.role, Right.RUN) or (entered.creator_id is not None and not seen):
        raise NotFound("address.unknown")
    found = exports.load_export_rows(scope, seen, scope.now - BEFORE, scope.now + AHEAD)
    whose = "" if entered.creator_id is None else f" · {hers[entered.creator_id]}"
    name = f"{render_message(Message('address.calendar'), member.language)}{whose}"
    data = render_icalendar(found, now=scope.now, name=name, words=entered.words)
    tag = hashlib.sha256(canonical_json([name, entered.words, found])).hexdigest()[:TAG]
    return IcsDocument(data, tag)
