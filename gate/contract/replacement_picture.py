"""The replacement picture: a grey image that replaces a removed picture where a platform does not
delete it.

It shows no content, so it is rated General. Its reviewed digest is pinned with the service texts
(`gate/text/service_texts.py`): a changed file is refused until it is reviewed and pinned again. No
database access, because the transport reads it too.
"""

import hashlib
from functools import cache
from pathlib import Path

from gate.contract.units import Medium

REPLACEMENT_STEP = "replacement"
"""Subject kind of a replacement; the subject ID is the permit of the copy it replaces."""

SIDE = 480
_FILE = Path(__file__).parents[1] / "policy" / "placeholder.png"


@cache
def replacement_png() -> bytes:
    """Return a PNG of SIDE by SIDE pixels: a frame with a stroke through it on a plain field."""
    return _FILE.read_bytes()


@cache
def replacement_medium() -> Medium:
    """Return the picture as the medium of a unit, without text or name."""
    data = replacement_png()
    return Medium(hashlib.sha256(data).hexdigest(), "image/png", len(data), width=SIDE, height=SIDE)


def replacement_bytes(sha256: str) -> bytes | None:
    """Return the bytes of the picture for its digest, or None for any other digest."""
    return replacement_png() if replacement_medium().sha256 == sha256 else None
