"""Paid media on the fake Telegram, which users see after they pay Stars. Purchases in channels are
not reported to bots. In private chats the bot receives the user and the payload, and the payment is
in its transactions.

Assumed: the error of a channel that does not allow paid media, and that such messages cannot be
edited. Source: https://core.telegram.org/bots/api#sendpaidmedia, #copymessage (paid media can't be
copied)
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.telegram.chats import Chat, Refusal, Told
from tests.fakes.telegram.stars import Stars
from tests.fakes.telegram.state import Bot, TelegramState

MOST_STARS, MOST_MEDIA, PAYLOAD = 25_000, 10, 128
Build = Callable[[str, bytes, Told], Told]


def refusal(why: str) -> Refusal:
    return Refusal(400, f"Bad Request: {why}")


def check(asked: Told) -> None:
    """Raise Refusal for parameters that no chat accepts."""
    if not 1 <= asked["star_count"] <= MOST_STARS:
        raise refusal("STARS_AMOUNT_INVALID")
    if not 1 <= len(asked["media"]) <= MOST_MEDIA:
        raise refusal("wrong number of paid media items")
    if len(asked.get("payload", "").encode()) > PAYLOAD:
        raise refusal("PAYLOAD_TOO_LONG")


def allowed(chat: Chat) -> None:
    """Raise Refusal if the channel does not allow paid media."""
    if not chat.sells:
        raise refusal("not enough rights to send paid media to the chat")


def body(asked: Told, files: Mapping[str, bytes], build: Build) -> Told:
    """Return the content that buyers see. Raise Refusal."""
    shown: list[Any] = []
    for item in asked["media"]:
        name = item["media"].removeprefix("attach://")
        if name == item["media"] or name not in files or item["type"] not in ("photo", "video"):
            raise refusal("wrong file identifier/HTTP URL specified")
        shown.append({"type": item["type"], **build(item["type"], files[name], item)})
    return {"paid_media": {"star_count": asked["star_count"], "paid_media": shown}}


def kept(asked: Told) -> Told:
    """Return the fields for the bot only, and the content protection."""
    protected = {"has_protected_content": True} if asked.get("protect_content") else {}
    return {"_payload": asked.get("payload", ""), **protected}


def buy_media(
    world: TelegramState, bot: Bot, name: str, *, told: bool = True, by: str = "", kept: int = 0
) -> str:
    """Pay for the latest locked message in a user's chat, as that user, or as the user `by` who
    received it by forwarding. Return the charge ID. `kept` is the commission of the affiliate. A
    user who has paid does not pay again."""
    with world.lock:
        shown = [one for one in world.seen(bot, name) if "paid_media" in one]
        message, payer = shown[-1], world.person(by or name)
        assert not by or not message.get("has_protected_content"), (
            "protected content cannot be forwarded"
        )
        if message["message_id"] in world.chat(bot, name).deleted or payer.id in message.setdefault(
            "_opened", []
        ):
            raise refusal("MESSAGE_ID_INVALID")
        message["_opened"].append(payer.id)
        stars, payload = Stars(world, bot), message["_payload"]
        charge = stars.media(payer.name, message["paid_media"]["star_count"] - kept, payload)
        if told:
            stars.tell(payer.name, payload)
    return charge
