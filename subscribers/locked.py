"""Messages behind a price: one message is offer, invoice and delivery. Its platform takes the money and opens it."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation import outbox
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.money import Money
from foundation.words import Message
from gate import copies
from gate.units import Subject
from studio import packs
from subscribers import directory, drafts, offers, orderbook
from subscribers.events import OfferExpire, OrderLook
from subscribers.models import Conversation, Draft, Order
from subscribers.offers import Candidate, Shown
from subscribers.rails.contract import Terms
from subscribers.states import UNPAID, DraftState, OrderState

KIND = "locked"
"""The kind of such a draft, and of its line in a conversation."""

LOOKS = tuple(timedelta(minutes=minutes) for minutes in (2, 5, 15, 60, 180))
"""After a message was sent, the waits between the first looks whether it was bought; each asks for a page or two."""

LOOK_EVERY = timedelta(hours=6)
OVER = Message("draft.offer_over")


def offer(scope: Scope, talk: Conversation, chosen: Candidate, rail: Terms, *, text: str, key: UUID, by: str) -> None:
    """Put a pack of the closed list into a message behind its price, and its order; the fan may pay for as long as the
    rail keeps such a message."""
    offer_id = offers.show(scope, talk, chosen, rail.name)
    shown = Shown(offer_id, chosen.pack_id, chosen.version, chosen.title, chosen.price, rail.name)
    order = orderbook.begin(scope, talk, shown, rail.behind.life if rail.behind else rail.life, way=KIND)
    draft = drafts.put(
        scope,
        talk,
        origin="member",
        kind=KIND,
        state=DraftState.APPROVED,
        text=text,
        media=packs.pack(scope, chosen.pack_id).media,
        offer_id=offer_id,
        order_id=order.id,
        draft_id=key,
    )
    draft.approved_by = draft.written_by = by
    draft.expires_at = order.expires_at
    scope.add(draft)
    drafts.send(scope, draft)
    outbox.put(scope, OfferExpire(scope.tenant_id, order.id), at=order.expires_at)
    look_at(scope, order.id, scope.now + LOOKS[0])


def price(scope: Scope, row: Draft) -> Money | None:
    """What a message costs its reader; None for one that is not locked."""
    if row.kind != KIND:
        return None
    order = order_of(scope, row)
    return Money(order.amount_minor, order.currency)


def order_of(scope: Scope, row: Draft) -> Order:
    """The order of a locked message. Raises NotFound."""
    if row.order_id is None:
        raise NotFound("order.unknown")
    return orderbook.find(scope, row.order_id)


def refusal(scope: Scope, row: Draft) -> Message | None:
    """Why a locked message may not leave any more: there is no checkout at which it could be refused later."""
    if row.kind != KIND:
        return None
    order = order_of(scope, row)
    fan = directory.identity_on(scope, order.fan_id, order.channel_id)
    try:
        pack = packs.pack(scope, order.pack_id)
    except NotFound:
        return OVER
    stands = pack.state == "active" and pack.version == order.pack_version
    open_still = order.state == OrderState.INVOICED and order.expires_at > scope.now
    wanted = fan.may_be_sold_to and not orderbook.owns(scope, order.fan_id, order.pack_id)
    return None if stands and open_still and wanted else OVER


def sent(scope: Scope, row: Draft) -> None:
    """A message lies before its reader: its pack stays as it is, and we see whether it is bought."""
    if row.kind != KIND or row.order_id is None:
        return
    packs.freeze(scope, order_of(scope, row).pack_id)
    look_at(scope, row.order_id, scope.now + LOOKS[0])


def draft_of(scope: Scope, order: Order) -> Draft | None:
    """The message of an order; None where it has none."""
    return scope.session.exec(
        select(Draft)
        .where(
            Draft.tenant_id == scope.tenant_id,
            Draft.conversation_id == order.conversation_id,
            Draft.order_id == order.id,
            Draft.kind == KIND,
        )
        .order_by(col(Draft.id))
        .execution_options(populate_existing=True)
    ).first()


def is_bought(scope: Scope, row: Draft) -> bool:
    """Whether a message was paid for: then it arrived, whatever became of its answer."""
    return row.kind == KIND and order_of(scope, row).state not in UNPAID


def named(scope: Scope, channel_id: UUID, draft_id: UUID) -> UUID | None:
    """The order of a message of this account; None for one that is not here, another account's or another tenant's."""
    found = scope.run(
        "SELECT order_id FROM drafts WHERE tenant_id = :tenant AND id = :id AND channel_id = :channel AND kind = :kind",
        tenant=scope.tenant_id,
        id=draft_id,
        channel=channel_id,
        kind=KIND,
    ).scalar()
    return UUID(str(found)) if found is not None else None


def lies_open(scope: Scope, order: Order) -> Draft | None:
    """The message of an order that is paid, if it lies in the chat, or may: one that was withdrawn just before, or that
    never left, is no delivery."""
    row = draft_of(scope, order) if order.way == KIND else None
    if row is None or row.state not in (DraftState.SENDING, DraftState.UNCERTAIN, DraftState.SENT):
        return None
    if row.state != DraftState.SENT:
        return row  # where it lies was never told; that it was bought says that it does
    left = copies.copies(scope, Subject("draft", row.id))
    return row if any(copy.gone_at is None for copy in left) else None


def look_at(scope: Scope, order_id: UUID, at: datetime) -> None:
    """See at an instant whether a message was bought, and at no other that was planned."""
    outbox.cancel(scope, OrderLook.kind, order_id)
    outbox.put(scope, OrderLook(scope.tenant_id, order_id), at=at)


def next_look(scope: Scope, begun: datetime) -> datetime:
    """When to look again at what was sent at an instant: soon at first, then some times a day."""
    gone = scope.now - begun
    passed = timedelta()
    for wait in LOOKS:
        passed += wait
        if passed > gone:
            return scope.now + wait
    return scope.now + LOOK_EVERY
