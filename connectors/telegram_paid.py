"""A post, or a message to one fan, whose pictures and films are shown to whoever pays Stars for them. Pure.

What people pay in a channel goes to the channel's own balance, which its owner sees in the app: a bot is told neither
of it nor of who bought. What a fan pays in their chat with the bot is the bot's: it is told who opened which payload,
and what was paid stands in its list of transactions.
Source: https://core.telegram.org/bots/api#sendpaidmedia, #update (`purchased_paid_media`)
"""

from typing import Any

from connectors import locking
from connectors.capabilities import Asking
from foundation.money import STARS
from foundation.words import Message
from gate.units import Unit

PER_POST = Asking(STARS, 1, 25_000)
SELLS = {"public_channel": PER_POST, "private_channel": PER_POST, "bot_dm": PER_POST}
PAYLOAD = 128
"""Bytes that may travel with it, unseen."""

_SPOILER = "has_spoiler=true"


def unfit(unit: Unit) -> Message | None:
    """Why a post with a price cannot go out as it is: what is locked has no mark that hides it, and no buttons."""
    if unit.buttons:
        return Message("telegram.buttons_unfit")
    return Message("connectors.mark_untold", {"mark": _SPOILER}) if _SPOILER in unit.flags else None


def fields(unit: Unit, words: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The fields of `sendPaidMedia` beside the chat's; `items` say which attached files it shows, and as what."""
    if unit.price is None:
        raise ValueError("no price")
    caption = {"caption": words} if words else {}
    # a message is for its one reader, whose age we know: passed on, anybody could open it
    kept = {"protect_content": True} if unit.viewer else {}
    return {"star_count": unit.price.minor, "media": items, "payload": locking.written(unit.subject), **caption, **kept}
