"""Locked messages: a sale seen in the chat and listed in any order is one payment, booked once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract.connector import PlatformCopy
from connectors.contract.paid_media import PaidMessageStatus
from foundation.errors import BadInput
from foundation.ids import uuid7
from foundation.money import Money
from insights.reports import daily_report
from insights.rollups import daily_rollups
from studio.packs import packs
from subscribers.catalog import offers
from subscribers.catalog.prices import set_price
from subscribers.checkout import unlocks
from subscribers.checkout.events import EarningListed
from subscribers.conversations import conversation_rows, outgoing_messages
from subscribers.conversations.states import DraftState
from subscribers.ledger import entries
from subscribers.orders import locked_messages, queries
from subscribers.orders.events import UnlockCheckDue
from subscribers.orders.states import FulfilmentState, OrderState, RefundState
from subscribers.rails.fanvue import FanvueRail
from tests.fakes.fanvue.earnings import Earning
from tests.fakes.fanvue.state import Fan
from tests.subscribers.builders import Studio
from tests.subscribers.earnings_builders import EarningsAccount

PRICE = Money(1250, "USD")
_numbers = count(1)


@dataclass
class Offered:
    """A pack offered to a fan as a locked message, on an account whose platform sells it."""

    till: EarningsAccount
    name: str = field(default_factory=lambda: f"fan{next(_numbers)}")
    key: UUID = field(default_factory=uuid7)
    message: str = field(default_factory=lambda: f"message-{uuid7()}")
    sale: Earning | None = None
    bought: bool = False

    def __post_init__(self) -> None:
        studio = self.till.studio
        studio.say(self.name, "bonjour")
        with studio.scope() as scope:
            talk = conversation_rows.lock_conversation(scope, studio.thread(self.name).id)
            pack = packs.get_pack(scope, studio.pack_id)
            chosen = offers.OfferCandidate(
                pack.id, pack.version, pack.title, pack.description, pack.rating, PRICE
            )
            locked_messages.send_locked_offer(
                scope, talk, chosen, FanvueRail, text="voilà", key=self.key, by="member:anne"
            )

    def sends(self) -> None:
        """Mark the message as sent."""
        with self.till.studio.scope() as scope:
            row = outgoing_messages.get_draft(scope, self.key, lock=True)
            outgoing_messages.transition_draft(scope, row, DraftState.SENDING)
            outgoing_messages.transition_draft(scope, row, DraftState.SENT)
            row.native_id = self.message
            scope.add(row)
            locked_messages.record_locked_message_sent(scope, row)

    @property
    def order(self) -> queries.OrderRow:
        with self.till.studio.scope() as scope:
            found = queries.list_order_rows(scope, [self.till.studio.world.creator_id])
        (mine,) = [one for one in found if one.fan == self.name]
        return mine

    # events, in any order

    def buys(self) -> None:
        self.bought = True

    def appears(self) -> None:
        """Add the sale to the platform's list, possibly before it is seen in the chat."""
        if self.sale is None:
            self.bought = True
            self.sale = self.till.earn(PRICE.minor, 1000, "message", message=self.message)

    def goes_back(self) -> None:
        self.appears()
        if self.sale is not None and not any(one.reverses == self.sale.order for one in self.rows):
            self.till.later(hours=1)
            self.till.till.give_back(self.till.member, self.sale)

    def looks(self) -> None:
        unlocks.check_unlock(
            UnlockCheckDue(self._tenant, self.order.id),
            tenant=self.till.studio.world.tenant,
            ask=self._stands,
        )

    def reads(self) -> None:
        self.till.later(hours=1)
        self.till.catch_up()
        self.till.studio.drain()

    def rests(self) -> None:
        self.till.later(hours=80)
        self.till.studio.drain()

    @property
    def rows(self) -> list[Earning]:
        return self.till.till.paid.get(self.till.member.id, [])

    @property
    def _tenant(self) -> UUID:
        return self.till.studio.world.tenant_id

    def _stands(
        self, tenant: UUID, channel: UUID, copy: PlatformCopy, since: object
    ) -> PaidMessageStatus | None:
        assert copy.native_id == self.message
        return PaidMessageStatus("paid") if self.bought else PaidMessageStatus("unpaid")

    def booked(self) -> tuple[int, int]:
        """Return the booked sales and refunds of this order."""
        with self.till.studio.scope() as scope:
            lines = queries.load_order_history(scope, self.order.id).booked
        sums = [
            sum(one.money.minor for one in lines if one.account == name)
            for name in (entries.SALES_ACCOUNT, entries.REFUNDS_ACCOUNT)
        ]
        return -sums[0], sums[1]

    def spent(self) -> tuple[int, int]:
        (row,) = self.till.studio.rows(
            "SELECT x.spent, x.buys FROM fan_facts x JOIN fans f ON f.tenant_id = x.tenant_id AND "
            "f.id = x.fan_id"
            " WHERE x.tenant_id = :tenant AND f.display_name = :name",
            name=self.name,
        )
        return row.spent.get("USD", 0), row.buys


@pytest.fixture
def till(studio: Studio) -> Iterator[EarningsAccount]:
    account = EarningsAccount(studio)
    account.fans = [Fan("f-1", "leo")]
    account.later(hours=1)
    yield account
    with studio.scope() as scope:
        assert all(
            one.booked == one.moved
            for one in queries.check_rail_balances(scope, [studio.world.creator_id])
        )


ACTS = ("buys", "appears", "goes_back", "looks", "reads", "rests")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(st.sampled_from(ACTS), max_size=8))
def test_sale_is_booked_once_in_any_order_of_events(till: EarningsAccount, acts: list[str]) -> None:
    till.till.paid.clear()
    offered = Offered(till)
    offered.sends()
    for act in acts:
        getattr(offered, act)()
    expired = offered.order.state is OrderState.EXPIRED
    if offered.bought:
        offered.appears()
    for _ in range(2):
        offered.looks()
        offered.reads()
    order, back = offered.order, any(one.reverses for one in offered.rows)
    charges = till.studio.rows(
        "SELECT kind FROM payments WHERE tenant_id = :tenant AND order_id = :id", id=order.id
    )
    assert len(charges) == (1 if offered.bought else 0)
    assert offered.booked() == (PRICE.minor if offered.bought else 0, PRICE.minor if back else 0)
    assert offered.spent() == ((0, 0) if back or not offered.bought else (PRICE.minor, 1))
    if back:
        assert (order.state, order.refund) == (OrderState.REFUNDED, RefundState.DONE)
    elif offered.bought:
        assert (order.state, order.push) == (OrderState.FULFILLED, FulfilmentState.DELIVERED)
    else:
        assert order.state in (OrderState.INVOICED, OrderState.EXPIRED)
        assert not expired or order.state is OrderState.EXPIRED


@pytest.mark.parametrize("at", range(1, 8))
def test_crash_while_detecting_a_sale_records_one_sale_or_none(
    till: EarningsAccount, at: int
) -> None:
    offered = Offered(till)
    offered.sends()
    offered.appears()
    with till.dying(at):
        offered.looks()
    assert offered.order.state in (OrderState.INVOICED, OrderState.FULFILLED)
    with till.dying(at):
        offered.reads()
    offered.looks()
    offered.reads()
    assert offered.order.state is OrderState.FULFILLED
    assert offered.booked() == (PRICE.minor, 0)
    assert offered.spent() == (PRICE.minor, 1)


def test_fan_keeps_the_pack_after_a_partial_refund(till: EarningsAccount) -> None:
    offered = Offered(till)
    offered.sends()
    offered.appears()
    assert offered.sale is not None
    offered.reads()
    till.later(hours=1)
    till.till.give_back(till.member, offered.sale, gross=600)
    offered.reads()
    assert offered.order.state is OrderState.FULFILLED
    assert offered.booked() == (PRICE.minor, 600)
    assert offered.spent() == (PRICE.minor - 600, 1)


def test_daily_report_matches_the_platforms_list(till: EarningsAccount) -> None:
    """A sale seen in the chat and in the list is one; only the list gives its amount."""
    offered, creator_id = Offered(till), till.studio.world.creator_id
    offered.sends()
    offered.appears()
    offered.looks()
    offered.reads()
    assert offered.sale is not None
    till.till.give_back(till.member, offered.sale, gross=600)
    offered.reads()
    sums = []
    with till.studio.scope() as scope:
        for day in sorted(till.days):
            daily_rollups.rebuild_day(scope, creator_id, day)
            found = daily_report.load_daily_report(scope, creator_id, day)
            assert found.balanced
            sums += [one.amount.minor for one in found.orders]
    assert sorted(sums) == [-600, PRICE.minor]


def test_repeated_and_unordered_reports_are_handled_once(till: EarningsAccount) -> None:
    offered = Offered(till)
    offered.sends()
    now = till.now().isoformat()
    for back in (True, False, True):
        event = EarningListed(
            till.studio.world.tenant_id,
            offered.order.id,
            native_id=offered.message,
            at=now,
            back=back,
        )
        unlocks.record_listed_sale(event, tenant=till.studio.world.tenant)
    assert (offered.order.state, offered.order.refund) == (OrderState.REFUNDED, RefundState.DONE)
    assert offered.booked() == (0, 0), "only the list is booked"


def test_unsent_message_cancels_its_order(till: EarningsAccount) -> None:
    offered = Offered(till)
    with till.studio.scope() as scope:
        outgoing_messages.transition_draft(
            scope, outgoing_messages.get_draft(scope, offered.key, lock=True), DraftState.CANCELLED
        )
    offered.looks()
    assert offered.order.state is OrderState.CANCELLED


def test_pack_in_an_open_offer_is_not_offered_again(till: EarningsAccount) -> None:
    offered = Offered(till)
    offered.sends()
    with till.studio.scope() as scope:
        talk = conversation_rows.get_conversation(scope, till.studio.thread(offered.name).id)
        assert locked_messages.order_rows.has_open_order(scope, talk.fan_id, till.studio.pack_id)
        assert packs.list_packs(scope, [talk.creator_id])[0].sold, (
            "a pack in an open offer cannot be changed"
        )


def test_unlock_checks_slow_down_over_time(till: EarningsAccount) -> None:
    with till.studio.scope() as scope:
        begun, seen = scope.now, []
        for minutes in (0, 3, 10, 30, 200, 3000):
            seen.append(
                (
                    locked_messages.next_unlock_check_time(
                        scope, begun - timedelta(minutes=minutes)
                    )
                    - scope.now
                ).total_seconds()
                / 60
            )
    assert seen == [2, 5, 15, 60, 180, 360]


def test_price_below_the_platforms_minimum_is_refused(till: EarningsAccount) -> None:
    with till.studio.scope() as scope:
        house = till.studio.world
        with pytest.raises(BadInput, match=r"price\.too_low"):
            set_price(scope, house.creator_id, till.studio.pack_id, "fanvue", Money(299, "USD"))
        set_price(scope, house.creator_id, till.studio.pack_id, "fanvue", Money(300, "USD"))
