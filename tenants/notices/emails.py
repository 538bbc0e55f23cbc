"""Mail to members: who wants it, and what is to be written to whom.
`channels/notifications/member_emails.py` sends it.

Off until a member says so, and typed the code that was sent to their address. A mail never says
what a notice says: it names areas, counts and pages (`tenants/notices/notice_pages.py`). What
cannot wait is written within a minute, at most once an hour for one cause; the rest once a day, at
an hour of the member's own. Rows are written here and sent through the outbox, so a mail may come
twice where an answer was lost, and is never missed: being told twice harms nobody.
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
from tenants.agencies import queries
from tenants.agencies.queries import Member
from tenants.notices import notice_pages
from tenants.notices.models import EmailPreferenceRow, EmailRow
from tenants.notices.notice_pages import NoticePage

EMAIL_SETTINGS_PATH = "/auth/mails"
"""Where members say what they want, on the dashboard."""

ONE_HOUR = timedelta(hours=1)
"""Between two mails about one cause."""

CODE_LIVES = timedelta(minutes=30)
MAX_CODE_TRIES = 5
MAX_NOTICES_READ = 500
"""Open notices that are looked at for one member."""

EMAIL_RETRY_DELAYS = tuple(timedelta(seconds=one) for one in (60, 300, 1800, 7200, 21_600, 43_200))
"""Before each further try; together a little less than a day, after which it is given up."""


@dataclass(frozen=True)
class EmailDue:
    """Write to a member; the subject is the mail."""

    kind: ClassVar[str] = "notice.send"
    queue: ClassVar[outbox.Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class EmailPreference:
    """What a member wants written: nothing until `confirmed`. `failed` is what the last mail came
    to, where it did not arrive: `refused`, `waiting` or "" where all is well."""

    address: str
    confirmed: bool
    asked: bool
    """Whether a code was sent that can still be typed."""
    urgent: bool
    brief_hour: int | None
    failed: str


@dataclass(frozen=True)
class PendingEmail:
    """A mail that is due: to whom, in which language, why, and how many things of each area it
    tells of."""

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


# what a member wants


def get_email_preference(scope: Scope, member: Member) -> EmailPreference:
    """What this member wants; nothing, where they never said."""
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
    """Send a code to the member's own address: who reads that box may have notices sent there.

    Raises Conflict where one was sent a moment ago.
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
    """Whether the member typed the code: from now on they are written to. A wrong one counts, and
    is no error, which would undo the count. Raises Refused where none can be typed."""
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
    """What is written, and at which hour of the member's day the rest. Raises Refused before the
    code was typed, BadInput for an hour that is none."""
    if brief_hour is not None and not 0 <= brief_hour <= 23:
        raise BadInput("mail.hour")
    row = _get_confirmed_preference(scope, member_id)
    row.urgent = urgent
    row.brief_hour = brief_hour
    scope.add(row)


def unsubscribe(scope: Scope, member_id: UUID) -> None:
    """Nothing is written to this member any more; what waits is dropped. Raises Refused where
    nothing was."""
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


# what is to be written

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
    """Write down the mails that are due now; how many. One statement where nobody wants any; twice
    is as once."""
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
    """Once a day of theirs, from their hour on: on a day without that hour at the next there is."""
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
    """Of the notices a statement finds, those that this member would see on their pages, each with
    its area."""
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


# what is sent


def start_email(scope: Scope, mail_id: UUID) -> PendingEmail | None:
    """What to write now; None for what is over: dropped where its member has gone, or wants none,
    or all of what it tells of is settled meanwhile."""
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


_SETTLE = """
UPDATE mails SET state = :state, tries = tries + 1, status = :status, detail = :detail, tried_at
= :now,
  updated_at = house_now() WHERE tenant_id = :tenant AND id = :id AND state = 'waiting' AND tries
  = :tries
"""


def finish_email(
    scope: Scope, written: PendingEmail, *, status: int | None, detail: str
) -> timedelta | None:
    """Write down what came of it; how long until it is tried again, None where it is not.

    `status` is the mail server's reply, None where there was none: it may have been taken all the
    same. What it refuses for good (5xx) is not tried again, nor is what was tried for a day.
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
    """Nobody will try this mail again: a fault of ours, or no mail server is set."""
    scope.run(
        "UPDATE mails SET state = 'dead', detail = 'bug', updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = :id AND state = 'waiting'",
        tenant=scope.tenant_id,
        id=mail_id,
    )
