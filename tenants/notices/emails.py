"""Emails to members: preferences, and the emails that are due.
`channels/notifications/member_emails.py` sends them.

Emails are off until a member turns them on and confirms the address with a code. An email never
contains the text of a notice, only areas, counts and links (`tenants/notices/notice_pages.py`).
Urgent notices are sent within a minute, at most once an hour for one cause; all others once a day
at an hour chosen by the member. Emails are sent through the outbox at least once: after a lost
response an email may arrive twice, which is harmless.
"""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, Refused
from foundation.ids import uuid7
from foundation.outbox import outbox
from tenants import audit
from tenants.agencies import creators, queries
from tenants.agencies.queries import Member
from tenants.notices import notice_pages
from tenants.notices.models import EmailPreferenceRow, EmailRow
from tenants.notices.notice_pages import NoticePage

EMAIL_SETTINGS_PATH = "/auth/mails"
"""Path of the email settings on the dashboard."""

ONE_HOUR = timedelta(hours=1)
"""Minimum interval between two emails about one cause."""

CODE_LIVES = timedelta(minutes=30)
MAX_CODE_TRIES = 5
MAX_NOTICES_READ = 500
"""Maximum number of open notices read for one member."""

EMAIL_RETRY_DELAYS = tuple(timedelta(seconds=one) for one in (60, 300, 1800, 7200, 21_600, 43_200))
"""Delays before each retry, a little less than a day in total; after that the email is abandoned.
"""


@dataclass(frozen=True)
class EmailDue:
    """Send an email to a member; the subject is the email."""

    kind: ClassVar[str] = "notice.send"
    queue: ClassVar[outbox.Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class EmailPreference:
    """The email settings of a member; no email is sent until `confirmed`. `failed` describes the
    last email: "refused", "waiting" or "" if it was sent."""

    address: str
    confirmed: bool
    asked: bool
    """True if a confirmation code was sent and is still valid."""
    urgent: bool
    brief_hour: int | None
    failed: str


@dataclass(frozen=True)
class PendingEmail:
    """An email that is due: recipient, language, reason, and the number of items per area."""

    tenant_id: UUID
    mail_id: UUID
    member_id: UUID
    address: str
    language: str
    why: str
    code: str
    counts: Sequence[tuple[NoticePage, int]]
    tries: int
    at: datetime


# Preferences


def get_email_preference(scope: Scope, member: Member) -> EmailPreference:
    """Return the email settings of a member, or the defaults."""
    row = _find_preference(scope, member.id)
    if row is None:
        return EmailPreference(
            member.email, confirmed=False, asked=False, urgent=True, brief_hour=None, failed=""
        )
    live = bool(row.code) and row.code_until is not None and row.code_until > scope.now
    confirmed = row.confirmed_at is not None and row.address == member.email
    return EmailPreference(
        member.email,
        confirmed,
        live,
        row.urgent,
        row.brief_hour,
        _delivery_failure(scope, member.id),
    )


def send_confirmation_code(scope: Scope, member_id: UUID) -> None:
    """Send a confirmation code to the member's address, to prove that the member reads it.

    Raises Conflict if a code was sent less than a minute ago.
    """
    member = queries.get_member(scope, member_id)
    scope.lock(f"mail:{member_id}")
    row = _find_preference(scope, member_id) or EmailPreferenceRow(
        tenant_id=scope.tenant_id, member_id=member_id, address=member.email
    )
    if (
        row.code
        and row.code_until is not None
        and row.code_until > scope.now + CODE_LIVES - timedelta(minutes=1)
    ):
        raise Conflict("mail.sent_just_now")
    row.address = member.email
    row.code = f"{secrets.randbelow(10**6):06}"
    row.code_tries = 0
    row.code_until = scope.now + CODE_LIVES
    scope.add(row)
    scope.session.flush()
    _record_email(scope, member_id, "code", ())


def confirm_email_code(scope: Scope, member_id: UUID, typed: str) -> bool:
    """Check a confirmation code and turn emails on; return True if the code is right.

    A wrong code returns False instead of raising, so that the failed attempt is committed. Raises
    Refused if no code is valid.
    """
    member = queries.get_member(scope, member_id)
    scope.lock(f"mail:{member_id}")
    row = _find_preference(scope, member_id)
    live = (
        row is not None and row.code and row.code_until is not None and row.code_until > scope.now
    )
    if row is None or not live or row.address != member.email or row.code_tries >= MAX_CODE_TRIES:
        raise Refused("mail.code_over")
    row.code_tries += 1
    right = secrets.compare_digest(row.code.encode(), "".join(typed.split()).encode())
    if right:
        row.code = ""
        row.confirmed_at = scope.now
        audit.record(scope, "mail.confirmed", f"member:{member_id}")
    elif row.code_tries >= MAX_CODE_TRIES:
        row.code = ""
    scope.add(row)
    return right


def set_email_preference(
    scope: Scope, member_id: UUID, *, urgent: bool, brief_hour: int | None
) -> None:
    """Set urgent emails and the hour of the daily summary in the member's time zone; None turns it
    off.

    Raises Refused before the address is confirmed, and BadInput for an invalid hour.
    """
    if brief_hour is not None and not 0 <= brief_hour <= 23:
        raise BadInput("mail.hour")
    row = _get_confirmed_preference(scope, member_id)
    row.urgent = urgent
    row.brief_hour = brief_hour
    scope.add(row)


def unsubscribe(scope: Scope, member_id: UUID) -> None:
    """Turn emails off and drop those that are waiting. Raises Refused if they are off."""
    scope.session.delete(_get_confirmed_preference(scope, member_id))
    scope.run(
        "UPDATE mails SET state = 'dropped', updated_at = house_now()"
        " WHERE tenant_id = :tenant AND member_id = :member AND state = 'waiting'",
        tenant=scope.tenant_id,
        member=member_id,
    )
    audit.record(scope, "mail.ended", f"member:{member_id}")


def _get_confirmed_preference(scope: Scope, member_id: UUID) -> EmailPreferenceRow:
    member = queries.get_member(scope, member_id)
    scope.lock(f"mail:{member_id}")
    row = _find_preference(scope, member_id)
    if row is None or row.confirmed_at is None or row.address != member.email:
        raise Refused("mail.not_confirmed")
    return row


def _find_preference(scope: Scope, member_id: UUID) -> EmailPreferenceRow | None:
    return scope.session.exec(
        select(EmailPreferenceRow)
        .where(
            EmailPreferenceRow.tenant_id == scope.tenant_id,
            EmailPreferenceRow.member_id == member_id,
        )
        .execution_options(populate_existing=True)
    ).first()


def _delivery_failure(scope: Scope, member_id: UUID) -> str:
    last = scope.run(
        "SELECT state, tries FROM mails WHERE tenant_id = :tenant AND member_id = :member"
        " ORDER BY created_at DESC, id DESC LIMIT 1",
        tenant=scope.tenant_id,
        member=member_id,
    ).first()
    if last is None or last.state in ("sent", "dropped"):
        return ""
    if last.state == "dead":
        return "refused"
    return "waiting" if last.tries else ""


# Emails that are due

_URGENT = """
SELECT n.id, n.cause, n.creator_id FROM notices n
WHERE n.tenant_id = :tenant AND n.settled_at IS NULL AND n.urgent AND n.updated_at >= :since
  AND (n.principal_id IS NULL OR n.principal_id = :principal)
  AND NOT EXISTS (SELECT 1 FROM mails m WHERE m.tenant_id = n.tenant_id AND m.member_id = :who
    AND m.why = 'urgent' AND (m.created_at >= n.updated_at OR m.created_at > :hour_ago)
    AND m.notices @> jsonb_build_array(CAST(n.id AS text)))
ORDER BY n.updated_at, n.id LIMIT :most
"""
_OPEN = """
SELECT n.id, n.cause, n.creator_id FROM notices n
WHERE n.tenant_id = :tenant AND n.settled_at IS NULL
  AND (n.principal_id IS NULL OR n.principal_id = :principal) ORDER BY n.updated_at, n.id LIMIT
  :most
"""


def schedule_emails(scope: Scope) -> int:
    """Queue the emails that are due and return their number. Repeated calls have no effect.

    Runs a single statement if no member has turned emails on.
    """
    wanted = scope.session.exec(
        select(EmailPreferenceRow)
        .where(
            EmailPreferenceRow.tenant_id == scope.tenant_id,
            col(EmailPreferenceRow.confirmed_at).is_not(None),
        )
        .order_by(col(EmailPreferenceRow.id))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    members = {one.id: one for one in queries.list_members(scope)} if wanted else {}
    made = 0
    for row in wanted:
        member = members.get(row.member_id)
        if member is not None and member.email == row.address:
            made += _plan_urgent(scope, row, member) + _plan_brief(scope, row, member)
    return made


def _plan_urgent(scope: Scope, row: EmailPreferenceRow, member: Member) -> int:
    if not row.urgent:
        return 0
    recent = {"since": row.confirmed_at, "hour_ago": scope.now - ONE_HOUR, "who": member.id}
    found = _list_visible_notices(scope, member, _URGENT, **recent)
    return (
        _record_email(scope, member.id, "urgent", [notice for notice, _ in found]) if found else 0
    )


def _plan_brief(scope: Scope, row: EmailPreferenceRow, member: Member) -> int:
    """Queue the daily summary from the member's hour on. On a day without that hour (clock change),
    the next hour is used."""
    here = scope.now.astimezone(ZoneInfo(member.zone))
    if row.brief_hour is None or here.hour < row.brief_hour or row.briefed_on == here.date():
        return 0
    row.briefed_on = here.date()
    scope.add(row)
    found = _list_visible_notices(scope, member, _OPEN)
    return _record_email(scope, member.id, "brief", [notice for notice, _ in found]) if found else 0


def _list_visible_notices(
    scope: Scope, member: Member, statement: str, **params: object
) -> list[tuple[UUID, NoticePage]]:
    """Return the notices of a statement that the member can see, with their dashboard pages.

    Notices about a creator with responsible members are sent to those alone.
    """
    rows = scope.run(
        statement,
        tenant=scope.tenant_id,
        principal=member.principal_id,
        most=MAX_NOTICES_READ,
        **params,
    ).all()
    mine = {
        one.id
        for one in queries.list_creators(scope)
        if not member.creators or one.slug in member.creators
    }
    mine -= creators.list_creators_of_others(scope, member.id)
    found = [
        (row.id, notice_pages.notice_page_of(row.cause))
        for row in rows
        if row.creator_id is None or row.creator_id in mine
    ]
    return [(notice, area) for notice, area in found if area.is_open_to(member.role)]


def _record_email(scope: Scope, member_id: UUID, why: str, notices: Sequence[UUID]) -> int:
    mail_id = uuid7()
    told = [str(one) for one in notices]
    scope.add(
        EmailRow(tenant_id=scope.tenant_id, id=mail_id, member_id=member_id, why=why, notices=told)
    )
    outbox.put(
        scope,
        EmailDue(scope.tenant_id, mail_id),
        lane=f"mail:{member_id}",
        dedupe=f"mail:{mail_id}",
    )
    return 1


# Sending


def start_email(scope: Scope, mail_id: UUID) -> PendingEmail | None:
    """Return the email to send, or None if it is finished.

    The email is dropped if the member is inactive, has turned emails off, or all of its notices
    have been settled.
    """
    row = scope.session.get(EmailRow, (scope.tenant_id, mail_id), populate_existing=True)
    if row is None or row.state != "waiting":
        return None
    member = next((one for one in queries.list_members(scope) if one.id == row.member_id), None)
    wanted = _find_preference(scope, row.member_id)
    code = wanted.code if wanted is not None and row.why == "code" else ""
    counts: Sequence[tuple[NoticePage, int]] = ()
    if member is not None and row.why != "code":
        told = {UUID(one) for one in row.notices}
        still = Counter(
            area for notice, area in _list_visible_notices(scope, member, _OPEN) if notice in told
        )
        counts = [(area, still[area]) for area in notice_pages.NOTICE_PAGES if still[area]]
    known = wanted is not None and (row.why == "code" or wanted.confirmed_at is not None)
    if (
        member is None
        or wanted is None
        or not known
        or wanted.address != member.email
        or not (code or counts)
    ):
        row.state = "dropped"
        scope.add(row)
        return None
    to = (row.member_id, wanted.address, member.language)
    return PendingEmail(scope.tenant_id, mail_id, *to, row.why, code, counts, row.tries, scope.now)


# The condition on `tries` ignores the result of an attempt that another one has overtaken.
_SETTLE = """
UPDATE mails SET state = :state, tries = tries + 1, status = :status, detail = :detail, tried_at
= :now,
  updated_at = house_now() WHERE tenant_id = :tenant AND id = :id AND state = 'waiting' AND tries
  = :tries
"""


def finish_email(
    scope: Scope, written: PendingEmail, *, status: int | None, detail: str
) -> timedelta | None:
    """Record the result of an attempt. Return the delay before the next attempt, or None if there
    is none.

    `status` is the reply code of the mail server, or None if it did not reply; the email may then
    have been accepted. Permanent errors (5xx) are not retried, nor are emails after a day.
    """
    taken = status is not None and 200 <= status < 300
    over = not taken and (
        (status is not None and status >= 500) or written.tries >= len(EMAIL_RETRY_DELAYS)
    )
    if taken:
        state = "sent"
    elif over:
        state = "dead"
    else:
        state = "waiting"
    scope.run(
        _SETTLE,
        tenant=scope.tenant_id,
        id=written.mail_id,
        state=state,
        status=status,
        detail=detail,
        now=scope.now,
        tries=written.tries,
    )
    return EMAIL_RETRY_DELAYS[written.tries] if state == "waiting" else None


def abandon_email(scope: Scope, mail_id: UUID) -> None:
    """Mark an email as failed without further attempts, after an internal error or without a mail
    server."""
    scope.run(
        "UPDATE mails SET state = 'dead', detail = 'bug', updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND state = 'waiting'",
        tenant=scope.tenant_id,
        id=mail_id,
    )
