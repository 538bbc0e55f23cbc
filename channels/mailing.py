"""Writing to a member: one letter of catalogue sentences, what came of it, and when to try again.

A mail whose answer was lost is sent again: told at least once is right for a member, since twice is a nuisance and no
harm. Its id stays the same, by which mail programs show it once.
"""

from collections.abc import Callable

from connectors.contract import Answer, Response
from connectors.mail import Letter
from foundation import outbox
from foundation.database import OpenScope
from foundation.words import Message
from gate.permit import NoticeOrder
from tenants import mails
from tenants.mails import MailDue, Writing

ACTOR = "system:mail"

Post = Callable[[Letter, NoticeOrder], Answer]
"""`connectors.mail.Postbox.send`."""


def send(event: MailDue, *, tenant: OpenScope, post: Post, house: str) -> None:
    """Write to a member. Raises `outbox.Later` where it was not taken; killed in between, it is written again.

    `house` is the dashboard's address.
    """
    with tenant(event.tenant_id, ACTOR) as scope:
        due = mails.begin(scope, event.subject_id)
    if due is None:
        return
    answer = post(letter(due, house), NoticeOrder(due.tenant_id, due.member_id))
    status = answer.status if isinstance(answer, Response) else None
    detail = "" if isinstance(answer, Response) else answer.detail
    with tenant(event.tenant_id, ACTOR) as scope:
        wait = mails.settle(scope, due, status=status, detail=detail)
    if wait is not None:
        raise outbox.Later(wait)


def gave_up(event: MailDue, *, tenant: OpenScope) -> None:
    """The row failed too often: the mail is dead, and its member's page says so."""
    with tenant(event.tenant_id, ACTOR) as scope:
        mails.give_up(scope, event.subject_id)


def letter(due: Writing, house: str) -> Letter:
    """What is written: how many things wait where, and the pages. Never what they are. Pure."""
    total = sum(count for _, count in due.counts)
    house = house.rstrip("/")
    lines: list[Message] = []
    if due.why == "code":
        lines.append(Message("mail.code", {"code": due.code, "link": f"{house}{mails.PAGE}"}))
    else:
        lines.append(Message(f"mail.{due.why}"))
        lines += [
            Message(f"mail.area.{area.name}", {"count": count, "link": f"{house}{area.path}"})
            for area, count in due.counts
        ]
        lines.append(Message("mail.foot", {"link": f"{house}{mails.PAGE}"}))
    subject = Message(f"mail.subject_{due.why}", {"count": total} if due.why != "code" else {})
    return Letter(due.mail_id, due.tenant_id, due.member_id, due.address, due.language, subject, tuple(lines), due.at)
