"""Earnings of a creator on Fanvue: payments of fans, then refunds and chargebacks, page by page.

Amounts are in US cents whatever the currency of the payment; `currency` states only that currency.
A refund or chargeback is a separate row. It appears among the earnings, among the reversals, or in
both lists, and in one of the lists it has no ID. Its key therefore never contains an ID, so that it
counts once. The sign differs between the lists, so `source` determines the kind of a row.

Source: https://api.fanvue.com/docs/api-reference/reference/insights/get-earnings, …/get-spending;
currencies, signs and separate rows:
https://docs.onlyfansapi.com/api-reference/fanvue/insights/list-earnings
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from connectors.contract import earnings
from connectors.contract.connector import Response, Send, StepResult
from connectors.contract.earnings import (
    MAX_MINOR_UNITS,
    Earning,
    Earnings,
    EarningsAnswer,
    TimeSpan,
)
from connectors.contract.outcomes import Reauthorize
from connectors.platforms.fanvue.account import VERSION_HEADER, refusal_text
from connectors.shared.http_responses import parse_timestamp, quote_segment, success_body
from foundation.i18n.translation import Message
from foundation.money import Money

EARNINGS_STEP = "earnings"
SPENDING_STEP = "spending"
"""Path and step name of the list of reversals; `EARNINGS_STEP` is that of earnings."""

SIZES = 7
"""Number of different page sizes that are used in turn."""

CURRENCY = "USD"
_PAID = frozenset(("appStore", "checkoutLink", "fanExperience", "mediaLink", "message", "post"))
_REGULAR = frozenset(("renewal", "subscription", "tip"))
SALES = _PAID | _REGULAR | frozenset(("affiliate", "giveaway", "referral"))
REVERSALS = frozenset(("refund", "chargeback"))
MAX_NAME_LENGTH = 60


@dataclass(frozen=True)
class PageLimits:
    """Maximum number of rows per page, and of pages per list and read."""

    listed: int = 50
    most: int = 30


PAGE_LIMITS = PageLimits()


def read_earnings(
    account: str, span: TimeSpan, answers: tuple[StepResult, ...], paging: PageLimits = PAGE_LIMITS
) -> EarningsAnswer:
    """Read both lists of a time span. A list that is longer than the limit is reported as
    incomplete."""
    if not answers:
        return _build_page_request(EARNINGS_STEP, span, paging)
    last = answers[-1]
    mine = [one for one in answers if one.step == last.step]
    gone = (
        last.step == SPENDING_STEP
        and len(mine) == 1
        and isinstance(last, Response)
        and last.status == 404
    )
    cursor = "" if gone else _parse_next_cursor(last)
    if cursor is None or (cursor and cursor in [_parse_next_cursor(one) for one in mine[:-1]]):
        return _missing_scope_outcome(last)
    if cursor and len(mine) < paging.most:
        return _build_page_request(last.step, span, paging, cursor)
    if last.step == EARNINGS_STEP and not cursor:
        return _build_page_request(SPENDING_STEP, span, paging)
    return _build_earnings(account, answers, whole=not cursor)


def _build_page_request(name: str, span: TimeSpan, paging: PageLimits, cursor: str = "") -> Send:
    """Request a page. The page size changes every hour, so that two equal rows on both sides of a
    page's end are soon returned together."""
    since, until = (
        quote_segment(f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}") for at in (span.since, span.until)
    )
    size = paging.listed - int(span.until.timestamp()) // 3600 % SIZES
    more = f"&cursor={quote_segment(cursor)}" if cursor else ""
    return earnings.earnings_request(
        name,
        f"/insights/{name}?startDate={since}&endDate={until}&size={size}{more}",
        dict(VERSION_HEADER),
    )


def _parse_next_cursor(answer: StepResult) -> str | None:
    """Return the cursor of the next page, "" at the end, or None if the answer is not a page."""
    told = success_body(answer)
    cursor = told.get("nextCursor")
    if not isinstance(told.get("data"), list) or not (cursor is None or isinstance(cursor, str)):
        return None
    return cursor or ""


def _missing_scope_outcome(answer: StepResult) -> Reauthorize | None:
    """Return Reauthorize if the scope for earnings is missing. Accounts connected before it was
    requested lack it and can still publish."""
    lacks = (
        isinstance(answer, Response) and answer.status == 403 and "scope" in refusal_text(answer)
    )
    return Reauthorize(Message("fanvue.earnings_scope")) if lacks else None


def _build_earnings(account: str, answers: tuple[StepResult, ...], *, whole: bool) -> Earnings:
    pages = list[list[Earning]]()
    unread = 0
    for answer in answers:
        rows = [
            _parse_row(account, row)
            for row in success_body(answer).get("data", ())
            if not _is_zero_row(row)
        ]
        pages.append([row for row in rows if row is not None])
        unread += len(rows) - len(pages[-1])
    return Earnings(earnings.merge_pages(pages), unread, whole)


def _is_zero_row(row: object) -> bool:
    return isinstance(row, dict) and _parse_cents(row.get("gross")) == 0 == _parse_cents(
        row.get("net")
    )


def _parse_row(account: str, row: object) -> Earning | None:
    """Return a row as a movement, without its index among equal rows, or None if it is not
    understood."""
    told: Mapping[str, Any] = row if isinstance(row, dict) else {}
    at = parse_timestamp(told.get("date"))
    source = told.get("source")
    gross = _parse_cents(told.get("gross"))
    net = _parse_cents(told.get("net"))
    if at is None or gross is None or net is None or not isinstance(source, str):
        return None
    if source in REVERSALS:
        return (
            _build_refund(account, told, at, abs(gross) or abs(net), abs(net))
            if gross * net >= 0
            else None
        )
    if (
        source not in SALES
        or min(gross, net) < 0
        or _parse_text(told, "reversedTransactionOrderId")
    ):
        return None
    return _build_sale(account, told, at, gross or net, net)


def _build_sale(
    account: str, told: Mapping[str, Any], at: datetime, gross: int, net: int
) -> Earning:
    """Return a sale. One order may pay for several items, so the key contains the item in addition
    to the order's ID."""
    number, post, message = (
        _parse_text(told, name) for name in ("transactionOrderId", "postUuid", "messageUuid")
    )
    what = (account, str(told["source"]), post, message)
    like = earnings.earning_key(*what, at.isoformat(), _parse_user_id(told), str(gross), str(net))
    key = earnings.earning_key("order", *what, number) if number else like
    reference = (number or message or post)[:MAX_NAME_LENGTH]
    money = Money(gross, CURRENCY), Money(gross - net, CURRENCY)
    return Earning(
        key, like, at, "sale", reference, *money, paid_for=(message or post)[:MAX_NAME_LENGTH]
    )


def _build_refund(
    account: str, told: Mapping[str, Any], at: datetime, gross: int, net: int
) -> Earning:
    """Return a refund from the fields that both lists contain."""
    second = at.replace(microsecond=0).isoformat()
    key = earnings.earning_key(
        account, str(told["source"]), second, _parse_user_id(told), str(gross)
    )
    reference = (_parse_text(told, "reversedTransactionOrderId") or str(told["source"]))[
        :MAX_NAME_LENGTH
    ]
    return Earning(
        key, key, at, "refund", reference, Money(gross, CURRENCY), Money(gross - net, CURRENCY)
    )


def _parse_text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) and value.isprintable() else ""


def _parse_user_id(told: Mapping[str, Any]) -> str:
    user = told.get("user")
    return _parse_text(user, "uuid") if isinstance(user, dict) else ""


def _parse_cents(value: object) -> int | None:
    """Return the amount in whole cents, fractions rounded half to even, or None if it is not an
    amount."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        cents = int(Decimal(str(value)).to_integral_value(ROUND_HALF_EVEN))
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return cents if abs(cents) <= MAX_MINOR_UNITS else None
