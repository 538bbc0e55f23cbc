"""Seeing what became of messages behind a price: bought, not bought and withdrawn, or paid back.

A sale is known by two ways, in whatever order they come: we look at the message, and the platform's list of earnings
names it. Both lead to the one payment of its order, whose charge is the message; only the list is booked.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from channels import reads as channel_reads
from channels import removing
from channels.reads import Channel
from connectors import locking
from connectors.contract import Copy
from connectors.earning import Earning
from connectors.locking import Locked
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.words import Message
from gate import copies
from subscribers import directory, locked, orderbook, orders, rail_rows, refunding, sending
from subscribers.events import OrderEarned, OrderLook, RailReconcile
from subscribers.models import Draft, Order
from subscribers.rails import registry
from subscribers.states import ORDER_STATES, UNPAID, DraftState, OrderState

CHAT = "system:chat"
WITHDRAWN_FOR = timedelta(days=2)
"""So long after an offer's end its message is still looked at: it may have been bought in the last moment."""

BLIND = timedelta(minutes=15)
"""After a look that saw nothing: nobody answered, or the chat went on for too long since."""

LISTED_BY = timedelta(minutes=1)
"""So long after an offer's end a charge from before it may still come into its platform's list."""

UNSURE = (DraftState.SENDING, DraftState.UNCERTAIN)

Ask = Callable[[UUID, UUID, Copy, datetime], Locked | None]
"""`(tenant, channel, copy, sent after)` → how the message stands. No transaction is open."""


@dataclass(frozen=True)
class _Sought:
    """A message to look at."""

    channel_id: UUID
    copy: Copy
    since: datetime


def look(event: OrderLook, *, tenant: OpenScope, ask: Ask) -> None:
    """See whether the message of an order was bought; what was not, and may not be any more, is withdrawn."""
    with tenant(event.tenant_id, CHAT) as scope:
        sought = _sought(scope, event.subject_id)
    if sought is None:
        return
    seen = ask(event.tenant_id, sought.channel_id, sought.copy, sought.since)
    with tenant(event.tenant_id, CHAT) as scope:
        _settle(scope, event.subject_id, sought, seen)


def _sought(scope: Scope, order_id: UUID) -> _Sought | None:
    order = orderbook.find(scope, order_id, lock=True)
    row = locked.draft_of(scope, order)
    if order.state not in UNPAID or row is None or scope.now > order.expires_at + WITHDRAWN_FOR:
        return None
    if order.rail not in registry.locked():  # no look at the message says anything: the list of charges does
        _by_list(scope, order, row)
        return None
    if row.native_id is None:
        _unsent(scope, order, row)
        return None
    if order.state != OrderState.INVOICED and all(one.gone_at is not None for one in _copies(scope, row)):
        return None
    channel = channel_reads.channel(scope, order.channel_id)
    fan = directory.identity_on(scope, order.fan_id, order.channel_id)
    if fan.status == "erased":  # nobody knows any more whose chat it was
        return None
    return _Sought(channel.id, Copy(row.native_id, channel.account, fan.native_id), row.created_at or scope.now)


def _unsent(scope: Scope, order: Order, row: Draft) -> None:
    """A message that did not leave and never will ends its order; one that may yet is waited for."""
    state = DraftState(row.state)
    if state in (DraftState.FAILED, DraftState.REJECTED, DraftState.EXPIRED, DraftState.CANCELLED):
        if ORDER_STATES.allows(OrderState(order.state), OrderState.CANCELLED):
            orderbook.move(scope, order, OrderState.CANCELLED, Message.from_json(row.reason) if row.reason else None)
        return
    if order.state == OrderState.INVOICED or state in UNSURE:
        locked.look_at(scope, order.id, scope.now + locked.LOOKS[1])


def _by_list(scope: Scope, order: Order, row: Draft) -> None:
    """Where a platform lists its charges, that list says whether a message was bought. What nobody bought by its end is
    withdrawn, but only once the list was read after that, and never where we were told that somebody had."""
    if row.native_id is None:
        _unsent(scope, order, row)
        return
    if order.state == OrderState.INVOICED and order.checkout_at is None:
        return  # until its end nothing is asked
    lying = [one for one in _copies(scope, row) if one.gone_at is None]
    if not lying:
        return
    over = order.updated_at or scope.now
    read_at = rail_rows.read_at(scope, order.rail, channel_reads.channel(scope, order.channel_id).account)
    if order.checkout_at is not None or read_at is None or read_at <= over + LISTED_BY:
        read_list(scope, order.channel_id)
        locked.look_at(scope, order.id, locked.next_look(scope, order.checkout_at or over))
        return
    for copy in lying:
        removing.ask(scope, copy)


def read_list(scope: Scope, channel_id: UUID) -> None:
    """Read what a platform lists of an account's money at once."""
    outbox.put(scope, RailReconcile(scope.tenant_id, channel_id), instead_of=RailReconcile)


def _settle(scope: Scope, order_id: UUID, sought: _Sought, seen: Locked | None) -> None:
    if seen is not None and seen.state == "paid":
        orders.unlocked(scope, order_id, sought.copy.native_id, at=seen.at)
        return
    order = orderbook.find(scope, order_id, lock=True)
    row = locked.draft_of(scope, order)
    if order.state not in UNPAID or row is None:
        return
    over = order.state != OrderState.INVOICED
    again = locked.next_look(scope, order.expires_at if over else sought.since)
    if seen is None:
        again = min(again, scope.now + BLIND)
    elif over:  # never withdrawn unseen: it may be bought
        for copy in _copies(scope, row):
            removing.ask(scope, copy)
    if not over and order.expires_at > scope.now:
        again = min(again, order.expires_at)
    locked.look_at(scope, order_id, again)


def _copies(scope: Scope, row: Draft) -> list[copies.Copy]:
    return copies.copies(scope, sending.subject(row.id))


def soon(scope: Scope, channel: Channel, fan: str, payload: str = "") -> None:
    """A fan paid for something in this chat: look at all that they may have paid for, or at what `payload` names. Told
    is not paid: where charges are listed, the list is read, and books it."""
    listed = registry.terms()[channel.platform].name not in registry.locked()
    about = locking.read(payload)
    only = locked.named(scope, channel.id, about.id) if about is not None else None
    if listed:
        read_list(scope, channel.id)
        _told(scope, channel, fan, only)
        return
    rows = scope.run(
        "SELECT o.id FROM orders o JOIN fan_identities i ON i.tenant_id = o.tenant_id AND i.fan_id = o.fan_id"
        " AND i.channel_id = o.channel_id WHERE o.tenant_id = :tenant AND o.channel_id = :channel"
        " AND i.native_id = :fan AND o.rail = ANY(:rails) AND o.state = ANY(:unpaid) AND o.expires_at > :since",
        tenant=scope.tenant_id,
        channel=channel.id,
        fan=fan,
        rails=registry.locked(),
        unpaid=[str(state) for state in UNPAID],
        since=scope.now - WITHDRAWN_FOR,
    )
    for order_id in rows.scalars().all():
        locked.look_at(scope, order_id, scope.now)


def _told(scope: Scope, channel: Channel, fan: str, order_id: UUID | None) -> None:
    """Its fan has paid for a message: it is not withdrawn any more, and the list is read until it says so."""
    known = directory.known_on(scope, channel.id, fan)
    if order_id is None or known is None:
        return
    order = orderbook.find(scope, order_id, lock=True)
    if order.state in UNPAID and order.fan_id == known.fan_id:
        order.checkout_at = scope.now
        scope.add(order)
        locked.look_at(scope, order_id, scope.now + locked.LOOKS[0])


def give_up(scope: Scope, fan_id: UUID, reason: Message) -> None:
    """Nothing is sold to this fan any more, wherever they talk: what they did not buy yet is withdrawn at once."""
    rows = scope.run(
        "SELECT id FROM orders WHERE tenant_id = :tenant AND fan_id = :fan AND way = :locked"
        " AND state = :open ORDER BY id",
        tenant=scope.tenant_id,
        fan=fan_id,
        locked=locked.KIND,
        open=str(OrderState.INVOICED),
    )
    for order_id in rows.scalars().all():
        orderbook.move(scope, orderbook.find(scope, order_id, lock=True), OrderState.CANCELLED, reason)
        locked.look_at(scope, order_id, scope.now)


def earned(event: OrderEarned, *, tenant: OpenScope) -> None:
    """The platform's list says that an order was paid, or paid back: the same as if we had seen it ourselves."""
    with tenant(event.tenant_id, CHAT) as scope:
        orders.unlocked(scope, event.subject_id, event.native_id, at=datetime.fromisoformat(event.at))
        if event.back:
            order = orderbook.find(scope, event.subject_id)
            channel = channel_reads.channel(scope, order.channel_id)
            refunding.noted(scope, rail=order.rail, account=channel.account, charge_id=event.native_id)


@dataclass(frozen=True)
class Sale:
    """An order of ours that a movement of the list is about."""

    order_id: UUID
    fan_id: UUID
    state: OrderState


def named(scope: Scope, creator_id: UUID, rows: Sequence[Earning]) -> Mapping[str, str]:
    """What each movement was paid for, by its key. What went back names the sale by its number."""
    told = {row.key: row.paid_for for row in rows if row.kind == "sale" and row.paid_for}
    back = [row for row in rows if row.kind == "refund" and row.reference]
    if not back:
        return told
    known: dict[str, set[str]] = {}
    for row in rows:
        if row.key in told:
            known.setdefault(row.reference, set()).add(row.paid_for)
    booked = scope.run(
        "SELECT DISTINCT reference, paid_for FROM statement_lines WHERE tenant_id = :tenant AND creator_id = :creator"
        " AND kind = 'sale' AND paid_for <> '' AND reference = ANY(:references)",
        tenant=scope.tenant_id,
        creator=creator_id,
        references=sorted({row.reference for row in back}),
    )
    for one in booked:
        known.setdefault(one.reference, set()).add(one.paid_for)
    for row in back:
        if len(what := known.get(row.reference, set())) == 1:  # one number may have paid for several things
            told[row.key] = next(iter(what))
    return told


def sales(scope: Scope, channel_id: UUID, paid_for: Sequence[str]) -> Mapping[str, Sale]:
    """The orders behind what was paid for on an account, by the platform's id of it."""
    if not paid_for:
        return {}
    rows = scope.run(
        "SELECT d.native_id, o.id, o.fan_id, o.state FROM drafts d JOIN orders o ON o.tenant_id = d.tenant_id"
        " AND o.id = d.order_id WHERE d.tenant_id = :tenant AND d.channel_id = :channel AND d.kind = 'locked'"
        " AND d.native_id = ANY(:ids)",
        tenant=scope.tenant_id,
        channel=channel_id,
        ids=sorted(set(paid_for)),
    )
    return {row.native_id: Sale(row.id, row.fan_id, OrderState(row.state)) for row in rows}


def tell(
    scope: Scope, creator_id: UUID, found: Mapping[str, Sale], rows: Sequence[Earning], *, booked: Collection[str]
) -> None:
    """Let the orders hear what the list says of them: paid, and paid back where as much went as came. Who paid for what
    was `booked` just now has spent another sum."""
    back = _paid_back(scope, creator_id, sorted(found))
    paid_at = {row.paid_for: row.at for row in rows if row.kind == "sale"}
    for native_id, sale in found.items():
        unheard = sale.state in UNPAID or (native_id in back and sale.state != OrderState.REFUNDED)
        if unheard:
            at = paid_at.get(native_id, scope.now).isoformat()
            event = OrderEarned(scope.tenant_id, sale.order_id, native_id=native_id, at=at, back=native_id in back)
            outbox.put(scope, event)
        if native_id in booked:
            directory.rebuild_facts(scope, sale.fan_id)


def _paid_back(scope: Scope, creator_id: UUID, paid_for: Sequence[str]) -> frozenset[str]:
    if not paid_for:
        return frozenset()
    rows = scope.run(
        "SELECT paid_for FROM statement_lines WHERE tenant_id = :tenant AND creator_id = :creator"
        " AND paid_for = ANY(:ids) GROUP BY paid_for"
        " HAVING sum(gross_minor) FILTER (WHERE kind = 'refund') >= sum(gross_minor) FILTER (WHERE kind = 'sale')",
        tenant=scope.tenant_id,
        creator=creator_id,
        ids=list(paid_for),
    )
    return frozenset(rows.scalars())
