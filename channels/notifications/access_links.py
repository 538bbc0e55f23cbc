"""Links that only their recipient may see: the portal of a depicted person, the sign-in of a
custodian, and invitations and password links of members.

A worker creates each link and sends it to the person's own address; no other member sees it. A link
whose email could not be sent is replaced by the next try.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from channels.notifications.member_messages import EMAIL_ACTOR, SendEmail
from connectors.contract.connector import Response
from connectors.transport.smtp import OutgoingEmail
from foundation.db.database import OpenScope, Scope
from foundation.errors import GreenroomError
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.consent import contact_addresses, subject_portal
from gate.consent.events import PortalLinkDue
from gate.contract.permit import NoticeOrder
from tenants.agencies import queries
from tenants.auth import sessions
from tenants.auth.members import CustodianLinkDue, MemberLinkDue
from tenants.auth.sessions import LinkPurpose
from tenants.notices import notices
from tenants.notices.member_messages import RETRY_DELAYS


@dataclass(frozen=True)
class _Link:
    address: str
    language: str
    url: str
    why: str


def send_portal_link(
    event: PortalLinkDue, *, tenant: OpenScope, post: SendEmail, pages: str
) -> None:
    """Send a depicted person a new link to their portal; `pages` is the base URL of our public
    pages."""

    def make(scope: Scope) -> _Link:
        token = subject_portal.create_portal_link(scope, event.subject_id)
        return _Link(
            contact_addresses.get_contact_address(scope, event.subject_id),
            queries.get_agency(scope).language,
            f"{pages.rstrip('/')}{subject_portal.PORTAL_PATH}{token}",
            "portal",
        )

    _send_link(event, make, tenant=tenant, post=post)


def send_custodian_link(
    event: CustodianLinkDue, *, tenant: OpenScope, post: SendEmail, house: str
) -> None:
    """Send a custodian a new sign-in link; `house` is the URL of the dashboard."""

    def make(scope: Scope) -> _Link:
        member = queries.get_member(scope, event.subject_id)
        secret = sessions.create_sign_in_link(scope, member.id)
        return _Link(
            member.email, member.language, sessions.sign_in_url(house, secret), "custodian"
        )

    _send_link(event, make, tenant=tenant, post=post)


def send_member_link(
    event: MemberLinkDue, *, tenant: OpenScope, post: SendEmail, house: str
) -> None:
    """Send a member a new invitation or password link; `house` is the URL of the dashboard. A
    member who was removed since gets none."""
    purpose = LinkPurpose(event.purpose)

    def make(scope: Scope) -> _Link:
        member = queries.get_active_member(scope, event.subject_id)
        secret = sessions.create_sign_in_link(scope, member.id, purpose)
        address = (
            sessions.password_url(house, secret)
            if purpose is LinkPurpose.PASSWORD
            else sessions.sign_in_url(house, secret)
        )
        return _Link(member.email, member.language, address, str(purpose))

    _send_link(event, make, tenant=tenant, post=post)


def _member_name(scope: Scope, actor: str) -> str:
    """Return the name of the member who acts, or "" for the system."""
    members = queries.list_members(scope)
    return next((one.name for one in members if f"member:{one.id}" == actor), "")


def _send_link(
    event: PortalLinkDue | CustodianLinkDue | MemberLinkDue,
    make: Callable[[Scope], _Link],
    *,
    tenant: OpenScope,
    post: SendEmail,
) -> None:
    cause = f"{event.kind}:{event.subject_id}"
    try:
        with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
            link = make(scope)
            agency = queries.get_agency(scope)
            by = _member_name(scope, event.by)
            now = scope.now
    except GreenroomError:  # The recipient was removed, or has no address any more.
        return
    email = OutgoingEmail(
        uuid7(),
        event.tenant_id,
        event.subject_id,
        link.address,
        link.language,
        Message(f"mail.subject_{link.why}"),
        (Message(f"mail.{link.why}", {"link": link.url}),),
        now,
        sender=agency.name,
        by=by,
    )
    answer = post(email, NoticeOrder(event.tenant_id, event.subject_id))
    taken = isinstance(answer, Response) and answer.is_success
    refused = isinstance(answer, Response) and answer.status >= 500
    with tenant(event.tenant_id, EMAIL_ACTOR) as scope:
        if taken:
            notices.close(scope, cause)
        elif refused or event.tries >= len(RETRY_DELAYS):
            notices.put(scope, Message(f"mail.{link.why}_failed"), cause=cause, urgent=True)
        else:
            if not event.tries:
                notices.put(scope, Message(f"mail.{link.why}_waits"), cause=cause)
            outbox.put(
                scope,
                replace(event, tries=event.tries + 1),
                at=now + RETRY_DELAYS[event.tries],
                dedupe=f"{cause}:{event.tries + 1}",
            )
