"""Where the next page begins: opaque to its reader, and good for the very question it came with.

A cursor that was made up leads to another place among what its key may see anyway, so it is checked
and not signed.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from foundation.canonical_json import canonical_json
from foundation.i18n.translation import Message
from web.api.common.errors import ApiError


class Identified(Protocol):
    """What has an id."""

    @property
    def id(self) -> UUID:
        """Its id."""


T = TypeVar("T", bound=Identified)
MAX_CURSOR_LENGTH = 400
_MARK = 8


def encode_cursor(question: object, place: Sequence[str]) -> str:
    """The cursor of a place in the answers to a question (its filters)."""
    said = canonical_json([_question_digest(question), *place])
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def decode_cursor(question: object, cursor: str, *, parts: int) -> list[str]:
    """The place. Raises ApiRefused (422) for what is no cursor, or another question's."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = (
            json.loads(base64.b64decode(padded, b"-_", validate=True))
            if len(cursor) <= MAX_CURSOR_LENGTH
            else None
        )
    except (ValueError, RecursionError):
        found = None
    place = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
    if len(place) != parts + 1 or place[0] != _question_digest(question):
        raise ApiError(422, Message("api.no_cursor"))
    return place[1:]


def decode_dated_cursor(question: object, cursor: str | None) -> tuple[datetime, UUID] | None:
    """The place of a row in the order of time: its instant and its id; None is the beginning.
    Raises as `read`."""
    if cursor is None:
        return None
    said = decode_cursor(question, cursor, parts=2)
    try:
        at = datetime.fromisoformat(said[0])
        last = UUID(said[1])
    except ValueError as error:
        raise ApiError(422, Message("api.no_cursor")) from error
    if at.tzinfo is None:
        raise ApiError(422, Message("api.no_cursor"))
    return at, last


def paginate(
    question: object, rows: Iterable[T], *, cursor: str | None, limit: int
) -> tuple[list[T], str | None]:
    """A page of what is few enough to be read at once, in the order of its ids, and the cursor of
    the one after."""
    after = decode_cursor(question, cursor, parts=1)[0] if cursor is not None else ""
    found = sorted((one for one in rows if str(one.id) > after), key=lambda one: str(one.id))[
        :limit
    ]
    return found, encode_cursor(question, [str(found[-1].id)]) if len(found) == limit else None


def _question_digest(question: object) -> str:
    return hashlib.sha256(canonical_json(question)).hexdigest()[:_MARK]
