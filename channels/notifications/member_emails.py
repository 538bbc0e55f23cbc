"""Emails to members: one email of catalogue sentences, its result, and the next try.

An email whose response was lost is sent again, because a duplicate does no harm. Its message ID
remains the same, so that email programs show it once.
"""

from collections.abc import Callable

from connectors.contract.connector import Response, StepResult
from connectors.transport.smtp import OutgoingEmail
from foundation.db.database import OpenScope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.permit import NoticeOrder
from tenants.notices import emails
from tenants.notices.emails import EmailDue, PendingEmail

EMAIL_ACTOR = "system:mail"

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
