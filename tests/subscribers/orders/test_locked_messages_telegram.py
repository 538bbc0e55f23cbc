"""Locked messages in Telegram: sent once, each purchase booked once from the list of charges."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract.comments import Comment
from foundation.db.database import Database
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from gate.contract.units import Rating
from subscribers.checkout import order_payments, unlocks
from subscribers.comments import incoming_comments
from subscribers.conversations import conversation_rows
from subscribers.inbox import member_actions
from subscribers.orders import queries
from subscribers.orders.events import UnlockCheckDue
from subscribers.orders.states import FulfilmentState, OrderState
from subscribers.rails.stars import StarsRail
from tests.fakes.telegram import paid_media
from tests.fakes.telegram import server as fake
from tests.fakes.telegram.chats import Refusal, Told
from tests.subscribers.stars_builders import PRICE, StarsBot, create_bot


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as started:
        yield started


@dataclass
class Chat:
    """A fan with a pack that a member offered as a locked message."""

    nova: StarsBot
    member: UUID = field(default_factory=uuid7)
    key: UUID = field(default_factory=uuid7)

    def taken(self) -> "Chat":
        """Let the member take over and reply."""
        with self.nova.scope() as scope:
            member_actions.take_over_conversation(scope, self.talk, self.member)
            member_actions.send_member_reply(scope, self.talk, self.member, "Bonsoir", key=uuid7())
        self.nova.drain()
        return self

    def offer(self, *, lock: bool = True) -> None:
        with self.nova.scope() as scope:
            member_actions.send_offer(
                scope,
                self.talk,
                self.member,
                self.nova.pack_id,
                text="voilà",
                key=self.key,
                lock=lock,
            )

    def sent(self) -> "Chat":
        self.offer()
        self.nova.drain()
        return self

    def hears(self) -> None:
        """Receive Telegram's updates; the account's list is due soon."""
        self.nova.listen()
        self.nova.drain()

    def looks(self) -> None:
        tenant = self.nova.world.tenant
        unlocks.check_unlock(
            UnlockCheckDue(self.nova.world.tenant_id, self.order.id),
            tenant=tenant,
            ask=lambda *one: None,
        )

    def opens(self, **more: Any) -> str:
        return paid_media.buy_media(self.nova.stars.world, self.nova.stars.bot, "leo", **more)

    def ends(self) -> None:
        """Let the offer expire."""
        self.nova.later(hours=25)
        with self.nova.scope() as scope:
            order_payments.expire_order(scope, self.order.id)

    @property
    def talk(self) -> UUID:
        return self.nova.thread(str(self.nova.stars.world.person("leo").id)).id

    @property
    def order(self) -> queries.OrderRow:
        with self.nova.scope() as scope:
            (found,) = queries.list_order_rows(scope, [self.nova.world.creator_id])
        return found

    @property
    def shown(self) -> list[Told]:
        chat = self.nova.stars.world.chat(self.nova.stars.bot, "leo")
        return [
            one
            for number, one in chat.messages.items()
            if "paid_media" in one and number not in chat.deleted
        ]

    @property
    def draft(self) -> str:
        return str(
            self.nova.rows(
                "SELECT state FROM drafts WHERE tenant_id = :tenant AND id = :id", id=self.key
            )[0][0]
        )


@pytest.fixture
def leo(database: Database, telegram: fake.TelegramServer) -> Iterator[Chat]:
    nova = create_bot(database, telegram)
    nova.world_says("leo", "bonjour")
    nova.drain()
    yield Chat(nova).taken()
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


def test_unlocked_pack_is_paid_once_and_not_delivered_again(leo: Chat) -> None:
    leo.sent()
    (message,) = leo.shown
    assert (message["paid_media"]["star_count"], message["has_protected_content"]) == (PRICE, True)
    assert message["_payload"] == f"draft:{leo.key}"
    charge = leo.opens()
    with pytest.raises(Refusal):
        leo.opens()
    told = leo.nova.stars.world.log[-1]
    leo.nova.stars.world.again(leo.nova.stars.bot, told, told)
    leo.hears()
    assert leo.nova.payments() == [], "the update is no payment"
    assert leo.nova.rows(
        "SELECT 1 FROM outbox WHERE tenant_id = :tenant AND kind = 'rail.reconcile'"
    )
    for _ in range(2):
        leo.nova.catch_up()
    assert leo.nova.payments() == [("pack", "matched", PRICE, False)]
    assert (leo.order.state, leo.order.push) == (OrderState.FULFILLED, FulfilmentState.DELIVERED)
    assert (leo.nova.pushed(), leo.nova.held(), leo.nova.even(), leo.nova.notices()) == (
        0,
        PRICE,
        True,
        {},
    )
    with leo.nova.scope() as scope:
        payment = leo.nova.rows("SELECT id FROM payments WHERE tenant_id = :tenant")[0].id
        order_payments.request_order_refund(scope, payment, reason=Message("refund.done"))
    leo.nova.drain()
    leo.nova.catch_up()
    backs = [
        one["id"]
        for one in leo.nova.stars.bot.transactions
        if one.get("receiver", {}).get("type") == "user"
    ]
    assert (backs, leo.order.state, leo.nova.held(), leo.nova.even()) == (
        [charge],
        OrderState.REFUNDED,
        0,
        True,
    )


@pytest.mark.parametrize("arrived", [True, False])
def test_lost_response_is_settled_by_a_sale_or_a_member(leo: Chat, arrived: bool) -> None:
    # the world of a bot has faults
    leo.nova.world.fault("reset_after" if arrived else "reset_before", "posts")  # type: ignore[attr-defined]  # see above
    leo.sent()
    assert (leo.draft, len(leo.shown)) == ("uncertain", int(arrived))
    leo.nova.drain(hours=2)
    assert (leo.draft, len(leo.shown)) == ("uncertain", int(arrived)), "never resent automatically"
    if arrived:
        leo.opens()
        leo.hears()
        leo.nova.catch_up()
        assert (leo.draft, leo.order.state) == ("sent", OrderState.FULFILLED)
    else:
        with leo.nova.scope() as scope:
            member_actions.settle_uncertain_message(scope, leo.key, arrived=False)
        leo.nova.drain()
        assert (leo.draft, len(leo.shown)) == ("sent", 1)


def test_unsold_message_is_withdrawn_after_the_list_is_read(leo: Chat) -> None:
    leo.sent()
    leo.ends()
    leo.looks()
    assert len(leo.shown) == 1, "the list was not read since the offer expired"
    leo.nova.catch_up()
    leo.nova.later(minutes=5)
    leo.nova.catch_up()
    leo.looks()
    removal = "SELECT 1 FROM outbox WHERE tenant_id = :tenant AND kind LIKE 'takedown%'"
    assert leo.nova.rows(removal)


def test_message_bought_at_the_last_moment_stays(leo: Chat) -> None:
    leo.sent()
    leo.opens()
    leo.nova.stars.hold_back()
    leo.hears()
    leo.ends()
    leo.nova.catch_up()
    leo.nova.catch_up()
    leo.looks()
    assert not leo.nova.rows(
        "SELECT 1 FROM outbox WHERE tenant_id = :tenant AND kind LIKE 'takedown%'"
    )
    leo.nova.stars.list_late()
    leo.nova.catch_up()
    assert (leo.order.state, leo.nova.payments()) == (
        OrderState.FULFILLED,
        [("pack", "matched", PRICE, False)],
    )


@pytest.mark.parametrize("payload", ["of another agency", "passed on", "more than its price"])
def test_payment_without_a_matching_order_needs_a_member(leo: Chat, payload: str) -> None:
    leo.nova.catch_up()
    leo.nova.later(minutes=1)
    leo.sent()
    stars, words = leo.nova.stars, f"draft:{leo.key}"
    if payload == "of another agency":
        words = f"draft:{uuid7()}"
    stars.tell("leo" if payload != "passed on" else "mia", words)
    stars.media(
        "mia" if payload == "passed on" else "leo",
        PRICE + (payload == "more than its price"),
        words,
    )
    leo.hears()
    leo.nova.catch_up()
    assert [row[1] for row in leo.nova.payments()] == ["orphan"]
    assert (leo.order.state, leo.nova.even()) == (OrderState.INVOICED, True)
    assert "payment.unmatched" in leo.nova.notices()


def test_share_of_a_third_party_is_booked_as_fee(leo: Chat) -> None:
    leo.sent()
    leo.opens(kept=50)
    leo.nova.catch_up()
    assert leo.nova.payments() == [("pack", "matched", PRICE, False)]
    assert (leo.nova.held(), leo.nova.even()) == (PRICE - 50, True)


def test_ineligible_pack_cannot_be_locked(leo: Chat) -> None:
    takes = StarsRail.behind.can_lock_pack
    dear, fair = Money(25_001, "XTR"), Money(25_000, "XTR")
    assert [takes(rating, 10, fair) for rating in Rating] == [
        rating in (Rating.G, Rating.S) for rating in Rating
    ]
    assert [takes(Rating.G, files, cost) for files, cost in ((11, fair), (0, fair), (1, dear))] == [
        False
    ] * 3
    with leo.nova.scope() as scope:
        scope.run(
            "UPDATE prices SET amount_minor = 25001 WHERE tenant_id = :t AND rail = 'stars'",
            t=leo.nova.world.tenant_id,
        )
        assert [
            one.locks
            for one in member_actions.list_offers_for_conversation(
                scope, conversation_rows.get_conversation(scope, leo.talk)
            )
        ] == [False]
    with pytest.raises(NotFound):
        leo.offer()
    leo.offer(lock=False)


def test_opted_out_fans_offer_is_withdrawn(leo: Chat) -> None:
    leo.sent()
    with leo.nova.scope() as scope:
        unlocks.withdraw_locked_messages(
            scope,
            conversation_rows.get_conversation(scope, leo.talk).fan_id,
            Message("draft.opted_out"),
        )
    assert leo.order.state is OrderState.CANCELLED


ACTS = ("opens", "hears", "looks", "again", "ends", "listed")


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(st.sampled_from(ACTS), max_size=7))
def test_sale_in_update_and_list_is_one_in_any_order(
    database: Database, telegram: fake.TelegramServer, acts: list[str]
) -> None:
    nova = create_bot(database, telegram)
    nova.world_says("leo", "bonjour")
    leo = Chat(nova).taken().sent()
    bought = False
    for act in acts:
        if act == "opens":
            if not bought and leo.shown:
                leo.opens()
                bought = True
        elif act == "again":
            log = [one for one in leo.nova.stars.world.log if "purchased_paid_media" in one]
            mine = [
                one
                for one in log
                if one["purchased_paid_media"]["paid_media_payload"] == f"draft:{leo.key}"
            ]
            leo.nova.stars.world.again(leo.nova.stars.bot, *mine)
        elif act == "listed":
            leo.nova.catch_up()
        elif act != "ends" or leo.order.state is OrderState.INVOICED:
            getattr(leo, act)()
    leo.hears()
    leo.nova.catch_up()
    leo.looks()
    assert [row[1] for row in leo.nova.payments()] == ["matched"] * bought
    assert (leo.nova.held(), leo.nova.even()) == (PRICE * bought, True)
    wanted = {OrderState.FULFILLED} if bought else {OrderState.INVOICED, OrderState.EXPIRED}
    assert leo.order.state in wanted


def test_minors_unopened_message_is_withdrawn_wherever_the_age_is_stated(leo: Chat) -> None:
    """This includes comments: unlocking sends no query first, so the message must not stay."""
    leo.sent()
    nova, who = leo.nova, str(leo.nova.stars.world.person("leo").id)
    with nova.scope() as scope:
        incoming_comments.receive_comment(
            scope,
            nova.world.channel(),
            Comment("r-1", who, "leo", "j'ai 15 ans", "p-1", at=scope.now),
        )
    assert leo.order.state is OrderState.CANCELLED
    leo.looks()
    nova.drain()
    (asked,) = nova.rows(
        "SELECT count(*) FROM outbox WHERE tenant_id = :tenant AND kind = 'rail.reconcile'"
    )
    assert asked[0] == 1, "the list is read again before the message is removed"


def test_sales_stop_withdraws_open_offers(leo: Chat) -> None:
    leo.sent()
    with leo.nova.scope() as scope:
        member_actions.set_sales_stop(scope, leo.talk, stop=True, reason="too much")
    assert leo.order.state is OrderState.CANCELLED
    with leo.nova.scope() as scope:
        member_actions.set_sales_stop(scope, leo.talk, stop=False, reason="enough")
    assert leo.order.state is OrderState.CANCELLED
