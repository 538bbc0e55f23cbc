"""Reconciliation of rails: a platform's list of an account's movements is compared with the ledger,
each movement once.

A charge that no event reported is recorded as if it had been, and a refund on the platform is
mirrored here. Payouts and platform fees are booked separately. A remaining difference is reported
to members and never balanced automatically.
"""

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from channels.accounts import queries
from channels.accounts.states import ChannelState
from connectors.contract import paid_media
from connectors.contract.balance import AccountBalance, BalanceMovement, MovementPage
from connectors.contract.chats import ChatUpdate
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.money import Money
from foundation.ops import telemetry
from foundation.outbox import outbox
from subscribers.checkout import order_payments
from subscribers.checkout.events import RailReconcile
from subscribers.ledger import month_close
from subscribers.ledger.entries import (
    FEES_ACCOUNT,
    SUSPENSE_ACCOUNT,
    LedgerLine,
    TransactionKind,
    account_balance,
    post_transaction,
    rail_ledger_account,
)
from subscribers.orders import locked_messages, order_rows, rail_movements, refunds
from subscribers.orders.rail_movements import READING_OVERLAP, RailAccount, RailProgress
from subscribers.rails import installed_rails
from subscribers.rails.contract import (
    PAID_MEDIA_PRODUCT,
    PaymentFact,
    PaymentRail,
    Rails,
    till_of_channel,
)
from subscribers.rails.price_text import format_price
from tenants.agencies.queries import get_creator
from tenants.notices import notices

RECONCILING = "system:reconciling"
OPENING = "opening"
"""Ledger account of charges from before the account was connected, made by other software."""

UNLISTED_AFTER = timedelta(hours=24)
"""Age from which a payment that the platform does not list is reported to members."""

UNLISTED_MOST = 20
NANO = 10**9


class ListMovements(Protocol):
    """List the movements of an account from a position, outside any transaction."""

    def __call__(
        self, tenant_id: UUID, channel_id: UUID, position: int, /
    ) -> MovementPage | None: ...


class UpdateRollups(Protocol):
    """Update the daily sums of these days, in the creator's time zone."""

    def __call__(self, scope: Scope, creator_id: UUID, days: Collection[date], /) -> None: ...


log = telemetry.get_logger("subscribers.checkout.rail_reconciliation")


@dataclass(frozen=True)
class ReconciliationPace:
    """Limits of one reading: it pauses for `pause` after `pages` pages, and the last `deep`
    movements are repeated every `nightly`."""

    deep: int = 2000
    nightly: timedelta = timedelta(hours=24)
    pages: int = 30
    pause: timedelta = timedelta(minutes=1)


PACE = ReconciliationPace()


def schedule_reconciliations(scope: Scope) -> None:
    """Schedule a reconciliation for each active account that sells; an account with a pending one
    gets no second."""
    sells = installed_rails.rail_terms_by_platform().keys()
    for channel in queries.list_channels(scope):
        if (
            channel.state == ChannelState.ACTIVE
            and channel.chat_surface
            and channel.platform in sells
        ):
            outbox.put(
                scope, RailReconcile(scope.tenant_id, channel.id), dedupe=f"rail:{channel.id}"
            )


def reconcile_rail_account(
    event: RailReconcile,
    *,
    tenant: OpenScope,
    ask: ListMovements,
    lists: Collection[str],
    rails: Rails,
    summed: UpdateRollups,
    pace: ReconciliationPace = PACE,
) -> None:
    """Read an account's list to its end and book what is new. `lists` contains the platforms that
    have such a list.

    After a crash, complete movements remain booked, and the next reading continues from there.
    Raises `outbox.RetryLater` while more remains than one reading takes.
    """
    with tenant(event.tenant_id, RECONCILING) as scope:
        channel = queries.get_channel(scope, event.subject_id)
        rail = rails.get(channel.platform)
        if rail is None or channel.platform not in lists:
            return
        of = RailAccount(channel, rail.name)
        reading = rail_movements.begin_reading(scope, of)
        now = scope.now
    first = reading.deep_at is None
    deep = reading.deep_at is not None and now - reading.deep_at >= pace.nightly
    comparison = _Comparison(of, rail, reading, tenant, summed)
    start = max(0, reading.position - (pace.deep if deep else READING_OVERLAP))
    unread = 0
    for _ in range(pace.pages):
        told = ask(event.tenant_id, channel.id, start)
        if told is None:
            return
        if not told.count and start and start < reading.position:
            comparison.restart()
            raise outbox.RetryLater(pace.pause)
        unread += comparison.page(start, told)
        start += told.count
        if told.lies is not None:
            comparison.end(told.lies, told.currency, unread=unread, deep=deep or first)
            return
    raise outbox.RetryLater(pace.pause)


@dataclass(frozen=True)
class _Comparison:
    of: RailAccount
    rail: PaymentRail
    reading: RailProgress
    tenant: OpenScope
    summed: UpdateRollups

    def page(self, start: int, told: MovementPage) -> int:
        """Book the new movements of a page, each in a separate transaction. Return the number that
        could not be interpreted."""
        unread = told.count - len(told.rows)
        with self._open_scope() as scope:
            new = rail_movements.filter_new_movements(scope, self.of, told.rows)
        for row in new:
            with self._open_scope() as scope:
                unread += not self._record_movement(scope, row, told.currency)
        with self._open_scope() as scope:
            rail_movements.record_position(
                scope, self.of, start + told.count, end=told.lies is not None
            )
        return unread

    def restart(self) -> None:
        """Restart at position 0: the list is shorter than the part already read, so it is a
        different list."""
        log.warning(
            "rail.list_shorter", channel=str(self.of.channel.id), position=self.reading.position
        )
        with self._open_scope() as scope:
            rail_movements.record_position(scope, self.of, 0, end=True)

    def end(self, lies: AccountBalance, currency: str, *, unread: int, deep: bool) -> None:
        """Compare the platform's balance with the ledger at the end of the list."""
        with self._open_scope() as scope:
            booked = account_balance(scope, self._ledger_account).get(currency, 0)
            exact = (
                (lies.minor - booked) * NANO
                + lies.nano
                - rail_movements.unbooked_fraction(scope, self.of)
            )
            differs = abs(exact) // NANO * (1 if exact > 0 else -1)
            self._notify_difference(
                scope, differs, Money(lies.minor, currency), Money(booked, currency)
            )
            _tell_unlisted(scope, self.of)
            rail_movements.finish_reading(
                scope,
                self.of,
                lies_minor=lies.minor,
                differs_minor=differs,
                unread=unread,
                deep=deep,
            )
        if unread:
            log.warning("rail.unread", channel=str(self.of.channel.id), rows=unread)

    def _notify_difference(self, scope: Scope, differs: int, lies: Money, booked: Money) -> None:
        """Report a difference only if two consecutive readings find it. A payment that arrives
        between reading the list and reading the balance causes a temporary one."""
        cause = f"rail:{self.rail.name}:{self.of.name}:balance"
        if not differs:
            notices.close(scope, cause)
        elif differs == self.reading.differs_minor:
            amounts = {"told": format_price(lies), "booked": format_price(booked)}
            told = Message("rail.differs", {"account": self.of.name, **amounts})
            notices.put(scope, told, cause=cause, creator_id=self.of.channel.creator_id)

    @property
    def _ledger_account(self) -> str:
        return rail_ledger_account(self.rail.name, self.of.name)

    def _open_scope(self) -> AbstractContextManager[Scope]:
        return self.tenant(self.of.channel.tenant_id, RECONCILING)

    def _record_movement(self, scope: Scope, row: BalanceMovement, currency: str) -> bool:
        """Record and book a movement once. Return False for the refund of an unknown charge."""
        paid = row.kind in ("charge", "media")
        charged = rail_movements.find_charge(scope, self.of, row.native_id) if paid else None
        orphaned = paid and not row.came and charged is None
        if orphaned and not rail_movements.is_movement_recorded(
            scope, self.of, row.native_id, came=True
        ):
            return False
        if not rail_movements.record_movement(scope, self.of, row, currency):
            return True
        money = Money(row.minor, currency)
        if not paid:
            beside = self._record_other_movement(scope, row, money)
        elif row.came:
            beside = self._record_charge(scope, row, money)
        elif charged is None:
            beside = self._book_movement(scope, row, money, "adjustment", OPENING)
        else:
            refunds.record_refund(
                scope, rail=self.rail.name, account=self.of.name, charge_id=row.native_id
            )
            self._recompute_day(scope, scope.now)
            beside = self._book_fee(scope, row, charged.money - money)
        if beside:
            rail_movements.record_other_booking(scope, self.of, row, beside)
        return True

    def _record_charge(self, scope: Scope, row: BalanceMovement, money: Money) -> int:
        """Book a charge that is known, missed, or older than the connection of the account.

        Return the amount booked as a fee or adjustment.
        """
        fact = self._build_fact(scope, row, money)
        known = rail_movements.find_charge(scope, self.of, row.native_id)
        ours = fact.order_id is not None or fact.subscription_id is not None
        if known is None and not ours and row.at < self.reading.begins_at:
            return self._book_movement(scope, row, money, "adjustment", OPENING)
        if known is None and order_payments.record_payment(scope, fact) is not None:
            self._recompute_day(scope, fact.at)
            return self._book_fee(scope, row, money - fact.money)
        # Another process recorded the charge in the meantime.
        known = known or rail_movements.find_charge(scope, self.of, row.native_id)
        if known is None:
            raise LookupError(f"a charge is neither new nor known: {row.native_id}")
        notices.close(scope, _unlisted_cause(known.id))
        return self._book_fee(scope, row, money - known.money)

    def _build_fact(self, scope: Scope, row: BalanceMovement, money: Money) -> PaymentFact:
        """Return the charge as a platform event would report it; a charge of a closed month is
        dated today."""
        update = ChatUpdate(
            row.native_id,
            "payment",
            row.user,
            at=row.at,
            payload=row.payload if row.kind == "charge" else "",
            charge_id=row.native_id,
            amount_minor=money.minor,
            currency=money.currency,
            recurring=row.period > 0,
            until=row.at + timedelta(seconds=row.period) if row.period else None,
        )
        fact = self.rail.verify(update, till_of_channel(self.of.channel), now=scope.now)
        fact = replace(fact, recovered=True, at=self._open_at(scope, fact.at))
        return self._resolve_paid_media(scope, row, fact) if row.kind == "media" else fact

    def _resolve_paid_media(
        self, scope: Scope, row: BalanceMovement, fact: PaymentFact
    ) -> PaymentFact:
        """Return the fact of a paid media purchase: of a locked message at its price, or a sale
        without an order.

        For a locked message only the list reports the charge, so it does not count as recovered. A
        reference to an unknown message makes the payment an orphan.
        """
        about = paid_media.decode_payload(row.payload)
        if about is None or about.kind != "draft":
            return replace(fact, product=PAID_MEDIA_PRODUCT)
        order_id = locked_messages.order_of_message_id(scope, self.of.channel.id, about.id)
        if order_id is None:
            return replace(fact, order_id=about.id, recovered=False)
        order = order_rows.get_order(scope, order_id)
        # The listed amount may lack a partner's share; the fan paid at least the price.
        paid = Money(max(fact.money.minor, order.amount_minor), fact.money.currency)
        return replace(fact, order_id=order_id, money=paid, recovered=False)

    def _record_other_movement(self, scope: Scope, row: BalanceMovement, money: Money) -> int:
        """Book a movement that no fan paid: a payout, a platform fee, or an unexplained one that
        members must clarify."""
        if row.kind == "withdrawal":
            return self._book_movement(scope, row, money, "payout", f"payout:{self.rail.name}")
        if row.kind == "spent":
            return self._book_movement(scope, row, money, "fee", FEES_ACCOUNT)
        told = Message("rail.unexplained", {"amount": format_price(money), "account": self.of.name})
        cause = f"rail:{self.rail.name}:{self.of.name}:{row.native_id}:{row.came}"
        notices.put(scope, told, cause=cause, creator_id=self.of.channel.creator_id)
        return self._book_movement(scope, row, money, "adjustment", SUSPENSE_ACCOUNT)

    def _book_fee(self, scope: Scope, row: BalanceMovement, more: Money) -> int:
        """Book the difference between a movement and its payment, such as a partner's share."""
        return self._book_amount(scope, row, more, "fee", FEES_ACCOUNT) if more.minor else 0

    def _book_movement(
        self, scope: Scope, row: BalanceMovement, money: Money, kind: TransactionKind, other: str
    ) -> int:
        """Book a whole movement against another ledger account. Return its signed amount, negative
        for outgoing money."""
        return self._book_amount(scope, row, money if row.came else -money, kind, other)

    def _book_amount(
        self, scope: Scope, row: BalanceMovement, moved: Money, kind: TransactionKind, other: str
    ) -> int:
        key = f"{self.rail.name}:{self.of.name}:{row.native_id}:{'in' if row.came else 'out'}"
        entries = [LedgerLine(self._ledger_account, moved), LedgerLine(other, -moved)]
        at = self._open_at(scope, min(row.at, scope.now))
        creator_id = self.of.channel.creator_id
        post_transaction(
            scope, kind, "rail_line", key, entries, occurred_at=at, creator_id=creator_id
        )
        return moved.minor

    def _open_at(self, scope: Scope, at: datetime) -> datetime:
        return month_close.booking_time(scope, self.of.channel.creator_id, at)

    def _load_zone(self, scope: Scope) -> ZoneInfo:
        return ZoneInfo(get_creator(scope, self.of.channel.creator_id).zone)

    def _recompute_day(self, scope: Scope, at: datetime) -> None:
        self.summed(
            scope, self.of.channel.creator_id, {at.astimezone(self._load_zone(scope)).date()}
        )


def _tell_unlisted(scope: Scope, of: RailAccount) -> None:
    for one in rail_movements.unlisted_payments(
        scope, of, scope.now - UNLISTED_AFTER, most=UNLISTED_MOST
    ):
        told = Message("rail.unlisted", {"amount": format_price(one.money), "account": of.name})
        notices.put(
            scope,
            told,
            cause=_unlisted_cause(one.id),
            urgent=True,
            creator_id=of.channel.creator_id,
        )


def _unlisted_cause(payment_id: UUID) -> str:
    return f"payment:{payment_id}:unlisted"
