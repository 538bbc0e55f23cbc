"""The picture that stands where another was taken away: grey, the same for everybody.

It shows nobody and says nothing, so it is General by what it is. What somebody looked at is pinned by its digest beside
the service sentences (`gate/service.py`): a file that changed is refused until it was looked at and pinned anew. No
database here: the way out reads it too.
"""

import hashlib
from functools import cache
from pathlib import Path

from gate.units import Medium

KIND = "replacement"
"""The subject of what takes the place of a copy; its id is the permit of that copy."""

SIDE = 480
_FILE = Path(__file__).parent / "policy" / "placeholder.png"


@cache
def picture() -> bytes:
    """A PNG of SIDE by SIDE pixels: a frame with a stroke through it on a plain field."""
    return _FILE.read_bytes()


@cache
def medium() -> Medium:
    """What a unit carries of it: no words, no name."""
    data = picture()
    return Medium(hashlib.sha256(data).hexdigest(), "image/png", len(data), width=SIDE, height=SIDE)


def bytes_of(sha256: str) -> bytes | None:
    """Its bytes by their digest; None for any other."""
    return picture() if medium().sha256 == sha256 else None
