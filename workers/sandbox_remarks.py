"""What people say under posts of the sandbox: told to the account, answered by posts, hidden, deleted, or kept out."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from workers import sandbox_store as kept
from workers.sandbox_api import enter, json_of, number_of, store_of
from workers.sandbox_store import Refusal, Store

LONGEST, LISTED = 2000, 100
ACTS: Mapping[str, str] = {"hide": "hidden", "show": "shown", "delete": "deleted"}
"""What an act makes of a remark; `block` keeps its author away, `report` is written down."""

router = APIRouter()


def say(store: Store, account: str, fan_name: str, post_id: str, text: str) -> str:
    """Let somebody say something under a post; its id. Raises Refusal."""
    if not text.strip() or len(text) > LONGEST:
        raise Refusal(422, "bad_text")
    with store.writing():
        under, fan = kept.post(store, account, post_id), kept.fan(store, account, fan_name)
        if store.row("SELECT 1 FROM kept_away WHERE account = ? AND fan = ?", account, fan["name"]) is not None:
            raise Refusal(403, "kept_away")
        made = store.run(
            "INSERT INTO remarks (account, post, fan, text, state, at) VALUES (?,?,?,?,'shown',?)",
            *(account, under["id"], fan["name"], text, store.now()),
        )
    return f"r{made}"


def remark(store: Store, account: str, native_id: str) -> sqlite3.Row:
    """A remark that its author and the account left standing. Raises Refusal 404."""
    row = store.row(
        "SELECT * FROM remarks WHERE account = ? AND id = ? AND state <> 'deleted'",
        *(account, kept.number(native_id, "r")),
    )
    if row is None:
        raise Refusal(404, "no_such_remark")
    return row


def under(store: Store, account: str, post_id: str) -> list[dict[str, Any]]:
    """What everybody may read under a post, oldest first, with what the account answered."""
    rows = store.rows(
        "SELECT r.*, f.handle FROM remarks r JOIN fans f ON f.account = r.account AND f.name = r.fan"
        " WHERE r.account = ? AND r.post = ? AND r.state = 'shown' ORDER BY r.id",
        *(account, post_id),
    )
    answers = kept.posts(store, account, limit=200)
    return [
        {**dict(row), "answers": [one for one in answers if one["reply_to"] == f"r{row['id']}"][::-1]} for row in rows
    ]


@router.get("/api/{account}/remarks")
async def list_remarks(request: Request, account: str) -> dict[str, Any]:
    """What was said after the cursor, oldest first; hidden ones too, as the account sees them."""
    owner, store = enter(request, account), store_of(request)
    after = number_of(request.query_params.get("after"))
    rows = store.rows(
        "SELECT r.*, f.handle FROM remarks r JOIN fans f ON f.account = r.account AND f.name = r.fan"
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
            "url": f"{request.url_for('post_page', account=owner.name, post_id=row['post'])}#r{row['id']}",
        }
        for row in rows
    ]
    return {"remarks": told, "cursor": str(rows[-1]["id"] if rows else after)}


@router.post("/api/{account}/remarks/{remark_id}/{act}")
async def act_on(request: Request, account: str, remark_id: str, act: str) -> dict[str, str]:
    """Like, hide, show or delete a remark, keep its author away, or report it; the same again changes nothing."""
    owner, store = enter(request, account), store_of(request)
    with store.writing():
        row = remark(store, owner.name, remark_id)
        if act in ACTS:
            store.run("UPDATE remarks SET state = ? WHERE id = ?", ACTS[act], row["id"])
        elif act == "like":
            store.run("INSERT OR IGNORE INTO likes VALUES (?,?)", owner.name, row["id"])
        elif act == "unlike":
            store.run("DELETE FROM likes WHERE account = ? AND remark = ?", owner.name, row["id"])
        elif act == "block":
            store.run("INSERT OR IGNORE INTO kept_away VALUES (?,?)", owner.name, row["fan"])
        elif act == "report":
            store.run("UPDATE remarks SET reported = 1 WHERE id = ?", row["id"])
        else:
            raise Refusal(422, "bad_act")
    return {"id": remark_id, "done": act}


@router.post("/control/remarks/{account}")
async def somebody_says(request: Request, account: str) -> dict[str, str]:
    """`{"fan", "post", "text"}`: somebody says something under a post."""
    body = await json_of(request)
    said = {name: str(body.get(name) or "") for name in ("fan", "post", "text")}
    return {"id": say(store_of(request), account, said["fan"], said["post"], said["text"])}


@router.get("/control/remarks/{account}")
async def all_remarks(request: Request, account: str) -> dict[str, Any]:
    """Every remark of an account with its state, and who is kept away; for judges."""
    store = store_of(request)
    rows = store.rows("SELECT * FROM remarks WHERE account = ? ORDER BY id", account)
    away = store.rows("SELECT fan FROM kept_away WHERE account = ?", account)
    liked = {row["remark"] for row in store.rows("SELECT remark FROM likes WHERE account = ?", account)}
    return {
        "remarks": [{**dict(row), "id": f"r{row['id']}", "liked": row["id"] in liked} for row in rows],
        "kept_away": [one["fan"] for one in away],
    }
