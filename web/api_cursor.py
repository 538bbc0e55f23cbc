"""Where the next page begins: opaque to its reader, and good for the very question it came with.

A cursor that was made up leads to another place among what its key may see anyway, so it is checked and not signed.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from foundation.words import Message, canonical
from web.api_errors import ApiRefused


class Kept(Protocol):
    """What has an id."""

    @property
    def id(self) -> UUID:
        """Its id."""


T = TypeVar("T", bound=Kept)
LONGEST = 400
_MARK = 8


def write(question: object, place: Sequence[str]) -> str:
    """The cursor of a place in the answers to a question (its filters)."""
    said = canonical([_mark(question), *place])
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def read(question: object, cursor: str, *, parts: int) -> list[str]:
    """The place. Raises ApiRefused (422) for what is no cursor, or another question's."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, b"-_", validate=True)) if len(cursor) <= LONGEST else None
    except (ValueError, RecursionError):
        found = None
    place = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
    if len(place) != parts + 1 or place[0] != _mark(question):
        raise ApiRefused(422, Message("api.no_cursor"))
    return place[1:]


def read_dated(question: object, cursor: str | None) -> tuple[datetime, UUID] | None:
    """The place of a row in the order of time: its instant and its id; None is the beginning. Raises as `read`."""
    if cursor is None:
        return None
    said = read(question, cursor, parts=2)
    try:
        at, last = datetime.fromisoformat(said[0]), UUID(said[1])
    except ValueError as error:
        raise ApiRefused(422, Message("api.no_cursor")) from error
    if at.tzinfo is None:
        raise ApiRefused(422, Message("api.no_cursor"))
    return at, last


def page(question: object, rows: Iterable[T], *, cursor: str | None, limit: int) -> tuple[list[T], str | None]:
    """A page of what is few enough to be read at once, in the order of its ids, and the cursor of the one after."""
    after = read(question, cursor, parts=1)[0] if cursor is not None else ""
    found = sorted((one for one in rows if str(one.id) > after), key=lambda one: str(one.id))[:limit]
    return found, write(question, [str(found[-1].id)]) if len(found) == limit else None


def _mark(question: object) -> str:
    return hashlib.sha256(canonical(question)).hexdigest()[:_MARK]
