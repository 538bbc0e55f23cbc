"""Messages to members outside the dashboard: those that are due, and their results.
`channels/notifications/member_messages.py` sends them by email, Telegram and Web Push.

A message never contains the text of a notice, only pages, counts and links (`notice_pages`). What
is sent at once is sent within a minute, at most once an hour for one cause; the rest is in the
daily digest. In quiet hours messages wait, except urgent safety notices if the member allows them.
Each message is one row: it is claimed and settled once, so that a repeated event sends nothing. A
response that was lost is settled by the route (`AttemptResult`).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row
from sqlmodel import select

from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.outbox import outbox
from tenants.agencies import creators, queries
from tenants.agencies.queries import Member
from tenants.notices import member_notices, notice_pages, notices, preferences
from tenants.notices.models import (
    EmailPreferenceRow,
    MessageRow,
    NotificationSettingsRow,
    PushSubscriptionRow,
    TelegramLinkRow,
)
from tenants.notices.notice_pages import NoticePage
from tenants.notices.preferences import DIGEST_ROUTES, NotificationPreferences, Route

ONE_HOUR = timedelta(hours=1)
ONE_DAY = timedelta(days=1)
"""Minimum interval between two messages of a route about one cause."""

RETRY_DELAYS = tuple(timedelta(seconds=one) for one in (60, 300, 1800, 7200, 21_600, 43_200))
"""Delays before each retry, a little less than a day in total; after that the message is abandoned.
"""

Why = Literal["urgent", "new", "brief", "code", "linked"]
"""`urgent` and `new` are sent at once, `brief` is the digest, `code` confirms an email address, and
`linked` confirms a Telegram chat."""

AttemptResult = Literal["sent", "lost", "retry", "refused", "gone"]
"""`lost`: the service may have accepted the message, and a second attempt could show it twice.
`gone`: the service states that the recipient no longer exists or blocked us."""


@dataclass(frozen=True)
class MessageDue:
    """Send a message to a member; the subject is the message."""

    kind: ClassVar[str] = "notice.send"
    queue: ClassVar[outbox.Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class MessageTarget:
    """A recipient: a member and a route, and one of the member's browsers for Web Push."""

    member_id: UUID
    route: Route
    target_id: UUID | None = None
    since: datetime | None = None
    """Time from which the recipient is confirmed; earlier notices are only in the digest."""
    address: str = field(default="", repr=False)


@dataclass(frozen=True)
class PushSubscription:
    """A browser of a member: the address of its push service and its keys (base64url)."""

    endpoint: str = field(repr=False)
    key: str = field(repr=False)
    auth: str = field(repr=False)


@dataclass(frozen=True)
class PendingMessage:
    """A message that is due: recipient, language, reason, and the number of items per page."""

    tenant_id: UUID
    message_id: UUID
    member_id: UUID
    route: Route
    language: str
    why: str
    counts: Sequence[tuple[NoticePage, int]]
    tries: int
    at: datetime
    code: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    channel_id: UUID | None = None
    chat: str = field(default="", repr=False)
    browser: PushSubscription | None = None
    agency: str = ""


# Messages that are due

_TARGETS = """
SELECT 'email' AS route, member_id, NULL::uuid AS target, confirmed_at AS since, address
FROM mail_wishes WHERE tenant_id = :tenant AND confirmed_at IS NOT NULL
UNION ALL SELECT 'telegram', member_id, NULL, confirmed_at, '' FROM telegram_links
WHERE tenant_id = :tenant AND confirmed_at IS NOT NULL
UNION ALL SELECT 'push', member_id, id, created_at, '' FROM push_subscriptions
WHERE tenant_id = :tenant
"""
_AT_ONCE = """
SELECT n.id, n.cause, n.creator_id, n.urgent FROM notices n
WHERE n.tenant_id = :tenant AND n.settled_at IS NULL AND (n.urgent OR :all)
  AND n.updated_at >= :since AND (n.principal_id IS NULL OR n.principal_id = :principal)
  AND NOT EXISTS (SELECT 1 FROM mails m WHERE m.tenant_id = n.tenant_id AND m.member_id = :who
    AND m.route = :by AND m.target_id IS NOT DISTINCT FROM CAST(:target AS uuid)
    AND m.why IN ('urgent', 'new') AND m.state <> 'dropped'
    AND (m.created_at >= n.updated_at OR m.created_at > :hour_ago)
    AND m.notices @> jsonb_build_array(CAST(n.id AS text)))
ORDER BY n.updated_at, n.id LIMIT :most
"""
_OPEN = """
SELECT n.id, n.cause, n.creator_id, n.urgent FROM notices n
WHERE n.tenant_id = :tenant AND n.settled_at IS NULL
  AND (n.principal_id IS NULL OR n.principal_id = :principal)
ORDER BY n.updated_at, n.id LIMIT :most
"""
_DIGEST = """
SELECT n.id, n.cause, n.creator_id, n.urgent FROM notices n
WHERE n.tenant_id = :tenant AND n.settled_at IS NULL
  AND (NOT n.informs OR n.updated_at > :day_ago)
  AND (n.principal_id IS NULL OR n.principal_id = :principal)
ORDER BY n.updated_at, n.id LIMIT :most
"""
"""Selects what needs attention and what was reported since the last digest."""


def schedule_messages(scope: Scope) -> int:
    """Queue the messages that are due and return their number. Repeated calls have no effect.

    Runs two statements if no member has turned on a route outside the dashboard.
    """
    notices.close_old_information(scope)
    if not _list_targets(scope):
        return 0
    scope.lock("notifications")  # a second planner must see the messages of the first
    targets = _list_targets(scope)
    settings = preferences.list_settings_rows(scope, {one.member_id for one in targets})
    made = 0
    for member in queries.list_members(scope):
        theirs = [one for one in targets if one.member_id == member.id]
        theirs = [one for one in theirs if one.address in ("", member.email)]
        if theirs:
            made += _plan_member(scope, member, theirs, settings.get(member.id))
    return made


def _list_targets(scope: Scope) -> list[MessageTarget]:
    rows = scope.run(_TARGETS, tenant=scope.tenant_id)
    return [
        MessageTarget(row.member_id, Route(row.route), row.target, row.since, row.address)
        for row in rows
    ]


def _plan_member(
    scope: Scope,
    member: Member,
    targets: Sequence[MessageTarget],
    row: NotificationSettingsRow | None,
) -> int:
    chosen = preferences.preferences_from_row(row) if row is not None else NotificationPreferences()
    made = sum(_plan_at_once(scope, member, chosen, one) for one in targets)
    if row is not None and _is_digest_due(scope, member, chosen, row):
        row.digested_on = scope.now.astimezone(ZoneInfo(member.zone)).date()
        scope.add(row)
        for target in targets:
            if target.route in DIGEST_ROUTES:
                found = _list_visible(
                    scope, member, chosen, target.route, _DIGEST, day_ago=scope.now - ONE_DAY
                )
                made += record_message(scope, target, "brief", [one.id for one in found])
    return made


def _plan_at_once(
    scope: Scope, member: Member, chosen: NotificationPreferences, target: MessageTarget
) -> int:
    if chosen.immediate == "none":
        return 0
    found = _list_visible(
        scope,
        member,
        chosen,
        target.route,
        _AT_ONCE,
        all=chosen.immediate == "all",
        since=target.since,
        hour_ago=scope.now - ONE_HOUR,
        who=member.id,
        by=str(target.route),
        target=target.target_id,
    )
    found = _allowed_now(found, chosen, scope.now, member.zone)
    why: Why = "urgent" if any(one.urgent for one in found) else "new"
    return record_message(scope, target, why, [one.id for one in found])


def _is_digest_due(
    scope: Scope, member: Member, chosen: NotificationPreferences, row: NotificationSettingsRow
) -> bool:
    """Return True from the member's hour on, outside the quiet hours. On a day without that hour
    (clock change), the next hour is used."""
    here = scope.now.astimezone(ZoneInfo(member.zone))
    return (
        chosen.digest_hour is not None
        and here.hour >= chosen.digest_hour
        and row.digested_on != here.date()
        and not chosen.is_quiet(scope.now, member.zone)
    )


def _allowed_now(
    rows: Iterable[Row[Any]], chosen: NotificationPreferences, now: datetime, zone: str
) -> list[Row[Any]]:
    """Return the notices that may be sent at this time: all, or in quiet hours those that pass."""
    if not chosen.is_quiet(now, zone):
        return list(rows)
    return [
        row
        for row in rows
        if chosen.passes_quiet_hours(notice_pages.notice_page_of(row.cause), urgent=row.urgent)
    ]


def _list_visible(
    scope: Scope,
    member: Member,
    chosen: NotificationPreferences,
    route: Route,
    statement: str,
    **params: object,
) -> list[Row[Any]]:
    """Return the notices of a statement that the member may see and that take the route.

    Notices about a creator with responsible members are sent to those alone.
    """
    rows = scope.run(
        statement,
        tenant=scope.tenant_id,
        principal=member.principal_id,
        most=member_notices.MAX_NOTICES_READ,
        **params,
    ).all()
    found = member_notices.select_visible(scope, member, rows, chosen, route)
    if not any(row.creator_id for row in found):
        return found
    others = creators.list_creators_of_others(scope, member.id)
    return [row for row in found if row.creator_id not in others]


def record_message(scope: Scope, target: MessageTarget, why: Why, told: Collection[UUID]) -> int:
    """Queue a message and return 1, or return 0 if it would be about no notice."""
    if why in ("urgent", "new", "brief") and not told:
        return 0
    message_id = uuid7()
    scope.add(
        MessageRow(
            tenant_id=scope.tenant_id,
            id=message_id,
            member_id=target.member_id,
            why=why,
            notices=[str(one) for one in told],
            route=str(target.route),
            target_id=target.target_id,
        )
    )
    outbox.put(
        scope,
        MessageDue(scope.tenant_id, message_id),
        # A route that does not respond must not delay the others.
        lane=f"mail:{target.route}:{target.target_id or target.member_id}",
        dedupe=f"mail:{message_id}",
    )
    return 1


def drop_waiting_messages(
    scope: Scope, member_id: UUID, route: Route, target_id: UUID | None = None
) -> None:
    """Drop the messages of a route that are waiting, because the member turned it off."""
    scope.run(
        "UPDATE mails SET state = 'dropped', updated_at = house_now()"
        " WHERE tenant_id = :tenant AND member_id = :member AND route = :route"
        " AND target_id IS NOT DISTINCT FROM CAST(:target AS uuid) AND state = 'waiting'",
        tenant=scope.tenant_id,
        member=member_id,
        route=str(route),
        target=target_id,
    )


def delivery_failure(scope: Scope, member_id: UUID, route: Route) -> str:
    """Return the state of the last message of a route: "refused", "waiting", or "" if it was
    sent."""
    last = scope.run(
        "SELECT state, tries FROM mails WHERE tenant_id = :tenant AND member_id = :member"
        " AND route = :route ORDER BY created_at DESC, id DESC LIMIT 1",
        tenant=scope.tenant_id,
        member=member_id,
        route=str(route),
    ).first()
    if last is None or last.state in ("sent", "lost", "dropped"):
        return ""
    if last.state == "dead":
        return "refused"
    return "waiting" if last.tries else ""


# Sending


def start_message(scope: Scope, message_id: UUID) -> PendingMessage | None:
    """Return the message to send, or None if it is finished.

    The message is dropped if the member is inactive, has turned the route off, all of its notices
    have been settled, or the quiet hours have begun; notices that are still open are then planned
    again.
    """
    row = scope.session.get(MessageRow, (scope.tenant_id, message_id), populate_existing=True)
    if row is None or row.state != "waiting":
        return None
    member = next((one for one in queries.list_members(scope) if one.id == row.member_id), None)
    due = _build_pending(scope, row, member) if member is not None else None
    if due is None or member is None or not (due.code or due.why == "linked" or due.counts):
        row.state = "dropped"
        scope.add(row)
        return None
    return due


def _build_pending(scope: Scope, row: MessageRow, member: Member) -> PendingMessage | None:
    """Return the message with its recipient and counts, or None without a recipient."""
    where = _find_recipient(scope, row, member)
    if where is None:
        return None
    return PendingMessage(
        scope.tenant_id,
        row.id,
        member.id,
        Route(row.route),
        member.language,
        row.why,
        _count_items(scope, row, member) if row.why in ("urgent", "new", "brief") else (),
        row.tries,
        scope.now,
        agency=queries.get_agency(scope).name,
        **where,
    )


def _find_recipient(scope: Scope, row: MessageRow, member: Member) -> dict[str, Any] | None:
    key = {"tenant_id": scope.tenant_id, "member_id": member.id}
    match Route(row.route):
        case Route.EMAIL:
            email = _find_row(scope, EmailPreferenceRow, **key)
            if email is None or email.address != member.email:
                return None
            if row.why != "code" and email.confirmed_at is None:
                return None
            return {"address": email.address, "code": email.code if row.why == "code" else ""}
        case Route.TELEGRAM:
            link = _find_row(scope, TelegramLinkRow, **key)
            if link is None or link.confirmed_at is None:
                return None
            return {"channel_id": link.channel_id, "chat": link.chat}
        case Route.PUSH:
            browser = _find_row(scope, PushSubscriptionRow, **key, id=row.target_id)
            if browser is None:
                return None
            return {"browser": PushSubscription(browser.endpoint, browser.key, browser.auth)}
        case _:
            return None


def _find_row(scope: Scope, model: Any, **key: object) -> Any:
    return scope.session.exec(
        select(model).filter_by(**key).execution_options(populate_existing=True)
    ).first()


def _count_items(scope: Scope, row: MessageRow, member: Member) -> Sequence[tuple[NoticePage, int]]:
    chosen = preferences.get_preferences(scope, member.id)
    told = {UUID(one) for one in row.notices}
    found = [
        one
        for one in _list_visible(scope, member, chosen, Route(row.route), _OPEN)
        if one.id in told
    ]
    if row.why != "brief":  # A digest has its own hour and is not planned again on the same day.
        found = _allowed_now(found, chosen, scope.now, member.zone)
    still = Counter(notice_pages.notice_page_of(one.cause) for one in found)
    return [(page, still[page]) for page in notice_pages.NOTICE_PAGES if still[page]]


# The condition on `tries` ignores the result of an attempt that another one has overtaken.
_SETTLE = """
UPDATE mails SET state = :state, tries = tries + 1, status = :status, detail = :detail,
  tried_at = :now, updated_at = house_now()
WHERE tenant_id = :tenant AND id = :id AND state = 'waiting' AND tries = :tries
"""


def finish_message(
    scope: Scope,
    sent: PendingMessage,
    result: AttemptResult,
    *,
    status: int | None,
    detail: str,
) -> timedelta | None:
    """Record the result of an attempt. Return the delay before the next attempt, or None if there
    is none.

    Refused messages are not retried, nor are messages after a day. A recipient that is gone is
    removed, so that the member has to connect it again.
    """
    states = {"sent": "sent", "lost": "lost", "retry": "waiting"}
    state = states.get(result, "dead")
    if state == "waiting" and sent.tries >= len(RETRY_DELAYS):
        state = "dead"
    scope.run(
        _SETTLE,
        tenant=scope.tenant_id,
        id=sent.message_id,
        state=state,
        status=status,
        detail=detail,
        now=scope.now,
        tries=sent.tries,
    )
    if result == "gone":
        _remove_recipient(scope, sent)
    return RETRY_DELAYS[sent.tries] if state == "waiting" else None


def _remove_recipient(scope: Scope, sent: PendingMessage) -> None:
    if sent.browser is not None:
        scope.run(
            "DELETE FROM push_subscriptions WHERE tenant_id = :tenant AND member_id = :member"
            " AND endpoint = :endpoint",
            tenant=scope.tenant_id,
            member=sent.member_id,
            endpoint=sent.browser.endpoint,
        )
    elif sent.route is Route.TELEGRAM:
        scope.run(
            "DELETE FROM telegram_links WHERE tenant_id = :tenant AND member_id = :member"
            " AND chat = :chat",
            tenant=scope.tenant_id,
            member=sent.member_id,
            chat=sent.chat,
        )


def abandon_message(scope: Scope, message_id: UUID) -> None:
    """Mark a message as failed without further attempts, after an internal error."""
    scope.run(
        "UPDATE mails SET state = 'dead', detail = 'bug', updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND state = 'waiting'",
        tenant=scope.tenant_id,
        id=message_id,
    )
