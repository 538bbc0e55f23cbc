"""Paid media on the fake Telegram: what people see only once they paid Stars. In a channel no bot hears of it.

Assumed: how a channel that takes none refuses, and that such a message is not edited. Source:
https://core.telegram.org/bots/api#sendpaidmedia, #copymessage (paid media can't be copied)
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.telegram_world import Chat, Refusal, Told

MOST_STARS, MOST_MEDIA, PAYLOAD = 25_000, 10, 128
Build = Callable[[str, bytes], Told]


def refusal(why: str) -> Refusal:
    return Refusal(400, f"Bad Request: {why}")


def check(asked: Told) -> None:
    """What no chat takes. Raises Refusal."""
    if not 1 <= asked["star_count"] <= MOST_STARS:
        raise refusal("STARS_AMOUNT_INVALID")
    if not 1 <= len(asked["media"]) <= MOST_MEDIA:
        raise refusal("wrong number of paid media items")
    if len(asked.get("payload", "").encode()) > PAYLOAD:
        raise refusal("PAYLOAD_TOO_LONG")


def allowed(chat: Chat) -> None:
    """Raises Refusal for a channel whose owner lets nobody sell there."""
    if not chat.sells:
        raise refusal("not enough rights to send paid media to the chat")


def body(asked: Told, files: Mapping[str, bytes], build: Build) -> Told:
    """What the message shows whoever paid. Raises Refusal."""
    shown: list[Any] = []
    for item in asked["media"]:
        name = item["media"].removeprefix("attach://")
        if name == item["media"] or name not in files or item["type"] not in ("photo", "video"):
            raise refusal("wrong file identifier/HTTP URL specified")
        shown.append({"type": item["type"], **build(item["type"], files[name])})
    return {"paid_media": {"star_count": asked["star_count"], "paid_media": shown}}
