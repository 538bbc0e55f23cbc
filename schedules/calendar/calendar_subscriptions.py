"""Calendar subscriptions: secret URLs that show planned posts in a member's calendar app, read
only.

The URL is the only secret. It is shown once, stored as a digest, and ends when it is revoked or
when its member leaves the agency.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message, render_message
from foundation.ids import INSTALLATION_ID
from gate.contract.units import Text
from gate.surfaces.contents import Content
from gate.surfaces.decisions import show_allowed
from schedules.calendar import exports
from schedules.calendar.exports import ExportedDelivery, ExportedPost
from schedules.calendar.icalendar import render_icalendar
from schedules.calendar.models import CalendarSubscriptionRow
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, has_right, require_right
from tenants.auth import failed_attempts

PREFIX = "gri_"
"""Prefix of every secret, so that secret scanners recognize a leaked one."""

BEFORE = timedelta(days=31)
AHEAD = timedelta(days=90)
"""Time after now that a calendar covers; `BEFORE` is the time before now."""

MAX_CALENDAR_SUBSCRIPTIONS = 20
"""Maximum number of active subscriptions of a member."""

MAX_CALENDAR_TEXTS = 600
"""Maximum number of different texts in a calendar, those nearest to now. Apps fetch it every five
minutes, and each text takes about a millisecond until it is cached."""

SURFACE = "page.calendar"
TAG = 32
_SECRET = re.compile(rf"{PREFIX}[\w-]{{43}}", re.ASCII)


@dataclass(frozen=True)
class CalendarSubscription:
    """A subscription as its member sees it. Instants are UTC-aware.

    Without `creator_id` it covers all creators that the member works for.
    """

    id: UUID
    creator_id: UUID | None
    words: bool
    made_at: datetime
    used_at: datetime | None


@dataclass(frozen=True)
class CalendarAccess:
    """The scope of a valid subscription secret."""

    tenant_id: UUID
    address_id: UUID
    member_id: UUID
    creator_id: UUID | None
    words: bool


@dataclass(frozen=True)
class IcsDocument:
    """A calendar file (RFC 5545). `tag` is an ETag that depends on the content, not on the time of
    the request."""

    data: bytes
    tag: str


def create_calendar_subscription(
    scope: Scope, *, creator_id: UUID | None, words: bool, key: UUID
) -> str:
    """Create a subscription for the acting member and return its secret, which is shown only once.

    Returns "" if the subscription `key` already exists. `words` includes the text of posts in the
    calendar. Raises Refused for a role that may not plan posts, NotFound for a creator that the
    member does not work for, BadInput for too many subscriptions.
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
    """Revoke a subscription of the acting member, or of any member with the staff right.

    The next request gets the same response as an unknown URL. Idempotent. Raises NotFound.
    """
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
    """Return the active subscriptions of a member, newest first."""
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
        # a member who rejoins needs new ones
        if left is None or (row.created_at or scope.now) > left.at
    ]


def _hash_secret(secret: str) -> str:
    """Hash the secret for storage. 256 random bits need neither a salt nor a slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _list_subscribed_creators(scope: Scope, slugs: tuple[str, ...]) -> list[queries.Creator]:
    return [one for one in queries.list_creators(scope) if not slugs or one.slug in slugs]


# Calendar apps poll often, so `used_at` is written at most once a minute.
_FIND = """
SELECT a.tenant_id, a.id, a.member_id, a.creator_id, a.words,
  a.used_at IS NULL OR a.used_at < house_now() - interval '1 minute' AS stale
FROM calendar_addresses a WHERE a.digest = :digest AND a.revoked_at IS NULL
"""
_USED = "UPDATE calendar_addresses SET used_at = house_now() WHERE tenant_id = :tenant AND id = :id"


def resolve_calendar_secret(
    tenant: OpenScope, secret: str, *, address: str
) -> CalendarAccess | None:
    """Return the scope of a secret, or None if it is unknown or revoked.

    `render_ics_calendar` checks that the member still belongs to the agency. Failures are counted
    by network address. Raises Refused after too many; valid secrets are accepted even then.
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


def render_ics_calendar(
    scope: Scope, entered: CalendarAccess, *, most_texts: int = MAX_CALENDAR_TEXTS
) -> IcsDocument:
    """Return the calendar of a subscription, which covers the last month and the next ninety days.

    It covers the creators that the member still works for. Raises NotFound for a member who has
    left the agency (even if they rejoined), who may no longer plan posts, or who no longer works
    for the creator of the subscription.
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
    withheld = _find_withheld_deliveries(scope, found, most_texts) if entered.words else []
    data = render_icalendar(found, now=scope.now, name=name, words=entered.words, withheld=withheld)
    tag = hashlib.sha256(canonical_json([name, entered.words, found, withheld])).hexdigest()[:TAG]
    return IcsDocument(data, tag)


def _find_withheld_deliveries(
    scope: Scope, found: Sequence[ExportedPost], most_texts: int
) -> list[UUID]:
    """Return the deliveries whose text a calendar service may not read now: those that the safety
    check does not allow, and those that are too many to be read."""
    near = sorted(found, key=lambda line: abs(line.due - scope.now))
    contents = {
        place.delivery_id: _delivery_content(line, place) for line in near for place in line.places
    }
    read = list(dict.fromkeys(contents.values()))[:most_texts]
    shown = dict(zip(read, show_allowed(scope, read), strict=True))
    allowed = {content for content, one in shown.items() if one.is_whole}
    return sorted(one for one, content in contents.items() if content not in allowed)


def _delivery_content(line: ExportedPost, place: ExportedDelivery) -> Content:
    texts = (Text("title", place.title), Text("body", place.body))
    return Content(
        SURFACE,
        (line.creator_id,) if line.creator_id is not None else (),
        tuple(text for text in texts if text.body),
    )
