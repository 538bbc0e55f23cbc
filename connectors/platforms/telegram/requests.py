"""Requests that send content to Telegram, and the checks before them.

A file that Telegram already has is sent by its ID, and a message is copied. Source:
https://core.telegram.org/bots/api#sending-files, #copymessage

Payments for paid media in a channel are added to the channel's balance, which its owner sees in the
app; a bot receives no information about them. A fan's payment in the chat with the bot is added to
the bot's balance. An update contains the fan and the payload, and the list of transactions contains
the amount. Source: https://core.telegram.org/bots/api#sendpaidmedia, #update
(`purchased_paid_media`)
"""

from typing import Any

from connectors.contract import paid_media
from connectors.contract.capabilities import PostOption, PriceRange
from connectors.contract.connector import FileRef, StepKind, WireStep
from connectors.platforms.telegram.errors import place_of
from connectors.shared import options
from foundation.i18n.translation import Message
from foundation.money import STARS
from gate.contract.units import Medium, Unit

WAYS = frozenset({"reuse", "repost"})
_PHOTO = "AgAC"
"""The prefix of a photo's file ID, whose first bytes state its type."""


def repost_problem(unit: Unit, words: str) -> Message | None:
    """Return the reason why a reference cannot be combined with the unit's content, or None. A
    copied message retains its caption."""
    beside = unit.media or unit.invoice is not None or len(unit.references) != 1
    repost = unit.references[0].kind == "repost"
    if beside or (repost and (words or unit.buttons or _referenced_message(unit) is None)):
        return Message("telegram.again_unfit")
    return None


def repost_fields(unit: Unit, words: str) -> tuple[str, dict[str, Any]]:
    """Return the method and its fields other than the chat."""
    (reference,) = unit.references
    if reference.kind == "repost":
        chat, number = _referenced_message(unit) or (0, 0)
        return "copyMessage", {"from_chat_id": chat, "message_id": number}
    kind = "photo" if reference.native_id.startswith(_PHOTO) else "video"
    return f"send{kind.capitalize()}", {kind: reference.native_id} | (
        {"caption": words} if words else {}
    )


def _referenced_message(unit: Unit) -> tuple[int | str, int] | None:
    """Return the chat and the ID of the referenced message, or None if there is not exactly one."""
    place = place_of(unit.references[0].native_id)
    return (place[0], place[1][0]) if place is not None and len(place[1]) == 1 else None


PER_POST = PriceRange(STARS, 1, 25_000)
SELLS = {"public_channel": PER_POST, "private_channel": PER_POST, "bot_dm": PER_POST}
PAID_MEDIA_PAYLOAD_LENGTH = 128
"""Maximum number of bytes of the payload, which users do not see."""

_SPOILER = "has_spoiler=true"


def paid_media_problem(unit: Unit) -> Message | None:
    """Return the reason why paid media cannot be sent, or None. Paid media have no spoiler flag and
    no buttons."""
    if unit.buttons:
        return Message("telegram.buttons_unfit")
    return Message("connectors.mark_untold", {"mark": _SPOILER}) if _SPOILER in unit.flags else None


def paid_media_fields(unit: Unit, words: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the fields of `sendPaidMedia` except those of the chat. `items` refer to the attached
    files."""
    if unit.price is None:
        raise ValueError("no price")
    caption = {"caption": words} if words else {}
    # The recipient is age-verified; anyone could open a forwarded message.
    kept = {"protect_content": True} if unit.viewer else {}
    return {
        "star_count": unit.price.minor,
        "media": items,
        "payload": paid_media.encode_payload(unit.subject),
        **caption,
        **kept,
    }


PUBLISH = "publish"
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

QUICK = 60.0
UPLOAD = 120.0
"""Timeout of requests with files in seconds; `QUICK` is the timeout of others. Both are long,
because a late answer is better than an uncertain delivery that a member must resolve."""

CURRENCY = "XTR"

FORWARDED = "invoice"
"""A start parameter that makes a forwarded invoice open the bot. Without it, any viewer could pay
the invoice."""


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
        len(_callback_data(button.action, button.ref).encode()) > CALLBACK
        for button in unit.buttons
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


def build_publish_step(unit: Unit) -> WireStep:
    """Return the one request that publishes a unit."""
    if unit.invoice is not None:
        return _build_invoice_step(unit)
    if unit.references:
        return _build_repost_step(unit)
    if unit.price is not None:
        return _build_paid_media_step(unit)
    if len(unit.media) > 1:
        return _build_album_step(unit)
    if unit.media:
        return _build_single_media_step(unit, unit.media[0])
    return build_message_step(unit, _button_rows(unit))


def build_message_step(unit: Unit, rows: list[list[dict[str, Any]]]) -> WireStep:
    """Return a message without media, with rows of buttons."""
    said = {"text": words_of(unit), "link_preview_options": {"is_disabled": True}}
    return _build_step("sendMessage", {**_build_common_fields(unit), **said, **_keyboard_of(rows)})


def _build_step(
    method: str, fields: dict[str, Any], files: dict[str, FileRef] | None = None
) -> WireStep:
    return WireStep(
        PUBLISH,
        StepKind.PUBLISH,
        "POST",
        f"/bot{{token}}/{method}",
        fields,
        files=files or {},
        token="path",
        deadline=UPLOAD if files else QUICK,
    )


def chat_id(of: str) -> int | str:
    """Return a chat as requests identify it: a number, or a channel's @name."""
    return int(of) if of.removeprefix("-").isdigit() else of


def _build_common_fields(unit: Unit) -> dict[str, Any]:
    protected = {"protect_content": True} if _has_flag(unit, "protect_content") else {}
    above = place_of(unit.parent_id) if unit.parent_id else None
    under = {"reply_parameters": {"message_id": above[1][0]}} if above is not None else {}
    silent = {"disable_notification": True} if options.unit_options(unit).get_flag("silent") else {}
    return {"chat_id": chat_id(unit.viewer or unit.destination), **protected, **under, **silent}


def _has_flag(unit: Unit, flag: str) -> bool:
    return f"{flag}=true" in unit.flags


def _callback_data(action: str, ref: str) -> str:
    return f"{action}:{ref}"


def _build_keyboard(unit: Unit) -> dict[str, Any]:
    return _keyboard_of(_button_rows(unit))


def _button_rows(unit: Unit) -> list[list[dict[str, Any]]]:
    return [
        [{"text": one.label, "callback_data": _callback_data(one.action, one.ref)}]
        for one in unit.buttons
    ]


def _keyboard_of(rows: list[list[dict[str, Any]]]) -> dict[str, Any]:
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}


def _media_kind(medium: Medium) -> str:
    return "photo" if medium.mime in PHOTOS else "video"


def _video_fields(medium: Medium) -> dict[str, Any]:
    """Return the size, the duration and the streaming flag of a video, as far as they are known.
    Prepared videos have their index at the beginning, so they can be streamed.
    https://core.telegram.org/bots/api#sendvideo"""
    if medium.mime not in VIDEOS:
        return {}
    sizes = (
        {"width": medium.width, "height": medium.height} if medium.width and medium.height else {}
    )
    return {
        **sizes,
        **({"duration": medium.seconds} if medium.seconds else {}),
        "supports_streaming": True,
    }


def _file_ref(medium: Medium, place: int) -> FileRef:
    return FileRef(medium.sha256, medium.mime, f"{place}.{medium.mime.partition('/')[2]}")


def _build_single_media_step(unit: Unit, medium: Medium) -> WireStep:
    kind = _media_kind(medium)
    caption = {"caption": words_of(unit)} if words_of(unit) else {}
    hidden = {"has_spoiler": True} if _has_flag(unit, "has_spoiler") else {}
    fields = {
        **_build_common_fields(unit),
        **caption,
        **hidden,
        **_video_fields(medium),
        **_build_keyboard(unit),
    }
    return _build_step(f"send{kind.capitalize()}", fields, {kind: _file_ref(medium, 0)})


def _build_repost_step(unit: Unit) -> WireStep:
    method, shown = repost_fields(unit, words_of(unit))
    hidden = (
        {"has_spoiler": True} if _has_flag(unit, "has_spoiler") and method != "copyMessage" else {}
    )
    return _build_step(
        method, {**_build_common_fields(unit), **shown, **hidden, **_build_keyboard(unit)}
    )


def _build_album_step(unit: Unit) -> WireStep:
    hidden = {"has_spoiler": True} if _has_flag(unit, "has_spoiler") else {}
    items = [{**item, **hidden} for item in _build_album_items(unit)]
    if words_of(unit):
        items[0]["caption"] = words_of(unit)
    return _build_step(
        "sendMediaGroup", {**_build_common_fields(unit), "media": items}, _attached_files(unit)
    )


def _build_album_items(unit: Unit) -> list[dict[str, Any]]:
    """Return the files of an album by their attachment names."""
    return [
        {"type": _media_kind(medium), "media": f"attach://m{place}", **_video_fields(medium)}
        for place, medium in enumerate(unit.media)
    ]


def _attached_files(unit: Unit) -> dict[str, FileRef]:
    return {f"m{place}": _file_ref(medium, place) for place, medium in enumerate(unit.media)}


def _build_paid_media_step(unit: Unit) -> WireStep:
    """Send all paid media in one message. Users see them after they have paid."""
    fields = paid_media_fields(unit, words_of(unit), _build_album_items(unit))
    return _build_step(
        "sendPaidMedia", {**_build_common_fields(unit), **fields}, _attached_files(unit)
    )


def _build_invoice_step(unit: Unit) -> WireStep:
    """Send an invoice in Stars: one price, no payment provider."""
    invoice = unit.invoice
    if invoice is None:
        raise ValueError("no invoice")
    fields = {
        "title": invoice.title,
        "description": invoice.description,
        "payload": invoice.payload,
        "provider_token": "",
        "currency": invoice.currency,
        "prices": [{"label": invoice.title, "amount": invoice.amount_minor}],
        "start_parameter": FORWARDED,
    }
    return _build_step("sendInvoice", {**_build_common_fields(unit), **fields})
