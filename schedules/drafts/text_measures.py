"""The unit in which a platform counts a text, so that a browser can count while a member types.

A connector counts complete units only, and a browser runs none. The unit is therefore read off from
samples on which all known units differ.
"""

from dataclasses import dataclass, replace
from typing import Literal

from connectors.contract.connector import Connector, SupportsTextCount
from gate.contract.units import Text, Unit

CountUnit = Literal["characters", "graphemes", "utf16", "bytes", "x", "threads"]


@dataclass(frozen=True)
class TextMeasure:
    """A unit of length. `link` is the length that every URL counts as, or 0 if URLs count as
    text."""

    unit: CountUnit = "characters"
    link: int = 0


PLAIN_MEASURE = TextMeasure()

_START = "first line\nsecond line "
"""Text before a sample: some platforms use the first line as the title."""

_FAMILY = "👨‍👩‍👧"  # 1 grapheme, 5 characters, 8 UTF-16 units, 18 bytes
_ACCENT = "é"  # 1 character, 2 bytes
_LINK = f"https://example.org/{'a' * 80}"

_UNITS: dict[tuple[int, int], CountUnit] = {
    (1, 1): "graphemes",
    (2, 1): "x",
    (5, 1): "characters",
    (8, 1): "utf16",
    (18, 2): "bytes",
    (18, 1): "threads",
}


def find_text_measure(unit: Unit, connector: Connector | None) -> TextMeasure:
    """Return the unit in which the platform of a unit counts its text; pure."""
    if not isinstance(connector, SupportsTextCount):
        return PLAIN_MEASURE
    family, accent, link = (
        _added_length(unit, connector, sample) for sample in (_FAMILY, _ACCENT, _LINK)
    )
    found = _UNITS.get((family, accent), "characters")
    return TextMeasure(found, link if link < len(_LINK) else 0)


def _added_length(unit: Unit, connector: SupportsTextCount, sample: str) -> int:
    """Return by how much a sample at the end lengthens a text."""
    start, whole = (
        connector.count_text(replace(unit, texts=(Text("body", body),)))[0]
        for body in (_START, _START + sample)
    )
    return whole - start
