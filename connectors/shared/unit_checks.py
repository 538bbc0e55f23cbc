"""Checks that every platform needs: text length, and number, type and size of media. Texts and
lists of media are never truncated."""

from collections.abc import Mapping
from dataclasses import replace

import regex

from connectors.contract.capabilities import Capabilities, RequiredContent
from connectors.shared import options, prices
from foundation.i18n.translation import Message
from gate.contract.custom_emoji import find_custom_emoji
from gate.contract.units import IS_FIRST_COMMENT, Medium, Unit

_MISSING: Mapping[RequiredContent, Message] = {
    "media": Message("connectors.media_missing"),
    "film": Message("connectors.film_missing"),
}


def count_graphemes(text: str) -> int:
    """Return the number of visible characters (Unicode TR29); a family emoji counts as one."""
    return len(regex.findall(r"\X", text))


def count_utf8_bytes(text: str) -> int:
    """Return the length of a text in UTF-8 bytes."""
    return len(text.encode())


def first_comment_problem(
    unit: Unit, can: Capabilities, *, most: int, marks: frozenset[str] = frozenset()
) -> Message | None:
    """Return the reason why a first comment of at most `most` characters cannot be sent, or None.
    `marks` are the flags of its post; a comment has no others."""
    words = unit.text_of("body")
    if (
        unit.media
        or unit.text_of("title")
        or unit.buttons
        or unit.viewer
        or unit.invoice
        or not words.strip()
    ):
        return Message("connectors.comment_words")
    if wrong := unit_problem(unit, replace(can, max_text=most, sizes={}), length=len(words)):
        return wrong
    mark = next((flag for flag in unit.flags if flag not in marks), "")
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def split_title(title: str, body: str) -> tuple[str, str]:
    """Return title and text. Without a title, the first line of the text becomes the title."""
    if title.strip():
        return title, body
    first, _, rest = body.lstrip("\n").partition("\n")
    return first, rest.lstrip("\n")


def reference_problem(unit: Unit, can: Capabilities) -> Message | None:
    """Return the reason why the references of a unit are not supported, or None.

    A custom emoji is refused because it is a picture without a rating.
    """
    if emoji := find_custom_emoji(unit.platform, unit.visible_texts):
        return Message("connectors.custom_emoji", {"emoji": emoji})
    unknown = [each.kind for each in unit.references if each.kind not in can.points_at]
    return Message("connectors.cannot_point", {"kind": unknown[0]}) if unknown else None


def unit_problem(unit: Unit, can: Capabilities, *, length: int) -> Message | None:
    """Return the reason why a unit cannot be sent, or None. `length` is the length of its text as
    the platform counts it."""
    can = options.capabilities_for(can, unit.options)
    if (
        wrong := reference_problem(unit, can)
        or prices.unit_price_problem(unit, can)
        or options.options_problem(unit, can.options)
    ):
        return wrong
    if unit.parts > can.threads and not (can.first_comment and unit.comment):
        if can.first_comment:
            return Message("connectors.comment_alone")
        said = {"count": unit.parts, "most": can.threads}
        return (
            Message("connectors.too_many_parts", said)
            if can.threads > 1
            else Message("connectors.no_threads")
        )
    most_text, most_media = can.size_limits(unit.surface)
    if length and not most_text:
        return Message("connectors.no_words_there")
    if length > most_text:
        return Message("connectors.text_too_long", {"length": length, "most": most_text})
    if len(unit.media) > most_media:
        return Message("connectors.too_many_media", {"count": len(unit.media), "most": most_media})
    return next(
        filter(None, (_medium_unfit(medium, can) for medium in unit.media)), None
    ) or _missing_content_problem(unit, can)


def _missing_content_problem(unit: Unit, can: Capabilities) -> Message | None:
    """Return the reason why a unit lacks required media, or None. Replies to comments and messages
    to one user need no media."""
    need = (
        None
        if unit.viewer or unit.comment_id or unit.comment == IS_FIRST_COMMENT
        else can.required_content(unit.surface)
    )
    shown = any(need == "media" or medium.mime.startswith("video/") for medium in unit.media)
    return _MISSING[need] if need and not shown else None


def _medium_unfit(medium: Medium, can: Capabilities) -> Message | None:
    if medium.mime not in can.mimes or medium.size > can.max_bytes:
        return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
    return video_length_problem(medium.seconds, can) if medium.mime.startswith("video/") else None


def video_length_problem(seconds: int, can: Capabilities) -> Message | None:
    """Return the reason why a video of this length is not allowed, or None. A length of 0 is
    unknown and checked by the platform."""
    least, most = can.film_seconds
    if seconds and seconds < least:
        return Message("connectors.film_too_short", {"seconds": seconds, "least": least})
    if most and seconds > most:
        return Message("connectors.film_too_long", {"seconds": seconds, "most": most})
    return None
