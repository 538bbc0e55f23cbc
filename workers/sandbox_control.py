"""The sandbox's control side, for tests and the demo: accounts, faults, the record of what came in, what fans do."""

from typing import Any

from fastapi import APIRouter, Request

from workers import sandbox_fans as fans
from workers import sandbox_money as money
from workers import sandbox_store as kept
from workers.sandbox_api import bell_of, book_of, json_of, store_of
from workers.sandbox_store import Refusal

router = APIRouter(prefix="/control")


@router.post("/accounts")
async def put_account(request: Request) -> dict[str, Any]:
    """`{"account", "title"?, "token"?, "state"?}`: create or change; the same again is harmless and tells the token.

    What the account can do follows from its name: `…+key` honours idempotency keys, `…-nolook` cannot find messages,
    `…-nomarks` forgets marks.
    """
    body = await json_of(request)
    account = kept.create_account(
        store_of(request),
        str(body.get("account") or ""),
        title=str(body.get("title") or ""),
        token=str(body.get("token") or ""),
        state=str(body.get("state") or "active"),
    )
    return {"account": account.name, "token": account.token, "native_key": account.native_key, "state": account.state}


@router.post("/token/{account}")
async def rotate_token(request: Request, account: str) -> dict[str, str]:
    """`{"revoke": true}` lets nobody in; else a new token."""
    body = await json_of(request)
    return {"token": kept.rotate_token(store_of(request), account, revoke=bool(body.get("revoke")))}


@router.post("/followers/{account}")
async def set_followers(request: Request, account: str) -> dict[str, int]:
    """`{"followers": 12}`: so many follow the account; until somebody says it, as many as acted there."""
    many = (await json_of(request)).get("followers")
    return {"followers": kept.follow(store_of(request), account, many if type(many) is int else -1)}


@router.post("/faults")
async def ask_fault(request: Request) -> dict[str, Any]:
    """Ask for a fault; modes and kinds are told in `foundation/faults.py`."""
    body, book = await json_of(request), book_of(request)
    account, on = str(body.get("account") or "*"), str(body.get("on") or "*")
    lag = float(body.get("lookup_lag") or 0)
    mode = str(body.get("mode") or ("lag" if lag else ""))
    wait = body.get("retry_after")
    try:
        if lag and mode != "lag":
            book.ask("lag", account=account, lookup_lag=lag)
        book.ask(
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
        raise Refusal(422, "bad_fault") from error
    return {"waiting": book.waiting()}


@router.get("/faults")
async def list_faults(request: Request) -> dict[str, Any]:
    """Faults still to happen."""
    return {"waiting": book_of(request).waiting()}


@router.delete("/faults")
async def clear_faults(request: Request) -> dict[str, Any]:
    """All is well again."""
    book_of(request).clear()
    return {"waiting": []}


@router.get("/record")
async def record(request: Request) -> dict[str, Any]:
    """Every API request received after `?after=ID`, taken in or not; polling for updates is left out."""
    asked = request.query_params
    entries = book_of(request).record(int(asked.get("after") or 0))
    return {"record": [entry for entry in entries if asked.get("account") in {None, entry["account"]}]}


@router.get("/truth/{account}")
async def truth(request: Request, account: str) -> dict[str, Any]:
    """Everything an account ever took in, keys and what was deleted included; for judges."""
    store = store_of(request)
    posts = store.rows("SELECT * FROM posts WHERE account = ? ORDER BY id", account)
    messages = store.rows("SELECT * FROM messages WHERE account = ? ORDER BY id", account)
    return {"posts": [kept.as_post(row) for row in posts], "messages": [kept.as_message(row) for row in messages]}


@router.get("/money/{account}/{fan}")
async def money_of(request: Request, account: str, fan: str) -> dict[str, Any]:
    """A fan's tries to pay, by time, with what became of each; for judges."""
    tries = money.checkouts(store_of(request), account, fan)
    return {"checkouts": [one for of_message in tries.values() for one in of_message]}


@router.post("/chats/{account}/{fan}")
async def fan_acts(request: Request, account: str, fan: str) -> dict[str, Any]:
    """A fan's action: `{"type": "message|button|pay|age|stop", "text"?, "message_id"?, "ref"?, "over_18"?}`."""
    done = fans.act(store_of(request), account, fan, await json_of(request))
    bell_of(request).ring()
    return done


@router.post("/scripts/{account}/{fan}")
async def add_script(request: Request, account: str, fan: str) -> dict[str, int]:
    """`{"steps": [{"type", "when"?, "after"?, …}]}`: let a fan act by itself."""
    steps = (await json_of(request)).get("steps")
    return {"script": fans.add_script(store_of(request), account, fan, steps if isinstance(steps, list) else [])}
