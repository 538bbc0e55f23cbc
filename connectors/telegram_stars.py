"""A bot's Stars: every transaction, oldest first, and its balance. A refund has the id of its payment. Pure.

Source: https://core.telegram.org/bots/api#getstartransactions, #startransaction, #getmystarbalance
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connectors.answers import SHORT_WAIT
from connectors.contract import Answer, Send, StepKind, WireStep
from connectors.earning import MOST_MINOR
from connectors.outcomes import Outcome, Published, Retry
from connectors.purse import Kind, Lies, Listed, Moved
from connectors.telegram_answers import meaning, result
from connectors.telegram_requests import CURRENCY, PAYLOAD
from foundation.words import Message

PAGE, PAGES = 100, 15
"""Transactions in one answer, and answers that one look for a refund reads."""

LONGEST_ID = 128
NANO = 10**9
LAST_SECOND, MOST_USERS = 2**33, 2**53
LONGEST_PERIOD = 366 * 86_400
"""Seconds of a subscription's period; it is 30 days now."""

_OF_USERS: Mapping[str, Kind] = {
    "invoice_payment": "charge",
    "paid_media_payment": "media",
    "gift_purchase": "spent",
    "premium_purchase": "spent",
}
_OF_OTHERS: Mapping[str, Kind] = {"fragment": "withdrawal", "telegram_ads": "spent", "telegram_api": "spent"}


def movements(start: int, answers: tuple[Answer, ...]) -> Send | Listed | Outcome:
    """One page; with the last one, which is not full, the balance."""
    if not answers:
        return _asked("getStarTransactions", {"offset": start, "limit": PAGE})
    entries = _entries(answers[0])
    if entries is None:
        return _unread(answers[0])
    rows = tuple(row for row in map(_moved, entries) if row is not None)
    if len(entries) >= PAGE:
        return Listed(rows, len(entries), CURRENCY)
    if len(answers) == 1:
        return _asked("getMyStarBalance", {})
    lies = _lies(result(answers[1]))
    return Listed(rows, len(entries), CURRENCY, lies) if lies is not None else _unread(answers[1])


def given_back(charge_id: str, start: int, answers: tuple[Answer, ...]) -> Send | Outcome | None:
    """Whether a charge went back, from place `start` on. A list without an end is no proof: later again."""
    entries = _entries(answers[-1]) if answers else []
    if entries is None:
        return meaning(answers[-1], creates=False)
    if any(isinstance(one, dict) and one.get("id") == charge_id and one.get("receiver") for one in entries):
        return Published("refunded")
    if answers and len(entries) < PAGE:
        return None
    if len(answers) >= PAGES:
        return Retry(SHORT_WAIT, "account", Message("attempt.not_proven"))
    return _asked("getStarTransactions", {"offset": start + len(answers) * PAGE, "limit": PAGE}, name="look")


def _asked(method: str, body: Mapping[str, object], *, name: str = "") -> Send:
    path = f"/bot{{token}}/{method}"
    return Send(WireStep(name or method, StepKind.CONTROL, "POST", path, body, token="path", action="look"))  # noqa: S106  how it is shown


def _entries(answer: Answer) -> list[Any] | None:
    told = result(answer)
    entries = told.get("transactions") if isinstance(told, dict) else None
    return entries if isinstance(entries, list) and len(entries) <= PAGE else None


def _unread(answer: Answer) -> Outcome:
    """Why there is no page: an answer nobody understands is asked for again."""
    if result(answer) is not None:
        return Retry(SHORT_WAIT, "account", Message("connectors.unclear_answer", {"status": 200}))
    return meaning(answer, creates=False)


def _lies(told: object) -> Lies | None:
    if not isinstance(told, dict):
        return None
    minor = _number(told.get("amount"), -MOST_MINOR, MOST_MINOR)
    nano = _number(told.get("nanostar_amount", 0), 1 - NANO, NANO - 1)
    return Lies(minor, nano) if minor is not None and nano is not None and minor * nano >= 0 else None


def _number(value: object, least: int, most: int) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    return value if good and isinstance(value, int) else None


def _moved(entry: object) -> Moved | None:
    """A transaction as a movement; None for one that says nothing we understand."""
    told: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
    source, receiver = told.get("source"), told.get("receiver")
    partner, came = (source, True) if receiver is None else (receiver, False)
    minor, nano = _number(told.get("amount"), 0, MOST_MINOR), _number(told.get("nanostar_amount", 0), 0, NANO - 1)
    second, native_id = _number(told.get("date"), 1, LAST_SECOND), _text(told.get("id"), LONGEST_ID)
    if not isinstance(partner, dict) or (source is not None and receiver is not None):
        return None
    if minor is None or nano is None or second is None or not native_id:
        return None
    kind = _kind(partner, came=came)
    moved = Moved(native_id, came, kind, minor, nano, datetime.fromtimestamp(second, UTC))
    if kind not in ("charge", "media"):
        return moved
    payload = partner.get("invoice_payload" if kind == "charge" else "paid_media_payload")
    period = _number(partner.get("subscription_period", 0), 0, LONGEST_PERIOD) or 0
    return replace(moved, user=_user(partner), payload=_text(payload, PAYLOAD), period=period)


def _text(value: object, most: int) -> str:
    return value if isinstance(value, str) and value.isprintable() and len(value) <= most else ""


def _kind(partner: Mapping[str, Any], *, came: bool) -> Kind:
    """What a transaction was, by its other side. What a bot spends never comes in, and who pays has a number."""
    of_user = partner.get("type") == "user"
    word = partner.get("transaction_type" if of_user else "type")
    found = (_OF_USERS if of_user else _OF_OTHERS).get(word, "other") if isinstance(word, str) else "other"
    nobody = found in ("charge", "media") and not _user(partner)
    return "other" if nobody or (came and found == "spent") else found


def _user(partner: Mapping[str, Any]) -> str:
    user = partner.get("user")
    number = _number(user.get("id"), 1, MOST_USERS) if isinstance(user, dict) else None
    return str(number) if number is not None else ""
