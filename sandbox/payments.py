"""Test payments. A checkout is refused after 10 seconds without a response. A payment has one
charge, and a charge at most one refund.

To imitate failures of some networks, one accepted checkout also covers a second press on pay: a fan
who presses twice at once is charged twice.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sandbox.store import (
    SandboxRefusal,
    SandboxStore,
    add_update,
    ensure_fan,
    list_messages,
    parse_native_id,
)

TEST_CURRENCY = "XTS"
"""The currency code that ISO 4217 reserves for tests."""

ANSWER_TIMEOUT = timedelta(seconds=10)
"""Time in which the account must respond to a checkout."""

DOUBLE_PRESS_WINDOW = timedelta(seconds=3)
"""A second press on the same invoice within this time is accepted together with the first."""


def open_checkout(store: SandboxStore, account: str, fan_name: str, message_id: str) -> str:
    """Start the checkout of an invoice, add an update that asks the account to accept it, and
    return the query ID."""
    message = next(
        (m for m in list_messages(store, account, fan_name) if m["id"] == message_id), None
    )
    invoice = message.get("invoice") if message else None
    if not invoice:
        raise SandboxRefusal(404, "no_such_invoice")
    query_id = f"q_{secrets.token_hex(8)}"
    with store.transaction():
        answered = _is_repeat_press(store, account, fan_name, message_id)
        store.execute(
            "INSERT INTO checkouts (id, account, fan, message_id, payload, amount, currency, "
            "state, at)"
            " VALUES (?,?,?,?,?,?,?,'open',?)",
            *(query_id, account, fan_name, parse_native_id(message_id, "m"), invoice["payload"]),
            *(invoice["amount"], invoice["currency"], store.now()),
        )
        if answered:
            _pay_checkout(store, query_id, "")
            return query_id
        add_update(
            *(store, account, "checkout", ensure_fan(store, account, fan_name)),
            query_id=query_id,
            message_id=message_id,
            payload=invoice["payload"],
            amount=invoice["amount"],
            currency=invoice["currency"],
        )
    return query_id


def _is_repeat_press(store: SandboxStore, account: str, fan_name: str, message_id: str) -> bool:
    """Return True if a first press on this invoice was accepted a moment ago."""
    rows = store.fetch_all(
        "SELECT at FROM checkouts WHERE account = ? AND fan = ? AND message_id = ? AND state = "
        "'paid'",
        *(account, fan_name, parse_native_id(message_id, "m")),
    )
    return (
        len(rows) == 1
        and store.clock() - datetime.fromisoformat(rows[0]["at"]) <= DOUBLE_PRESS_WINDOW
    )


def answer_checkout(
    store: SandboxStore, account: str, query_id: str, *, ok: bool, text: str
) -> dict[str, Any]:
    """Accept or refuse a checkout. A repeated response creates no second charge."""
    with store.transaction():
        row = store.fetch_one(
            "SELECT * FROM checkouts WHERE id = ? AND account = ?", query_id, account
        )
        if row is None:
            raise SandboxRefusal(404, "no_such_query")
        # a repeated response returns the first charge
        if row["state"] == "paid" and ok:
            return {"query_id": query_id, "charge_id": row["charge_id"]}
        if row["state"] != "open" or _is_answer_expired(store, row["at"]):
            raise SandboxRefusal(400, "query_expired")
        if not ok:
            store.execute(
                "UPDATE checkouts SET state = 'refused', text = ? WHERE id = ?", text, query_id
            )
            return {"query_id": query_id, "charge_id": ""}
        charge_id = _pay_checkout(store, query_id, text)
        _pay_simultaneous_checkout(store, row)
    return {"query_id": query_id, "charge_id": charge_id}


def _pay_checkout(store: SandboxStore, query_id: str, text: str) -> str:
    """Charge a checkout and return the charge ID."""
    charge_id = f"ch_{secrets.token_hex(10)}"
    store.execute(
        "UPDATE checkouts SET state = 'paid', text = ?, charge_id = ? WHERE id = ?",
        *(text, charge_id, query_id),
    )
    row = store.fetch_one("SELECT * FROM checkouts WHERE id = ?", query_id)
    _record_charge(store, row, charge_id)
    return charge_id


def _pay_simultaneous_checkout(store: SandboxStore, first: Any) -> None:
    """Charge the second checkout of an invoice if both were opened at almost the same time."""
    second = store.fetch_one(
        "SELECT id, at FROM checkouts WHERE account = ? AND fan = ? AND message_id = ? AND state "
        "= 'open' AND id <> ?",
        *(first["account"], first["fan"], first["message_id"], first["id"]),
    )
    if second is None:
        return
    apart = abs(datetime.fromisoformat(second["at"]) - datetime.fromisoformat(first["at"]))
    if apart <= DOUBLE_PRESS_WINDOW:
        _pay_checkout(store, second["id"], "")


def _is_answer_expired(store: SandboxStore, at: str) -> bool:
    return store.clock() - datetime.fromisoformat(at) > ANSWER_TIMEOUT


def _record_charge(store: SandboxStore, checkout: Any, charge_id: str) -> None:
    account = checkout["account"]
    money = {"amount": checkout["amount"], "currency": checkout["currency"]}
    _record_transaction(store, checkout, charge_id, "in", checkout["amount"])
    add_update(
        *(store, account, "payment", ensure_fan(store, account, checkout["fan"])),
        **{
            "charge_id": charge_id,
            "payload": checkout["payload"],
            "message_id": f"m{checkout['message_id']}",
            **money,
        },
    )


def _record_transaction(
    store: SandboxStore, source: Any, charge_id: str, direction: str, amount: int
) -> None:
    store.execute(
        "INSERT INTO transactions (account, fan, charge_id, direction, amount, currency, payload, "
        "at)"
        " VALUES (?,?,?,?,?,?,?,?)",
        *(source["account"], source["fan"], charge_id, direction, amount),
        *(source["currency"], source["payload"], store.now()),
    )


def refund_charge(
    store: SandboxStore, account: str, charge_id: str, amount: int, currency: str
) -> dict[str, Any]:
    """Refund a whole charge. Raises SandboxRefusal with status 409 if it is already refunded."""
    with store.transaction():
        charge = store.fetch_one(
            "SELECT * FROM transactions WHERE account = ? AND charge_id = ? AND direction = 'in'",
            account,
            charge_id,
        )
        if charge is None:
            raise SandboxRefusal(404, "no_such_charge")
        if (charge["amount"], charge["currency"]) != (amount, currency):
            raise SandboxRefusal(422, "wrong_amount", charge_id=charge_id)
        if store.fetch_one(
            "SELECT 1 FROM transactions WHERE account = ? AND charge_id = ? AND direction = 'out'",
            account,
            charge_id,
        ):
            raise SandboxRefusal(409, "CHARGE_ALREADY_REFUNDED", charge_id=charge_id)
        _record_transaction(store, charge, charge_id, "out", amount)
        add_update(
            *(store, account, "refund", ensure_fan(store, account, charge["fan"])),
            charge_id=charge_id,
            payload=charge["payload"],
            amount=amount,
            currency=currency,
        )
    return {"charge_id": charge_id, "refunded": True}


def list_transactions(store: SandboxStore, account: str, after: int) -> dict[str, Any]:
    """Return charges and refunds after a transaction ID, oldest first, and the account's balance in
    minor units."""
    rows = store.fetch_all(
        "SELECT * FROM transactions WHERE account = ? AND id > ? ORDER BY id", account, after
    )
    sums = store.fetch_one(
        "SELECT coalesce(sum(CASE direction WHEN 'in' THEN amount ELSE -amount END), 0) AS balance"
        " FROM transactions WHERE account = ?",
        account,
    )
    told = ("charge_id", "fan", "direction", "amount", "currency", "at", "payload")
    return {
        "transactions": [
            {"id": str(row["id"]), **{name: row[name] for name in told}} for row in rows
        ],
        "balance": sums["balance"] if sums else 0,
        "currency": TEST_CURRENCY,
    }


def list_fan_checkouts(
    store: SandboxStore, account: str, fan_name: str
) -> dict[str, list[dict[str, Any]]]:
    """Return the fan's checkouts by message ID. Their state is open, paid, refunded, refused or
    expired."""
    refunded = {
        row["charge_id"]
        for row in store.fetch_all(
            "SELECT charge_id FROM transactions WHERE account = ? AND direction = 'out'", account
        )
    }
    tries: dict[str, list[dict[str, Any]]] = {}
    for row in store.fetch_all(
        "SELECT * FROM checkouts WHERE account = ? AND fan = ? ORDER BY at", account, fan_name
    ):
        state = (
            "expired"
            if row["state"] == "open" and _is_answer_expired(store, row["at"])
            else row["state"]
        )
        state = "refunded" if row["charge_id"] in refunded else state
        tries.setdefault(f"m{row['message_id']}", []).append(
            {
                "state": state,
                "text": row["text"],
                "charge_id": row["charge_id"],
                "amount": row["amount"],
            }
        )
    return tries
