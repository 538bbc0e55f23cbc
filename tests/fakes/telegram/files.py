"""Photos and videos in messages of the fake Telegram."""

import secrets
from typing import Any

from tests.fakes.telegram.chats import Refusal, Told

PHOTO_BYTES, FILE_BYTES = 10 * 2**20, 50 * 2**20


def medium_of(kind: str, data: bytes, asked: Told) -> Told:
    """Return a file as its message shows it. Assumed: a video has the dimensions that the bot
    declares, and none otherwise."""
    if not data or len(data) > (PHOTO_BYTES if kind == "photo" else FILE_BYTES):
        raise Refusal(413, "Request Entity Too Large")
    # The first characters of a file id encode its type.
    head = "AgACAgQ" if kind == "photo" else "BAACAgQ"
    file = {"file_id": head + secrets.token_urlsafe(24), "file_unique_id": f"u{hash(data)}"}
    if kind == "photo":
        return {"photo": [file | {"width": 90, "height": 60}]}
    return {"video": file | {name: asked.get(name, 0) for name in ("width", "height", "duration")}}


def file_identity(part: Any) -> Any:
    """Return the identity of a file, which all its copies share."""
    return [size["file_unique_id"] for size in part] if isinstance(part, list) else part
