"""Queries for the review page of a post: comments, change requests and changes since a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import Scope
from schedules.approvals import review_comments, revisions
from schedules.approvals.review_comments import ReviewComment
from schedules.approvals.revisions import ChangeRequest, RevisionSinceVerdict
from schedules.posts import deliveries, queries
from schedules.posts.queries import StoredPost
from schedules.posts.states import DeliveryState
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class PostDiscussion:
    """A post, its creator, and the comments and change requests that the acting member can read."""

    post: StoredPost
    creator: Creator
    comments: Sequence[ReviewComment]
    wanted: Sequence[ChangeRequest]
    since: RevisionSinceVerdict | None
    live: bool
    """True if the post has a delivery that is not cancelled, so that requested changes still
    matter."""


def load_post_discussion(scope: Scope, post_id: UUID) -> PostDiscussion:
    """Load the discussion of a post. Raises Refused, and NotFound for a post of another creator."""
    row, member, creator = review_comments.open_discussion(scope, post_id, lock=False)
    spoken = review_comments.build_comment_threads(
        scope, row, internal=review_comments.can_read_internal(member)
    )
    live = any(
        one.state != DeliveryState.CANCELLED for one in deliveries.deliveries_of_post(scope, row.id)
    )
    return PostDiscussion(
        queries.build_stored_post(row),
        creator,
        spoken,
        *revisions.load_revision_history(scope, row),
        live,
    )
