"""Subscriptions of Nova's bot: offered, started, renewed and inspected."""

from typing import Any
from uuid import UUID

from foundation.money import Money
from subscribers.checkout import monthly_payments, order_payments
from subscribers.intake import update_intake
from subscribers.rails.contract import (
    SUBSCRIPTION_PERIOD,
    CheckoutQuery,
    MonthlyRail,
    till_of_channel,
)
from subscribers.subscriptions import plans
from tests.fakes.telegram import subscriptions
from tests.fakes.telegram.state import Checkout
from tests.subscribers.stars_builders import RAIL, StarsBot

MONTH = 300


def add_plan(nova: StarsBot, **more: Any) -> UUID:
    """Create a plan; return its ID."""
    values = {
        "title": "Le cercle",
        "description": "Un pack nouveau chaque mois",
        "price_minor": MONTH,
    }
    with nova.scope() as scope:
        house = nova.world
        opens = {
            "creator_id": house.creator_id,
            "channel_id": house.channel_id,
            "opens": [nova.pack_id],
        }
        return plans.create_plan(scope, **{**values, **opens, **more})


def get_stars_rail() -> MonthlyRail:
    """Return the bot's rail."""
    assert isinstance(RAIL, MonthlyRail)
    return RAIL


def offer_subscription(nova: StarsBot, name: str = "leo") -> UUID:
    """Offer a subscription link to a fan; return the subscription's ID."""
    nova.world_says(name, "bonjour")
    thread = nova.thread(str(nova.stars.world.person(name).id))
    with nova.scope() as scope:
        talk = update_intake.conversation_rows.lock_conversation(scope, thread.id)
        (chosen,) = plans.list_plans_on_sale(scope, talk.channel_id)
        row = monthly_payments.send_subscription_link(scope, talk, chosen.id, get_stars_rail())
        assert row is not None
        found = row.id
    nova.drain()
    return found


def pay_newest_link(nova: StarsBot, name: str = "leo", of: str = "") -> Checkout:
    """Open the newest link, the fan's or another's, and pay as the named fan."""
    checkout = subscriptions.subscribe(nova.stars.world, nova.stars.bot, name, of)
    nova.hear()
    return checkout


def add_subscription(nova: StarsBot, name: str = "leo") -> UUID:
    """Create a subscription whose first month is paid and recorded; return its ID."""
    found = offer_subscription(nova, name)
    assert pay_newest_link(nova, name).state == "paid"
    nova.hear()
    nova.drain()
    return found


def renew_month(nova: StarsBot, *, told: bool = True) -> str:
    """Advance one month and renew; return Telegram's charge, or "" if it charges nothing."""
    nova.world.pass_time(SUBSCRIPTION_PERIOD.total_seconds())
    (first,) = nova.stars.bot.subscriptions
    return subscriptions.renew(nova.stars.world, nova.stars.bot, first, told=told)


def get_subscription_row(nova: StarsBot, subscription_id: UUID) -> Any:
    """Return the row of a subscription."""
    (row,) = nova.rows(
        "SELECT * FROM subscriptions WHERE tenant_id = :tenant AND id = :id", id=subscription_id
    )
    return row


def list_texts(nova: StarsBot, name: str = "leo") -> list[str]:
    """Return the texts sent to a fan."""
    return nova.stars.world.texts(nova.stars.bot, name)


def press_button(nova: StarsBot, data: str, name: str = "leo") -> None:
    """Press a button as a fan, and process it."""
    nova.stars.world.press(nova.stars.bot, name, data)
    nova.hear()
    nova.drain()


def send_message(nova: StarsBot, text: str, name: str = "leo") -> None:
    """Send a message as a fan, and process it."""
    nova.world_says(name, text)
    nova.drain()


def list_month_payments(nova: StarsBot) -> list[tuple[str, str, int, bool]]:
    """Return the payments of subscriptions."""
    return [one for one in nova.payments() if one[0] == "subscription"]


def answer_checkout(nova: StarsBot, subscription_id: UUID | None, **more: Any) -> str:
    """Return the answer to a checkout: "yes", or the end of the refusal's code."""
    payer = str(nova.stars.world.person("leo").id)
    values: dict[str, Any] = {
        "payer": payer,
        "money": Money(MONTH, "XTR"),
        "order_id": None,
        **more,
    }
    with nova.scope() as scope:
        till = till_of_channel(nova.world.channel())
        verdict = order_payments.answer_checkout_query(
            scope, CheckoutQuery(till, "q", subscription_id=subscription_id, **values)
        )
    return (
        "yes"
        if isinstance(verdict, order_payments.PaymentAllowed)
        else verdict.reason.code.rsplit(".", 1)[-1]
    )
