"""Messages to members by email, Telegram and Web Push: catalogue sentences, the result, and the
next try.

An email or push message whose response was lost is sent again: its ID remains the same, so that it
is shown once. A Telegram message has no such ID and is not sent again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from connectors.contract.connector import (
    Response,
    StepAnswerLost,
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.contract.member_notices import SupportsMemberNotices
from connectors.transport import notice_content
from connectors.transport.smtp import SMTP_ACCEPTED, OutgoingEmail
from connectors.transport.transport import AccountTarget
from connectors.transport.web_push import OutgoingPush
from foundation.db.database import OpenScope
from foundation.http.address_policy import NOT_PUBLIC
from foundation.i18n.translation import Message, render_message
from foundation.outbox import outbox
from gate.contract.permit import NoticeOrder
from tenants.agencies import queries
from tenants.notices import mail_servers, member_messages
from tenants.notices.mail_servers import MailTestDue
from tenants.notices.member_messages import AttemptResult, MessageDue, PendingMessage
from tenants.notices.notice_pages import EMAIL_SETTINGS_PATH, MAIL_SERVER_PATH, SETTINGS_PATH
from tenants.notices.preferences import Route

EMAIL_ACTOR = "system:mail"
TELEGRAM_STEP = "notice"
SendEmail = Callable[[OutgoingEmail, NoticeOrder], StepResult]
"""Sends an email under a NoticeOrder (`connectors.transport.smtp.EmailTransport.send`)."""


@dataclass(frozen=True)
class MessageSenders:
    """The routes to members. `bot` returns the connector and the account of a linked bot, or None
    if the account no longer exists or is disconnected."""

    email: SendEmail
    telegram: Callable[[WireStep, NoticeOrder, AccountTarget], StepResult]
    push: Callable[[OutgoingPush, NoticeOrder], StepResult]
    bot: Callable[[UUID, UUID], tuple[SupportsMemberNotices, AccountTarget] | None]


def send_member_message(
    event: MessageDue, *, tenant: OpenScope, senders: MessageSenders, house: str
) -> None:
    """Send a message to a member.

    Raises `outbox.RetryLater` if it was not accepted; after an interruption it is sent again.
    `house` is the URL of the dashboard.
    """
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        due = member_messages.start_message(scope, event.subject_id)
    if due is None:
        return
    order = NoticeOrder(due.tenant_id, due.member_id)
    house = house.rstrip("/")
    match due.route:
        case Route.TELEGRAM:
            answer, result = _send_telegram(due, order, senders, house)
        case Route.PUSH:
            answer = senders.push(build_push(due), order)
            result = _push_result(answer)
        case _:
            answer = senders.email(build_member_email(due, house), order)
            result = _email_result(answer)
    status = answer.status if isinstance(answer, Response) else None
    detail = "" if isinstance(answer, Response) else answer.detail
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        wait = member_messages.finish_message(scope, due, result, status=status, detail=detail)
    if wait is not None:
        raise outbox.RetryLater(wait)


def fail_member_message(event: MessageDue, *, tenant: OpenScope) -> None:
    """Record that a message failed permanently. The member's page shows it."""
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        member_messages.abandon_message(scope, event.subject_id)


def _send_telegram(
    due: PendingMessage, order: NoticeOrder, senders: MessageSenders, house: str
) -> tuple[StepResult, AttemptResult]:
    found = senders.bot(due.tenant_id, due.channel_id) if due.channel_id is not None else None
    if found is None:
        return StepNotSent(TELEGRAM_STEP, "no bot"), "gone"
    connector, account = found
    lines = build_telegram_lines(due, house)
    notice_content.check_messages(lines, TELEGRAM_STEP, house=house)
    text = "\n\n".join(render_message(line, due.language) for line in lines)
    answer = senders.telegram(connector.build_member_notice(due.chat, text), order, account)
    return answer, _telegram_result(answer)


def _email_result(answer: StepResult) -> AttemptResult:
    """Classify a reply: permanent errors have 5xx. A duplicate is harmless, because email programs
    show a message ID once."""
    if not isinstance(answer, Response):
        return "retry"
    if answer.is_success:
        return "sent"
    return "refused" if answer.status >= 500 else "retry"


def _telegram_result(answer: StepResult) -> AttemptResult:
    """Classify a reply: 403 means that the member blocked the bot, and 401 that the token is being
    replaced."""
    if isinstance(answer, StepAnswerLost):
        return "lost"
    if not isinstance(answer, Response):
        return "retry"
    if answer.is_success:
        return "sent"
    if answer.status == HTTPStatus.FORBIDDEN:
        return "gone"
    return "refused" if answer.status == HTTPStatus.BAD_REQUEST else "retry"


def _push_result(answer: StepResult) -> AttemptResult:
    """Classify a reply: 404 and 410 mean that the subscription ended (RFC 8030, 7.3). A duplicate
    is harmless, because browsers show a tag once."""
    if not isinstance(answer, Response):
        return "retry"
    if answer.is_success:
        return "sent"
    if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return "gone"
    retried = answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= 500
    return "retry" if retried else "refused"


def send_test_email(event: MailTestDue, *, tenant: OpenScope, post: SendEmail, house: str) -> None:
    """Send a test message to the member who asked for it, once, and store the result.

    A test that was interrupted is sent again. `house` is the URL of the dashboard.
    """
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        member = queries.get_member(scope, event.subject_id)
        agency = queries.get_agency(scope)
        now = scope.now
    letter = OutgoingEmail(
        event.test_id,
        event.tenant_id,
        member.id,
        member.email,
        member.language,
        Message("mail.subject_test"),
        (Message("mail.test", {"link": f"{house.rstrip('/')}{MAIL_SERVER_PATH}"}),),
        now,
        sender=agency.name,
        by=member.name,
    )
    answer = post(letter, NoticeOrder(event.tenant_id, member.id))
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        mail_servers.finish_mail_test(scope, _test_failure(answer))


def fail_test_email(event: MailTestDue, *, tenant: OpenScope) -> None:
    """Record that a test message could not be sent."""
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        mail_servers.finish_mail_test(scope, Message("mailserver.unreachable"))


_CONNECTION_FAILURES = {
    NOT_PUBLIC: "mailserver.inside",
    "gaierror": "mailserver.unknown_host",
    "ConnectionRefusedError": "mailserver.closed_port",
    "TimeoutError": "mailserver.silent",
    "SMTPServerDisconnected": "mailserver.hung_up",
}
"""Message of a test for a failed connection, by the class of the error."""


def _test_failure(answer: StepResult) -> Message | None:
    """Return why a mail server did not accept a message, without its text, or None."""
    if isinstance(answer, Response):
        accepted = answer.status == SMTP_ACCEPTED
        return None if accepted else Message("mailserver.refused", {"status": answer.status})
    if isinstance(answer, StepAnswerLost):
        return Message("mailserver.lost")
    detail = answer.detail
    if detail.startswith("SMTPAuthenticationError"):
        return Message("mailserver.login")
    if "SSL" in detail or detail.startswith("SMTPNotSupportedError"):
        return Message("mailserver.tls")
    if detail.startswith("sender"):
        return Message("mailserver.sender_refused")
    return Message(_CONNECTION_FAILURES.get(detail, "mailserver.unreachable"))


def build_member_email(due: PendingMessage, house: str) -> OutgoingEmail:
    """Build an email with the number of pending items per page and links to the pages, without
    their content. `house` has no trailing slash. Pure."""
    if due.why == "code":
        link = f"{house}{EMAIL_SETTINGS_PATH}"
        lines = [Message("mail.code", {"code": due.code, "link": link})]
    else:
        lines = [
            *_build_item_lines(due, house),
            Message("mail.foot", {"link": f"{house}{EMAIL_SETTINGS_PATH}"}),
        ]
    return OutgoingEmail(
        due.message_id,
        due.tenant_id,
        due.member_id,
        due.address,
        due.language,
        _build_subject(due),
        tuple(lines),
        due.at,
        sender=due.agency,
    )


def build_telegram_lines(due: PendingMessage, house: str) -> list[Message]:
    """Return the sentences of a Telegram message. `house` has no trailing slash. Pure."""
    foot = Message("notification.foot", {"link": f"{house}{SETTINGS_PATH}"})
    if due.why == "linked":
        return [Message("notification.telegram_linked"), foot]
    return [_build_subject(due), *_build_item_lines(due, house), foot]


def build_push(due: PendingMessage) -> OutgoingPush:
    """Build a message for a browser; a click opens the first page with items. Pure."""
    browser = due.browser
    if browser is None:
        raise ValueError("no browser")
    return OutgoingPush(
        due.message_id,
        due.tenant_id,
        due.member_id,
        due.language,
        _build_subject(due),
        tuple(
            Message(f"notification.count.{page.name}", {"count": count})
            for page, count in due.counts
        ),
        due.counts[0][0].path if len(due.counts) == 1 else SETTINGS_PATH,
        due.at,
        browser.endpoint,
        browser.key,
        browser.auth,
    )


def _build_subject(due: PendingMessage) -> Message:
    total = sum(count for _, count in due.counts)
    return Message(f"mail.subject_{due.why}", {"count": total} if due.why != "code" else {})


def _build_item_lines(due: PendingMessage, house: str) -> list[Message]:
    return [
        Message(f"mail.{due.why}"),
        *(
            Message(f"mail.area.{page.name}", {"count": count, "link": f"{house}{page.path}"})
            for page, count in due.counts
        ),
    ]
