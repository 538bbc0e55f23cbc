"""Touches: the chats that fans began through acquisition links.

A touch is recorded when a bot receives the code of a link as its start parameter, and for a fan
whose Discord invite is known (`invites`). It names the fan and the link and nothing else; a click
alone is never assigned to a person.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.bulk_insert import insert_rows
from foundation.db.database import Scope
from foundation.ids import derived_uuid
from subscribers.acquisition.links import CODE_LENGTH, START_PREFIX, find_chat_link, get_link
from subscribers.acquisition.models import AcquisitionTouchRow

UNORDERED = UUID(int=0)
MAX_TOUCHES = 100
"""Maximum number of touches of a fan; further ones are not recorded."""

_START = re.compile(
    rf"/start(?:@\w{{1,64}})?\s+{START_PREFIX}([0-9a-f]{{{CODE_LENGTH}}})\s*", re.ASCII
)


@dataclass(frozen=True)
class Touch:
    """A fan who opened a chat through a link; `at` is UTC-aware. `id` orders touches of the same
    second, the resolution of most platforms."""

    fan_id: UUID
    link_id: UUID
    at: datetime
    id: UUID = UNORDERED


def read_start_code(text: str) -> str:
    """Return the code of a link in a message that starts a chat, or ""."""
    found = _START.fullmatch(text)
    return found[1] if found else ""


def record_touch(
    scope: Scope, creator_id: UUID, fan_id: UUID, code: str, *, at: datetime | None
) -> bool:
    """Record that a fan began a chat with a creator by the link with this code. Return True if a
    touch was recorded.

    `at` is the time that the platform reports, if it does: updates that are received late must not
    appear to come after the purchases that followed them. An unknown code, the code of another
    creator, and a repetition of the fan's last link change nothing.
    """
    link_id = find_chat_link(scope, creator_id, code)
    return link_id is not None and record_link_touch(scope, fan_id, link_id, at=at)


def record_link_touch(scope: Scope, fan_id: UUID, link_id: UUID, *, at: datetime | None) -> bool:
    """Record that a fan came through a link, as `record_touch` does."""
    scope.lock(f"touches:{scope.tenant_id}:{fan_id}")
    known = list(
        scope.run(
            "SELECT link_id FROM acquisition_touches WHERE tenant_id = :tenant AND fan_id = :fan"
            " ORDER BY at DESC, id DESC LIMIT :most",
            tenant=scope.tenant_id,
            fan=fan_id,
            most=MAX_TOUCHES,
        ).scalars()
    )
    if len(known) >= MAX_TOUCHES or known[:1] == [link_id]:
        return False
    scope.add(
        AcquisitionTouchRow(
            tenant_id=scope.tenant_id,
            creator_id=get_link(scope, link_id).creator_id,
            link_id=link_id,
            fan_id=fan_id,
            at=min(at or scope.now, scope.now),
        )
    )
    return True


def list_touches(scope: Scope, creators: Sequence[UUID]) -> list[Touch]:
    """Return all touches of the fans of these creators, earliest first."""
    rows = scope.run(
        "SELECT fan_id, link_id, at, id FROM acquisition_touches WHERE tenant_id = :tenant"
        " AND creator_id = ANY(:creators) ORDER BY at, id",
        tenant=scope.tenant_id,
        creators=list(creators),
    )
    return [Touch(*row) for row in rows]


def import_past_touches(scope: Scope, creator_id: UUID, touches: Sequence[Touch]) -> int:
    """Insert touches of a creator's past; existing ones are not changed. Return the number of new
    ones."""
    rows = [
        {
            "id": derived_uuid(one.fan_id, one.link_id, one.at.isoformat()),
            "created_at": one.at,
            "updated_at": one.at,
            "creator_id": creator_id,
            "link_id": one.link_id,
            "fan_id": one.fan_id,
            "at": one.at,
        }
        for one in touches
    ]
    return insert_rows(scope, AcquisitionTouchRow, rows)
