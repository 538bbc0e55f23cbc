"""A creator with a persona, a pack and a sandbox account, and a driver of their outbox."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from channels import carrying, connecting, controlling, listening, reconciling
from channels import handling as channel_handling
from channels.events import ChannelProbe, RoleDue
from connectors.contract import Update
from foundation import outbox
from foundation.database import Database
from foundation.ids import derived
from foundation.money import Money
from foundation.sealed import Sealed
from gate import minting, ratings, recording
from gate.stating import TakedownOpened, ViewerChanged
from gate.units import Rating
from generators.contract import Label, TextJob, Written
from generators.engines.templates import Templates
from generators.media import POST
from studio import packs
from studio.models import Creation
from subscribers import (
    conversation,
    ending,
    events,
    fulfilling,
    handling,
    ledger,
    offers,
    orders,
    persona,
    reads,
    recalling,
    sending,
    unlocking,
)
from subscribers.ledger import SplitShares
from subscribers.persona import Persona
from subscribers.rails import registry
from subscribers.rails.contract import PaymentFact, Rails
from tests.channels.builders import CONNECTORS, KEY, World, world
from tests.fakes.network import Network

RAILS: Rails = registry.load(b"k" * 32)
PAGES = "https://pages.example"
NOVA = Persona(
    name="Nova",
    virtual=True,
    card="Nova is a virtual photographer of quiet places. She is warm, curious and brief.",
    voice="Warm, short sentences, one emoji at most.",
    languages=("fr", "en"),
    level="autopilot",
)
EVENTS = {
    event.kind: event
    for event in (
        events.ChatTurn,
        events.ChatSend,
        events.ChatReconcile,
        events.ChatSettle,
        events.PaymentSettle,
        events.OfferExpire,
        events.OrderEarned,
        events.OrderFulfil,
        events.OrderRefund,
        events.OrderPaid,
        events.OrderRefunded,
        events.RoleWanted,
        RoleDue,
        ViewerChanged,
        events.SubscriptionStop,
        events.SubscriptionNear,
        events.SubscriptionEnd,
        events.FanOptedOut,
        ChannelProbe,
        TakedownOpened,
    )
}


@dataclass
class Writer:
    """A model that says what the test wants; without that, the sentences of the engine without a model."""

    says: list[Any] = field(default_factory=list)
    asked: list[TextJob] = field(default_factory=list)
    meanwhile: Callable[[], None] | None = None

    def __call__(self, job: TextJob) -> Written:
        self.asked.append(job)
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            act()
        if not self.says:
            return Templates().write(job)
        said = self.says.pop(0)
        if isinstance(said, Exception):
            raise said
        return Written(json.dumps(said), "fake", "scripted", Label.NONE, job.seed, job.digest(), 100, 20, said)


def answer(text: str, **more: Any) -> Mapping[str, Any]:
    """What a model would answer."""
    return {"text": text, "offer_id": None, "handoff": None, "language": "fr", "confidence": 0.9, **more}


@dataclass
class Studio:
    """Nova's side: everything the processes of the house do for one chat account, step by step."""

    world: World
    pack_id: UUID
    writer: Writer = field(default_factory=Writer)
    heard: str = ""

    def scope(self) -> Any:
        """A scope of the chat's own actor."""
        return self.world.database.scope(self.world.tenant_id, "system:chat")

    def handlers(self) -> Mapping[str, Callable[[Any], None]]:
        """Every handler with its collaborators, as wiring binds them; a fresh process each time."""
        tenant, transport, connectors = self.world.tenant, self.world.transport(), self.world.connectors
        mint = partial(minting.mint, key=KEY, own_hosts=("pages.example",))
        carry = partial(
            carrying.carry,
            tenant=tenant,
            transport=transport,
            arm_next=partial(carrying.arm_next, connectors=connectors, mint=mint),
        )
        look = partial(reconciling.look, tenant=tenant, transport=transport, connectors=connectors)
        give_back = partial(controlling.refund, tenant=tenant, transport=transport, connectors=connectors)
        outside = {"tenant": tenant, "transport": transport, "connectors": connectors}
        stop_renewal = partial(controlling.stop_renewal, **outside)  # type: ignore[arg-type]  # one of each
        claim = {"mint": mint, "connectors": connectors}
        return {
            "chat.turn": partial(handling.turn, tenant=tenant, write=self.writer, rails=RAILS),
            "chat.send": partial(handling.send, tenant=tenant, claim=partial(sending.claim, **claim), carry=carry),
            "order.fulfil": partial(
                handling.fulfil, tenant=tenant, claim=partial(fulfilling.claim, **claim), carry=carry
            ),
            "chat.reconcile": partial(handling.reconcile, tenant=tenant, look=look),
            "order.earned": partial(unlocking.earned, tenant=tenant),
            "offer.expire": partial(handling.expire, tenant=tenant),
            "chat.settle": partial(handling.settle_by_word, tenant=tenant),
            "payment.settle": partial(handling.settle_payment, tenant=tenant),
            "order.refund": partial(handling.refund, tenant=tenant, give_back=give_back),
            "subscription.stop": partial(ending.stop, tenant=tenant, ask=stop_renewal),
            "subscription.near": partial(ending.near, tenant=tenant),
            "subscription.end": partial(ending.ended, tenant=tenant),
            "takedown.opened": lambda fact: recalling.give_back(
                events.PackRecalled(fact.tenant_id, fact.subject_id), tenant=tenant
            ),
            "channel.probe": partial(channel_handling.probe, tenant=tenant, transport=transport, connectors=connectors),
        }

    def listen(self) -> None:
        """Hear what fans did, if they did anything; a checkout is answered at once."""
        channel = self.world.channel()
        _, told = self.world.network.api("GET", self.world.account, f"updates?after={self.heard}&wait=0")
        if not told.get("updates"):
            return
        heard = listening.poll(channel, self.heard, transport=self.world.transport(), connectors=CONNECTORS)
        for update in heard.updates:
            if update.kind == "checkout":
                self.checkout(update)
            else:
                self.receive(update)
        self.heard = heard.cursor or self.heard

    def receive(self, update: Update) -> None:
        """Take one thing in, in a transaction of its own."""
        with self.world.tenant(self.world.tenant_id, "system:listening") as scope:
            conversation.receive(scope, self.world.channel(), update, rails=RAILS, environment="test", pages=PAGES)

    def checkout(self, update: Update) -> bool:
        """Answer a checkout as the listening process does; whether it was a yes."""
        channel = self.world.channel()
        query = RAILS["sandbox"].checkout(update, conversation.till(channel))
        with self.scope() as scope:
            verdict = orders.can_pay(scope, query)
        if isinstance(verdict, orders.Yes):
            step = CONNECTORS["sandbox"].checkout_yes(update.ref)  # type: ignore[attr-defined]  # the sandbox sells
            controlling.send(channel, step, transport=self.world.transport())
        return isinstance(verdict, orders.Yes)

    def drain(self, *, hours: float = 0.02, most: int = 200) -> None:
        """Do what is due, letting the house's clock pass over waits up to `hours`; nothing is in flight at the end."""
        left, done = timedelta(hours=hours), []
        for _ in range(most):
            row = self._next()
            if row is None:
                return
            wait = max(row.wait, timedelta())
            if wait > left:
                return
            left -= wait
            if wait:
                self.world.pass_time(wait.total_seconds() + 0.001)
                self.world.network.clock.move(wait.total_seconds())
            done.append(f"{row.kind} +{wait.total_seconds():.0f}s")
            self._handle(row)
        raise AssertionError(f"there is always something to do: {done[-12:]}")

    def _next(self) -> Any:
        """The row a relay would hand out next: the earliest; in a lane what is due by priority, a holder first."""
        with self.scope() as scope:
            return scope.run(
                "SELECT id, kind, subject_id, args, lane, available_at - house_now() AS wait FROM outbox o"
                " WHERE tenant_id = :tenant AND queue IN ('chat', 'urgent', 'facts') AND state = 'waiting'"
                " AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.tenant_id = o.tenant_id AND b.lane = o.lane"
                " AND b.id <> o.id AND b.holds_lane"
                " AND b.tries > 0 AND b.state = 'waiting')"
                " ORDER BY greatest(available_at - house_now(), interval '0'), tries DESC, priority, available_at, id"
                " LIMIT 1",
                tenant=self.world.tenant_id,
            ).one_or_none()

    def _handle(self, row: Any) -> None:
        handler = self.handlers().get(row.kind)
        try:
            if handler is not None:
                handler(outbox.rebuild(EVENTS[row.kind], self.world.tenant_id, row.subject_id, row.args))  # type: ignore[type-var]  # one of many
        except outbox.Later as later:
            with self.scope() as scope:
                scope.run(
                    "UPDATE outbox SET available_at = house_now() + :after, tries = 1 WHERE tenant_id = :tenant"
                    " AND id = :id",
                    after=later.after,
                    tenant=self.world.tenant_id,
                    id=row.id,
                )
            return
        with self.scope() as scope:
            scope.run(
                "DELETE FROM outbox WHERE tenant_id = :tenant AND id = :id", tenant=self.world.tenant_id, id=row.id
            )

    def go(self, *, hours: float = 0.02) -> None:
        """Hear, do, and hear again, until nothing happens any more."""
        for _ in range(4):
            self.listen()
            self.drain(hours=hours)

    # what a fan does, and what they see

    def fan(self, name: str, kind: str, **more: Any) -> None:
        """Let a fan of the sandbox act."""
        status, told = self.world.network.fan(self.world.account, name, kind, **more)
        assert status < 300, told

    def say(self, name: str, text: str) -> None:
        """A fan writes, and the house answers."""
        self.fan(name, "message", text=text)
        self.go()

    def seen(self, name: str) -> list[dict[str, Any]]:
        """What the fan was sent, oldest first, deleted or not."""
        mine = [m for m in self.world.network.truth(self.world.account)["messages"] if m["fan"] == name]
        return [message for message in mine if message["author"] == "creator"]

    def texts(self, name: str) -> list[str]:
        """The texts the fan was sent."""
        return [message["text"] for message in self.seen(name)]

    def thread(self, name: str) -> reads.Thread:
        """The conversation as members see it."""
        with self.scope() as scope:
            found = reads.conversation_of(scope, self.world.channel_id, name)
            assert found is not None
            return reads.thread(scope, found)

    def rows(self, statement: str, **params: Any) -> list[Any]:
        """Rows of a query of the test; `:tenant` is bound."""
        with self.scope() as scope:
            return list(scope.run(statement, tenant=self.world.tenant_id, **params))

    def offer(self, name: str) -> UUID:
        """Show the pack to a fan, as a turn of the model would."""
        thread = self.thread(name)
        with self.scope() as scope:
            talk = conversation.talks.locked(scope, thread.id)
            pack = packs.pack(scope, self.pack_id)
            price = offers.price(scope, self.pack_id, "sandbox", "XTS")
            assert price is not None
            candidate = offers.Candidate(pack.id, pack.version, pack.title, pack.description, pack.rating, price)
            return offers.show(scope, talk, candidate, "sandbox")

    def invoiced(self, name: str) -> UUID:
        """A fan with an order and its invoice before them; the order."""
        self.say(name, "bonjour")
        offer_id = self.offer(name)
        thread = self.thread(name)
        with self.scope() as scope:
            order = orders.accept(scope, conversation.talks.locked(scope, thread.id), offer_id, RAILS["sandbox"])
            assert order is not None
        self.drain()
        return order.id

    def charge(self, name: str, order_id: UUID, charge_id: str, **more: Any) -> PaymentFact:
        """A charge as a rail would report it, without asking the sandbox."""
        values: dict[str, Any] = {"payer": name, "money": Money(500, "XTS"), "order_id": order_id, **more}
        with self.scope() as scope:
            return PaymentFact(
                rail="sandbox",
                till=conversation.till(self.world.channel()),
                charge_id=charge_id,
                product="pack",
                at=scope.now,
                **values,
            )


def nova(database: Database, network: Network, *, rating: Rating = Rating.G, pictures: int = 2) -> Studio:
    """A virtual creator whose persona answers alone, with one pack at 500 XTS and the split of the ledger's table."""
    house = world(database, network, "nova")
    with house.scope() as scope:
        connecting.connect(
            scope,
            creator_id=house.creator_id,
            platform="sandbox",
            surface="sandbox.post",
            chat_surface="sandbox.chat",
            account=house.account,
            name="Essai",
            base_url=network.url,
            token=Sealed(network.tokens[house.account].encode()),
            zone="Europe/Paris",
        )
        scope.run("UPDATE creators SET rating_ceiling = 'E' WHERE tenant_id = :tenant", tenant=house.tenant_id)
        persona.activate(scope, persona.write(scope, house.creator_id, NOVA))
        assets = [picture(house, scope, number, rating) for number in range(pictures)]
        pack_id = packs.make(
            scope,
            creator_id=house.creator_id,
            slug="matin",
            title="Matin calme",
            description="Le port au lever du jour",
            assets=assets,
        )
        offers.set_price(scope, house.creator_id, pack_id, "sandbox", Money(500, "XTS"))
        ledger.set_split(
            scope, house.creator_id, SplitShares(agency=4000, creator=6000, chatter=1000), effective_from=scope.now
        )
    return Studio(house, pack_id)


def picture(house: World, scope: Any, number: int, rating: Rating) -> UUID:
    """A picture of the library, rated; its asset."""
    data = f"picture {number} of {house.tenant_id}".encode()
    digest = hashlib.sha256(data).hexdigest()
    house.files[digest] = data
    asset: UUID = recording.record_asset(
        scope,
        creator_id=house.creator_id,
        origin="upload",
        ai="none",
        engine="camera",
        made_at=scope.now,
        source="capture",
        people_seen=0,
    )
    recording.record_rendition(
        scope, asset, sha256=digest, mime="image/png", size=len(data), width=8, height=8, profile=POST.name
    )
    ratings.rate(scope, digest, rating, source="rule:tests")
    scope.add(
        Creation(
            tenant_id=house.tenant_id,
            id=derived("test", asset),
            creator_id=house.creator_id,
            asset_id=asset,
            source_key=f"file:{digest}",
            sha256=digest,
            engine="camera",
            model="",
            label="",
            prompt="",
            alt=f"picture {number}",
        )
    )
    return asset
