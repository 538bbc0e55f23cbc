"""Nova's bot, its fans' payments in Stars, and reconciliations with Telegram's list."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from channels.listening import listener
from channels.metrics import platform_readings
from connectors.contract.balance import MovementPage
from connectors.contract.chats import ChatConnector, ChatUpdate
from foundation.db.database import Database, Scope
from foundation.money import Money
from foundation.outbox import outbox
from gate.contract.units import Rating
from gate.permits import issuance
from studio.packs import packs
from subscribers.catalog import offers
from subscribers.catalog.prices import set_price
from subscribers.checkout import order_payments, rail_reconciliation
from subscribers.checkout.events import RailReconcile
from subscribers.checkout.rail_reconciliation import PACE, ReconciliationPace
from subscribers.intake import update_intake
from subscribers.ledger import entries
from subscribers.ledger.entries import SplitShares
from subscribers.orders import queries
from subscribers.rails.contract import PaymentFact, till_of_channel
from subscribers.replies import persona
from tests.channels.builders import KEY, Killed
from tests.channels.telegram_builders import CONNECTORS, BotWorld, bot_world
from tests.fakes.telegram.server import TelegramServer
from tests.fakes.telegram.stars import Stars
from tests.subscribers.builders import NOVA, RAILS, Studio, picture
from workers.listeners.checkouts import CheckoutResponder

PRICE = 250
RAIL = RAILS["telegram"]


@dataclass
class StarsBot(Studio):
    """A studio whose chat account is a bot."""

    stars: Stars = field(kw_only=True)
    days: set[date] = field(default_factory=set)
    starts: list[int] = field(default_factory=list)
    pace: ReconciliationPace = PACE

    @property
    def telegram(self) -> TelegramServer:
        return cast(BotWorld, self.world).telegram

    # actions of fans

    def ordered(self, name: str = "leo") -> UUID:
        """Create an order for a fan; return its ID."""
        self.world_says(name, "bonjour")
        person = self.stars.world.person(name)
        thread = self.thread(str(person.id))
        with self.scope() as scope:
            talk = update_intake.conversation_rows.lock_conversation(scope, thread.id)
            pack = packs.get_pack(scope, self.pack_id)
            price = Money(PRICE, "XTR")
            candidate = offers.OfferCandidate(
                pack.id, pack.version, pack.title, pack.description, pack.rating, price
            )
            order = order_payments.accept_offer(
                scope, talk, offers.create_offer(scope, talk, candidate, "stars"), RAIL
            )
            assert order is not None
        self.drain()
        return order.id

    def fact(self, order_id: UUID, charge: str, name: str = "leo") -> PaymentFact:
        """Return a charge as Telegram reports it and our rail reads it."""
        person = str(self.stars.world.person(name).id)
        told = ChatUpdate("1", "payment", person, payload=self.payload(order_id), charge_id=charge)
        told = replace(told, amount_minor=PRICE, currency="XTR")
        with self.scope() as scope:
            return RAIL.verify(told, till_of_channel(self.world.channel()), now=scope.now)

    def world_says(self, name: str, text: str) -> None:
        """Send a message as a fan, and receive it."""
        self.stars.world.say(self.stars.bot, name, text)
        self.listen()

    def payload(self, order_id: UUID) -> str:
        """Return the payload of an order's invoice."""
        return RAIL.payload(self.world.tenant_id, order_id)

    def pay(
        self,
        order_id: UUID,
        name: str = "leo",
        *,
        told: bool = True,
        amount: int = PRICE,
        **more: Any,
    ) -> str:
        """Pay as the fan; return the charge."""
        return self.stars.charge(name, amount, self.payload(order_id), told=told, **more)

    def listen(self) -> None:
        """Receive all updates of Telegram."""
        channel = self.world.channel()
        poll = partial(
            listener.poll_updates, transport=self.world.transport(), connectors=CONNECTORS
        )
        while self.stars.world.waiting(self.stars.bot):
            heard = poll(channel, self.heard)
            for update in heard.updates:
                self.receive(update)
            if heard.cursor:
                self.heard = heard.cursor
            self.stars.bot.updates = [
                (at, told)
                for at, told in self.stars.bot.updates
                if told["update_id"] >= int(self.heard or 0)
            ]

    def hear(self) -> None:
        """Receive pending updates as the listening process does: a checkout is answered at once."""
        if not self.stars.world.waiting(self.stars.bot):
            return
        channel, connectors = self.world.channel(), cast(Mapping[str, ChatConnector], CONNECTORS)
        mint = partial(issuance.mint_permit, key=KEY, own_hosts=("pages.example",))
        till = CheckoutResponder(self.world.tenant, self.world.transport(), connectors, RAILS, mint)
        heard = listener.poll_updates(
            channel, self.heard, transport=self.world.transport(), connectors=connectors
        )
        for update in heard.updates:
            if not till.answer_checkout(channel, update):
                self.receive(update)
        self.heard = heard.cursor or self.heard
        left = self.stars.bot.updates
        self.stars.bot.updates = [
            (at, told) for at, told in left if told["update_id"] >= int(self.heard or 0)
        ]

    # reconciliation

    def reconcile(self) -> bool:
        """Run one reconciliation; return True if it is complete."""
        by = {"transport": self.world.transport(), "connectors": CONNECTORS}

        def ask(tenant_id: UUID, channel_id: UUID, start: int) -> MovementPage | None:
            self.starts.append(start)
            return platform_readings.read_movements(
                tenant_id, channel_id, start, tenant=self.world.tenant, **by
            )

        event = RailReconcile(self.world.tenant_id, self.world.channel_id)
        house = {
            "tenant": self.world.tenant,
            "rails": RAILS,
            "summed": self.summed,
            "pace": self.pace,
        }
        try:
            # the values of `house` have several types
            rail_reconciliation.reconcile_rail_account(event, ask=ask, lists={"telegram"}, **house)  # type: ignore[arg-type]  # see above
        except outbox.RetryLater:
            return False
        return True

    def catch_up(self) -> None:
        """Advance the clock, read the list to its end, and process what follows."""
        for _ in range(20):
            self.later(minutes=15)
            if self.reconcile():
                self.drain()
                return
        raise AssertionError("the reading never ends")

    def later(self, **minutes_or_hours: float) -> None:
        """Advance the clocks of the installation and of Telegram."""
        unit = {"minutes": 60, "hours": 3600}
        self.world.pass_time(sum(unit[name] * many for name, many in minutes_or_hours.items()))

    def summed(self, scope: Scope, creator_id: UUID, days: Collection[date]) -> None:
        """Record the days that the rollups must rebuild."""
        self.days |= set(days)

    @contextmanager
    def dying(self, at: int) -> Iterator[None]:
        """Crash the process at its n-th point, if it reaches it."""
        clockwork = self.world.clockwork
        clockwork.at, clockwork.passed = at, 0
        try:
            yield
        except Killed:
            pass
        finally:
            clockwork.at = None

    # observations

    def held(self, account: str = "") -> int:
        """Return the balance of a ledger account, by default the bot's."""
        with self.scope() as scope:
            name = account or entries.rail_ledger_account("stars", self.world.account)
            return entries.account_balance(scope, name, creator_id=self.world.creator_id).get(
                "XTR", 0
            )

    def payments(self) -> list[tuple[str, str, int, bool]]:
        """Return product, kind, amount and recovery of every payment, in order."""
        rows = self.rows(
            "SELECT product, kind, amount_minor, recovered FROM payments WHERE tenant_id = "
            ":tenant ORDER BY id"
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]  # four columns

    def notices(self) -> dict[str, dict[str, Any]]:
        """Return the open notices that need a decision, by code, with their parameters."""
        rows = self.rows(
            "SELECT message FROM notices WHERE tenant_id = :tenant AND settled_at IS NULL"
            " AND NOT informs"
        )
        return {row.message["code"]: row.message.get("params", {}) for row in rows}

    def pushed(self, name: str = "leo") -> int:
        """Return the number of packs delivered to a fan."""
        return sum("photo" in one for one in self.stars.world.seen(self.stars.bot, name)) // 2

    def even(self) -> bool:
        """Return True if every rail account balances and the bot's balance is Telegram's."""
        with self.scope() as scope:
            tills = queries.check_rail_balances(scope, [self.world.creator_id])
        return (
            all(till.booked == till.moved for till in tills)
            and self.held() == self.stars.bot.balance
        )


def create_bot(database: Database, telegram: TelegramServer) -> StarsBot:
    """Create Nova's bot with a pack of two pictures for Stars, in an installation that uses
    Telegram's clock."""
    house = bot_world(database, telegram)
    # a bot's world has no sandbox network
    house.network = SimpleNamespace(clock=SimpleNamespace(advance=lambda seconds: None))  # type: ignore[assignment]  # see above
    with house.scope() as scope:
        telegram.clock.advance((scope.now - telegram.world.clock()).total_seconds())
        persona.activate_persona(
            scope, persona.create_persona_version(scope, house.creator_id, NOVA)
        )
        assets = [picture(house, scope, number, Rating.G) for number in range(2)]
        pack_id = packs.create_pack(
            scope,
            creator_id=house.creator_id,
            slug="matin",
            title="Matin calme",
            description="Le port au lever du jour",
            assets=assets,
        )
        set_price(scope, house.creator_id, pack_id, "stars", Money(PRICE, "XTR"))
        shares = SplitShares(agency=4000, creator=6000, chatter=0)
        entries.set_revenue_split(
            scope, house.creator_id, shares, effective_from=scope.now.replace(microsecond=0)
        )
    return StarsBot(house, pack_id, stars=Stars(telegram.world, house.bot))
