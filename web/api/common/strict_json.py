"""Checks that a JSON body has one meaning for every parser.

`json.loads` uses the last of two equal keys and decodes half a surrogate pair, while a proxy or log
may read the same body differently. RFC 8259 §4 and §8.2 call the behavior for such texts
unpredictable, so they are rejected.

https://www.rfc-editor.org/rfc/rfc8259
"""

import json
import re
from typing import Any, NoReturn

from foundation.i18n.translation import Message
from web.api.common.errors import ApiError, quoted_name

MAX_QUOTED_KEY = 60
"""Maximum number of characters of a key in the error message."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def check_json(data: bytes) -> None:
    """Check that a body has one meaning.

    Raises ApiError (400) for a key that occurs twice in one object, for half a surrogate pair, and
    for `NaN` and `Infinity`, which are not JSON. Malformed JSON is left to the route's parser.
    """
    try:
        found = json.loads(data, object_pairs_hook=_build_object, parse_constant=_refuse_constant)
        has_surrogate = _SURROGATE.search(json.dumps(found, ensure_ascii=False)) is not None
    except (ValueError, RecursionError):
        return
    if has_surrogate:
        raise ApiError(400, Message("api.half_character"))


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen = set[str]()
        for name, _ in pairs:
            if name in seen:
                quoted = quoted_name(name[:MAX_QUOTED_KEY])
                raise ApiError(400, Message("api.repeated_key", {"name": quoted}))
            seen.add(name)
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise ApiError(400, Message("api.unreadable"))
