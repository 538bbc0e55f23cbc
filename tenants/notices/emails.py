"""The email address of a member for notifications, confirmed with a code.

Emails are off until a member turns them on and confirms the address. `member_messages` plans the
messages.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlmodel import select

from foundation.db.database import Scope
from foundation.errors import Conflict, Refused
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.queries import Member
from tenants.notices import member_messages
from tenants.notices.member_messages import MessageTarget
from tenants.notices.models import EmailPreferenceRow
from tenants.notices.preferences import Route

CODE_LIVES = timedelta(minutes=30)
MAX_CODE_TRIES = 5


@dataclass(frozen=True)
class EmailPreference:
    """The email address of a member; no email is sent until it is `confirmed`. `failed` describes
    the last email: "refused", "waiting" or "" if it was sent."""

    address: str
    confirmed: bool
    asked: bool
    """True if a confirmation code was sent and is still valid."""
    failed: str


def get_email_preference(scope: Scope, member: Member) -> EmailPreference:
    """Return the email address of a member and its state."""
    row = _find_preference(scope, member.id)
    if row is None:
        return EmailPreference(member.email, confirmed=False, asked=False, failed="")
    live = bool(row.code) and row.code_until is not None and row.code_until > scope.now
    confirmed = row.confirmed_at is not None and row.address == member.email
    failed = member_messages.delivery_failure(scope, member.id, Route.EMAIL)
    return EmailPreference(member.email, confirmed, live, failed)


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
    member_messages.record_message(scope, MessageTarget(member_id, Route.EMAIL), "code", ())


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


def unsubscribe(scope: Scope, member_id: UUID) -> None:
    """Turn emails off and drop those that are waiting. Raises Refused if they are off."""
    scope.session.delete(_get_confirmed_preference(scope, member_id))
    member_messages.drop_waiting_messages(scope, member_id, Route.EMAIL)
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
