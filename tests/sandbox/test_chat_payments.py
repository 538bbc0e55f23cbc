"""Chat and test money: actions of fans reach the creator's side at least once, and money moves
once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from foundation.http.http_client import HttpResponse
from foundation.ops.clock import monotonic
from tests.conftest import wait_until
from tests.fakes.sandbox import RunningSandbox

INVOICE = {
    "title": "Pack",
    "description": "",
    "amount": 500,
    "currency": "XTS",
    "payload": "order-1",
}


def updates(sandbox: RunningSandbox, account: str, after: str = "0") -> list[dict[str, object]]:
    told: list[dict[str, object]] = sandbox.api("GET", account, f"updates?after={after}")[1][
        "updates"
    ]
    return told


def invoice(sandbox: RunningSandbox, account: str, fan: str = "leo") -> str:
    sandbox.fan(account, fan, "message", text="hi", handle="Léo", language="fr")
    message = {
        "text": "Here it is",
        "invoice": INVOICE,
        "buttons": [{"label": "Buy", "action": "buy", "ref": "o1"}],
    }
    status, body = sandbox.api("POST", account, f"chats/{fan}/messages", message)
    assert status == 201
    return str(body["id"])


def test_updates_are_returned_until_the_cursor_moves(sandbox: RunningSandbox, account: str) -> None:
    sandbox.fan(account, "leo", "message", text="hi", handle="Léo", language="fr")
    first, again = updates(sandbox, account), updates(sandbox, account)
    assert first == again
    assert (first[0]["type"], first[0]["text"], first[0]["handle"], first[0]["language"]) == (
        "message",
        "hi",
        "Léo",
        "fr",
    )
    assert updates(sandbox, account, str(first[-1]["id"])) == []


def test_long_poll_ends_with_the_next_update(sandbox: RunningSandbox, account: str) -> None:
    path = f"/api/{account}/updates?after=0&wait=20"
    with ThreadPoolExecutor(1) as pool:
        begun = monotonic()
        waiting = pool.submit(
            sandbox.call, "GET", path, token=sandbox.tokens[account], deadline=25.0
        )
        sandbox.fan(account, "leo", "message", text="hi")
        reply = waiting.result(10)
    assert isinstance(reply, HttpResponse)
    assert b'"hi"' in reply.body
    assert monotonic() - begun < 5


def test_message_needs_a_chat_started_by_the_fan(sandbox: RunningSandbox, account: str) -> None:
    assert (
        sandbox.api("POST", account, "chats/leo/messages", {"text": "hi"})[1]["error"]
        == "chat_not_started"
    )
    sandbox.fan(account, "leo", "message", text="hi")
    status, message = sandbox.api("POST", account, "chats/leo/messages", {"text": "hi", "key": "k"})
    assert status == 201
    found = sandbox.api("GET", account, "chats/leo/messages?key=k")[1]["posts"]
    assert [entry["id"] for entry in found] == [message["id"]]
    assert sandbox.api("DELETE", account, f"chats/leo/messages/{message['id']}")[0] == 200
    assert sandbox.api("GET", account, "chats/leo/messages?key=k")[1]["posts"] == []


def test_account_without_lookup_returns_not_found(sandbox: RunningSandbox) -> None:
    account = sandbox.account("blind-nolook")
    assert sandbox.api("GET", account, "chats/leo/messages?key=k") == (404, {"error": "no_lookup"})


def test_press_names_the_button(sandbox: RunningSandbox, account: str) -> None:
    message_id = invoice(sandbox, account)
    assert sandbox.fan(account, "leo", "button", ref="sell")[0] == 404
    sandbox.fan(account, "leo", "button", message_id=message_id, ref="buy:o1")
    pressed = updates(sandbox, account)[-1]
    assert (pressed["type"], pressed["ref"], pressed["message_id"]) == (
        "button",
        "buy:o1",
        message_id,
    )


def test_payment_is_charged_once_and_refunded_once(sandbox: RunningSandbox, account: str) -> None:
    message_id = invoice(sandbox, account)
    sandbox.fan(account, "leo", "pay", message_id=message_id)
    asked = updates(sandbox, account)[-1]
    assert (asked["type"], asked["payload"], asked["amount"]) == ("checkout", "order-1", 500)
    yes = [
        sandbox.api("POST", account, f"checkouts/{asked['query_id']}", {"ok": True})
        for _ in range(2)
    ]
    assert yes[0] == yes[1]
    paid = [update for update in updates(sandbox, account) if update["type"] == "payment"]
    assert [payment["charge_id"] for payment in paid] == [yes[0][1]["charge_id"]]
    charge = {"charge_id": paid[0]["charge_id"], "amount": 500, "currency": "XTS"}
    assert sandbox.api("POST", account, "refunds", {**charge, "amount": 499})[0] == 422
    assert sandbox.api("POST", account, "refunds", charge)[0] == 200
    again = sandbox.api("POST", account, "refunds", charge)
    assert (again[0], again[1]["error"]) == (409, "CHARGE_ALREADY_REFUNDED")
    told = sandbox.api("GET", account, "transactions?after=0")[1]
    assert [(entry["direction"], entry["amount"]) for entry in told["transactions"]] == [
        ("in", 500),
        ("out", 500),
    ]
    assert told["balance"] == 0


def test_two_payments_are_two_charges(sandbox: RunningSandbox, account: str) -> None:
    message_id = invoice(sandbox, account)
    for _ in range(2):
        query = sandbox.fan(account, "leo", "pay", message_id=message_id)[1]["query_id"]
        assert sandbox.api("POST", account, f"checkouts/{query}", {"ok": True})[0] == 200
    assert sandbox.api("GET", account, "transactions")[1]["balance"] == 1000


def test_checkout_answer_after_ten_seconds_is_refused(
    sandbox: RunningSandbox, account: str
) -> None:
    query = sandbox.fan(account, "leo", "pay", message_id=invoice(sandbox, account))[1]["query_id"]
    sandbox.clock.advance(11)
    assert sandbox.api("POST", account, f"checkouts/{query}", {"ok": True}) == (
        400,
        {"error": "query_expired"},
    )
    assert sandbox.api("GET", account, "transactions")[1]["transactions"] == []


@pytest.mark.parametrize(
    "change", [{"currency": "EUR"}, {"amount": 0}, {"amount": 5.5}, {"payload": ""}]
)
def test_invoice_accepts_only_test_money(
    sandbox: RunningSandbox, account: str, change: dict[str, object]
) -> None:
    sandbox.fan(account, "leo", "message", text="hi")
    asked = {"text": "x", "invoice": {**INVOICE, **change}}
    assert sandbox.api("POST", account, "chats/leo/messages", asked)[0] == 422


def test_stop_and_age_are_updates(sandbox: RunningSandbox, account: str) -> None:
    sandbox.fan(account, "leo", "message", text="/stop")
    sandbox.fan(account, "leo", "age")
    sandbox.fan(account, "kid", "age", over_18=False)
    assert [(update["type"], update.get("ref")) for update in updates(sandbox, account)] == [
        ("stop", None),
        ("age", "over_18"),
        ("age", "under_18"),
    ]


def test_script_plays_a_fan(sandbox: RunningSandbox, account: str) -> None:
    steps = [
        {"type": "message", "text": "hello"},
        {"type": "button", "ref": "buy", "when": "button:buy"},
        {"type": "pay", "when": "invoice"},
    ]
    assert sandbox.json("POST", f"/control/scripts/{account}/leo", {"steps": steps})[0] == 200

    def kinds() -> list[object]:
        return [update["type"] for update in updates(sandbox, account)]

    wait_until(lambda: kinds() == ["message"], 5)
    buy = {"text": "Want it?", "buttons": [{"label": "Buy", "action": "buy", "ref": "o1"}]}
    sandbox.api("POST", account, "chats/leo/messages", buy)
    wait_until(lambda: kinds() == ["message", "button"], 5)
    sandbox.api("POST", account, "chats/leo/messages", {"text": "Here", "invoice": INVOICE})
    wait_until(lambda: kinds() == ["message", "button", "checkout"], 5)
