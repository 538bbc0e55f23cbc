"""Reading back: the numbers of a copy, whether it bears the marks it was sent with, whether it was bought, who follows
an account, what it earned and what moved there."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

from channels import abilities, addressing, asking, budgets, counted, reads, seeing
from channels.events import DeliveryVerify
from channels.reads import Channel
from connectors import contract
from connectors.contract import Answer, Connector, Copy, Send
from connectors.counts import TellsCounts
from connectors.earning import Earned, Earnings, Span
from connectors.enrolment import Connectable
from connectors.following import Followed
from connectors.locking import Locked, Locks
from connectors.outcomes import Outcome, Reauthorize, Retry
from connectors.places import ReadsBack, Shown
from connectors.purse import Listed, Lists
from connectors.standing import Missing, Stand, Watched
from connectors.transport import Transport
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.words import Message
from gate import copies, recall, watching
from gate.permit import ControlOrder
from gate.reasons import Reason
from gate.units import Subject
from tenants import notices

T = TypeVar("T")

DELIVERY = "delivery"
PAGES = 64
"""Requests that one question about earnings may take."""

SOON, AT_LAST = timedelta(seconds=10), timedelta(hours=1)
"""Between two tries to read a copy back: growing with how long it stands there."""


def read(
    tenant_id: UUID,
    channel_id: UUID,
    native_id: str,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    chat: str = "",
) -> Mapping[str, int] | None:
    """The platform's counts of a copy by metric, or None when they cannot be had now. Raises NotFound.

    Not asked while the platform wants us to wait. Leaves no attempt: nothing is shown or taken away.
    """
    channel, connector, waits = _reached(tenant_id, channel_id, tenant=tenant, connectors=connectors)
    if isinstance(connector, TellsCounts):
        with tenant(tenant_id, asking.ACTOR) as scope:
            return counted.told(scope, channel_id, connector.messages_of(native_id))
    if waits:
        return None
    question = partial(connector.read, Copy(native_id, channel.account, chat))
    return _told(channel, question, tenant=tenant, transport=transport)


def still(
    tenant_id: UUID,
    channel_id: UUID,
    native_id: str,
    *,
    counted: bool,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> Stand | None:
    """How a post of an account stands, or None when nobody can say now. Raises NotFound.

    `counted`: its numbers were told just now, which is answer enough where they prove it. What is missing where the
    account itself does not let us in any more says nothing of a post.
    """
    channel, connector, waits = _reached(tenant_id, channel_id, tenant=tenant, connectors=connectors)
    if waits or not isinstance(connector, Watched) or (counted and connector.numbers_prove):
        return None
    question = partial(connector.still, Copy(native_id, channel.account))
    seen = _told(channel, question, tenant=tenant, transport=transport)
    if not isinstance(seen, Missing):
        return seen
    if not isinstance(connector, Connectable):
        return None
    well = partial(connector.check, channel.account)
    answers = _asked(channel, well, tenant=tenant, transport=transport)
    return replace(seen, with_comment=connector.capabilities.first_comment) if well(answers) is None else None


def followers(
    tenant_id: UUID, channel_id: UUID, *, tenant: OpenScope, transport: Transport, connectors: Mapping[str, Connector]
) -> int | None:
    """How many follow an account, or None when nobody tells now. Raises NotFound."""
    channel, connector, waits = _reached(tenant_id, channel_id, tenant=tenant, connectors=connectors)
    if waits or not isinstance(connector, Followed):
        return None
    question = partial(connector.followers, channel.account, channel.destination)
    return _told(channel, question, tenant=tenant, transport=transport)


def earnings(
    tenant_id: UUID,
    channel_id: UUID,
    span: Span,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> Earnings | Reauthorize | None:
    """What an account earned in a span, Reauthorize where it was let in without that right, or None when nobody tells
    now. Whatever is answered, the account posts on. Raises NotFound."""
    channel, connector, waits = _reached(tenant_id, channel_id, tenant=tenant, connectors=connectors)
    if waits or not isinstance(connector, Earned):
        return None
    question = partial(connector.earnings, channel.account, span)
    return _told(channel, question, tenant=tenant, transport=transport, most=PAGES)


def movements(
    tenant_id: UUID,
    channel_id: UUID,
    start: int,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> Listed | None:
    """The movements of an account's money from place `start` on, or None when nobody tells now. Raises NotFound."""
    channel, connector, waits = _reached(tenant_id, channel_id, tenant=tenant, connectors=connectors)
    if waits or not isinstance(connector, Lists):
        return None
    end = _told(channel, partial(connector.movements, start), tenant=tenant, transport=transport)
    return end if isinstance(end, Listed) else None


def locked(
    tenant_id: UUID,
    channel_id: UUID,
    copy: Copy,
    since: datetime,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> Locked | None:
    """How a message behind a price stands, sent after `since`, or None when nobody tells now. Raises NotFound."""
    channel, connector, waits = _reached(tenant_id, channel_id, tenant=tenant, connectors=connectors)
    if waits or not isinstance(connector, Locks):
        return None
    return _told(channel, partial(connector.locked, copy, since), tenant=tenant, transport=transport)


def _reached(
    tenant_id: UUID, channel_id: UUID, *, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> tuple[Channel, Connector, bool]:
    """An account, its connector, and whether nobody may ask it now: its platform wants us to wait, or a person
    took it off. Raises NotFound."""
    with tenant(tenant_id, asking.ACTOR) as scope:
        channel = reads.channel(scope, channel_id)
        waits = channel.left or budgets.limit(scope, channel_id, brake=False) is not None
        return channel, abilities.of(connectors, channel), waits


def _told(
    channel: Channel,
    question: Callable[[tuple[Answer, ...]], Send | T],
    *,
    tenant: OpenScope,
    transport: Transport,
    most: int = asking.MOST_REQUESTS,
) -> T | None:
    """What a question comes to; None where it asks on and on."""
    end = question(_asked(channel, question, tenant=tenant, transport=transport, most=most))
    return None if isinstance(end, Send) else end


def _asked(
    channel: Channel,
    question: Callable[[tuple[Answer, ...]], object],
    *,
    tenant: OpenScope,
    transport: Transport,
    most: int = asking.MOST_REQUESTS,
) -> tuple[Answer, ...]:
    def order(action: str) -> ControlOrder:
        return ControlOrder(channel.tenant_id, channel.id, action)

    return asking.gather(channel, question, order, tenant=tenant, transport=transport, most=most)


def verify(
    event: DeliveryVerify, *, tenant: OpenScope, transport: Transport, connectors: Mapping[str, Connector]
) -> None:
    """See that a delivery stands outside as it was sent, and where: a copy without its marks is called back at once.

    Nothing is called back for what nobody could read; that is tried again (`outbox.Later`) for as long as it is there.
    """
    place = Subject(DELIVERY, event.subject_id)
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        left = [one for one in copies.copies(scope, place) if _unread(one)]
        marked, unplaced = [one for one in left if one.flags], addressing.without(scope, place, connectors)
        wait = _waits(scope, [*marked, *(copy for copy, _ in unplaced)])
        channels = {one.jti: reads.channel(scope, one.channel_id) for one in left}
        for one in left:
            if watching.is_watched(scope, one):
                seeing.ask(scope, one.channel_id)
    if wait is not None:
        raise outbox.Later(wait)
    waits = []
    for copy in left:
        end = _shown(copy, channels[copy.jti], tenant=tenant, transport=transport, connectors=connectors)
        with tenant(event.tenant_id, asking.ACTOR) as scope:
            waits.append(_settled(scope, copy, channels[copy.jti], end))
    waits.append(addressing.seek(event.tenant_id, place, tenant=tenant, transport=transport, connectors=connectors))
    if late := [wait for wait in waits if wait is not None]:
        raise outbox.Later(min(late))


def _waits(scope: Scope, asked: list[copies.Copy]) -> timedelta | None:
    """How long the platforms of these copies want us to wait; None for not at all."""
    held = budgets.limits(scope, {one.channel_id for one in asked}, brake=False).values()
    return max((one.until - scope.now for one in held), default=None)


def _unread(copy: copies.Copy) -> bool:
    return copy.gone_at is None and copy.recalled_at is None and not copy.was_read_back


def _shown(
    copy: copies.Copy,
    channel: Channel,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> Send | Shown | Outcome | None:
    """How the platform shows a copy; None where it shows nothing of its marks."""
    connector = abilities.of(connectors, channel)
    if not copy.flags or not isinstance(connector, ReadsBack):
        return None
    place = contract.Copy(copy.native_ids[0], copy.account, copy.viewer)

    def question(answers: tuple[Answer, ...]) -> Send | Shown | Outcome:
        return connector.read_back(place, copy.flags, answers)

    return question(_asked(channel, question, tenant=tenant, transport=transport))


def _settled(scope: Scope, copy: copies.Copy, channel: Channel, end: Send | Shown | Outcome | None) -> timedelta | None:
    """Write it down, and call back what does not bear its marks; when to look again where nobody could see."""
    if end is None:
        return None
    if not isinstance(end, Shown):
        asked = end.after if isinstance(end, Retry) else SOON
        return max(asked, min(max(scope.now - (copy.visible_at or scope.now), SOON), AT_LAST))
    copies.read_back(scope, copy.jti, missing=end.missing, there=end.there)
    if end.missing:
        recall.open_takedowns(scope, [copy], Message(f"gate.{Reason.FLAG_READBACK_MISMATCH}"))
        told = Message("copy.unmarked", {"account": channel.name})
        notices.put(scope, told, cause=f"readback:{copy.jti}", urgent=True, creator_id=copy.creator_id)
    return None
