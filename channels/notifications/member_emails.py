"""Emails to members: one email of catalogue sentences, its result, and the next try.

An email whose response was lost is sent again, because a duplicate does no harm. Its message ID
remains the same, so that email programs show it once.
"""

from collections.abc import Callable

from connectors.contract.connector import Response, StepAnswerLost, StepResult
from connectors.transport.smtp import SMTP_ACCEPTED, OutgoingEmail
from foundation.db.database import OpenScope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.permit import NoticeOrder
from tenants.agencies import queries
from tenants.notices import emails, mail_servers
from tenants.notices.emails import EmailDue, PendingEmail
from tenants.notices.mail_servers import MailTestDue

EMAIL_ACTOR = "system:mail"
MAIL_SERVER_PATH = "/settings?section=email"

SendEmail = Callable[[OutgoingEmail, NoticeOrder], StepResult]
"""Sends an email under a NoticeOrder (`connectors.transport.smtp.EmailTransport.send`)."""


def send_member_email(event: EmailDue, *, tenant: OpenScope, post: SendEmail, house: str) -> None:
    """Send an email to a member.

    Raises `outbox.RetryLater` if it was not accepted; after an interruption it is sent again.
    `house` is the URL of the dashboard.
    """
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        due = emails.start_email(scope, event.subject_id)
    if due is None:
        return
    answer = post(build_member_email(due, house), NoticeOrder(due.tenant_id, due.member_id))
    status = answer.status if isinstance(answer, Response) else None
    detail = "" if isinstance(answer, Response) else answer.detail
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        wait = emails.finish_email(scope, due, status=status, detail=detail)
    if wait is not None:
        raise outbox.RetryLater(wait)


def fail_member_email(event: EmailDue, *, tenant: OpenScope) -> None:
    """Record that an email failed permanently. The member's page shows it."""
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        emails.abandon_email(scope, event.subject_id)


def send_test_email(event: MailTestDue, *, tenant: OpenScope, post: SendEmail, house: str) -> None:
    """Send a test message to the member who asked for it, once, and store the result.

    A test that was interrupted is sent again. `house` is the URL of the dashboard.
    """
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        member = queries.get_member(scope, event.subject_id)
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
    )
    answer = post(letter, NoticeOrder(event.tenant_id, member.id))
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        mail_servers.finish_mail_test(scope, _test_failure(answer))


def fail_test_email(event: MailTestDue, *, tenant: OpenScope) -> None:
    """Record that a test message could not be sent."""
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        mail_servers.finish_mail_test(scope, Message("mailserver.unreachable"))


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
    return Message("mailserver.unreachable")


def build_member_email(due: PendingEmail, house: str) -> OutgoingEmail:
    """Build an email with the number of pending items per page and links to the pages, without
    their content. Pure."""
    total = sum(count for _, count in due.counts)
    house = house.rstrip("/")
    lines: list[Message] = []
    if due.why == "code":
        lines.append(
            Message("mail.code", {"code": due.code, "link": f"{house}{emails.EMAIL_SETTINGS_PATH}"})
        )
    else:
        lines.append(Message(f"mail.{due.why}"))
        lines += [
            Message(f"mail.area.{area.name}", {"count": count, "link": f"{house}{area.path}"})
            for area, count in due.counts
        ]
        lines.append(Message("mail.foot", {"link": f"{house}{emails.EMAIL_SETTINGS_PATH}"}))
    subject = Message(f"mail.subject_{due.why}", {"count": total} if due.why != "code" else {})
    return OutgoingEmail(
        due.mail_id,
        due.tenant_id,
        due.member_id,
        due.address,
        due.language,
        subject,
        tuple(lines),
        due.at,
    )
