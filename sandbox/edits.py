"""Edits of sandbox posts. Earlier texts are stored; media, surface and ID do not change."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from sandbox.api import (
    authenticate,
    check_surface_rules,
    get_store,
    parse_body,
    post_url,
    read_json_object,
)
from sandbox.store import SandboxStore, get_post, parse_native_id

router = APIRouter()


class EditRequest(BaseModel):
    """The editable fields of a post."""

    model_config = ConfigDict(extra="forbid", strict=True)
    text: str = ""
    title: str = Field(default="", max_length=300)
    adult: bool = False
    ai: bool = False
    flags: list[str] = []


@router.put("/api/{account}/posts/{post_id}")
async def edit_post(request: Request, account: str, post_id: str) -> dict[str, Any]:
    """Replace the text of a post. The same text changes nothing."""
    owner = authenticate(request, account)
    store = get_store(request)
    words = parse_body(EditRequest, await read_json_object(request))
    post = get_post(store, owner.name, post_id)
    check_surface_rules(store, owner, {**post, **words}, post["surface"])
    if not owner.keeps_first_labels:
        words |= {"adult": False, "ai": False}
    edited = _apply_text_edit(store, owner.name, post_id, words)
    return {
        "id": post_id,
        "url": post_url(request, edited),
        "edited_at": edited.get("edited_at", ""),
    }


def _apply_text_edit(
    store: SandboxStore, owner: str, native_id: str, words: Mapping[str, Any]
) -> dict[str, Any]:
    with store.transaction():
        known = get_post(store, owner, native_id)
        if all(known.get(name) == value for name, value in words.items()):
            return known
        number = parse_native_id(native_id, "p")
        row = store.fetch_one("SELECT content FROM posts WHERE id = ?", number)
        shown = json.loads(row["content"]) if row is not None else {}
        shown["said_before"] = [*shown.get("said_before", ()), known["text"]]
        shown |= {name: value for name, value in words.items() if name != "title"} | {
            "edited_at": store.now()
        }
        store.execute(
            "UPDATE posts SET title = ?, content = ? WHERE id = ?",
            words["title"],
            json.dumps(shown),
            number,
        )
        return get_post(store, owner, native_id)
