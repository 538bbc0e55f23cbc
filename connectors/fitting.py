"""What every platform limits: how much is said, how many media, of which kind and weight. Nothing is ever cut."""

import regex

from connectors.capabilities import Capabilities
from foundation.words import Message
from gate.units import Unit


def graphemes(text: str) -> int:
    """How many characters a reader sees (Unicode TR29): a family of emoji is one."""
    return len(regex.findall(r"\X", text))


def titled(title: str, body: str) -> tuple[str, str]:
    """Title and text, where nothing is posted without one: a post's first line where it has none."""
    if title.strip():
        return title, body
    first, _, rest = body.lstrip("\n").partition("\n")
    return first, rest.lstrip("\n")


def unpointable(unit: Unit, can: Capabilities) -> Message | None:
    """Why a unit cannot point at what it points at: the platform, or its connector, knows no such way."""
    unknown = [each.kind for each in unit.references if each.kind not in can.points_at]
    return Message("connectors.cannot_point", {"kind": unknown[0]}) if unknown else None


def unlockable(unit: Unit, can: Capabilities) -> Message | None:
    """Why a unit cannot go behind its price: nobody takes the money there, and it would be given away."""
    unsold = unit.price is not None and not can.locks_at(unit.surface)
    return Message("connectors.no_price") if unsold else None


def unfit(unit: Unit, can: Capabilities, *, length: int) -> Message | None:
    """Why a unit of `length` characters, counted as the platform counts, cannot go out as it is."""
    if wrong := unpointable(unit, can):
        return wrong
    if unit.parts > can.threads:
        said = {"count": unit.parts, "most": can.threads}
        return Message("connectors.too_many_parts", said) if can.threads > 1 else Message("connectors.no_threads")
    if wrong := unlockable(unit, can):
        return wrong
    most_text, most_media = can.size(unit.surface)
    if length > most_text:
        return Message("connectors.text_too_long", {"length": length, "most": most_text})
    if len(unit.media) > most_media:
        return Message("connectors.too_many_media", {"count": len(unit.media), "most": most_media})
    for medium in unit.media:
        if medium.mime not in can.mimes or medium.size > can.max_bytes:
            return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
    return None
