"""Notices about objections to posts: change requests for members, declined posts for their
authors."""

from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.posts.models import Post
from tenants.notices import notices

CHANGE_REQUEST_CAUSE = "approval:"
"""Prefix of the cause of a change-request notice, before the post ID."""

BEGINNING = 60
"""Maximum number of characters of the post's text in a notice."""


def close_change_request(scope: Scope, post_id: UUID) -> None:
    """Close the change-request notice of a post."""
    notices.close(scope, f"{CHANGE_REQUEST_CAUSE}{post_id}")


def notify_change_request(scope: Scope, row: Post, name: str) -> None:
    """Notify the creator's members that the person `name` requests changes to a post."""
    # The new notice names the last person who requested changes.
    close_change_request(scope, row.id)
    said = _build_notice_message("approval.change_wanted", row, name)
    notices.put(
        scope,
        said,
        cause=f"{CHANGE_REQUEST_CAUSE}{row.id}",
        urgent=False,
        creator_id=row.creator_id,
    )


def notify_declined_post(scope: Scope, row: Post, name: str, principal: UUID) -> None:
    """Notify the author that the person `name` declined their post, unless the author declined
    it."""
    close_change_request(scope, row.id)
    if row.author_principal is None or row.author_principal == principal:
        return
    said = _build_notice_message("approval.turned_down", row, name)
    to = row.author_principal
    notices.put(scope, said, cause=f"turned_down:{row.id}", creator_id=row.creator_id, to=to)


def _build_notice_message(code: str, row: Post, name: str) -> Message:
    return Message(code, {"member": name, "post": (row.title or row.body)[:BEGINNING]})
