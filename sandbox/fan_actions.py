"""Actions of fans in the sandbox, from the chat page or a script. The account receives them as
updates."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox import payments
from sandbox.store import (
    SandboxRefusal,
    SandboxStore,
    add_message,
    add_update,
    ensure_fan,
    get_account,
    list_messages,
    parse_native_id,
)

MAX_TEXT_LENGTH = 4096


def perform_fan_action(
    store: SandboxStore, account: str, fan_name: str, action: Mapping[str, Any]
) -> dict[str, Any]:
    """Perform one action of a fan: message, button, pay, age or stop. Raises SandboxRefusal if it
    is impossible."""
    get_account(store, account)
    with store.transaction():
        handle = str(action.get("handle") or "")
        language = str(action.get("language") or "")
        fan = ensure_fan(store, account, fan_name, handle=handle, language=language)
        match action.get("type"):
            case "message" | "stop" as kind:
                return _send_fan_message(
                    store, account, fan, kind, str(action.get("text") or "/stop")
                )
            case "button":
                return _press_button(
                    store,
                    account,
                    fan,
                    str(action.get("message_id") or ""),
                    str(action.get("ref") or ""),
                )
            case "pay":
                message_id = str(action.get("message_id") or "") or _newest_invoice(
                    store, account, fan_name
                )
                return {"query_id": payments.open_checkout(store, account, fan_name, message_id)}
            case "age":
                return _prove_age(store, account, fan, adult=bool(action.get("over_18", True)))
            case _:
                raise SandboxRefusal(422, "bad_action")


def _send_fan_message(
    store: SandboxStore, account: str, fan: Any, kind: str, text: str
) -> dict[str, Any]:
    if not text.strip() or len(text) > MAX_TEXT_LENGTH:
        raise SandboxRefusal(422, "bad_text")
    message = add_message(store, account, fan["name"], "fan", {"text": text})
    kind = "stop" if text.strip().lower() in {"/stop", "/stop all"} else kind
    return {"id": add_update(store, account, kind, fan, message_id=message["id"], text=text)}


def _press_button(
    store: SandboxStore, account: str, fan: Any, message_id: str, ref: str
) -> dict[str, Any]:
    """Press a button of a message. `ref` is `action:ref`, or an action alone for the newest button
    with it."""
    for message in list_messages(store, account, fan["name"], author="creator"):
        if message_id in {"", message["id"]}:
            for button in message.get("buttons") or []:
                whole = f"{button['action']}:{button['ref']}"
                if ref in {whole, button["action"]}:
                    told = {"message_id": message["id"], "ref": whole, "text": button["label"]}
                    return {"id": add_update(store, account, "button", fan, **told)}
    raise SandboxRefusal(404, "no_such_button")


def _newest_invoice(store: SandboxStore, account: str, fan_name: str) -> str:
    for message in list_messages(store, account, fan_name, author="creator"):
        if message.get("invoice"):
            return str(message["id"])
    raise SandboxRefusal(404, "no_such_invoice")


def _prove_age(store: SandboxStore, account: str, fan: Any, *, adult: bool) -> dict[str, Any]:
    age = "over_18" if adult else "under_18"
    store.execute(
        "UPDATE fans SET age = ? WHERE account = ? AND name = ?", age, account, fan["name"]
    )
    return {"id": add_update(store, account, "age", fan, ref=age, text=age)}


def add_script(
    store: SandboxStore, account: str, fan_name: str, steps: list[dict[str, Any]]
) -> int:
    """Store a script that acts for a fan. A step is an action with `after` (seconds) and `when`:

    `""` immediately, `reply` after a new message of the creator, `invoice` after a new invoice,
    `button:ACTION` after a new button with that action. Messages are new if they are later than
    those the script has reacted to.
    """
    get_account(store, account)
    if not steps or not all(isinstance(step, dict) and step.get("type") for step in steps):
        raise SandboxRefusal(422, "bad_script")
    ready = store.clock() + timedelta(seconds=float(steps[0].get("after") or 0))
    return store.execute(
        "INSERT INTO scripts (account, fan, steps, ready_at) VALUES (?,?,?,?)",
        *(account, fan_name, json.dumps(steps), ready.isoformat()),
    )


def has_waiting_scripts(store: SandboxStore) -> bool:
    """Return True if a script has steps that were not performed yet."""
    return (
        store.fetch_one("SELECT 1 FROM scripts WHERE position < json_array_length(steps)")
        is not None
    )


def run_due_scripts(store: SandboxStore) -> list[str]:
    """Perform the due step of each script and return the affected accounts."""
    touched = []
    for script in store.fetch_all(
        "SELECT * FROM scripts WHERE position < json_array_length(steps) ORDER BY id"
    ):
        step = json.loads(script["steps"])[script["position"]]
        seen = _find_trigger_message(store, script, str(step.get("when") or ""))
        if seen is None or datetime.fromisoformat(script["ready_at"]) > store.clock():
            continue
        with store.transaction():
            try:
                perform_fan_action(store, script["account"], script["fan"], step)
            except SandboxRefusal:
                continue  # the button or invoice is gone; the script waits for another
            _advance_script(store, script, seen)
        touched.append(script["account"])
    return touched


def _advance_script(store: SandboxStore, script: Any, seen: int) -> None:
    steps = json.loads(script["steps"])
    position = script["position"] + 1
    after = float(steps[position].get("after") or 0) if position < len(steps) else 0.0
    ready = store.clock() + timedelta(seconds=after)
    store.execute(
        "UPDATE scripts SET position = ?, seen = ?, ready_at = ? WHERE id = ?",
        *(position, seen, ready.isoformat(), script["id"]),
    )


def _find_trigger_message(store: SandboxStore, script: Any, when: str) -> int | None:
    """Return the newest message that triggers the step, or None if there is none yet."""
    messages = list_messages(store, script["account"], script["fan"], author="creator", limit=20)
    newest = parse_native_id(messages[0]["id"], "m") if messages else 0
    if not when:
        return max(newest, int(script["seen"]))
    for message in messages:
        number = parse_native_id(message["id"], "m")
        actions = {f"button:{button['action']}" for button in message.get("buttons") or []}
        if number > script["seen"] and (
            when == "reply" or (when == "invoice" and message.get("invoice")) or when in actions
        ):
            return number
    return None
