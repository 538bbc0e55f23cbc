"""Cursors of list pages. A cursor is opaque and valid only for the filters it was created with.

Cursors are checked but not signed: a forged one only selects another position among rows that the
key may read anyway.
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
    """An object with an ID."""

    @property
    def id(self) -> UUID:
        """The ID by which the list is ordered."""


T = TypeVar("T", bound=Identified)
MAX_CURSOR_LENGTH = 400
"""Maximum number of characters in a cursor."""
_MARK = 8


def encode_cursor(question: object, place: Sequence[str]) -> str:
    """Return the cursor of a position in a list. `question` identifies the list and its filters."""
    said = canonical_json([_question_digest(question), *place])
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def decode_cursor(question: object, cursor: str, *, parts: int) -> list[str]:
    """Return the position of a cursor. Raises ApiError (422) for an invalid cursor or one of
    another list."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = (
            json.loads(base64.b64decode(padded, b"-_", validate=True))
            if len(cursor) <= MAX_CURSOR_LENGTH
            else None
        )
    # RecursionError: deeply nested JSON.
    except (ValueError, RecursionError):
        found = None
    place = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
    if len(place) != parts + 1 or place[0] != _question_digest(question):
        raise ApiError(422, Message("api.no_cursor"))
    return place[1:]


def decode_dated_cursor(question: object, cursor: str | None) -> tuple[datetime, UUID] | None:
    """Return the instant and ID of a cursor in a list ordered by time, or None for the first page.
    Raises ApiError (422) for an invalid cursor."""
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
    """Return one page of a small list, ordered by ID, and the cursor of the next page. All rows are
    loaded, so use it only for short lists."""
    after = decode_cursor(question, cursor, parts=1)[0] if cursor is not None else ""
    found = sorted((one for one in rows if str(one.id) > after), key=lambda one: str(one.id))[
        :limit
    ]
    return found, encode_cursor(question, [str(found[-1].id)]) if len(found) == limit else None


def _question_digest(question: object) -> str:
    return hashlib.sha256(canonical_json(question)).hexdigest()[:_MARK]
