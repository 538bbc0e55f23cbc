"""Fanvue earnings: pages, keys, signs, amounts and unreadable rows."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract.connector import (
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
)
from connectors.contract.earnings import (
    MAX_MINOR_UNITS,
    Earning,
    Earnings,
    EarningsAnswer,
    SupportsEarnings,
    TimeSpan,
)
from connectors.contract.outcomes import Reauthorize
from connectors.platforms.fanvue.earnings import EARNINGS_STEP, PAGE_LIMITS, SALES, SPENDING_STEP
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.registry.loader import load_connectors
from foundation.money import Money

PLATFORM = Fanvue()
ACCOUNT = "00000000-0000-0000-0000-000000000009"
SPAN = TimeSpan(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 22, 12, tzinfo=UTC))
FAN = {
    "uuid": "f-1",
    "handle": "sam",
    "displayName": "Sam",
    "nickname": None,
    "isTopSpender": False,
}
AT = "2026-11-20T10:00:00.123Z"


def row(**more: Any) -> dict[str, Any]:
    """Return the row of a tip with changes; fields that are None are omitted."""
    told = {
        "date": AT,
        "gross": 1000,
        "net": 800,
        "currency": "USD",
        "source": "tip",
        "user": FAN,
        **more,
    }
    return {name: value for name, value in told.items() if value is not None}


def page(step: str, *rows: Any, after: str | None = None) -> Response:
    return Response(step, 200, body={"data": list(rows), "nextCursor": after})


def asked(*answers: StepResult, account: str = ACCOUNT) -> EarningsAnswer:
    return PLATFORM.read_earnings(account, SPAN, answers)


def told(*rows: Any, back: tuple[Any, ...] = (), account: str = ACCOUNT) -> Earnings:
    """Return the earnings read from one page of each list."""
    found = asked(page(EARNINGS_STEP, *rows), page(SPENDING_STEP, *back), account=account)
    assert isinstance(found, Earnings)
    return found


def one(*rows: Any, back: tuple[Any, ...] = ()) -> Earning:
    found = told(*rows, back=back)
    assert (found.unread, len(found.rows)) == (0, 1)
    return found.rows[0]


def query(turn: EarningsAnswer) -> dict[str, str]:
    assert isinstance(turn, Send)
    return dict(parse_qsl(urlsplit(turn.step.path).query))


def test_only_fanvue_reports_earnings() -> None:
    assert {
        name for name, one in load_connectors().items() if isinstance(one, SupportsEarnings)
    } == {"fanvue"}


def test_both_lists_are_read_to_their_last_page() -> None:
    first = asked()
    assert isinstance(first, Send)
    step = first.step
    assert (step.name, step.kind, step.action, step.method) == (
        EARNINGS_STEP,
        StepKind.CONTROL,
        "metrics",
        "GET",
    )
    assert (step.json, step.file, step.headers) == (
        None,
        None,
        {"x-fanvue-api-version": "2025-06-26"},
    )
    assert urlsplit(step.path).path == "/insights/earnings"
    bounds = {"startDate": "2026-11-01T00:00:00Z", "endDate": "2026-11-22T12:00:00Z"}
    assert query(first) == bounds | {"size": query(first)["size"]}
    pages = [
        page(EARNINGS_STEP, row(), after="a&b=/"),
        page(EARNINGS_STEP, row(date="2026-11-19T10:00:00Z")),
    ]
    assert query(asked(pages[0])) == query(first) | {"cursor": "a&b=/"}
    second = asked(*pages)
    assert isinstance(second, Send)
    assert (second.step.name, urlsplit(second.step.path).path) == (
        SPENDING_STEP,
        "/insights/spending",
    )
    assert query(second) == query(first)
    found = asked(*pages, page(SPENDING_STEP))
    assert isinstance(found, Earnings)
    assert (len(found.rows), found.whole) == (2, True)


def test_page_size_depends_on_the_hour() -> None:
    sizes = {
        query(
            PLATFORM.read_earnings(
                ACCOUNT, TimeSpan(SPAN.since, SPAN.until + timedelta(hours=number)), ()
            )
        )["size"]
        for number in range(0, 48, 6)
    }
    assert len(sizes) == 7
    assert all(0 < int(size) <= 50 for size in sizes)


def test_endless_list_is_incomplete_and_repeated_cursor_is_none() -> None:
    answers: tuple[StepResult, ...] = ()
    while isinstance(asked(*answers), Send):
        answers = (
            *answers,
            page(
                EARNINGS_STEP, row(transactionOrderId=f"o{len(answers)}"), after=f"c{len(answers)}"
            ),
        )
    found = asked(*answers)
    assert isinstance(found, Earnings)
    assert (len(answers), len(found.rows), found.whole) == (
        PAGE_LIMITS.most,
        PAGE_LIMITS.most,
        False,
    )
    assert (
        asked(page(EARNINGS_STEP, row(), after="c"), page(EARNINGS_STEP, row(), after="c")) is None
    )


@pytest.mark.parametrize(
    "answer",
    [
        StepAnswerLost(EARNINGS_STEP, "ReadTimeout"),
        StepNotSent(EARNINGS_STEP, "ConnectError"),
        Response(EARNINGS_STEP, 401, body={"error": "Unauthorized"}),
        Response(EARNINGS_STEP, 403, body={"error": "Account suspended"}),
        Response(EARNINGS_STEP, 404, body={"message": "Not Found"}),
        Response(EARNINGS_STEP, 410, body={"error": "API version sunset"}),
        Response(EARNINGS_STEP, 429, body={"error": "Too Many Requests"}),
        Response(EARNINGS_STEP, 500, body={}),
        *(
            Response(EARNINGS_STEP, 200, body=body)
            for body in (
                None,
                {},
                [],
                "x",
                {"data": {}},
                {"data": None},
                {"data": [], "nextCursor": 5},
            )
        ),
    ],
    ids=repr,
)
def test_missing_response_returns_none(answer: StepResult) -> None:
    assert asked(answer) is None
    assert asked(page(EARNINGS_STEP, row(), after="c"), answer) is None, (
        "an incomplete list is None"
    )


def test_missing_scope_requires_reconnection() -> None:
    refused = Response(
        EARNINGS_STEP, 403, body={"error": "Insufficient scope: read:insights is required"}
    )
    assert isinstance(asked(refused), Reauthorize)


def test_missing_reversals_list_returns_earnings_alone() -> None:
    gone = Response(SPENDING_STEP, 404, body={"message": "Not Found"})
    found = asked(page(EARNINGS_STEP, row()), gone)
    assert isinstance(found, Earnings)
    assert len(found.rows) == 1
    assert asked(page(EARNINGS_STEP, row()), page(SPENDING_STEP, after="c"), gone) is None
    assert asked(page(EARNINGS_STEP, row()), Response(SPENDING_STEP, 503)) is None


@pytest.mark.parametrize("source", sorted(SALES))
def test_amounts_are_us_cents_in_any_payment_currency(source: str) -> None:
    for currency in ("USD", "BRL", "JPY", None):
        found = one(row(source=source, currency=currency, transactionOrderId="o"))
        assert (found.kind, found.gross, found.fee) == (
            "sale",
            Money(1000, "USD"),
            Money(200, "USD"),
        )
        assert (found.reference, found.at) == (
            "o",
            datetime(2026, 11, 20, 10, 0, 0, 123000, tzinfo=UTC),
        )


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("source", ["refund", "chargeback"])
def test_reversal_is_a_refund_whatever_its_sign(sign: int, source: str) -> None:
    found = one(back=(row(source=source, gross=sign * 1000, net=sign * 800),))
    assert (found.kind, found.gross, found.fee) == ("refund", Money(1000, "USD"), Money(200, "USD"))
    dear = one(back=(row(source=source, gross=sign * 1000, net=sign * 1500),))
    assert (dear.gross, dear.fee) == (Money(1000, "USD"), Money(-500, "USD")), (
        "a chargeback may exceed the sale"
    )


def test_reversal_in_either_list_is_one_movement() -> None:
    there = row(source="refund", gross=1000, net=800)
    here = row(
        source="refund",
        gross=-1000,
        net=-800,
        transactionOrderId="r1",
        reversedTransactionOrderId="o1",
    )
    keys = {one(here).key, one(back=(there,)).key, one(here, back=(there,)).key}
    assert len(keys) == 1
    assert len(told(here, here, back=(there, there)).rows) == 2, "two rows are two movements"
    assert len(told(here, back=(there, there)).rows) == 2


@pytest.mark.parametrize(
    ("gross", "net", "kept"),
    [
        (1000.0, 800.0, (1000, 200)),
        (333, 283.05, (333, 50)),
        (500, 500, (500, 0)),
        (500, 600, (500, -100)),
        (0, 400, (400, 0)),
        (400, 0, (400, 400)),
        (MAX_MINOR_UNITS, 0, (MAX_MINOR_UNITS, MAX_MINOR_UNITS)),
    ],
)
def test_amounts_split_into_gross_and_fee(gross: Any, net: Any, kept: tuple[int, int]) -> None:
    found = one(row(gross=gross, net=net))
    assert (found.gross.minor, found.fee.minor) == kept


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "row",
        [],
        {},
        row(gross="1000"),
        row(gross=True),
        row(gross=None),
        row(net=None),
        row(gross=-1000),
        row(net=-800),
        row(gross=MAX_MINOR_UNITS + 1),
        row(gross=10**400),
        row(gross=float("nan")),
        row(net=float("inf")),
        row(date="yesterday"),
        row(date="2026-11-20"),
        row(date=None),
        row(date=5),
        row(source="payout"),
        row(source=None),
        row(source=["tip"]),
        row(reversedTransactionOrderId="o1"),
        row(source="refund", gross=1000, net=-800),
    ],
    ids=lambda wrong: json.dumps(wrong)[:90],
)
def test_unreadable_row_is_counted_and_skipped(wrong: Any) -> None:
    found = told(wrong, row(), back=(wrong,))
    assert (found.unread, len(found.rows)) == (2, 1)


def test_row_without_amount_is_no_movement() -> None:
    found = told(row(gross=0, net=0, source="subscription"), row(gross=0.0, net=0.0))
    assert (found.unread, found.rows) == (0, ())


def test_order_id_is_the_key_of_a_movement() -> None:
    before = row(transactionOrderId="o1", transactionOrderStatus="pendingBalance", currency="BRL")
    after = row(
        transactionOrderId="o1",
        transactionOrderStatus="availableForPayout",
        date="2026-11-21T00:00:00Z",
        gross=1010,
        net=808,
        user=None,
    )
    assert one(before).key == one(after).key
    assert one(before, after).gross.minor == 1010, (
        "a repeated row counts once, and the last one wins"
    )
    assert (
        len(
            {
                one.key
                for one in told(
                    before, before | {"postUuid": "p"}, before | {"source": "post"}
                ).rows
            }
        )
        == 3
    )
    assert len({one(before).key, told(before, account="other").rows[0].key}) == 2


def test_equal_tips_in_one_second_are_two_movements() -> None:
    twins = told(row(), row())
    assert len({one.key for one in twins.rows}) == 2
    assert twins.rows[0] == told(row()).rows[0], "the first key equals that of a single row"
    parted = asked(
        page(EARNINGS_STEP, row(), after="c"), page(EARNINGS_STEP, row()), page(SPENDING_STEP)
    )
    assert isinstance(parted, Earnings)
    assert len(parted.rows) == 1
    for other in (
        row(gross=1001),
        row(net=801),
        row(user=None),
        row(source="post"),
        row(postUuid="p"),
        row(messageUuid="m"),
        row(date="2026-11-20T10:00:00.124Z"),
    ):
        assert one(other).key != one(row()).key


def test_movement_with_a_later_order_id_matches_its_earlier_key() -> None:
    before, after = one(row()), one(row(transactionOrderId="o1"))
    assert before.key != after.key
    assert before.key == after.like
    numbers = told(row(transactionOrderId="o1"), row(transactionOrderId="o2")).rows
    assert {one.like for one in numbers} == {one.key for one in told(row(), row()).rows}


def test_long_order_id_is_shortened_to_a_reference() -> None:
    assert len(one(row(transactionOrderId="o" * 500)).reference) <= 60
    assert one(row(postUuid="p")).reference == "p"
    assert one(row()).reference == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=9,
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        name: JSON
        for name in ("date", "gross", "net", "source", "user", "transactionOrderId", "postUuid")
    }
    | {"date": st.sampled_from([AT, "x"]), "source": st.sampled_from(["tip", "refund", "x"])},
)


@given(st.lists(ROWS | JSON, max_size=5))
def test_any_row_is_read_or_counted(rows: list[Any]) -> None:
    found = told(*rows)
    assert len(found.rows) + found.unread <= len(rows)
    assert all(one.gross.minor > 0 for one in found.rows)
    assert len({one.key for one in found.rows}) == len(found.rows)
