"""Emails through the mail server of an agency or of the installation.

Emails to members are sent under a `NoticeOrder` and contain only messages of the catalogues, with
numbers, a code and URLs of the dashboard, but no text by a tenant. Reports are sent under a
`ReportOrder`, with plain text, HTML and files that this installation made. HTTP requests are in
`connectors/transport/transport.py`.
"""

import smtplib
import socket
import ssl
import threading
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from functools import cache
from typing import Any, cast
from uuid import UUID

from connectors.contract.connector import Response, StepAnswerLost, StepNotSent, StepResult
from connectors.transport import notice_content
from connectors.transport.transport import EgressForbidden
from foundation.email_addresses import parse_email_address
from foundation.http.address_policy import NOT_PUBLIC, AddressPolicy, allow_any_address
from foundation.i18n.translation import Message, render_message
from foundation.ops import telemetry
from foundation.ops.settings import MailSettings
from gate.contract.permit import NoticeOrder, ReportOrder

EMAIL_STEP = "mail"
SECONDS = 20.0
"""Maximum total time of one email in seconds, slow responses included."""

MAX_DISPLAY_NAME = 64
_SEPARATING = frozenset('@<>,;:"\\()[]')
"""Characters with a meaning in address headers. A name with an address in it would look like the
sender of that address."""

SMTP_ACCEPTED = 250
TO_US = (250, 251)
"""Reply codes for an accepted recipient: the server delivers or forwards the email."""

log = telemetry.get_logger("connectors.transport.smtp")


@cache
def _default_tls_context() -> ssl.SSLContext:
    """Return the TLS context. It is cached, because loading the system's certificates is slow;
    threads may share it."""
    return ssl.create_default_context()


@dataclass(frozen=True)
class OutgoingEmail:
    """An email of catalogue messages in the member's language. `id` is the same for all attempts,
    so that mail clients show duplicates only once. `sender` is the name of the agency, and `by`
    that of the member who sends it, if one does."""

    id: UUID
    tenant_id: UUID
    member_id: UUID
    to: str = field(repr=False)
    language: str
    subject: Message
    lines: Sequence[Message]
    at: datetime
    sender: str = ""
    by: str = ""


MAX_ATTACHMENTS_BYTES = 15 * 2**20
"""Maximum size of all attachments of an email. Mail servers refuse emails of more than 20 to 25 MB,
and the encoding adds a third."""


@dataclass(frozen=True)
class Attachment:
    """A file of an email. `mime` has two parts, such as `text/csv`."""

    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class OutgoingReport:
    """A report by email: `sender` is the name of the agency, `text` is plain, and `html` the same
    for mail programs that show HTML, or "". `id` is that of its delivery."""

    id: UUID
    tenant_id: UUID
    to: str = field(repr=False)
    sender: str
    subject: str
    text: str = field(repr=False)
    at: datetime
    html: str = field(default="", repr=False)
    attachments: Sequence[Attachment] = ()


class EmailTransport:
    """Sends emails to the mail server and stores nothing. `house` is the URL of the dashboard,
    `pages` that of the creators' pages, and `reach` limits the addresses of the server."""

    def __init__(
        self,
        settings: MailSettings,
        *,
        house: str,
        pages: str = "",
        tls: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
        reach: AddressPolicy = allow_any_address,
    ) -> None:
        self._reach = reach
        self._settings = settings
        self._house = house.rstrip("/")
        self._pages = pages.rstrip("/")
        self._seconds = seconds
        self._tls = tls or _default_tls_context()

    def send(self, letter: OutgoingEmail, order: NoticeOrder) -> StepResult:
        """Send one email. The result `StepNotSent` means that no text was sent, and
        `StepAnswerLost` that the server may have accepted it.

        Raises EgressForbidden if the order is for another member, or if a parameter was not created
        by this installation.
        """
        self._check_order(letter, order)
        if not self._settings.host:
            return StepNotSent(EMAIL_STEP, "no mail server")
        answer = self._deliver(self._build_email(letter))
        status = answer.status if isinstance(answer, Response) else None
        log.info(
            "mail.handed_over", mail=str(letter.id), status=status, outcome=type(answer).__name__
        )
        return answer

    def send_report(self, letter: OutgoingReport, order: ReportOrder) -> StepResult:
        """Send one report. The results are those of `send`.

        Raises EgressForbidden if the order is for another delivery, for an invalid address, for a
        subject or sender of several lines, and for attachments that are too large.
        """
        if (order.tenant_id, order.delivery_id) != (letter.tenant_id, letter.id):
            raise EgressForbidden("egress.other_account", step=EMAIL_STEP)
        heads = f"{letter.sender}{letter.subject}"
        size = sum(len(one.data) for one in letter.attachments)
        readable = parse_email_address(letter.to) and heads.isprintable()
        if not readable or size > MAX_ATTACHMENTS_BYTES:
            raise EgressForbidden("egress.malformed", step=EMAIL_STEP)
        if not self._settings.host:
            return StepNotSent(EMAIL_STEP, "no mail server")
        answer = self._deliver(self._build_report(letter))
        status = answer.status if isinstance(answer, Response) else None
        log.info(
            "report.handed_over",
            report=str(letter.id),
            status=status,
            outcome=type(answer).__name__,
        )
        return answer

    def _build_report(self, letter: OutgoingReport) -> EmailMessage:
        made = EmailMessage()
        made["From"] = self._sender_header(letter.sender)
        made["To"] = parse_email_address(letter.to)
        made["Subject"] = letter.subject
        made["Date"] = format_datetime(letter.at)
        made["Message-ID"] = f"<{letter.id}@{self._settings.sender.rpartition('@')[2]}>"
        made["Auto-Submitted"] = "auto-generated"
        made.set_content(f"{letter.text}\n")
        if letter.html:
            made.add_alternative(letter.html, subtype="html")
        for one in letter.attachments:
            kind, _, sub = one.mime.partition("/")
            made.add_attachment(one.data, maintype=kind, subtype=sub, filename=one.name)
        return made

    def _check_order(self, letter: OutgoingEmail, order: NoticeOrder) -> None:
        if (order.tenant_id, order.member_id) != (letter.tenant_id, letter.member_id):
            raise EgressForbidden("egress.other_account", step=EMAIL_STEP)
        if parse_email_address(letter.to) is None:
            raise EgressForbidden("egress.malformed", step=EMAIL_STEP)
        notice_content.check_messages(
            (letter.subject, *letter.lines), EMAIL_STEP, house=self._house, pages=self._pages
        )

    def _build_email(self, letter: OutgoingEmail) -> EmailMessage:
        made = EmailMessage()
        made["From"] = self._sender_header(*filter(None, (letter.by, letter.sender)))
        made["To"] = parse_email_address(letter.to)
        made["Subject"] = render_message(letter.subject, letter.language)
        made["Date"] = format_datetime(letter.at)
        made["Message-ID"] = f"<{letter.id}@{self._settings.sender.rpartition('@')[2]}>"
        made["Auto-Submitted"] = "auto-generated"
        made.set_content(
            "\n\n".join(render_message(line, letter.language) for line in letter.lines) + "\n"
        )
        return made

    def _sender_header(self, *names: str) -> str:
        """Return the `From` header: the sender address with the names before it. Names are typed by
        tenants, so only characters that stay inside a display name are kept."""
        shown = " · ".join(clean_display_name(one) for one in names)
        return formataddr((shown, self._settings.sender))

    def _deliver(self, made: EmailMessage) -> StepResult:
        """Return `StepNotSent` for any failure before the text is sent; after that, the server may
        have it."""
        try:
            client = self._connect_smtp()
        except (OSError, smtplib.SMTPException) as error:
            return StepNotSent(EMAIL_STEP, _error_class(error))
        try:
            return self._open_envelope(client, made) or _send_content(client, made)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                client.close()

    def _connect_smtp(self) -> smtplib.SMTP:
        own = self._settings
        local = own.sender.rpartition("@")[2]
        more: dict[str, Any] = {
            "local_hostname": local,
            "timeout": self._seconds,
            "reach": self._reach,
        }
        if own.security == "tls":
            return _TimedTls(own.host, own.port, context=self._tls, **more)
        return _Timed(own.host, own.port, **more)

    def _open_envelope(self, client: smtplib.SMTP, made: EmailMessage) -> StepResult | None:
        """Send the commands before the text. Return None if the server then expects the text."""
        own = self._settings
        try:
            client.ehlo_or_helo_if_needed()
            if own.security == "starttls":
                client.starttls(
                    context=self._tls
                )  # raises if unsupported: nothing is sent unencrypted
                client.ehlo_or_helo_if_needed()
            if own.user:
                client.login(own.user, own.password.get_secret_value())
            status, _ = client.mail(own.sender)
            if status != SMTP_ACCEPTED:
                return StepNotSent(EMAIL_STEP, f"sender {status}")
            status, _ = client.rcpt(str(made["To"]))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return StepNotSent(EMAIL_STEP, _error_class(error))
        return None if status in TO_US else Response(EMAIL_STEP, status, {}, {})


def clean_display_name(name: str) -> str:
    """Return a name for a `From` header: one line of at most 64 characters, without line breaks,
    control and reordering characters, and characters that could be read as an address."""
    kept = "".join(
        " " if letter in _SEPARATING or unicodedata.category(letter)[0] in "CZ" else letter
        for letter in unicodedata.normalize("NFC", name)
    )
    return " ".join(kept.split())[:MAX_DISPLAY_NAME].strip()


def _send_content(client: smtplib.SMTP, made: EmailMessage) -> StepResult:
    try:
        status, _ = client.data(made.as_bytes())
    except smtplib.SMTPDataError as error:  # refused before the text
        return Response(EMAIL_STEP, error.smtp_code, {}, {})
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return StepAnswerLost(EMAIL_STEP, _error_class(error))
    return Response(EMAIL_STEP, status, {}, {})


def _error_class(error: Exception) -> str:
    """Return the type of an error and the server's status. Its text is omitted, because it may
    contain an address."""
    if str(error) == NOT_PUBLIC:
        return NOT_PUBLIC
    number = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
    return f"{type(error).__name__}{number}"


class _Timed(smtplib.SMTP):
    """An SMTP connection with a total time limit, because a server may send each reply slowly."""

    def __init__(
        self, host: str, port: int, *, timeout: float, reach: AddressPolicy, **more: Any
    ) -> None:
        self._reach = reach
        self._end = threading.Timer(timeout, self._cut_connection)
        self._end.daemon = True
        self._end.start()
        super().__init__(host, port, timeout=timeout, **more)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        # The name is resolved once, and TLS still verifies the certificate of `host`.
        found = super()._get_socket(  # type: ignore[misc]  # the hook of smtplib, not in its stub
            self._reach(host, port), port, timeout
        )
        return cast(socket.socket, found)

    def close(self) -> None:
        """Close the connection and cancel the timer."""
        self._end.cancel()
        super().close()

    def _cut_connection(self) -> None:
        with suppress(OSError, AttributeError):
            # The socket is None until it is connected.
            self.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]  # see above


class _TimedTls(_Timed, smtplib.SMTP_SSL):
    """An SMTP connection with implicit TLS and a total time limit."""
