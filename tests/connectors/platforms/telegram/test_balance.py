"""A bot's Star transactions: pages, the balance and unreadable entries."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract.balance import (
    AccountBalance,
    BalanceMovement,
    MovementPage,
    SupportsBalance,
)
from connectors.contract.connector import Response, Send, StepAnswerLost, StepResult
from connectors.contract.outcomes import Published, Reauthorize, Retry
from connectors.platforms.telegram.balance import PAGE, PAGES
from connectors.platforms.telegram.publisher import Telegram

TELEGRAM = Telegram()
LEO = {"id": 5001, "is_bot": False, "first_name": "Leo"}
PAID = {
    "type": "user",
    "transaction_type": "invoice_payment",
    "user": LEO,
    "invoice_payload": "1.a.b",
}
CHARGE = {"id": "c1", "amount": 250, "date": 1_700_000_000, "source": PAID}


def good(told: Any, step: str = "getStarTransactions") -> Response:
    return Response(step, 200, body={"ok": True, "result": told})


def listed(*entries: Any) -> MovementPage:
    """Return the movements of one page with these transactions."""
    end = TELEGRAM.list_movements(
        0, (good({"transactions": list(entries)}), good({"amount": 7}, "getMyStarBalance"))
    )
    assert isinstance(end, MovementPage)
    return end


def row(entry: Any) -> BalanceMovement | None:
    return next(iter(listed(entry).rows), None)


def test_last_page_includes_the_balance() -> None:
    assert isinstance(TELEGRAM, SupportsBalance)
    first = TELEGRAM.list_movements(300, ())
    assert isinstance(first, Send)
    assert (first.step.json, first.step.action) == ({"offset": 300, "limit": PAGE}, "look")
    full = TELEGRAM.list_movements(300, (good({"transactions": [CHARGE] * PAGE}),))
    assert isinstance(full, MovementPage)
    assert (full.count, full.lies, full.currency) == (PAGE, None, "XTR")
    second = TELEGRAM.list_movements(300, (good({"transactions": []}),))
    assert isinstance(second, Send)
    assert second.step.path.endswith("/getMyStarBalance")
    assert listed().lies == AccountBalance(7)


def test_transaction_type_maps_to_movement_kind() -> None:
    def kind(side: str, **partner: Any) -> tuple[str, bool, str, str] | None:
        found = row({"id": "t", "amount": 3, "date": 9, side: partner})
        return (found.kind, found.came, found.user, found.payload) if found else None

    def of_user(what: str) -> dict[str, Any]:
        return {
            "type": "user",
            "transaction_type": what,
            "user": LEO,
            "paid_media_payload": "p",
            "invoice_payload": "i",
        }

    assert kind("source", **of_user("invoice_payment")) == ("charge", True, "5001", "i")
    assert kind("receiver", **of_user("invoice_payment")) == ("charge", False, "5001", "i")
    assert kind("source", **of_user("paid_media_payment")) == ("media", True, "5001", "p")
    assert kind("receiver", **of_user("gift_purchase")) == ("spent", False, "", "")
    assert kind("source", **of_user("gift_purchase")) == ("other", True, "", "")
    assert kind("source", **of_user("business_account_transfer")) == ("other", True, "", "")
    assert kind("source", type="user", transaction_type="invoice_payment", user={"id": 0}) == (
        "other",
        True,
        "",
        "",
    )
    assert kind("receiver", type="fragment") == ("withdrawal", False, "", "")
    assert kind("source", type="fragment") == ("withdrawal", True, "", "")
    assert kind("receiver", type="telegram_ads") == ("spent", False, "", "")
    assert kind("source", type="telegram_ads") == ("other", True, "", "")
    assert kind("receiver", type="telegram_api", request_count=4) == ("spent", False, "", "")
    assert (
        kind("source", type="chat")
        == kind("source", type=["x"])
        == kind("source")
        == ("other", True, "", "")
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ""},
        {"id": 7},
        {"id": "x" * 129},
        {"id": "a\x00b"},
        {"amount": -1},
        {"amount": True},
        {"amount": "250"},
        {"amount": 10**12},
        {"nanostar_amount": 10**9},
        {"nanostar_amount": -1},
        {"date": 0},
        {"date": 2**40},
        {"source": None},
        {"source": "user"},
        {"receiver": PAID},
    ],
)
def test_unreadable_transaction_is_counted_and_skipped(wrong: dict[str, Any]) -> None:
    end = listed(CHARGE | wrong, CHARGE)
    assert (end.count, [one.native_id for one in end.rows]) == (2, ["c1"])


def test_invalid_payload_is_dropped() -> None:
    for said in ("x" * 129, "a\nb", 7, None):
        found = row(CHARGE | {"source": PAID | {"invoice_payload": said}})
        assert found is not None
        assert found.payload == ""


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["id", "amount", "date", "source", "receiver", "type", "user", "transactions"]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
def test_any_response_is_handled(told: Any) -> None:
    end = TELEGRAM.list_movements(0, (good(told), good(told)))
    assert isinstance(end, MovementPage | Retry)
    assert isinstance(
        TELEGRAM.look_up_refund_from("c1", 0, (good(told),)), Send | Retry | Published | None
    )


@pytest.mark.parametrize(
    ("told", "lies"),
    [
        ({"amount": -3, "nanostar_amount": -5}, AccountBalance(-3, -5)),
        ({"amount": 3, "nanostar_amount": 5}, AccountBalance(3, 5)),
        ({"amount": 3, "nanostar_amount": -5}, None),
        ({"amount": "3"}, None),
        ({}, None),
        ([], None),
    ],
)
def test_balance_is_read_from_valid_amounts_only(told: Any, lies: AccountBalance | None) -> None:
    end = TELEGRAM.list_movements(0, (good({"transactions": []}), good(told, "getMyStarBalance")))
    assert (end.lies if isinstance(end, MovementPage) else None) == lies


def test_failed_page_returns_no_list() -> None:
    refused = Response(
        "getStarTransactions", 401, body={"ok": False, "description": "Unauthorized"}
    )
    lost = StepAnswerLost("getStarTransactions", "x")
    too_many = good({"transactions": [CHARGE] * (PAGE + 1)})
    for answer, kind in (
        (refused, Reauthorize),
        (lost, Retry),
        (too_many, Retry),
        (good(True), Retry),
    ):
        assert isinstance(TELEGRAM.list_movements(0, (answer,)), kind)
        assert isinstance(TELEGRAM.list_movements(0, (good({"transactions": []}), answer)), kind)


def test_refund_lookup_starts_at_an_offset_and_ends_at_the_last_page() -> None:
    page: StepResult = good({"transactions": [CHARGE] * PAGE}, "look")
    first, second = (
        TELEGRAM.look_up_refund_from("c7", 400, ()),
        TELEGRAM.look_up_refund_from("c7", 400, (page,)),
    )
    assert [turn.step.json for turn in (first, second) if isinstance(turn, Send)] == [
        {"offset": 400, "limit": PAGE},
        {"offset": 400 + PAGE, "limit": PAGE},
    ]
    assert isinstance(TELEGRAM.look_up_refund_from("c7", 400, (page,) * PAGES), Retry)
    back = good({"transactions": [CHARGE | {"id": "c7", "receiver": PAID}]}, "look")
    assert isinstance(TELEGRAM.look_up_refund_from("c7", 400, (page, back)), Published)
    assert (
        TELEGRAM.look_up_refund_from("c7", 400, (page, good({"transactions": [CHARGE]}, "look")))
        is None
    )
