"""Limits of the content that a bot sends, and the checks before it is sent."""

from connectors.contract.capabilities import PostOption, PriceRange
from connectors.platforms.telegram.errors import place_of
from connectors.shared import options
from foundation.i18n.translation import Message
from foundation.money import STARS
from gate.contract.units import Medium, Unit

WAYS = frozenset({"reuse", "repost"})


def repost_problem(unit: Unit, words: str) -> Message | None:
    """Return the reason why a reference cannot be combined with the unit's content, or None. A
    copied message retains its caption."""
    beside = unit.media or unit.invoice is not None or len(unit.references) != 1
    repost = unit.references[0].kind == "repost"
    if beside or (repost and (words or unit.buttons or referenced_message(unit) is None)):
        return Message("telegram.again_unfit")
    return None


def referenced_message(unit: Unit) -> tuple[int | str, int] | None:
    """Return the chat and the ID of the referenced message, or None if there is not exactly one."""
    place = place_of(unit.references[0].native_id)
    return (place[0], place[1][0]) if place is not None and len(place[1]) == 1 else None


PER_POST = PriceRange(STARS, 1, 25_000)
SELLS = {"public_channel": PER_POST, "private_channel": PER_POST, "bot_dm": PER_POST}
_SPOILER = "has_spoiler=true"


def paid_media_problem(unit: Unit) -> Message | None:
    """Return the reason why paid media cannot be sent, or None. Paid media have no spoiler flag and
    no buttons."""
    if unit.buttons:
        return Message("telegram.buttons_unfit")
    return Message("connectors.mark_untold", {"mark": _SPOILER}) if _SPOILER in unit.flags else None


MAX_TEXT = 4096
MAX_CAPTION = 1024
"""Maximum length of a caption in UTF-16 units without markup, which is not used. `MAX_TEXT` is the
maximum for a message."""

MAX_MEDIA = 10
MAX_PARTS = 25
"""Maximum number of posts in a thread. Telegram documents none; this limit prevents floods of
messages."""

OPTIONS = (PostOption("silent", "flag", default=options.OPTION_FALSE),)
"""The options of a post. Pinning is not offered, because it needs a permission that bots rarely
have and an additional request. Link previews are always disabled."""

PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
VIDEOS = frozenset({"video/mp4"})
MIMES = tuple(sorted(PHOTOS | VIDEOS))
MAX_PHOTO_RATIO = 20
"""Maximum ratio of a photo's longer side to its shorter one:
https://core.telegram.org/bots/api#sendphoto"""

PHOTO_BYTES = 10 * 1024 * 1024
VIDEO_BYTES = 50 * 1024 * 1024
TITLE = 32
DESCRIPTION = 255
PAYLOAD = 128
CALLBACK = 64
"""Maximum number of bytes of a button's data. `TITLE` and `DESCRIPTION` of an invoice are limited
in characters, `PAYLOAD` in bytes."""

CURRENCY = "XTR"


def telegram_text_length(text: str) -> int:
    """Return the length in UTF-16 units, as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


def words_of(unit: Unit) -> str:
    """Return the visible text of a unit."""
    return unit.text_of("body") or unit.text_of("title")


def count_text(unit: Unit) -> tuple[int, int]:
    """Return the length of the text and the limit. The limit of a unit with media is that of a
    caption."""
    return telegram_text_length(
        words_of(unit)
    ), MAX_CAPTION if unit.media or unit.references else MAX_TEXT


def content_problem(unit: Unit) -> Message | None:
    """Return the reason why a unit cannot be sent, or None. Texts are never truncated."""
    if not unit.viewer and not unit.destination:
        return Message("telegram.no_channel")
    if unit.invoice is not None:
        return _unfit_invoice(unit)
    if wrong := options.options_problem(unit, OPTIONS):
        return wrong
    said, most = count_text(unit)
    if said > most:
        code = "connectors.text_too_long" if most == MAX_TEXT else "telegram.caption_too_long"
        return Message(code, {"length": said, "most": most})
    if unit.parts > MAX_PARTS:
        return Message("connectors.too_many_parts", {"count": unit.parts, "most": MAX_PARTS})
    if len(unit.media) > MAX_MEDIA:
        return Message("connectors.too_many_media", {"count": len(unit.media), "most": MAX_MEDIA})
    if unit.references:
        return repost_problem(unit, words_of(unit)) or _unfit_buttons(unit)
    if not said and not unit.media:
        return Message("telegram.empty")
    trouble = next(filter(None, map(_unfit_medium, unit.media)), None) or _unfit_buttons(unit)
    return trouble if trouble is not None or unit.price is None else paid_media_problem(unit)


def _unfit_medium(medium: Medium) -> Message | None:
    if medium.mime in PHOTOS:
        most = PHOTO_BYTES
    elif medium.mime in VIDEOS:
        most = VIDEO_BYTES
    else:
        most = -1
    if medium.size > most:
        return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
    sides = sorted((medium.width, medium.height))
    if medium.mime in PHOTOS and sides[1] > MAX_PHOTO_RATIO * sides[0] > 0:
        return Message("telegram.photo_too_long", {"most": MAX_PHOTO_RATIO})
    return None


def _unfit_buttons(unit: Unit) -> Message | None:
    too_long = any(
        len(callback_data(button.action, button.ref).encode()) > CALLBACK for button in unit.buttons
    )
    if too_long or (unit.buttons and len(unit.media) > 1):  # an album cannot have buttons
        return Message("telegram.buttons_unfit")
    return None


def _unfit_invoice(unit: Unit) -> Message | None:
    invoice = unit.invoice
    if (
        invoice is None
        or unit.media
        or unit.buttons
        or not unit.viewer
        or invoice.currency != CURRENCY
    ):
        return Message("telegram.invoice_unfit")
    if len(invoice.title) > TITLE or len(invoice.description) > DESCRIPTION:
        return Message("telegram.invoice_too_long", {"title": TITLE, "description": DESCRIPTION})
    if (
        not invoice.title
        or not invoice.description
        or not 0 < len(invoice.payload.encode()) <= PAYLOAD
    ):
        return Message("telegram.invoice_unfit")
    return None


def callback_data(action: str, ref: str) -> str:
    """Return the data of a button, which its update contains."""
    return f"{action}:{ref}"
