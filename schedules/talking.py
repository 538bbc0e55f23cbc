"""All that was said of one post, read at once: for the page that shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from foundation.database import Scope
from schedules import changes, comments, planning, reads
from schedules.changes import Since, Wanted
from schedules.comments import Comment
from schedules.reads import Written
from schedules.states import DeliveryState
from tenants.reads import Creator


@dataclass(frozen=True)
class Said:
    """A post, whose it is, and what the acting member may read of what was said of it."""

    post: Written
    creator: Creator
    comments: Sequence[Comment]
    wanted: Sequence[Wanted]
    since: Since | None
    live: bool
    """Whether it goes anywhere still, or stands somewhere: a new version of it is waited for, where one is wanted."""


def said(scope: Scope, post_id: UUID) -> Said:
    """All of it. Raises NotFound for one of a creator who is not this member's, and Refused."""
    row, member, creator = comments.room(scope, post_id, lock=False)
    spoken = comments.threads(scope, row, internal=comments.works_here(member))
    live = any(one.state != DeliveryState.CANCELLED for one in planning.deliveries_of(scope, row.id))
    return Said(reads.written_of(row), creator, spoken, *changes.history(scope, row), live)
