"""The picture that stands where another was taken away: grey, the same for everybody.

It shows nobody and says nothing, so it is General by what it is. What somebody looked at is pinned
by its digest beside the service sentences (`gate/text/service_texts.py`): a file that changed is
refused until it was looked at and pinned anew. No database here: the way out reads it too.
"""

import hashlib
from functools import cache
from pathlib import Path

from gate.contract.units import Medium

REPLACEMENT_STEP = "replacement"
"""The subject of what takes the place of a copy; its id is the permit of that copy."""

SIDE = 480
_FILE = Path(__file__).parents[1] / "policy" / "placeholder.png"


@cache
def replacement_png() -> bytes:
    """A PNG of SIDE by SIDE pixels: a frame with a stroke through it on a plain field."""
    return _FILE.read_bytes()


@cache
def replacement_medium() -> Medium:
    """What a unit carries of it: no words, no name."""
    data = replacement_png()
    return Medium(hashlib.sha256(data).hexdigest(), "image/png", len(data), width=SIDE, height=SIDE)


def replacement_bytes(sha256: str) -> bytes | None:
    """Its bytes by their digest; None for any other."""
    return replacement_png() if replacement_medium().sha256 == sha256 else None
