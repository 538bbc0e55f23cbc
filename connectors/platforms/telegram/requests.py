"""What Telegram has of ours, shown again: a file by its id, a message copied. Pure.

Source: https://core.telegram.org/bots/api#sending-files, #copymessage

A post, or a message to one fan, whose pictures and films are shown to whoever pays Stars for them.
Pure.

What people pay in a channel goes to the channel's own balance, which its owner sees in the app: a
bot is told neither of it nor of who bought. What a fan pays in their chat with the bot is the
bot's: it is told who opened which payload, and what was paid stands in its list of transactions.
Source: https://core.telegram.org/bots/api#sendpaidmedia, #update (`purchased_paid_media`)

The requests that carry content to Telegram, and what does not fit into one. Pure.
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
"""What the file id of a photo begins with: its first bytes say what a file is."""


def repost_problem(unit: Unit, words: str) -> Message | None:
    """Why something cannot be shown again with what stands beside it: a copied message keeps its
    own caption."""
    beside = unit.media or unit.invoice is not None or len(unit.references) != 1
    repost = unit.references[0].kind == "repost"
    if beside or (repost and (words or unit.buttons or _referenced_message(unit) is None)):
        return Message("telegram.again_unfit")
    return None


def repost_fields(unit: Unit, words: str) -> tuple[str, dict[str, Any]]:
    """The method that shows it again, and what it takes beside the chat."""
    (reference,) = unit.references
    if reference.kind == "repost":
        chat, number = _referenced_message(unit) or (0, 0)
        return "copyMessage", {"from_chat_id": chat, "message_id": number}
    kind = "photo" if reference.native_id.startswith(_PHOTO) else "video"
    return f"send{kind.capitalize()}", {kind: reference.native_id} | (
        {"caption": words} if words else {}
    )


def _referenced_message(unit: Unit) -> tuple[int | str, int] | None:
    """Chat and number of the one message that is pointed at."""
    place = place_of(unit.references[0].native_id)
    return (place[0], place[1][0]) if place is not None and len(place[1]) == 1 else None


PER_POST = PriceRange(STARS, 1, 25_000)
SELLS = {"public_channel": PER_POST, "private_channel": PER_POST, "bot_dm": PER_POST}
PAID_MEDIA_PAYLOAD_LENGTH = 128
"""Bytes that may travel with it, unseen."""

_SPOILER = "has_spoiler=true"


def paid_media_problem(unit: Unit) -> Message | None:
    """Why a post with a price cannot go out as it is: what is locked has no mark that hides it, and
    no buttons."""
    if unit.buttons:
        return Message("telegram.buttons_unfit")
    return Message("connectors.mark_untold", {"mark": _SPOILER}) if _SPOILER in unit.flags else None


def paid_media_fields(unit: Unit, words: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The fields of `sendPaidMedia` beside the chat's; `items` say which attached files it shows,
    and as what."""
    if unit.price is None:
        raise ValueError("no price")
    caption = {"caption": words} if words else {}
    # a message is for its one reader, whose age we know: passed on, anybody could open it
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
"""UTF-16 units after entities; we send none, so the text as it is."""

MAX_MEDIA = 10
MAX_PARTS = 25
"""Of a thread: Telegram names no limit to replies; one to a flood of them is ours."""

OPTIONS = (PostOption("silent", "flag", default=options.OPTION_FALSE),)
"""Pinning takes a right that bots rarely have and a request of its own; previews of addresses are
never shown."""

PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
VIDEOS = frozenset({"video/mp4"})
MIMES = tuple(sorted(PHOTOS | VIDEOS))
MAX_PHOTO_RATIO = 20
"""Of the longer side of a photo to the shorter: https://core.telegram.org/bots/api#sendphoto"""

PHOTO_BYTES = 10 * 1024 * 1024
VIDEO_BYTES = 50 * 1024 * 1024
TITLE = 32
DESCRIPTION = 255
PAYLOAD = 128
CALLBACK = 64
"""What an invoice and a button may hold: characters, characters, bytes, bytes."""

QUICK = 60.0
UPLOAD = 120.0
"""Seconds: an answer that comes late is better than a doubt a person must end."""

CURRENCY = "XTR"

FORWARDED = "invoice"
"""With it a forwarded invoice opens the bot; without, whoever sees it could pay it."""


def telegram_text_length(text: str) -> int:
    """Length as Telegram counts it: UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def words_of(unit: Unit) -> str:
    """What people read of a unit."""
    return unit.text_of("body") or unit.text_of("title")


def count_text(unit: Unit) -> tuple[int, int]:
    """How much a unit says, and the most it may: beside pictures there is room for a caption
    only."""
    return telegram_text_length(
        words_of(unit)
    ), MAX_CAPTION if unit.media or unit.references else MAX_TEXT


def content_problem(unit: Unit) -> Message | None:
    """Why the unit cannot go out as it is; nothing is ever cut."""
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
    if too_long or (unit.buttons and len(unit.media) > 1):  # an album bears no buttons
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
    """The one request that makes a unit visible."""
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
    """Words alone, and rows of buttons under them."""
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
    """A chat as requests name it: a number, or a channel's @name."""
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
    """What readers are shown of a film before it is fetched, as far as it is known, and that it
    plays while it is: our films begin with their index.
    https://core.telegram.org/bots/api#sendvideo
    """
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
    """The files of a message of several, by the names they are attached under."""
    return [
        {"type": _media_kind(medium), "media": f"attach://m{place}", **_video_fields(medium)}
        for place, medium in enumerate(unit.media)
    ]


def _attached_files(unit: Unit) -> dict[str, FileRef]:
    return {f"m{place}": _file_ref(medium, place) for place, medium in enumerate(unit.media)}


def _build_paid_media_step(unit: Unit) -> WireStep:
    """One message, however many it shows; nobody sees them who has not paid."""
    fields = paid_media_fields(unit, words_of(unit), _build_album_items(unit))
    return _build_step(
        "sendPaidMedia", {**_build_common_fields(unit), **fields}, _attached_files(unit)
    )


def _build_invoice_step(unit: Unit) -> WireStep:
    """A demand for Stars: one price, no provider."""
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
