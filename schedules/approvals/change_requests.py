"""Who is told that somebody has something against a post: its creator's members while it has to
change, and its author once it was turned down for good."""

from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.posts.models import Post
from tenants.notices import notices

CHANGE_REQUEST_CAUSE = "approval:"
"""How the cause of the notice begins that somebody wants another version of a post, before its
id."""

BEGINNING = 60
"""Characters by which people know a post again."""


def close_change_request(scope: Scope, post_id: UUID) -> None:
    """Nobody waits for another version of a post any more: the notice that a change is wanted
    closes."""
    notices.close(scope, f"{CHANGE_REQUEST_CAUSE}{post_id}")


def notify_change_request(scope: Scope, row: Post, name: str) -> None:
    """Tell the members that somebody of this name wants another version of a post."""
    close_change_request(scope, row.id)  # the last who asked is named
    said = _build_notice_message("approval.change_wanted", row, name)
    notices.put(
        scope,
        said,
        cause=f"{CHANGE_REQUEST_CAUSE}{row.id}",
        urgent=False,
        creator_id=row.creator_id,
    )


def notify_declined_post(scope: Scope, row: Post, name: str, principal: UUID) -> None:
    """Tell who wrote a post that somebody of this name took it off the calendar for good, unless it
    was they."""
    close_change_request(scope, row.id)
    if row.author_principal is None or row.author_principal == principal:
        return
    said = _build_notice_message("approval.turned_down", row, name)
    to = row.author_principal
    notices.put(scope, said, cause=f"turned_down:{row.id}", creator_id=row.creator_id, to=to)


def _build_notice_message(code: str, row: Post, name: str) -> Message:
    return Message(code, {"member": name, "post": (row.title or row.body)[:BEGINNING]})
