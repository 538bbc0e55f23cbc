"""Comments on sandbox posts: added by fans, returned to the account, answered with posts, and
moderated."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from sandbox.api import authenticate, get_store, parse_number, read_json_object
from sandbox.store import (
    SandboxRefusal,
    SandboxStore,
    ensure_fan,
    get_post,
    list_posts,
    parse_native_id,
)

MAX_COMMENT_LENGTH = 2000
LISTED = 100
MODERATION_ACTIONS: Mapping[str, str] = {"hide": "hidden", "show": "shown", "delete": "deleted"}
"""The state of a comment after an action. `block` blocks its author and `report` only records the
report."""

router = APIRouter()


def add_comment(store: SandboxStore, account: str, fan_name: str, post_id: str, text: str) -> str:
    """Add a fan's comment to a post and return its ID. Raises SandboxRefusal."""
    if not text.strip() or len(text) > MAX_COMMENT_LENGTH:
        raise SandboxRefusal(422, "bad_text")
    with store.transaction():
        under = get_post(store, account, post_id)
        fan = ensure_fan(store, account, fan_name)
        if (
            store.fetch_one(
                "SELECT 1 FROM kept_away WHERE account = ? AND fan = ?", account, fan["name"]
            )
            is not None
        ):
            raise SandboxRefusal(403, "kept_away")
        made = store.execute(
            "INSERT INTO remarks (account, post, fan, text, state, at) VALUES (?,?,?,?,'shown',?)",
            *(account, under["id"], fan["name"], text, store.now()),
        )
    return f"r{made}"


def get_comment(store: SandboxStore, account: str, native_id: str) -> sqlite3.Row:
    """Return a comment that is not deleted. Raises SandboxRefusal with status 404."""
    row = store.fetch_one(
        "SELECT * FROM remarks WHERE account = ? AND id = ? AND state <> 'deleted'",
        *(account, parse_native_id(native_id, "r")),
    )
    if row is None:
        raise SandboxRefusal(404, "no_such_remark")
    return row


def comments_under_post(store: SandboxStore, account: str, post_id: str) -> list[dict[str, Any]]:
    """Return the visible comments on a post, oldest first, with the account's replies."""
    rows = store.fetch_all(
        "SELECT r.*, f.handle FROM remarks r JOIN fans f ON f.account = r.account AND f.name = "
        "r.fan"
        " WHERE r.account = ? AND r.post = ? AND r.state = 'shown' ORDER BY r.id",
        *(account, post_id),
    )
    answers = list_posts(store, account, limit=200)
    return [
        {
            **dict(row),
            "answers": [one for one in answers if one["reply_to"] == f"r{row['id']}"][::-1],
        }
        for row in rows
    ]


@router.get("/api/{account}/remarks")
async def list_comments(request: Request, account: str) -> dict[str, Any]:
    """Return the comments after the cursor, oldest first, including hidden ones."""
    owner = authenticate(request, account)
    store = get_store(request)
    after = parse_number(request.query_params.get("after"))
    rows = store.fetch_all(
        "SELECT r.*, f.handle FROM remarks r JOIN fans f ON f.account = r.account AND f.name = "
        "r.fan"
        " WHERE r.account = ? AND r.id > ? AND r.state <> 'deleted' ORDER BY r.id LIMIT ?",
        *(owner.name, after, LISTED),
    )
    told = [
        {
            "id": f"r{row['id']}",
            "post": row["post"],
            "fan": row["fan"],
            "handle": row["handle"],
            "text": row["text"],
            "at": row["at"],
            "url": _build_comment_url(request, owner.name, row),
        }
        for row in rows
    ]
    return {"remarks": told, "cursor": str(rows[-1]["id"] if rows else after)}


def _build_comment_url(request: Request, account: str, row: sqlite3.Row) -> str:
    post_url = request.url_for("post_page", account=account, post_id=row["post"])
    return f"{post_url}#r{row['id']}"


@router.post("/api/{account}/remarks/{remark_id}/{act}")
async def moderate_comment(
    request: Request, account: str, remark_id: str, act: str
) -> dict[str, str]:
    """Like, hide, show, delete or report a comment, or block its author. A repeat changes
    nothing."""
    owner = authenticate(request, account)
    store = get_store(request)
    with store.transaction():
        row = get_comment(store, owner.name, remark_id)
        if act in MODERATION_ACTIONS:
            store.execute(
                "UPDATE remarks SET state = ? WHERE id = ?", MODERATION_ACTIONS[act], row["id"]
            )
        elif act == "like":
            store.execute("INSERT OR IGNORE INTO likes VALUES (?,?)", owner.name, row["id"])
        elif act == "unlike":
            store.execute(
                "DELETE FROM likes WHERE account = ? AND remark = ?", owner.name, row["id"]
            )
        elif act == "block":
            store.execute("INSERT OR IGNORE INTO kept_away VALUES (?,?)", owner.name, row["fan"])
        elif act == "report":
            store.execute("UPDATE remarks SET reported = 1 WHERE id = ?", row["id"])
        else:
            raise SandboxRefusal(422, "bad_act")
    return {"id": remark_id, "done": act}


@router.post("/control/remarks/{account}")
async def add_fan_comment(request: Request, account: str) -> dict[str, str]:
    """Add a fan's comment to a post from `{"fan", "post", "text"}`."""
    body = await read_json_object(request)
    said = {name: str(body.get(name) or "") for name in ("fan", "post", "text")}
    return {"id": add_comment(get_store(request), account, said["fan"], said["post"], said["text"])}


@router.get("/control/remarks/{account}")
async def list_all_comments(request: Request, account: str) -> dict[str, Any]:
    """Return all comments of an account with their state and its blocked fans, for checks in
    tests."""
    store = get_store(request)
    rows = store.fetch_all("SELECT * FROM remarks WHERE account = ? ORDER BY id", account)
    away = store.fetch_all("SELECT fan FROM kept_away WHERE account = ?", account)
    liked = {
        row["remark"]
        for row in store.fetch_all("SELECT remark FROM likes WHERE account = ?", account)
    }
    return {
        "remarks": [
            {**dict(row), "id": f"r{row['id']}", "liked": row["id"] in liked} for row in rows
        ],
        "kept_away": [one["fan"] for one in away],
    }
