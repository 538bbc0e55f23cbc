"""The requests that carry content to Telegram, and what does not fit into one. Pure."""

from typing import Any

from connectors import options, telegram_again, telegram_paid
from connectors.capabilities import Option
from connectors.contract import FileRef, StepKind, WireStep
from connectors.telegram_answers import place_of
from foundation.words import Message
from gate.units import Medium, Unit

PUBLISH = "publish"
MOST_TEXT, MOST_CAPTION = 4096, 1024
"""UTF-16 units after entities; we send none, so the text as it is."""

MOST_MEDIA = 10
MOST_PARTS = 25
"""Of a thread: Telegram names no limit to replies; one to a flood of them is ours."""

OPTIONS = (Option("silent", "flag", default=options.NO),)
"""Pinning takes a right that bots rarely have and a request of its own; previews of addresses are never shown."""

PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
VIDEOS = frozenset({"video/mp4"})
MIMES = tuple(sorted(PHOTOS | VIDEOS))
PHOTO_BYTES, VIDEO_BYTES = 10 * 1024 * 1024, 50 * 1024 * 1024
TITLE, DESCRIPTION, PAYLOAD, CALLBACK = 32, 255, 128, 64
"""What an invoice and a button may hold: characters, characters, bytes, bytes."""

QUICK, UPLOAD = 60.0, 120.0
"""Seconds: an answer that comes late is better than a doubt a person must end."""

CURRENCY = "XTR"

FORWARDED = "invoice"
"""With it a forwarded invoice opens the bot; without, whoever sees it could pay it."""


def length(text: str) -> int:
    """Length as Telegram counts it: UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def words_of(unit: Unit) -> str:
    """What people read of a unit."""
    return unit.text("body") or unit.text("title")


def count(unit: Unit) -> tuple[int, int]:
    """How much a unit says, and the most it may: beside pictures there is room for a caption only."""
    return length(words_of(unit)), MOST_CAPTION if unit.media or unit.references else MOST_TEXT


def unfit(unit: Unit) -> Message | None:
    """Why the unit cannot go out as it is; nothing is ever cut."""
    if not unit.viewer and not unit.destination:
        return Message("telegram.no_channel")
    if unit.invoice is not None:
        return _unfit_invoice(unit)
    if wrong := options.unfit(unit, OPTIONS):
        return wrong
    said, most = count(unit)
    if said > most:
        code = "connectors.text_too_long" if most == MOST_TEXT else "telegram.caption_too_long"
        return Message(code, {"length": said, "most": most})
    if unit.parts > MOST_PARTS:
        return Message("connectors.too_many_parts", {"count": unit.parts, "most": MOST_PARTS})
    if len(unit.media) > MOST_MEDIA:
        return Message("connectors.too_many_media", {"count": len(unit.media), "most": MOST_MEDIA})
    if unit.references:
        return telegram_again.unfit(unit, words_of(unit)) or _unfit_buttons(unit)
    if not said and not unit.media:
        return Message("telegram.empty")
    trouble = next(filter(None, map(_unfit_medium, unit.media)), None) or _unfit_buttons(unit)
    return trouble if trouble is not None or unit.price is None else telegram_paid.unfit(unit)


def _unfit_medium(medium: Medium) -> Message | None:
    most = PHOTO_BYTES if medium.mime in PHOTOS else VIDEO_BYTES if medium.mime in VIDEOS else -1
    if medium.size > most:
        return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
    return None


def _unfit_buttons(unit: Unit) -> Message | None:
    too_long = any(len(_callback(button.action, button.ref).encode()) > CALLBACK for button in unit.buttons)
    if too_long or (unit.buttons and len(unit.media) > 1):  # an album bears no buttons
        return Message("telegram.buttons_unfit")
    return None


def _unfit_invoice(unit: Unit) -> Message | None:
    invoice = unit.invoice
    if invoice is None or unit.media or unit.buttons or not unit.viewer or invoice.currency != CURRENCY:
        return Message("telegram.invoice_unfit")
    if len(invoice.title) > TITLE or len(invoice.description) > DESCRIPTION:
        return Message("telegram.invoice_too_long", {"title": TITLE, "description": DESCRIPTION})
    if not invoice.title or not invoice.description or not 0 < len(invoice.payload.encode()) <= PAYLOAD:
        return Message("telegram.invoice_unfit")
    return None


def request(unit: Unit) -> WireStep:
    """The one request that makes a unit visible."""
    if unit.invoice is not None:
        return _invoice(unit)
    if unit.references:
        return _again(unit)
    if unit.price is not None:
        return _paid(unit)
    if len(unit.media) > 1:
        return _album(unit)
    if unit.media:
        return _single(unit, unit.media[0])
    return message(unit, _rows(unit))


def message(unit: Unit, rows: list[list[dict[str, Any]]]) -> WireStep:
    """Words alone, and rows of buttons under them."""
    said = {"text": words_of(unit), "link_preview_options": {"is_disabled": True}}
    return _step("sendMessage", {**_common(unit), **said, **_keyboard_of(rows)})


def _step(method: str, fields: dict[str, Any], files: dict[str, FileRef] | None = None) -> WireStep:
    return WireStep(
        PUBLISH,
        StepKind.PUBLISH,
        "POST",
        f"/bot{{token}}/{method}",
        fields,
        files=files or {},
        token="path",  # noqa: S106  how it is shown, not one
        deadline=UPLOAD if files else QUICK,
    )


def chat_id(of: str) -> int | str:
    """A chat as requests name it: a number, or a channel's @name."""
    return int(of) if of.removeprefix("-").isdigit() else of


def _common(unit: Unit) -> dict[str, Any]:
    protected = {"protect_content": True} if _told(unit, "protect_content") else {}
    above = place_of(unit.under) if unit.under else None
    under = {"reply_parameters": {"message_id": above[1][0]}} if above is not None else {}
    silent = {"disable_notification": True} if options.said(unit).flag("silent") else {}
    return {"chat_id": chat_id(unit.viewer or unit.destination), **protected, **under, **silent}


def _told(unit: Unit, flag: str) -> bool:
    return f"{flag}=true" in unit.flags


def _callback(action: str, ref: str) -> str:
    return f"{action}:{ref}"


def _keyboard(unit: Unit) -> dict[str, Any]:
    return _keyboard_of(_rows(unit))


def _rows(unit: Unit) -> list[list[dict[str, Any]]]:
    return [[{"text": one.label, "callback_data": _callback(one.action, one.ref)}] for one in unit.buttons]


def _keyboard_of(rows: list[list[dict[str, Any]]]) -> dict[str, Any]:
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}


def _kind(medium: Medium) -> str:
    return "photo" if medium.mime in PHOTOS else "video"


def _about(medium: Medium) -> dict[str, Any]:
    """What readers are shown of a film before it is fetched, as far as it is known, and that it plays while it is: our
    films begin with their index. https://core.telegram.org/bots/api#sendvideo
    """
    if medium.mime not in VIDEOS:
        return {}
    sizes = {"width": medium.width, "height": medium.height} if medium.width and medium.height else {}
    return {**sizes, **({"duration": medium.seconds} if medium.seconds else {}), "supports_streaming": True}


def _file(medium: Medium, place: int) -> FileRef:
    return FileRef(medium.sha256, medium.mime, f"{place}.{medium.mime.partition('/')[2]}")


def _single(unit: Unit, medium: Medium) -> WireStep:
    kind = _kind(medium)
    caption = {"caption": words_of(unit)} if words_of(unit) else {}
    hidden = {"has_spoiler": True} if _told(unit, "has_spoiler") else {}
    fields = {**_common(unit), **caption, **hidden, **_about(medium), **_keyboard(unit)}
    return _step(f"send{kind.capitalize()}", fields, {kind: _file(medium, 0)})


def _again(unit: Unit) -> WireStep:
    method, shown = telegram_again.fields(unit, words_of(unit))
    hidden = {"has_spoiler": True} if _told(unit, "has_spoiler") and method != "copyMessage" else {}
    return _step(method, {**_common(unit), **shown, **hidden, **_keyboard(unit)})


def _album(unit: Unit) -> WireStep:
    hidden = {"has_spoiler": True} if _told(unit, "has_spoiler") else {}
    items = [{**item, **hidden} for item in _items(unit)]
    if words_of(unit):
        items[0]["caption"] = words_of(unit)
    return _step("sendMediaGroup", {**_common(unit), "media": items}, _attached(unit))


def _items(unit: Unit) -> list[dict[str, Any]]:
    """The files of a message of several, by the names they are attached under."""
    return [
        {"type": _kind(medium), "media": f"attach://m{place}", **_about(medium)}
        for place, medium in enumerate(unit.media)
    ]


def _attached(unit: Unit) -> dict[str, FileRef]:
    return {f"m{place}": _file(medium, place) for place, medium in enumerate(unit.media)}


def _paid(unit: Unit) -> WireStep:
    """One message, however many it shows; nobody sees them who has not paid."""
    fields = telegram_paid.fields(unit, words_of(unit), _items(unit))
    return _step("sendPaidMedia", {**_common(unit), **fields}, _attached(unit))


def _invoice(unit: Unit) -> WireStep:
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
    return _step("sendInvoice", {**_common(unit), **fields})
