"""The notifications of a member: the open notices that they may see, read or unread.

A notice is shared by the members of an agency, so what a member sees follows their role and their
creators at the time of reading. A row of `notifications` only stores that a member has read a
notice; a notice that is opened again is unread again.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from tenants.agencies import queries
from tenants.agencies.queries import Member
from tenants.notices import notice_pages, preferences
from tenants.notices.notice_pages import NoticePage
from tenants.notices.preferences import NotificationPreferences, Route
from tenants.notices.queries import Notice

MAX_NOTICES_READ = 500
"""Maximum number of open notices read for one member, newest first."""

SHARED_DOWNTIME = "downtime"
"""Prefix of the causes of notices about missed posts."""


@dataclass(frozen=True)
class MemberNotice:
    """A notice in the list of a member. `times` counts how often it was opened."""

    id: UUID
    notice: Notice
    kind: NoticePage
    is_read: bool
    times: int
    informs: bool


_OPEN = """
SELECT n.id, n.cause, n.message, n.urgent, n.updated_at, n.creator_id, n.times, n.informs,
  coalesce(r.read_at >= n.updated_at, false) AS is_read
FROM notices n LEFT JOIN notifications r
  ON r.tenant_id = n.tenant_id AND r.notice_id = n.id AND r.member_id = :member
WHERE n.tenant_id = :tenant AND n.settled_at IS NULL
  AND (n.principal_id IS NULL OR n.principal_id = :principal)
ORDER BY n.updated_at DESC, n.id DESC LIMIT :most
"""
_UNREAD = """
SELECT n.id, n.cause, n.creator_id
FROM notices n LEFT JOIN notifications r
  ON r.tenant_id = n.tenant_id AND r.notice_id = n.id AND r.member_id = :member
WHERE n.tenant_id = :tenant AND n.settled_at IS NULL
  AND (n.principal_id IS NULL OR n.principal_id = :principal)
  AND (r.read_at IS NULL OR r.read_at < n.updated_at)
ORDER BY n.updated_at DESC, n.id DESC LIMIT :most
"""
_READ = """
INSERT INTO notifications (tenant_id, id, member_id, notice_id, read_at)
SELECT :tenant, id, :member, notice, house_now()
FROM unnest(CAST(:ids AS uuid[]), CAST(:notices AS uuid[])) AS given (id, notice)
ON CONFLICT (tenant_id, member_id, notice_id)
  DO UPDATE SET read_at = house_now(), updated_at = house_now()
"""


def list_notifications(scope: Scope, member: Member) -> list[MemberNotice]:
    """Return the notifications of a member, newest first, without those of muted kinds and
    creators."""
    return [
        MemberNotice(
            row.id,
            Notice(
                row.cause,
                Message.from_json(row.message or {"code": "?"}),
                row.urgent,
                row.updated_at or scope.now,
                row.creator_id,
            ),
            notice_pages.notice_page_of(row.cause),
            row.is_read,
            row.times,
            row.informs,
        )
        for row in _list_shown(scope, member, _OPEN)
    ]


def count_unread(scope: Scope, member: Member) -> int:
    """Return the number of unread notifications of a member."""
    return len(_list_shown(scope, member, _UNREAD))


def mark_read(scope: Scope, member: Member, notices: Collection[UUID]) -> int:
    """Mark notifications as read and return their number. Notices that the member does not see are
    ignored."""
    shown = [row.id for row in _list_shown(scope, member, _UNREAD)]
    return _store_read(scope, member, [one for one in shown if one in notices])


def mark_all_read(scope: Scope, member: Member, *, until: datetime | None = None) -> int:
    """Mark all notifications of a member as read and return their number.

    Those opened after `until` (UTC-aware), which the member has not seen yet, stay unread.
    """
    return _store_read(
        scope,
        member,
        [
            one.id
            for one in list_notifications(scope, member)
            if not one.is_read and (until is None or one.notice.at <= until)
        ],
    )


def _store_read(scope: Scope, member: Member, notices: Collection[UUID]) -> int:
    if notices:
        scope.run(
            _READ,
            tenant=scope.tenant_id,
            member=member.id,
            ids=[uuid7() for _ in notices],
            notices=list(notices),
        )
    return len(notices)


def _list_shown(scope: Scope, member: Member, statement: str) -> list[Row[Any]]:
    rows = scope.run(
        statement,
        tenant=scope.tenant_id,
        member=member.id,
        principal=member.principal_id,
        most=MAX_NOTICES_READ,
    ).all()
    if not rows:
        return []
    chosen = preferences.get_preferences(scope, member.id)
    return select_visible(scope, member, rows, chosen, Route.APP)


def select_visible(
    scope: Scope,
    member: Member,
    rows: Iterable[Row[Any]],
    chosen: NotificationPreferences,
    route: Route,
) -> list[Row[Any]]:
    """Return the rows (with `cause` and `creator_id`) that a member may see and that take a route.

    The role must open the page that resolves the notice, and a creator must be one of the member's.
    A downtime of several creators counts the posts of all of them, so members of some creators do
    not see it here; Home shows them their part.
    """
    rows = list(rows)
    mine = _visible_creators(scope, member, rows)
    return [
        row
        for row in rows
        if (mine is None or row.creator_id in mine or _is_for_all(row))
        and (kind := notice_pages.notice_page_of(row.cause)).is_open_to(member.role)
        and chosen.uses(kind, route, row.creator_id)
    ]


def _is_for_all(row: Row[Any]) -> bool:
    return row.creator_id is None and not row.cause.startswith(SHARED_DOWNTIME)


def _visible_creators(
    scope: Scope, member: Member, rows: Iterable[Row[Any]]
) -> frozenset[UUID] | None:
    """Return the creators of a member, or None for all."""
    if not member.creators:
        return None
    if all(row.creator_id is None for row in rows):
        return frozenset()
    return frozenset(one.id for one in queries.list_creators(scope) if member.works_for(one.slug))
