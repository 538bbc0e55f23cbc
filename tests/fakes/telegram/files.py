"""Pictures and films as the fake Telegram's messages show them."""

import secrets
from typing import Any

from tests.fakes.telegram.chats import Refusal, Told

PHOTO_BYTES, FILE_BYTES = 10 * 2**20, 50 * 2**20


def medium_of(kind: str, data: bytes, asked: Told) -> Told:
    """A file as its message shows it. That a film has the measures which the bot says, and else
    none, is assumed."""
    if not data or len(data) > (PHOTO_BYTES if kind == "photo" else FILE_BYTES):
        raise Refusal(413, "Request Entity Too Large")
    head = (
        "AgACAgQ" if kind == "photo" else "BAACAgQ"
    )  # what a file is stands in the first bytes of its id
    file = {"file_id": head + secrets.token_urlsafe(24), "file_unique_id": f"u{hash(data)}"}
    if kind == "photo":
        return {"photo": [file | {"width": 90, "height": 60}]}
    return {"video": file | {name: asked.get(name, 0) for name in ("width", "height", "duration")}}


def file_identity(part: Any) -> Any:
    """What makes two files the same: the id that all copies of one have."""
    return [size["file_unique_id"] for size in part] if isinstance(part, list) else part
