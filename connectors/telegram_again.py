"""What Telegram has of ours, shown again: a file by its id, a message copied. Pure.

Source: https://core.telegram.org/bots/api#sending-files, #copymessage
"""

from typing import Any

from connectors.telegram_answers import place_of
from foundation.words import Message
from gate.units import Unit

WAYS = frozenset({"reuse", "repost"})
_PHOTO = "AgAC"
"""What the file id of a photo begins with: its first bytes say what a file is."""


def unfit(unit: Unit, words: str) -> Message | None:
    """Why something cannot be shown again with what stands beside it: a copied message keeps its own caption."""
    beside = unit.media or unit.invoice is not None or len(unit.references) != 1
    repost = unit.references[0].kind == "repost"
    if beside or (repost and (words or unit.buttons or _message(unit) is None)):
        return Message("telegram.again_unfit")
    return None


def fields(unit: Unit, words: str) -> tuple[str, dict[str, Any]]:
    """The method that shows it again, and what it takes beside the chat."""
    (reference,) = unit.references
    if reference.kind == "repost":
        chat, number = _message(unit) or (0, 0)
        return "copyMessage", {"from_chat_id": chat, "message_id": number}
    kind = "photo" if reference.native_id.startswith(_PHOTO) else "video"
    return f"send{kind.capitalize()}", {kind: reference.native_id} | ({"caption": words} if words else {})


def _message(unit: Unit) -> tuple[int | str, int] | None:
    """Chat and number of the one message that is pointed at."""
    place = place_of(unit.references[0].native_id)
    return (place[0], place[1][0]) if place is not None and len(place[1]) == 1 else None
