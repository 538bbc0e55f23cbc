"""A cache of readings of texts, so that a page does not read the same texts on every request.

It holds what was read, never a verdict: a revocation, a stricter rule or a new term takes effect at
once. It contains no text, only a digest of what was read.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from gate.text.lexicon import Lexicon

Reading = TypeVar("Reading")

MAX_READINGS = 2048
"""Number of readings that a process caches, about 1 KB each."""

_readings: OrderedDict[tuple[str, str], object] = OrderedDict()
_lock = threading.Lock()


def cached_reading(
    read: tuple[object, ...], lexicon: Lexicon, compute: Callable[[], Reading]
) -> Reading:
    """Return the reading of `read`, which `compute` makes from it and the lexicon alone.

    `read` begins with the kind of the reading; its parts are texts and values with a `repr` that
    tells them apart.
    """
    key = (hashlib.sha256(repr(read).encode("utf-8", "surrogatepass")).hexdigest(), lexicon.key)
    with _lock:
        known = _readings.get(key)
        if known is not None:
            _readings.move_to_end(key)
            return known  # type: ignore[return-value]  # the key contains the kind
    made = compute()
    with _lock:
        _readings[key] = made
        while len(_readings) > MAX_READINGS:
            _readings.popitem(last=False)
    return made
