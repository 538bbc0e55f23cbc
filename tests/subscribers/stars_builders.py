"""Nova's bot, what its fans pay in Stars, and readings of what Telegram lists of it."""

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

    # fans

    def ordered(self, name: str = "leo") -> UUID:
        """A fan with an order before them; the order."""
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
        """What Telegram tells of a charge, as our rail reads it."""
        person = str(self.stars.world.person(name).id)
        told = ChatUpdate("1", "payment", person, payload=self.payload(order_id), charge_id=charge)
        told = replace(told, amount_minor=PRICE, currency="XTR")
        with self.scope() as scope:
            return RAIL.verify(told, till_of_channel(self.world.channel()), now=scope.now)

    def world_says(self, name: str, text: str) -> None:
        """A fan writes to the bot, and is heard."""
        self.stars.world.say(self.stars.bot, name, text)
        self.listen()

    def payload(self, order_id: UUID) -> str:
        """What travels with the invoice of an order."""
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
        """The fan pays; the charge."""
        return self.stars.charge(name, amount, self.payload(order_id), told=told, **more)

    def listen(self) -> None:
        """Hear what Telegram tells."""
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
        """Hear what waits as the listening process does: a checkout is answered at once."""
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

    # readings

    def reconcile(self) -> bool:
        """One reading; whether it came to its end."""
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
            # one of each
            rail_reconciliation.reconcile_rail_account(event, ask=ask, lists={"telegram"}, **house)  # type: ignore[arg-type]  # see above
        except outbox.RetryLater:
            return False
        return True

    def catch_up(self) -> None:
        """Time passes, and the list is read to its end, and what follows is done."""
        for _ in range(20):
            self.later(minutes=15)
            if self.reconcile():
                self.drain()
                return
        raise AssertionError("there is always more to read")

    def later(self, **minutes_or_hours: float) -> None:
        """Time passes, here and there."""
        unit = {"minutes": 60, "hours": 3600}
        self.world.pass_time(sum(unit[name] * many for name, many in minutes_or_hours.items()))

    def summed(self, scope: Scope, creator_id: UUID, days: Collection[date]) -> None:
        """The rollups hear of it."""
        self.days |= set(days)

    @contextmanager
    def dying(self, at: int) -> Iterator[None]:
        """The process dies at its n-th point, if it gets there."""
        clockwork = self.world.clockwork
        clockwork.at, clockwork.passed = at, 0
        try:
            yield
        except Killed:
            pass
        finally:
            clockwork.at = None

    # what is seen

    def held(self, account: str = "") -> int:
        """What the books hold on an account; without a name, the bot's."""
        with self.scope() as scope:
            name = account or entries.rail_ledger_account("stars", self.world.account)
            return entries.account_balance(scope, name, creator_id=self.world.creator_id).get(
                "XTR", 0
            )

    def payments(self) -> list[tuple[str, str, int, bool]]:
        """Product, kind, amount and whether it was recovered, of every payment in order."""
        rows = self.rows(
            "SELECT product, kind, amount_minor, recovered FROM payments WHERE tenant_id = "
            ":tenant ORDER BY id"
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]  # four columns

    def notices(self) -> dict[str, dict[str, Any]]:
        """The open notices by code, with what they say."""
        rows = self.rows(
            "SELECT message FROM notices WHERE tenant_id = :tenant AND settled_at IS NULL"
        )
        return {row.message["code"]: row.message.get("params", {}) for row in rows}

    def pushed(self, name: str = "leo") -> int:
        """How many packs a fan was sent."""
        return sum("photo" in one for one in self.stars.world.seen(self.stars.bot, name)) // 2

    def even(self) -> bool:
        """Whether every account of the shop comes out even, and the bot's is what Telegram says."""
        with self.scope() as scope:
            tills = queries.check_rail_balances(scope, [self.world.creator_id])
        return (
            all(till.booked == till.moved for till in tills)
            and self.held() == self.stars.bot.balance
        )


def create_bot(database: Database, telegram: TelegramServer) -> StarsBot:
    """Nova's bot with a pack of two pictures for Stars, in a house whose clock is Telegram's."""
    house = bot_world(database, telegram)
    # none
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
