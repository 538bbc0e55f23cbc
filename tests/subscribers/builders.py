"""A creator with a persona, a pack and a sandbox account, and a driver of its outbox."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from channels.accounts import lifecycle
from channels.listening import listener
from channels.roles.events import ReaderRoleDue
from channels.sending import account_actions, reconciliation, step_runner
from channels.sending import handlers as channel_handling
from channels.sending.events import BrakeProbeDue
from connectors.contract.chats import ChatUpdate
from foundation.db.database import Database
from foundation.ids import derived_uuid
from foundation.money import Money
from foundation.outbox import outbox
from foundation.sealed import Sealed
from gate.assets import asset_records
from gate.contract.units import Rating
from gate.permits import issuance
from gate.removal.events import TakedownOpened
from gate.viewers.events import ViewerChanged
from generators.contract.engines import GeneratedText, OriginLabel, TextJob
from generators.engines.text.templates import TemplateEngine
from generators.media.pictures import POST_PROFILE
from studio.library.models import CreationRow
from studio.packs import packs
from subscribers.catalog import offers
from subscribers.catalog.prices import get_price, set_price
from subscribers.checkout import order_payments, subscription_endings, unlocks
from subscribers.checkout.events import EarningListed, OrderPaid, PaymentSettle
from subscribers.conversations import events, queries
from subscribers.delivery import message_delivery, pack_delivery
from subscribers.fans.events import FanOptedOut
from subscribers.intake import handlers, update_intake
from subscribers.ledger import entries
from subscribers.ledger.entries import SplitShares
from subscribers.orders import recalls
from subscribers.orders.events import (
    OfferExpire,
    OrderFulfil,
    OrderRefund,
    OrderRefunded,
    PackRecalled,
)
from subscribers.rails import installed_rails
from subscribers.rails.contract import PaymentFact, Rails, till_of_channel
from subscribers.replies import persona
from subscribers.replies.persona import PersonaVersion
from subscribers.subscriptions.events import (
    RoleCheckDue,
    SubscriptionEnd,
    SubscriptionNear,
    SubscriptionStop,
)
from tests.channels.builders import CONNECTORS, KEY, World, world
from tests.fakes.sandbox import RunningSandbox
from tests.gate.answers import rate_and_answer

RAILS: Rails = installed_rails.load_rails(b"k" * 32)
PAGES = "https://pages.example"
NOVA = PersonaVersion(
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
        events.UncertainMessageResolved,
        PaymentSettle,
        OfferExpire,
        EarningListed,
        OrderFulfil,
        OrderRefund,
        OrderPaid,
        OrderRefunded,
        RoleCheckDue,
        ReaderRoleDue,
        ViewerChanged,
        SubscriptionStop,
        SubscriptionNear,
        SubscriptionEnd,
        FanOptedOut,
        BrakeProbeDue,
        TakedownOpened,
    )
}


@dataclass
class ScriptedModel:
    """A model that gives scripted answers, or those of the template engine if none are scripted."""

    says: list[Any] = field(default_factory=list)
    asked: list[TextJob] = field(default_factory=list)
    meanwhile: Callable[[], None] | None = None

    def __call__(self, job: TextJob) -> GeneratedText:
        self.asked.append(job)
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            act()
        if not self.says:
            return TemplateEngine().write(job)
        said = self.says.pop(0)
        if isinstance(said, Exception):
            raise said
        return GeneratedText(
            json.dumps(said),
            "fake",
            "scripted",
            OriginLabel.NONE,
            job.seed,
            job.digest(),
            100,
            20,
            said,
        )


def build_model_reply(text: str, **more: Any) -> Mapping[str, Any]:
    """Return the answer of a model."""
    return {
        "text": text,
        "offer_id": None,
        "handoff": None,
        "language": "fr",
        "confidence": 0.9,
        **more,
    }


@dataclass
class Studio:
    """Nova's studio: runs every process of the installation for one chat account, step by step."""

    world: World
    pack_id: UUID
    writer: ScriptedModel = field(default_factory=ScriptedModel)
    heard: str = ""

    def scope(self) -> Any:
        """Open a scope of the chat's actor."""
        return self.world.database.scope(self.world.tenant_id, "system:chat")

    def handlers(self) -> Mapping[str, Callable[[Any], None]]:
        """Return every handler with its collaborators, bound as in wiring; as a fresh process each
        time."""
        tenant = self.world.tenant
        transport = self.world.transport()
        connectors = self.world.connectors
        mint = partial(issuance.mint_permit, key=KEY, own_hosts=("pages.example",))
        carry = partial(
            step_runner.run_steps,
            tenant=tenant,
            transport=transport,
            arm_next=partial(step_runner.prepare_next_step, connectors=connectors, mint=mint),
        )
        look = partial(
            reconciliation.look_up_attempt,
            tenant=tenant,
            transport=transport,
            connectors=connectors,
        )
        give_back = partial(
            account_actions.refund_payment,
            tenant=tenant,
            transport=transport,
            connectors=connectors,
        )
        claim = {"mint": mint, "connectors": connectors}
        return {
            "chat.turn": partial(
                handlers.generate_reply, tenant=tenant, write=self.writer, rails=RAILS
            ),
            "chat.send": partial(
                handlers.send_message,
                tenant=tenant,
                claim=partial(message_delivery.claim_message, **claim),
                carry=carry,
            ),
            "order.fulfil": partial(
                handlers.deliver_pack,
                tenant=tenant,
                claim=partial(pack_delivery.claim_pack_delivery, **claim),
                carry=carry,
            ),
            "chat.reconcile": partial(handlers.reconcile_message, tenant=tenant, look=look),
            "order.earned": partial(unlocks.record_listed_sale, tenant=tenant),
            "offer.expire": partial(handlers.expire_offer, tenant=tenant),
            "chat.settle": partial(handlers.resolve_uncertain_message, tenant=tenant),
            "payment.settle": partial(handlers.assign_unmatched_payment, tenant=tenant),
            "order.refund": partial(
                handlers.refund_order_payment, tenant=tenant, give_back=give_back
            ),
            **self._subscription_handlers(),
            "takedown.opened": lambda fact: recalls.refund_recalled_pack(
                PackRecalled(fact.tenant_id, fact.subject_id), tenant=tenant
            ),
            "channel.probe": partial(
                channel_handling.probe_platform,
                tenant=tenant,
                transport=transport,
                connectors=connectors,
            ),
        }

    def _subscription_handlers(self) -> Mapping[str, Callable[[Any], None]]:
        tenant = self.world.tenant
        stop_renewal = partial(
            account_actions.stop_subscription_renewal,
            tenant=tenant,
            transport=self.world.transport(),
            connectors=self.world.connectors,
        )
        return {
            "subscription.stop": partial(
                subscription_endings.stop_renewal, tenant=tenant, ask=stop_renewal
            ),
            "subscription.near": partial(
                subscription_endings.remind_of_subscription_end, tenant=tenant
            ),
            "subscription.end": partial(
                subscription_endings.handle_subscription_end, tenant=tenant
            ),
        }

    def listen(self) -> None:
        """Receive the fans' updates, if there are any, and answer a checkout at once."""
        channel = self.world.channel()
        _, told = self.world.network.api(
            "GET", self.world.account, f"updates?after={self.heard}&wait=0"
        )
        if not told.get("updates"):
            return
        heard = listener.poll_updates(
            channel, self.heard, transport=self.world.transport(), connectors=CONNECTORS
        )
        for update in heard.updates:
            if update.kind == "checkout":
                self.checkout(update)
            else:
                self.receive(update)
        self.heard = heard.cursor or self.heard

    def receive(self, update: ChatUpdate) -> None:
        """Receive one update in one transaction."""
        with self.world.tenant(self.world.tenant_id, "system:listening") as scope:
            update_intake.receive_update(
                scope, self.world.channel(), update, rails=RAILS, environment="test", pages=PAGES
            )

    def checkout(self, update: ChatUpdate) -> bool:
        """Answer a checkout as the listening process does; return True if it was accepted."""
        channel = self.world.channel()
        query = RAILS["sandbox"].checkout(update, till_of_channel(channel))
        with self.scope() as scope:
            verdict = order_payments.answer_checkout_query(scope, query)
        if isinstance(verdict, order_payments.PaymentAllowed):
            # this connector accepts checkouts
            step = CONNECTORS["sandbox"].accept_checkout(update.ref)  # type: ignore[attr-defined]  # see above
            account_actions.send_control_step(channel, step, transport=self.world.transport())
        return isinstance(verdict, order_payments.PaymentAllowed)

    def drain(self, *, hours: float = 0.02, most: int = 200) -> None:
        """Run everything due, advancing the clock over waits of up to `hours`; nothing is in
        progress at the end."""
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
                self.world.network.clock.advance(wait.total_seconds())
            done.append(f"{row.kind} +{wait.total_seconds():.0f}s")
            self._handle(row)
        raise AssertionError(f"the outbox never becomes empty: {done[-12:]}")

    def _next(self) -> Any:
        """Return the row that a relay would claim next: the earliest; within a lane by priority, a
        lease holder first."""
        with self.scope() as scope:
            return scope.run(
                "SELECT id, kind, subject_id, args, lane, available_at - house_now() AS wait FROM "
                "outbox o"
                " WHERE tenant_id = :tenant AND queue IN ('chat', 'urgent', 'facts') AND state = "
                "'waiting'"
                " AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.tenant_id = o.tenant_id AND "
                "b.lane = o.lane"
                " AND b.id <> o.id AND b.holds_lane"
                " AND b.tries > 0 AND b.state = 'waiting')"
                " ORDER BY greatest(available_at - house_now(), interval '0'), tries DESC, "
                "priority, available_at, id"
                " LIMIT 1",
                tenant=self.world.tenant_id,
            ).one_or_none()

    def _handle(self, row: Any) -> None:
        handler = self.handlers().get(row.kind)
        try:
            if handler is not None:
                handler(
                    outbox.rebuild_event(
                        EVENTS[row.kind], self.world.tenant_id, row.subject_id, row.args
                    )
                )  # type: ignore[type-var]  # one of many
        except outbox.RetryLater as later:
            with self.scope() as scope:
                scope.run(
                    "UPDATE outbox SET available_at = house_now() + :after, tries = 1 WHERE "
                    "tenant_id = :tenant"
                    " AND id = :id",
                    after=later.after,
                    tenant=self.world.tenant_id,
                    id=row.id,
                )
            return
        with self.scope() as scope:
            scope.run(
                "DELETE FROM outbox WHERE tenant_id = :tenant AND id = :id",
                tenant=self.world.tenant_id,
                id=row.id,
            )

    def go(self, *, hours: float = 0.02) -> None:
        """Receive and process updates until nothing more happens."""
        for _ in range(4):
            self.listen()
            self.drain(hours=hours)

    # actions of fans, and what they see

    def fan(self, name: str, kind: str, **more: Any) -> None:
        """Perform an action as a fan of the sandbox."""
        status, told = self.world.network.fan(self.world.account, name, kind, **more)
        assert status < 300, told

    def say(self, name: str, text: str) -> None:
        """Send a message as a fan, and process it."""
        self.fan(name, "message", text=text)
        self.go()

    def seen(self, name: str) -> list[dict[str, Any]]:
        """Return the messages sent to the fan, oldest first, including deleted ones."""
        mine = [
            m for m in self.world.network.truth(self.world.account)["messages"] if m["fan"] == name
        ]
        return [message for message in mine if message["author"] == "creator"]

    def texts(self, name: str) -> list[str]:
        """Return the texts sent to the fan."""
        return [message["text"] for message in self.seen(name)]

    def thread(self, name: str) -> queries.ConversationThread:
        """Return the conversation as members see it."""
        with self.scope() as scope:
            found = queries.find_conversation(scope, self.world.channel_id, name)
            assert found is not None
            return queries.thread(scope, found)

    def rows(self, statement: str, **params: Any) -> list[Any]:
        """Return the rows of a query; `:tenant` is bound."""
        with self.scope() as scope:
            return list(scope.run(statement, tenant=self.world.tenant_id, **params))

    def offer(self, name: str) -> UUID:
        """Offer the pack to a fan, as a reply of the model would."""
        thread = self.thread(name)
        with self.scope() as scope:
            talk = update_intake.conversation_rows.lock_conversation(scope, thread.id)
            pack = packs.get_pack(scope, self.pack_id)
            price = get_price(scope, self.pack_id, "sandbox", "XTS")
            assert price is not None
            candidate = offers.OfferCandidate(
                pack.id, pack.version, pack.title, pack.description, pack.rating, price
            )
            return offers.create_offer(scope, talk, candidate, "sandbox")

    def invoiced(self, name: str) -> UUID:
        """Create an order with an invoice for a fan; return the order's ID."""
        self.say(name, "bonjour")
        offer_id = self.offer(name)
        thread = self.thread(name)
        with self.scope() as scope:
            order = order_payments.accept_offer(
                scope,
                update_intake.conversation_rows.lock_conversation(scope, thread.id),
                offer_id,
                RAILS["sandbox"],
            )
            assert order is not None
        self.drain()
        return order.id

    def charge(self, name: str, order_id: UUID, charge_id: str, **more: Any) -> PaymentFact:
        """Return a charge as a rail would report it, without calling the sandbox."""
        values: dict[str, Any] = {
            "payer": name,
            "money": Money(500, "XTS"),
            "order_id": order_id,
            **more,
        }
        with self.scope() as scope:
            return PaymentFact(
                rail="sandbox",
                till=till_of_channel(self.world.channel()),
                charge_id=charge_id,
                product="pack",
                at=scope.now,
                **values,
            )


def create_nova(
    database: Database, network: RunningSandbox, *, rating: Rating = Rating.G, pictures: int = 2
) -> Studio:
    """Create a virtual creator on autopilot, with a pack at 500 XTS and a revenue split."""
    house = world(database, network, "nova")
    with house.scope() as scope:
        lifecycle.connect_account(
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
        scope.run(
            "UPDATE creators SET rating_ceiling = 'E' WHERE tenant_id = :tenant",
            tenant=house.tenant_id,
        )
        persona.activate_persona(
            scope, persona.create_persona_version(scope, house.creator_id, NOVA)
        )
        assets = [picture(house, scope, number, rating) for number in range(pictures)]
        pack_id = packs.create_pack(
            scope,
            creator_id=house.creator_id,
            slug="matin",
            title="Matin calme",
            description="Le port au lever du jour",
            assets=assets,
        )
        set_price(scope, house.creator_id, pack_id, "sandbox", Money(500, "XTS"))
        entries.set_revenue_split(
            scope,
            house.creator_id,
            SplitShares(agency=4000, creator=6000, chatter=1000),
            effective_from=scope.now,
        )
    return Studio(house, pack_id)


def picture(house: World, scope: Any, number: int, rating: Rating) -> UUID:
    """Create a rated picture in the library; return its asset."""
    data = f"picture {number} of {house.tenant_id}".encode()
    digest = hashlib.sha256(data).hexdigest()
    house.files[digest] = data
    asset: UUID = asset_records.record_asset(
        scope,
        creator_id=house.creator_id,
        origin="upload",
        ai="none",
        engine="camera",
        made_at=scope.now,
        source="capture",
        people_seen=0,
    )
    asset_records.record_rendition(
        scope,
        asset,
        sha256=digest,
        mime="image/png",
        size=len(data),
        width=8,
        height=8,
        profile=POST_PROFILE.name,
    )
    rate_and_answer(scope, digest, rating, source="rule:tests")
    scope.add(
        CreationRow(
            tenant_id=house.tenant_id,
            id=derived_uuid("test", asset),
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
