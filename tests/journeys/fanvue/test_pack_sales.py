"""A pack sold to a fan on Fanvue: one message is offer, invoice and delivery. On real PostgreSQL
and over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from gate.contract.units import Subject
from gate.copies import live_copies
from gate.removal import recall
from studio.packs import packs
from subscribers.catalog.prices import set_price
from subscribers.checkout import order_payments, platform_earnings
from subscribers.checkout.events import EarningsDue
from subscribers.checkout.platform_earnings import EarningsPace
from subscribers.inbox import member_actions
from subscribers.ledger import entries
from subscribers.orders import queries
from subscribers.orders.states import FulfilmentState, OrderState, RefundState
from subscribers.replies import persona
from tests.fakes.fanvue.state import Fan
from tests.fakes.fanvue.state import Message as Sent
from tests.journeys.oauth_accounts import OAuthAccount
from tests.subscribers.builders import NOVA
from workers.listeners.factory import make_listener
from workers.listeners.polling import AccountListener

pytestmark = pytest.mark.heavy

PRICE = Money(1250, "USD")


@dataclass
class Selling:
    """Léa's account, a fan whose chat a member took over, and a pack at 12.50 USD."""

    at: OAuthAccount
    leo: Fan
    pack_id: UUID
    talk: UUID

    def offered(self, text: str = "Regarde ce que j’ai pris") -> UUID:
        """Offer the pack as a member and return the key of the action."""
        key = uuid7()
        with self.at.desk.scope(self.at.author) as scope:
            member_actions.send_offer(
                scope, self.talk, self.at.desk.author, self.pack_id, text=text, key=key
            )
        return key

    def locked(self) -> list[Sent]:
        """Return the paid messages that the fan sees."""
        return [one for one in self.at.member.chats[self.leo.id] if one.price is not None]

    def sent(self) -> Sent:
        (found,) = self.locked()
        return found

    def sold(self) -> queries.OrderRow:
        """Return the only order."""
        with self.at.desk.scope() as scope:
            (found,) = queries.list_order_rows(scope, [self.at.desk.creator_id])
        return found

    def story(self) -> queries.OrderHistory:
        with self.at.desk.scope() as scope:
            return queries.load_order_history(scope, self.sold().id)

    def hears(self) -> None:
        """Poll the account once."""
        ear = make_listener(self.at.desk.services, self.at.channel())
        assert type(ear) is AccountListener
        ear.poll_once()

    def reads(self) -> None:
        """Read all earnings an hour later, in one step."""
        self.later(hours=1)
        services, event = (
            self.at.desk.services,
            EarningsDue(self.at.desk.tenant_id, self.at.channel().id),
        )
        told = {
            "ask": services.read_earnings,
            "earns": services.earnings_platforms,
            "summed": lambda *_: None,
        }
        platform_earnings.read_earnings(
            event,
            tenant=services.tenant,
            pace=EarningsPace(first=timedelta(days=2), questions=500),
            **told,
        )
        self.at.live(minutes=1)

    def later(self, **by: float) -> None:
        """Advance both clocks in two steps and run the due work after each."""
        for _ in range(2):
            self.at.desk.pass_time(seconds=timedelta(**by).total_seconds() / 2)
            self.at.server.clock.advance(timedelta(**by).total_seconds() / 2)
            self.at.live(minutes=1)

    def rows(self, statement: str) -> list[Any]:
        with self.at.desk.scope() as scope:
            return list(scope.run(statement, tenant=self.at.desk.tenant_id))

    def gross(self) -> tuple[int, int]:
        """Return the sales and the refunds of the ledger in cents."""
        with self.at.desk.scope() as scope:
            sales, back = (
                entries.account_balance(scope, account).get("USD", 0)
                for account in (entries.SALES_ACCOUNT, entries.REFUNDS_ACCOUNT)
            )
            tills = queries.check_rail_balances(scope, [self.at.desk.creator_id])
        assert all(one.booked == one.moved for one in tills), tills
        return -sales, back

    def spent(self) -> Any:
        (row,) = self.rows(
            "SELECT spent, buys FROM fan_facts WHERE tenant_id = :tenant AND messages_in > 0"
        )
        return row.spent.get("USD", 0), row.buys


@pytest.fixture
def lea(house: OAuthAccount) -> Iterator[Selling]:
    made, server, member = house.desk, house.server, house.member
    with made.scope() as scope:
        persona.activate_persona(
            scope, persona.create_persona_version(scope, made.creator_id, NOVA)
        )
    leo = server.fan("leo", member)
    house.enrol()
    pictures = [made.photo(number) for number in range(2)]
    with made.scope() as scope:
        pack_id = packs.create_pack(
            scope,
            creator_id=made.creator_id,
            slug="matin",
            title="Matin calme",
            description="",
            assets=pictures,
        )
        set_price(scope, made.creator_id, pack_id, "fanvue", PRICE)
    selling = Selling(house, leo, pack_id, UUID(int=0))
    selling.hears()
    house.live(minutes=2)
    server.says(leo, member, "bonjour")
    selling.hears()
    house.live(minutes=1)
    (talk,) = selling.rows("SELECT id FROM conversations WHERE tenant_id = :tenant")
    selling.talk = talk.id
    with made.scope(house.author) as scope:
        member_actions.take_over_conversation(scope, talk.id, made.author)
    yield selling
    server.tells_unlocked = True


def test_pack_is_sent_as_one_paid_message(lea: Selling) -> None:
    lea.at.server.slow = 2
    lea.offered()
    lea.at.live(minutes=2)
    sent = lea.sent()
    assert (sent.text, sent.price, len(sent.media)) == ("Regarde ce que j’ai pris", PRICE.minor, 2)
    assert lea.sold().state is OrderState.INVOICED
    assert lea.gross() == (0, 0)


def test_sale_seen_in_the_chat_is_delivered_at_once_and_booked_once(lea: Selling) -> None:
    lea.offered()
    lea.at.live(minutes=1)
    lea.at.server.buys(lea.at.member, lea.sent().id)
    lea.hears()
    lea.at.live(minutes=0.1)
    assert (lea.sold().state, lea.sold().push) == (OrderState.FULFILLED, FulfilmentState.DELIVERED)
    assert lea.gross() == (0, 0), "only the platform's earnings are booked"
    lea.reads()
    lea.hears()
    lea.reads()
    assert lea.gross() == (PRICE.minor, 0)
    assert lea.spent() == (PRICE.minor, 1)
    story = lea.story()
    assert [charge.money for charge in story.charges] == [PRICE]
    assert (
        sum(line.money.minor for line in story.booked if line.account == entries.SALES_ACCOUNT)
        == -PRICE.minor
    )
    assert {"offered", "invoiced", "ordered", "paid", "push_delivered"} == {
        step.what for step in story.steps
    }


@pytest.mark.parametrize("said", ["I'm 15, is that ok?", "je veux mourir"])
def test_offer_to_a_minor_or_a_fan_in_crisis_is_withdrawn(lea: Selling, said: str) -> None:
    lea.offered()
    lea.at.live(minutes=1)
    assert lea.locked()
    lea.at.server.says(lea.leo, lea.at.member, said)
    lea.hears()
    lea.at.live(minutes=1)
    assert lea.locked() == []
    assert lea.sold().state is OrderState.CANCELLED


def test_sale_without_a_chat_event_is_found_by_lookup(lea: Selling) -> None:
    lea.at.server.tells_unlocked = False
    lea.offered()
    lea.at.live(minutes=4)
    lea.at.server.buys(lea.at.member, lea.sent().id)
    lea.later(minutes=20)
    assert lea.sold().state is OrderState.FULFILLED


def test_sale_is_found_from_earnings_alone(lea: Selling) -> None:
    lea.at.server.tells_unlocked = False
    lea.offered()
    lea.at.live(minutes=1)
    lea.at.server.buys(lea.at.member, lea.sent().id)
    lea.at.server.book.schedule_fault("status:503", on="lookups", times=500)
    lea.reads()
    assert lea.sold().state is OrderState.FULFILLED
    lea.at.server.book.clear_faults()
    lea.later(hours=1)
    lea.reads()
    assert lea.gross() == (PRICE.minor, 0)
    assert lea.spent() == (PRICE.minor, 1)


@pytest.mark.parametrize("source", ["refund", "chargeback"])
@pytest.mark.parametrize("looked", [True, False])
def test_refund_or_chargeback_closes_the_order_once(
    lea: Selling, source: str, looked: bool
) -> None:
    server, member = lea.at.server, lea.at.member
    server.tells_unlocked = looked
    lea.offered()
    lea.at.live(minutes=1)
    server.buys(member, lea.sent().id)
    if looked:
        lea.hears()
        lea.at.live(minutes=1)
        lea.reads()
    else:
        server.book.schedule_fault("status:503", on="lookups", times=500)
    (sale,) = server.till.paid[member.id]
    server.till.give_back(member, sale, source)
    lea.reads()
    server.book.clear_faults()
    lea.reads()
    lea.hears()
    lea.later(hours=1)
    assert (lea.sold().state, lea.sold().refund) == (OrderState.REFUNDED, RefundState.DONE)
    assert lea.gross() == (PRICE.minor, PRICE.minor)
    assert lea.spent() == (0, 0)


@pytest.mark.parametrize(
    "mode", ["reset_after", "accept_then_hang", "status:503_after", "reset_before", "garbage"]
)
def test_offer_with_a_lost_response_is_sent_once_and_sold(lea: Selling, mode: str) -> None:
    with lea.at.desk.scope(
        lea.at.author
    ) as scope:  # the AI notice precedes the first message: its response is not lost
        member_actions.send_member_reply(
            scope, lea.talk, lea.at.desk.author, "Un instant", key=uuid7()
        )
    lea.at.live(minutes=1)
    lea.at.server.book.schedule_fault(mode, on="messages", seconds=0.2, times=1)
    lea.offered(f"perdu {mode}")
    lea.at.live(minutes=10)
    sent = [text for _, text in lea.at.member.sent].count(f"perdu {mode}")
    if mode == "reset_before":  # Without a key, it is never repeated: a member decides.
        assert sent == 0
        assert lea.rows(
            "SELECT 1 FROM drafts WHERE tenant_id = :tenant AND kind = 'locked'"
            " AND state = 'uncertain'"
        )
        return
    assert sent == 1
    lea.at.server.buys(lea.at.member, lea.sent().id)
    lea.hears()
    lea.at.live(minutes=2)
    lea.reads()
    assert lea.sold().state is OrderState.FULFILLED
    assert lea.gross() == (PRICE.minor, 0)


def test_unsold_offer_is_withdrawn_at_expiry(lea: Selling) -> None:
    lea.offered()
    lea.at.live(minutes=1)
    lea.later(days=3)
    lea.later(minutes=40)
    assert lea.sold().state is OrderState.EXPIRED
    assert lea.locked() == []
    assert lea.rows("SELECT 1 FROM outbox WHERE tenant_id = :tenant AND kind = 'order.look'") == []


def test_offer_bought_during_withdrawal_remains_sold(lea: Selling) -> None:
    lea.offered()
    lea.at.live(minutes=1)
    lea.at.server.tells_unlocked = False
    sent = lea.sent()
    lea.at.desk.pass_time(seconds=timedelta(days=3).total_seconds())
    lea.at.server.clock.advance(timedelta(days=3).total_seconds())
    with lea.at.desk.scope() as scope:
        order_payments.expire_order(scope, lea.sold().id)
    server = lea.at.server
    server.before_delete = lambda: server.buys(lea.at.member, sent.id)
    for _ in range(3):
        lea.later(hours=1)
    assert lea.locked() == [sent]
    assert sent.bought is not None
    assert lea.sold().state is OrderState.FULFILLED
    assert not any(cause.startswith("copy:") for cause in lea.at.desk.notices())


def test_recalled_offer_is_withdrawn_before_payment(lea: Selling) -> None:
    key = lea.offered()
    lea.at.live(minutes=1)
    with lea.at.desk.scope() as scope:
        recall.open_takedowns(
            scope, live_copies.list_copies(scope, Subject("draft", key)), Message("recall.shown")
        )
    lea.later(minutes=20)
    assert lea.locked() == []
    assert lea.sold().state is OrderState.CANCELLED


def test_recalled_sold_pack_must_be_refunded_by_a_member(lea: Selling) -> None:
    key = lea.offered()
    lea.at.live(minutes=1)
    lea.at.server.buys(lea.at.member, lea.sent().id)
    lea.hears()
    lea.at.live(minutes=1)
    with lea.at.desk.scope() as scope:
        recall.open_takedowns(
            scope, live_copies.list_copies(scope, Subject("draft", key)), Message("recall.shown")
        )
    lea.at.live(minutes=5)
    assert lea.sold().refund is RefundState.FAILED
    assert "refund.at_platform" in lea.at.desk.notices().values()
    assert lea.gross() == (0, 0)


def test_pack_changed_after_the_offer_is_not_sent(lea: Selling) -> None:
    lea.offered()
    with lea.at.desk.scope() as scope:
        packs.replace_pack_items(scope, lea.pack_id, [lea.at.desk.photo(7)])
    lea.at.live(minutes=2)
    assert lea.locked() == []
    assert lea.sold().state is OrderState.REFUSED
