"""Changing the words of a post on the sandbox: it keeps what it said before, its media, its place and its id."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from workers import sandbox_store as kept
from workers.sandbox_api import check, enter, json_of, read_as, store_of, url_of
from workers.sandbox_store import Store

router = APIRouter()


class Words(BaseModel):
    """What may be changed of a post, and how it is marked by them."""

    model_config = ConfigDict(extra="forbid", strict=True)
    text: str = ""
    title: str = Field(default="", max_length=300)
    adult: bool = False
    ai: bool = False
    flags: list[str] = []


@router.put("/api/{account}/posts/{post_id}")
async def edit_post(request: Request, account: str, post_id: str) -> dict[str, Any]:
    """Change the words of a post that stands. The same words change nothing."""
    owner, store = enter(request, account), store_of(request)
    words, post = read_as(Words, await json_of(request)), kept.post(store, owner.name, post_id)
    check(store, owner, {**post, **words}, post["surface"])
    if not owner.keeps_marks:
        words |= {"adult": False, "ai": False}
    edited = _reworded(store, owner.name, post_id, words)
    return {"id": post_id, "url": url_of(request, edited), "edited_at": edited.get("edited_at", "")}


def _reworded(store: Store, owner: str, native_id: str, words: Mapping[str, Any]) -> dict[str, Any]:
    with store.writing():
        known = kept.post(store, owner, native_id)
        if all(known.get(name) == value for name, value in words.items()):
            return known
        number = kept.number(native_id, "p")
        row = store.row("SELECT content FROM posts WHERE id = ?", number)
        shown = json.loads(row["content"]) if row is not None else {}
        shown["said_before"] = [*shown.get("said_before", ()), known["text"]]
        shown |= {name: value for name, value in words.items() if name != "title"} | {"edited_at": store.now()}
        store.run("UPDATE posts SET title = ?, content = ? WHERE id = ?", words["title"], json.dumps(shown), number)
        return kept.post(store, owner, native_id)
