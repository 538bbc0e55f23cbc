"""Invoices for Stars, and subscriptions: a link to pay by, and what is taken of its payer month
after month."""

import secrets
from typing import Any

from tests.fakes.telegram.chats import Refusal, Told
from tests.fakes.telegram.state import PERIOD, Bot, Checkout, Subscription, TelegramState

MONTHLY = 10_000
"""The most Stars a month of a subscription may cost."""


def invoice_price(asked: Told) -> int:
    """The price of an invoice in Stars that may be."""
    if asked["currency"] != "XTR" or asked.get("provider_token"):
        raise _bad("PAYMENT_PROVIDER_INVALID")
    if len(asked["prices"]) != 1 or not 1 <= asked["prices"][0]["amount"] <= 100_000:
        raise _bad("STARS_INVOICE_INVALID")
    lengths = (
        (len(asked["title"]), 32),
        (len(asked["description"]), 255),
        (len(asked["payload"].encode()), 128),
    )
    if not all(0 < length <= most for length, most in lengths):
        raise _bad("INVOICE_INVALID")
    amount: int = asked["prices"][0]["amount"]
    return amount


def create_invoice_link(bot: Bot, asked: Told) -> str:
    """https://core.telegram.org/bots/api#createinvoicelink"""
    amount, period = invoice_price(asked), asked.get("subscription_period", 0)
    if period not in (0, int(PERIOD.total_seconds())) or (period and amount > MONTHLY):
        raise _bad("SUBSCRIPTION_PERIOD_INVALID")
    made = f"https://t.me/${secrets.token_urlsafe(12)}"
    bot.links[made] = {"amount": amount, "payload": asked["payload"]} | (
        {"period": period} if period else {}
    )
    return made


def edit(bot: Bot, asked: Told) -> Any:
    """https://core.telegram.org/bots/api#edituserstarsubscription"""
    one = bot.subscriptions.get(asked["telegram_payment_charge_id"])
    if one is None or one.chat.id != asked["user_id"]:
        raise _bad("CHARGE_ID_INVALID")
    one.cancelled = asked["is_canceled"]
    return True


def subscribe(world: TelegramState, bot: Bot, name: str, of: str = "") -> Checkout:
    """A person opens the newest link to an invoice, in their own chat or another's, and pays."""
    with world.lock:
        rows = [
            one.get("reply_markup", {}).get("inline_keyboard", [])
            for one in world.seen(bot, of or name)
        ]
        links = [
            button["url"] for row in rows for line in row for button in line if "url" in button
        ]
        return world.begin(bot, name, bot.links[links[-1]])


def start_subscription(world: TelegramState, bot: Bot, checkout: Checkout) -> None:
    """The first month is paid; there will be others."""
    amount, payload = checkout.invoice["amount"], checkout.invoice["payload"]
    charge = world.charged(bot, checkout.chat, amount, payload, month="first")
    bot.subscriptions[charge] = Subscription(checkout.chat, amount, payload, world.clock() + PERIOD)


def renew(world: TelegramState, bot: Bot, charge: str, *, told: bool = True) -> str:
    """The month of a subscription is over: the next one is taken. Its new charge; "" of one that
    was stopped."""
    with world.lock:
        one = bot.subscriptions[charge]
        if one.cancelled:
            return ""
        one.until = world.clock() + PERIOD
        return world.charged(bot, one.chat, one.amount, one.payload, told=told, month="again")


def _bad(why: str) -> Refusal:
    return Refusal(400, f"Bad Request: {why}")
