"""The Stars of a bot: its transactions, oldest first, and its balance. A refund has the ID of its
payment.

Source: https://core.telegram.org/bots/api#getstartransactions, #startransaction, #getmystarbalance
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connectors.contract.balance import AccountBalance, BalanceMovement, MovementKind, MovementPage
from connectors.contract.connector import Send, StepKind, StepResult
from connectors.contract.earnings import MAX_MINOR_UNITS
from connectors.contract.outcomes import Outcome, Published, Retry
from connectors.platforms.telegram.bot_steps import BotCall, build_step
from connectors.platforms.telegram.content_checks import CURRENCY, PAYLOAD
from connectors.platforms.telegram.errors import outcome_of_failure, result
from connectors.shared.http_responses import SHORT_RETRY
from foundation.i18n.translation import Message

PAGE = 100
PAGES = 15
"""Maximum number of pages that a search for a refund reads. `PAGE` is the number of transactions
per page."""

MAX_ID_LENGTH = 128
NANO = 10**9
LAST_SECOND = 2**33
MAX_USERS = 2**53
MAX_PERIOD = 366 * 86_400
"""Highest accepted period of a subscription in seconds. Telegram's is 30 days."""

_OF_USERS: Mapping[str, MovementKind] = {
    "invoice_payment": "charge",
    "paid_media_payment": "media",
    "gift_purchase": "spent",
    "premium_purchase": "spent",
}
_OF_OTHERS: Mapping[str, MovementKind] = {
    "fragment": "withdrawal",
    "telegram_ads": "spent",
    "telegram_api": "spent",
}


def list_movements(start: int, answers: tuple[StepResult, ...]) -> Send | MovementPage | Outcome:
    """Return the next request, or a page of transactions. The last page, which is not full,
    includes the balance."""
    if not answers:
        return _build_request("getStarTransactions", _page_call(start))
    entries = _parse_entries(answers[0])
    if entries is None:
        return _unreadable_outcome(answers[0])
    rows = tuple(row for row in map(_parse_movement, entries) if row is not None)
    if len(entries) >= PAGE:
        return MovementPage(rows, len(entries), CURRENCY)
    if len(answers) == 1:
        return _build_request("getMyStarBalance", lambda bot: bot.get_my_star_balance())
    lies = _parse_balance(result(answers[1]))
    return (
        MovementPage(rows, len(entries), CURRENCY, lies)
        if lies is not None
        else _unreadable_outcome(answers[1])
    )


def look_up_refund_from(
    charge_id: str, start: int, answers: tuple[StepResult, ...]
) -> Send | Outcome | None:
    """Search for the refund of a charge from the offset `start`. If the search ends early, it
    proves nothing and is retried."""
    entries = _parse_entries(answers[-1]) if answers else []
    if entries is None:
        return outcome_of_failure(answers[-1], creates=False)
    if any(
        isinstance(one, dict) and one.get("id") == charge_id and one.get("receiver")
        for one in entries
    ):
        return Published("refunded")
    if answers and len(entries) < PAGE:
        return None
    if len(answers) >= PAGES:
        return Retry(SHORT_RETRY, "account", Message("attempt.not_proven"))
    return _build_request("look", _page_call(start + len(answers) * PAGE))


def _page_call(start: int) -> BotCall:
    return lambda bot: bot.get_star_transactions(start, PAGE)


def _build_request(name: str, call: BotCall) -> Send:
    return Send(build_step(name, StepKind.CONTROL, call, action="look"))


def _parse_entries(answer: StepResult) -> list[Any] | None:
    told = result(answer)
    entries = told.get("transactions") if isinstance(told, dict) else None
    return entries if isinstance(entries, list) and len(entries) <= PAGE else None


def _unreadable_outcome(answer: StepResult) -> Outcome:
    """Return the outcome of an unusable page. An answer in an unknown format is retried."""
    if result(answer) is not None:
        return Retry(SHORT_RETRY, "account", Message("connectors.unclear_answer", {"status": 200}))
    return outcome_of_failure(answer, creates=False)


def _parse_balance(told: object) -> AccountBalance | None:
    if not isinstance(told, dict):
        return None
    minor = _parse_int(told.get("amount"), -MAX_MINOR_UNITS, MAX_MINOR_UNITS)
    nano = _parse_int(told.get("nanostar_amount", 0), 1 - NANO, NANO - 1)
    return (
        AccountBalance(minor, nano)
        if minor is not None and nano is not None and minor * nano >= 0
        else None
    )


def _parse_int(value: object, least: int, most: int) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    return value if good and isinstance(value, int) else None


def _parse_movement(entry: object) -> BalanceMovement | None:
    """Return a transaction as a movement, or None if it is not understood."""
    told: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
    source = told.get("source")
    receiver = told.get("receiver")
    partner, came = (source, True) if receiver is None else (receiver, False)
    minor = _parse_int(told.get("amount"), 0, MAX_MINOR_UNITS)
    nano = _parse_int(told.get("nanostar_amount", 0), 0, NANO - 1)
    second = _parse_int(told.get("date"), 1, LAST_SECOND)
    native_id = _parse_text(told.get("id"), MAX_ID_LENGTH)
    if not isinstance(partner, dict) or (source is not None and receiver is not None):
        return None
    if minor is None or nano is None or second is None or not native_id:
        return None
    kind = _movement_kind(partner, came=came)
    moved = BalanceMovement(native_id, came, kind, minor, nano, datetime.fromtimestamp(second, UTC))
    if kind not in ("charge", "media"):
        return moved
    payload = partner.get("invoice_payload" if kind == "charge" else "paid_media_payload")
    period = _parse_int(partner.get("subscription_period", 0), 0, MAX_PERIOD) or 0
    return replace(
        moved, user=_parse_user_id(partner), payload=_parse_text(payload, PAYLOAD), period=period
    )


def _parse_text(value: object, most: int) -> str:
    return value if isinstance(value, str) and value.isprintable() and len(value) <= most else ""


def _movement_kind(partner: Mapping[str, Any], *, came: bool) -> MovementKind:
    """Return the kind of a transaction by its partner. Spent Stars are never incoming, and a payer
    always has an ID."""
    of_user = partner.get("type") == "user"
    word = partner.get("transaction_type" if of_user else "type")
    found = (
        (_OF_USERS if of_user else _OF_OTHERS).get(word, "other")
        if isinstance(word, str)
        else "other"
    )
    nobody = found in ("charge", "media") and not _parse_user_id(partner)
    return "other" if nobody or (came and found == "spent") else found


def _parse_user_id(partner: Mapping[str, Any]) -> str:
    user = partner.get("user")
    number = _parse_int(user.get("id"), 1, MAX_USERS) if isinstance(user, dict) else None
    return str(number) if number is not None else ""
