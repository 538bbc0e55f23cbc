"""The sandbox's control API for tests and demos: accounts, faults, the record of requests, and
actions of fans."""

from typing import Any

from fastapi import APIRouter, Request

from sandbox import fan_actions, payments
from sandbox import store as kept
from sandbox.api import get_bell, get_fault_book, get_store, read_json_object
from sandbox.store import SandboxRefusal

router = APIRouter(prefix="/control")


@router.post("/accounts")
async def put_account(request: Request) -> dict[str, Any]:
    """Create or change an account from `{"account", "title"?, "token"?, "state"?}` and return its
    token. A repeat is harmless.

    The name determines the capabilities: `…+key` accepts idempotency keys, `…-nolook` cannot look
    up messages, `…-nomarks` drops the adult and AI labels.
    """
    body = await read_json_object(request)
    account = kept.create_account(
        get_store(request),
        str(body.get("account") or ""),
        title=str(body.get("title") or ""),
        token=str(body.get("token") or ""),
        state=str(body.get("state") or "active"),
    )
    return {
        "account": account.name,
        "token": account.token,
        "native_key": account.native_key,
        "state": account.state,
    }


@router.post("/token/{account}")
async def rotate_token(request: Request, account: str) -> dict[str, str]:
    """Create a new token, or revoke the token if the body is `{"revoke": true}`."""
    body = await read_json_object(request)
    return {
        "token": kept.rotate_token(get_store(request), account, revoke=bool(body.get("revoke")))
    }


@router.post("/followers/{account}")
async def set_followers(request: Request, account: str) -> dict[str, int]:
    """Set the number of followers from `{"followers": 12}`. The default is the number of fans who
    acted on the account."""
    many = (await read_json_object(request)).get("followers")
    return {
        "followers": kept.set_followers(
            get_store(request), account, many if type(many) is int else -1
        )
    }


@router.post("/faults")
async def add_fault(request: Request) -> dict[str, Any]:
    """Schedule a fault. Modes and kinds are documented in `foundation/ops/fault_injection.py`."""
    body = await read_json_object(request)
    book = get_fault_book(request)
    account = str(body.get("account") or "*")
    on = str(body.get("on") or "*")
    lag = float(body.get("lookup_lag") or 0)
    mode = str(body.get("mode") or ("lag" if lag else ""))
    wait = body.get("retry_after")
    try:
        if lag and mode != "lag":
            book.schedule_fault("lag", account=account, lookup_lag=lag)
        book.schedule_fault(
            mode,
            account=account,
            on=on,
            times=int(body.get("times") or 1),
            seconds=float(body.get("seconds") or 30),
            retry_after=None if wait is None else float(wait),
            lookup_lag=lag,
            match=str(body.get("match") or ""),
        )
    except ValueError as error:
        raise SandboxRefusal(422, "bad_fault") from error
    return {"waiting": book.list_pending_faults()}


@router.get("/faults")
async def list_faults(request: Request) -> dict[str, Any]:
    """Return the scheduled faults."""
    return {"waiting": get_fault_book(request).list_pending_faults()}


@router.delete("/faults")
async def clear_faults(request: Request) -> dict[str, Any]:
    """Delete all scheduled faults."""
    get_fault_book(request).clear_faults()
    return {"waiting": []}


@router.get("/record")
async def list_requests(request: Request) -> dict[str, Any]:
    """Return all API requests received after `?after=ID`, accepted or not, without polls for
    updates."""
    asked = request.query_params
    entries = get_fault_book(request).list_requests(int(asked.get("after") or 0))
    return {
        "record": [entry for entry in entries if asked.get("account") in {None, entry["account"]}]
    }


@router.get("/truth/{account}")
async def read_account_history(request: Request, account: str) -> dict[str, Any]:
    """Return everything an account ever received, including keys and deleted items, for checks in
    tests."""
    store = get_store(request)
    posts = store.fetch_all("SELECT * FROM posts WHERE account = ? ORDER BY id", account)
    messages = store.fetch_all("SELECT * FROM messages WHERE account = ? ORDER BY id", account)
    return {
        "posts": [kept.post_as_json(row) for row in posts],
        "messages": [kept.message_as_json(row) for row in messages],
    }


@router.get("/money/{account}/{fan}")
async def list_checkouts(request: Request, account: str, fan: str) -> dict[str, Any]:
    """Return a fan's checkouts by time with their outcome, for checks in tests."""
    tries = payments.list_fan_checkouts(get_store(request), account, fan)
    return {"checkouts": [one for of_message in tries.values() for one in of_message]}


@router.post("/chats/{account}/{fan}")
async def perform_fan_action(request: Request, account: str, fan: str) -> dict[str, Any]:
    """Perform a fan's action: `{"type": "message|button|pay|age|stop", "text"?, "message_id"?,
    "ref"?, "over_18"?}`."""
    done = fan_actions.perform_fan_action(
        get_store(request), account, fan, await read_json_object(request)
    )
    get_bell(request).ring()
    return done


@router.post("/scripts/{account}/{fan}")
async def add_script(request: Request, account: str, fan: str) -> dict[str, int]:
    """Store a script that acts for a fan: `{"steps": [{"type", "when"?, "after"?, …}]}`."""
    steps = (await read_json_object(request)).get("steps")
    return {
        "script": fan_actions.add_script(
            get_store(request), account, fan, steps if isinstance(steps, list) else []
        )
    }
