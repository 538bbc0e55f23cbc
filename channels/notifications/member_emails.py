"""Writing to a member: one letter of catalogue sentences, what came of it, and when to try again.

A mail whose answer was lost is sent again: told at least once is right for a member, since twice is
a nuisance and no harm. Its id stays the same, by which mail programs show it once.
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
"""`connectors.mail.Postbox.send`."""


def send_member_email(event: EmailDue, *, tenant: OpenScope, post: SendEmail, house: str) -> None:
    """Write to a member. Raises `outbox.RetryLater` where it was not taken; killed in between, it
    is written again.

    `house` is the dashboard's address.
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
    """The row failed too often: the mail is dead, and its member's page says so."""
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        emails.abandon_email(scope, event.subject_id)


def build_member_email(due: PendingEmail, house: str) -> OutgoingEmail:
    """What is written: how many things wait where, and the pages. Never what they are. Pure."""
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
