"""A person's word on a post that is possibly outside: it stands, with its link, it does not, or it is left at that.

A page may not write what the gate keeps of copies, so the word is an event; the workers settle it as that member. What
a link names is asked of the platform first: a post that is not there, or somebody else's, is never tied to ours.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

import structlog

from connectors.outcomes import Absent, Failed, Found, Sighting, Unknown
from foundation import outbox, outbox_bulk
from foundation.database import OpenScope, Scope, stored
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.words import Message
from gate.units import Subject
from schedules import planning, publishing
from schedules.composing import subject
from schedules.events import DoubtEnded, ReconcileDue
from schedules.models import Delivery
from schedules.moving import causes, change, delivery, move
from schedules.states import LEFT_IN_DOUBT, DeliveryState
from schedules.threads import part_of
from tenants import audit, notices
from tenants import reads as tenant_reads
from tenants.roles import Right, require

S = DeliveryState
LONGEST_LINK = 500
AGAIN, PATIENCE = timedelta(seconds=20), timedelta(minutes=5)
"""How often a platform is asked that cannot tell now, and for how long: then whoever said so is told."""


class LookAt(Protocol):
    """What an address names on an account: `channels.naming.look`."""

    def __call__(self, tenant_id: UUID, channel_id: UUID, subject: Subject, url: str, *, part: int = 0) -> Sighting: ...


def end_doubt(scope: Scope, delivery_id: UUID, *, member_id: UUID, url: str) -> None:
    """Say what became of a post in doubt: `url` is where it stands, "" that it is not there and may leave again.

    The last word counts. Raises Refused for a role without the right, Conflict when it is not in doubt (any more),
    BadInput for no link.
    """
    row = _doubted(scope, delivery_id, member_id)
    if url:
        check_link(url)
    audit.note(scope, "delivery.doubt_ended", f"delivery:{row.id}", stands=int(bool(url)))
    event = DoubtEnded(scope.tenant_id, row.id, url=url, by=f"member:{member_id}", at=scope.now)
    outbox.cancel(scope, DoubtEnded.kind, row.id)
    outbox.put(scope, event, priority=1, dedupe=f"doubt:{row.id}:{url}")


def leave(scope: Scope, delivery_id: UUID, *, member_id: UUID) -> None:
    """Let a post in doubt be: nobody looks for it any more, and it is never sent again.

    Raises as `end_doubt`, and Conflict where a part of it surely stands: that is linked, finished or taken away.
    """
    row = _doubted(scope, delivery_id, member_id)
    if row.part_ids:
        raise Conflict("delivery.partly_there")
    audit.note(scope, "delivery.doubt_left", f"delivery:{row.id}")
    outbox.cancel(scope, DoubtEnded.kind, row.id)
    move(scope, row, S.CANCELLED, reason=Message(LEFT_IN_DOUBT))
    planning.unplan(scope, row.id)


def looks_ahead(scope: Scope, deliveries: Collection[UUID]) -> frozenset[UUID]:
    """Those of these posts in doubt for which the house looks by itself within a minute, or now."""
    return outbox_bulk.awaited(scope, ReconcileDue.kind, deliveries, before=scope.now + timedelta(minutes=1))


def _doubted(scope: Scope, delivery_id: UUID, member_id: UUID) -> Delivery:
    row = delivery(scope, delivery_id)
    member, creator = tenant_reads.member(scope, member_id), tenant_reads.creator(scope, row.creator_id)
    require(member.role, Right.APPROVE)
    if member.creators and creator.slug not in member.creators:
        raise Refused("approval.other_creator", creator=creator.name)
    if row.state != S.UNCERTAIN:
        raise Conflict("delivery.not_in_doubt")
    return row


def check_link(url: str) -> None:
    """Raise BadInput unless it is the address of a page."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadInput("delivery.no_link") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or len(url) > LONGEST_LINK:
        raise BadInput("delivery.no_link")


def settle(event: DoubtEnded, *, tenant: OpenScope, look: LookAt) -> None:
    """Do as the member said. Where the house found out by itself meanwhile it stays; what a link does not prove is
    refused, and whoever waits for it is told why.

    Comes back (`outbox.Later`) while the platform cannot tell.
    """
    try:
        if event.url:
            _link(event, tenant=tenant, look=look)
        else:
            with tenant(event.tenant_id, event.by) as scope:
                publishing.send_again(scope, event.subject_id)
    except (Conflict, NotFound) as late:
        structlog.get_logger("schedules.doubts").warning("delivery.doubt_kept", code=late.message.code)


def _link(event: DoubtEnded, *, tenant: OpenScope, look: LookAt) -> None:
    with tenant(event.tenant_id, event.by) as scope:
        row, asked_at = delivery(scope, event.subject_id), scope.now
        if row.state != S.UNCERTAIN:
            raise Conflict("delivery.not_in_doubt")
        channel_id, part = row.channel_id, part_of(row)
    seen = look(event.tenant_id, channel_id, subject(event.subject_id), event.url, part=part)
    if isinstance(seen, Unknown) and event.at is not None and asked_at < event.at + PATIENCE:
        raise outbox.Later(AGAIN)
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if isinstance(seen, Found):
                url = seen.url or event.url
                publishing.check_free(scope, channel_id, url)
                publishing.link(scope, event.subject_id, native_id=seen.native_id, url=url)
            else:
                _refuse(scope, event.subject_id, _why(seen))
    except Conflict as refused:
        if refused.message.code != publishing.LINKED_ELSEWHERE:
            raise
        with tenant(event.tenant_id, event.by) as scope:
            _refuse(scope, event.subject_id, refused.message)


def _why(seen: Absent | Failed | Unknown) -> Message:
    match seen:
        case Absent():
            return Message("naming.not_there")
        case Failed(reason=reason):
            return reason
        case Unknown():
            return Message("naming.nobody_tells")


def _refuse(scope: Scope, delivery_id: UUID, why: Message) -> None:
    """The doubt stays, with why the link did not end it: on the post, and in the notice of it."""
    row = delivery(scope, delivery_id)
    if row.state != S.UNCERTAIN:
        raise Conflict("delivery.not_in_doubt")
    audit.note(scope, "delivery.link_refused", f"delivery:{delivery_id}", why=why.code)
    change(scope, row, reason=stored(why))
    cause, _ = causes(delivery_id)
    notices.settle(scope, cause)
    notices.put(scope, why, cause=cause, urgent=True, creator_id=row.creator_id)
