"""A person's word on a post that is possibly outside: it stands, with its link, or it does not.

A page may not write what the gate keeps of copies, so the word is an event; the workers settle it as that member.
"""

from urllib.parse import urlsplit
from uuid import UUID

import structlog

from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from schedules import publishing
from schedules.events import DoubtEnded
from schedules.moving import delivery
from schedules.states import DeliveryState
from tenants import audit
from tenants import reads as tenant_reads
from tenants.roles import Right, require

LONGEST_LINK = 500


def end_doubt(scope: Scope, delivery_id: UUID, *, member_id: UUID, url: str) -> None:
    """Say what became of a post in doubt: `url` is where it stands, "" that it is not there and may leave again.

    Raises Refused for a role without the right, Conflict when it is not in doubt (any more), BadInput for no link.
    """
    row = delivery(scope, delivery_id)
    member, creator = tenant_reads.member(scope, member_id), tenant_reads.creator(scope, row.creator_id)
    require(member.role, Right.APPROVE)
    if member.creators and creator.slug not in member.creators:
        raise Refused("approval.other_creator", creator=creator.name)
    if row.state != DeliveryState.UNCERTAIN:
        raise Conflict("delivery.not_in_doubt")
    if url:
        check_link(url)
    audit.note(scope, "delivery.doubt_ended", f"delivery:{delivery_id}", stands=int(bool(url)))
    event = DoubtEnded(scope.tenant_id, delivery_id, url=url, by=f"member:{member_id}")
    outbox.put(scope, event, priority=1, dedupe=f"doubt:{delivery_id}")


def check_link(url: str) -> None:
    """Raise BadInput unless it is the address of a page."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadInput("delivery.no_link") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or len(url) > LONGEST_LINK:
        raise BadInput("delivery.no_link")


def native_of(url: str) -> str:
    """What a platform calls a post, as far as its link tells: the last part of the path, else the whole link."""
    return urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1] or url


def settle(event: DoubtEnded, *, tenant: OpenScope) -> None:
    """Do as the member said. Where the house found out by itself meanwhile, or the link is another post's, it stays."""
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.url:
                publishing.link(scope, event.subject_id, native_id=native_of(event.url), url=event.url)
            else:
                publishing.send_again(scope, event.subject_id)
    except (Conflict, NotFound) as late:
        structlog.get_logger("schedules.doubts").warning("delivery.doubt_kept", code=late.message.code)
