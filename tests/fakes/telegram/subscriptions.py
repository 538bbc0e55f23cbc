"""Invoices in Stars, and subscriptions with a payment link and monthly charges."""

import secrets
from typing import Any

from tests.fakes.telegram.chats import Refusal, Told
from tests.fakes.telegram.state import PERIOD, Bot, Checkout, Subscription, TelegramState

MONTHLY = 10_000
"""Maximum price of a subscription in Stars per month."""


def invoice_price(asked: Told) -> int:
    """Return the price of a valid invoice in Stars."""
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
    """Handle `createInvoiceLink`: https://core.telegram.org/bots/api#createinvoicelink"""
    amount, period = invoice_price(asked), asked.get("subscription_period", 0)
    if period not in (0, int(PERIOD.total_seconds())) or (period and amount > MONTHLY):
        raise _bad("SUBSCRIPTION_PERIOD_INVALID")
    made = f"https://t.me/${secrets.token_urlsafe(12)}"
    bot.links[made] = {"amount": amount, "payload": asked["payload"]} | (
        {"period": period} if period else {}
    )
    return made


def edit(bot: Bot, asked: Told) -> Any:
    """Handle `editUserStarSubscription`:
    https://core.telegram.org/bots/api#edituserstarsubscription"""
    one = bot.subscriptions.get(asked["telegram_payment_charge_id"])
    if one is None or one.chat.id != asked["user_id"]:
        raise _bad("CHARGE_ID_INVALID")
    one.cancelled = asked["is_canceled"]
    return True


def subscribe(world: TelegramState, bot: Bot, name: str, of: str = "") -> Checkout:
    """Open the latest invoice link in the user's or another chat and pay."""
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
    """Record a subscription after its first payment."""
    amount, payload = checkout.invoice["amount"], checkout.invoice["payload"]
    charge = world.charged(bot, checkout.chat, amount, payload, month="first")
    bot.subscriptions[charge] = Subscription(checkout.chat, amount, payload, world.clock() + PERIOD)


def renew(world: TelegramState, bot: Bot, charge: str, *, told: bool = True) -> str:
    """Charge the next month of a subscription. Return the new charge ID, or "" if it was cancelled."""
    with world.lock:
        one = bot.subscriptions[charge]
        if one.cancelled:
            return ""
        one.until = world.clock() + PERIOD
        return world.charged(bot, one.chat, one.amount, one.payload, told=told, month="again")


def _bad(why: str) -> Refusal:
    return Refusal(400, f"Bad Request: {why}")
