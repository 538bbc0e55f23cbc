"""The messages that a bot sends, as calls of python-telegram-bot.

A file that Telegram already has is sent by its ID, and a message is copied. Source:
https://core.telegram.org/bots/api#sending-files, #copymessage

Other modules import this one late, since it loads the library.
"""

from typing import Any

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    InputMediaVideo,
    InputPaidMediaPhoto,
    InputPaidMediaVideo,
    LabeledPrice,
    ReplyParameters,
)

from connectors.contract import paid_media
from connectors.contract.connector import StepKind, WireStep
from connectors.platforms.telegram.bot_request import StepBot
from connectors.platforms.telegram.bot_steps import BotCall, build_step, chat_id
from connectors.platforms.telegram.content_checks import (
    PHOTOS,
    callback_data,
    referenced_message,
    words_of,
)
from connectors.platforms.telegram.errors import place_of
from connectors.shared import options
from gate.contract.units import Invoice, Medium, Unit

PUBLISH = "publish"
QUICK = 60.0
UPLOAD = 120.0
"""Timeout of requests with files in seconds; `QUICK` is the timeout of others. Both are long,
because a late answer is better than an uncertain delivery that a member must resolve."""

FORWARDED = "invoice"
"""A start parameter that makes a forwarded invoice open the bot. Without it, any viewer could pay
the invoice."""

_PHOTO_ID = "AgAC"
"""The prefix of a photo's file ID, whose first bytes state its type."""


def build_publish_step(unit: Unit) -> WireStep:
    """Return the one request that publishes a unit."""
    return _build_step(unit, _publish_call(unit))


def build_link_message_step(unit: Unit, label: str, url: str) -> WireStep:
    """Return a message without media, with a button that opens a URL."""
    return _build_step(unit, _message_call(unit, [[InlineKeyboardButton(label, url=url)]]))


def build_invoice_link_step(name: str, invoice: Invoice) -> WireStep:
    """Return the request for the link of a recurring invoice."""
    return build_step(
        name,
        StepKind.STAGE,
        lambda bot: bot.create_invoice_link(
            **_invoice_fields(invoice), subscription_period=invoice.period_days * 86_400
        ),
        seconds=QUICK,
    )


def _build_step(unit: Unit, call: BotCall) -> WireStep:
    seconds = UPLOAD if unit.media else QUICK
    return build_step(PUBLISH, StepKind.PUBLISH, call, media=unit.media, seconds=seconds)


def _publish_call(unit: Unit) -> BotCall:
    if unit.invoice is not None:
        return _invoice_call(unit, unit.invoice)
    if unit.references:
        return _repost_call(unit)
    if unit.price is not None:
        return _paid_media_call(unit, unit.price.minor)
    if len(unit.media) > 1:
        return _album_call(unit)
    if unit.media:
        return _file_call(unit, unit.media[0])
    return _message_call(unit, _button_rows(unit))


def _message_call(unit: Unit, rows: list[list[InlineKeyboardButton]]) -> BotCall:
    return lambda bot: bot.send_message(
        text=words_of(unit),
        disable_web_page_preview=True,
        reply_markup=_keyboard_of(rows),
        **_common_fields(unit),
    )


def _file_call(unit: Unit, medium: Medium) -> BotCall:
    """Return the message with one file and its buttons."""
    fields: dict[str, Any] = {
        "caption": words_of(unit) or None,
        "has_spoiler": _flag(unit, "has_spoiler"),
        "reply_markup": _keyboard_of(_button_rows(unit)),
        **_common_fields(unit),
    }
    if medium.mime in PHOTOS:
        return lambda bot: bot.send_photo(photo=bot.input_file(medium, 0), **fields)
    fields |= _video_fields(medium)
    return lambda bot: bot.send_video(video=bot.input_file(medium, 0), **fields)


def _repost_call(unit: Unit) -> BotCall:
    """Send a file by its ID, or copy a message, which retains its caption."""
    (reference,) = unit.references
    common = {**_common_fields(unit), "reply_markup": _keyboard_of(_button_rows(unit))}
    if reference.kind == "repost":
        chat, number = referenced_message(unit) or (0, 0)
        return lambda bot: bot.copy_message(from_chat_id=chat, message_id=number, **common)
    common |= {"caption": words_of(unit) or None, "has_spoiler": _flag(unit, "has_spoiler")}
    if reference.native_id.startswith(_PHOTO_ID):
        return lambda bot: bot.send_photo(photo=reference.native_id, **common)
    return lambda bot: bot.send_video(video=reference.native_id, **common)


def _album_call(unit: Unit) -> BotCall:
    """Send the files in one message, whose text is the caption of the first one."""

    def item(bot: StepBot, medium: Medium, place: int) -> InputMediaPhoto | InputMediaVideo:
        file = bot.input_file(medium, place, f"m{place}")
        caption = (words_of(unit) or None) if place == 0 else None
        hidden = _flag(unit, "has_spoiler")
        if medium.mime in PHOTOS:
            return InputMediaPhoto(file, caption=caption, has_spoiler=hidden)
        video = _video_fields(medium)
        return InputMediaVideo(file, caption=caption, has_spoiler=hidden, **video)

    return lambda bot: bot.send_media_group(
        media=[item(bot, medium, place) for place, medium in enumerate(unit.media)],
        **_common_fields(unit),
    )


def _paid_media_call(unit: Unit, stars: int) -> BotCall:
    """Send all paid media in one message. Users see them after they have paid.

    Payments for paid media in a channel are added to the channel's balance, which its owner sees in
    the app; a bot receives no information about them. A fan's payment in the chat with the bot is
    added to the bot's balance. An update contains the fan and the payload, and the list of
    transactions contains the amount. Source: https://core.telegram.org/bots/api#sendpaidmedia,
    #update (`purchased_paid_media`)
    """

    def item(bot: StepBot, medium: Medium, place: int) -> InputPaidMediaPhoto | InputPaidMediaVideo:
        file = bot.input_file(medium, place, f"m{place}")
        if medium.mime in PHOTOS:
            return InputPaidMediaPhoto(file)
        return InputPaidMediaVideo(file, **_video_fields(medium))

    fields = _common_fields(unit)
    if unit.viewer:  # the recipient is age-verified; anyone could open a forwarded message
        fields["protect_content"] = True
    return lambda bot: bot.send_paid_media(
        star_count=stars,
        media=[item(bot, medium, place) for place, medium in enumerate(unit.media)],
        payload=paid_media.encode_payload(unit.subject),
        caption=words_of(unit) or None,
        **fields,
    )


def _invoice_call(unit: Unit, invoice: Invoice) -> BotCall:
    return lambda bot: bot.send_invoice(
        **_invoice_fields(invoice), start_parameter=FORWARDED, **_common_fields(unit)
    )


def _invoice_fields(invoice: Invoice) -> dict[str, Any]:
    """Return the fields of an invoice in Stars: one price, no payment provider."""
    return {
        "title": invoice.title,
        "description": invoice.description,
        "payload": invoice.payload,
        "provider_token": "",
        "currency": invoice.currency,
        "prices": [LabeledPrice(invoice.title, invoice.amount_minor)],
    }


def _common_fields(unit: Unit) -> dict[str, Any]:
    above = place_of(unit.parent_id) if unit.parent_id else None
    return {
        "chat_id": chat_id(unit.viewer or unit.destination),
        "protect_content": _flag(unit, "protect_content"),
        "reply_parameters": ReplyParameters(above[1][0]) if above is not None else None,
        "disable_notification": options.unit_options(unit).get_flag("silent") or None,
    }


def _flag(unit: Unit, flag: str) -> bool | None:
    """Return True, or None, which omits the field."""
    return True if f"{flag}=true" in unit.flags else None


def _button_rows(unit: Unit) -> list[list[InlineKeyboardButton]]:
    return [
        [InlineKeyboardButton(one.label, callback_data=callback_data(one.action, one.ref))]
        for one in unit.buttons
    ]


def _keyboard_of(rows: list[list[InlineKeyboardButton]]) -> InlineKeyboardMarkup | None:
    return InlineKeyboardMarkup(rows) if rows else None


def _video_fields(medium: Medium) -> dict[str, Any]:
    """Return the size, the duration and the streaming flag of a video, as far as they are known.
    Prepared videos have their index at the beginning, so they can be streamed.
    https://core.telegram.org/bots/api#sendvideo"""
    known = bool(medium.width and medium.height)
    return {
        "width": medium.width if known else None,
        "height": medium.height if known else None,
        "duration": medium.seconds or None,
        "supports_streaming": True,
    }
