"""The mail server of an agency, which replaces that of the installation for the agency's emails.

A web process seals the password for the workers and cannot read it. A changed host or user needs
the password again, so that a member cannot send a stored password to a server of their choice.
"""

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, cast, get_args
from uuid import UUID

from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.email_addresses import parse_email_address
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from tenants import audit
from tenants.agencies import queries
from tenants.notices.models import MailServerRow

PORTS = range(1, 65_536)
DEFAULT_PORT = 587
Security = Literal["starttls", "tls", "none"]
SECURITY: tuple[Security, ...] = get_args(Security)
"""`none` is for a relay that takes mail without a login; a password is never sent unencrypted."""

MAX_PASSWORD_LENGTH = 200
PASSWORD = "password"  # noqa: S105  the name of a field, no secret
"""Field of the sealed form."""

TestState = Literal["", "waiting", "sent", "failed"]

_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
"""A host name, which may be one of the local network without a domain."""

_USER = re.compile(r"[\x21-\x7e]{1,254}")


@dataclass(frozen=True)
class MailServer:
    """The mail server of an agency without its password. `test_state` describes the last test
    message."""

    host: str
    port: int
    security: Security
    user: str
    sender: str
    has_password: bool
    test_state: TestState = ""
    test_reason: Message | None = None
    tested_at: datetime | None = None


@dataclass(frozen=True)
class MailServerForm:
    """A mail server as a member typed it. `letter` is the sealed password, or None to keep the
    stored one."""

    host: str
    port: int
    security: str
    user: str
    sender: str
    letter: bytes | None


@dataclass(frozen=True)
class MailTestDue:
    """Send a test message to a member; the subject is the member."""

    kind: ClassVar[str] = "mail.test"
    queue: ClassVar[outbox.Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID
    test_id: UUID


def find_mail_server(scope: Scope) -> MailServer | None:
    """Return the mail server of the agency, or None if it uses that of the installation."""
    row = _find_row(scope)
    if row is None:
        return None
    return MailServer(
        row.host,
        row.port,
        cast(Security, row.security),
        row.user_name,
        row.sender,
        row.letter is not None,
        cast(TestState, row.test_state),
        Message.from_json(row.test_reason) if row.test_reason else None,
        row.tested_at,
    )


def find_sealed_password(scope: Scope) -> bytes | None:
    """Return the sealed password of the agency's mail server, or None."""
    row = _find_row(scope)
    return row.letter if row is not None else None


def set_mail_server(scope: Scope, typed: MailServerForm) -> None:
    """Set the mail server of the agency.

    Raises BadInput for an invalid host, port, user or sender, and for a user without a password.
    """
    host = typed.host.strip().lower().removeprefix("[").removesuffix("]")
    user = typed.user.strip()
    sender = parse_email_address(typed.sender) or ""
    _check_form(host, user, sender, typed)
    scope.lock("mail.server")
    row = _find_row(scope)
    kept = row.letter if row is not None and (row.host, row.user_name) == (host, user) else None
    letter = (typed.letter or kept) if user else None
    if user and letter is None:
        raise BadInput("mailserver.password").about("password")
    before = row.host if row is not None else ""
    row = row or MailServerRow(tenant_id=scope.tenant_id, id=scope.tenant_id)
    row.host = host
    row.port = typed.port
    row.security = typed.security
    row.user_name = user
    row.sender = sender
    row.letter = letter
    row.test_state = ""
    row.test_reason = None
    row.tested_at = None
    scope.add(row)
    audit.record(
        scope, "mailserver.changed", f"agency:{scope.tenant_id}", before=before, after=host
    )


def remove_mail_server(scope: Scope) -> None:
    """Remove the mail server of the agency; its emails then use that of the installation. A second
    call has no effect."""
    scope.lock("mail.server")
    row = _find_row(scope)
    if row is not None:
        host = row.host
        scope.session.delete(row)
        audit.record(
            scope, "mailserver.removed", f"agency:{scope.tenant_id}", before=host, after=""
        )


def request_mail_test(scope: Scope, press_id: UUID, member_id: UUID) -> None:
    """Request a test message to the member's own address. Raises NotFound without a mail server."""
    scope.lock("mail.server")
    row = _find_row(scope)
    if row is None:
        raise NotFound("mailserver.none")
    queries.get_member(scope, member_id)
    row.test_state = "waiting"
    row.test_reason = None
    scope.add(row)
    wanted = MailTestDue(scope.tenant_id, member_id, press_id)
    outbox.put(scope, wanted, priority=1, dedupe=f"mail.test:{press_id}")
    audit.record(scope, "mailserver.tested", f"agency:{scope.tenant_id}", host=row.host)


def finish_mail_test(scope: Scope, reason: Message | None) -> None:
    """Store the result of a test message: None if the server accepted it, else the reason."""
    scope.lock("mail.server")
    row = _find_row(scope)
    if row is not None:
        row.test_state = "failed" if reason is not None else "sent"
        row.test_reason = stored_message(reason)
        row.tested_at = scope.now
        scope.add(row)


def _check_form(host: str, user: str, sender: str, typed: MailServerForm) -> None:
    if not _HOST.fullmatch(host) and not _is_address(host):
        raise BadInput("mailserver.host").about("host")
    if typed.port not in PORTS:
        raise BadInput("mailserver.port", most=PORTS[-1]).about("port")
    if typed.security not in SECURITY:
        raise BadInput("mailserver.security").about("security")
    if user and typed.security == "none":
        raise BadInput("mailserver.unencrypted_login").about("security")
    if user and not _USER.fullmatch(user):
        raise BadInput("mailserver.user").about("user")
    if not sender:
        raise BadInput("mailserver.sender").about("sender")


def _is_address(host: str) -> bool:
    """Return True for an IPv4 or IPv6 address without a scope."""
    try:
        return "%" not in str(ipaddress.ip_address(host))
    except ValueError:
        return False


def _find_row(scope: Scope) -> MailServerRow | None:
    return scope.session.get(
        MailServerRow, (scope.tenant_id, scope.tenant_id), populate_existing=True
    )
