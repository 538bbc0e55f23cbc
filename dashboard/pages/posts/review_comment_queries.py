"""Queries of review comments: requested changes, edits since the last verdict, and comments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from channels.accounts.queries import channel_names
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.approvals import client_links, queries, review_comments, revisions
from schedules.approvals.review_comments import WHOLE_POST, CommentAnchor, ReviewComment
from schedules.approvals.revisions import ChangeRequest, RevisionSinceVerdict, TextChange
from schedules.posts import channel_overrides
from schedules.posts.queries import StoredPost
from tenants.agencies.queries import Member, list_members


@dataclass(frozen=True)
class ReviewCommentsView:
    """The review comments of a post as one member may read them. `names` maps principals to names,
    without members who left."""

    now: datetime
    post_id: UUID
    comments: Sequence[ReviewComment]
    wanted: Sequence[ChangeRequest]
    since: RevisionSinceVerdict | None
    live: bool
    """True if the post is still active and a requested change expects a new version."""
    names: Mapping[UUID, str]
    listeners: Sequence[Member]
    spots: Mapping[CommentAnchor, Message]
    places: Mapping[str, str]
    """Names of accounts, keyed by ID, for changes of account-specific text."""
    told: bool
    """True if this member has unread notifications about the post."""
    inside: bool
    """True if this member may read and write internal comments."""

    @property
    def comment_count(self) -> int:
        """Number of comments, including replies."""
        return sum(1 + len(one.answers) for one in self.comments)

    @property
    def open_count(self) -> int:
        """Number of unresolved comments."""
        return sum(one.open for one in self.comments)

    def comment_spot(self, one: ReviewComment) -> Message | None:
        """Return the part of the post that a comment refers to, or a note that this part was
        removed. Return None for a comment on the whole post."""
        if one.spot == WHOLE_POST:
            return None
        return self.spots.get(one.spot, Message("talk.spot_gone"))

    def changed_text(self, one: TextChange) -> Message:
        """Return the name of the changed field."""
        if one.field == "title":
            return Message("talk.title")
        if one.field == "price":
            return Message("talk.price")
        if one.field.startswith("option:"):
            return Message("talk.option", {"option": one.field.partition(":")[2]})
        if one.field == "comment":
            return Message("compose.comment")
        return (
            Message("compose.part", {"number": one.part + 1})
            if one.part
            else Message("talk.words_of_post")
        )


def load_review_comments(scope: Scope, post_id: UUID, member: Member) -> ReviewCommentsView:
    """Return the review comments of a post. Raise NotFound for a post of a creator the member does
    not work for."""
    found = queries.load_post_discussion(scope, post_id)
    members = list_members(scope)
    readers = review_comments.filter_comment_readers(members, found.creator, internal=False)
    return ReviewCommentsView(
        now=scope.now,
        post_id=post_id,
        comments=found.comments,
        wanted=found.wanted,
        since=found.since,
        live=found.live,
        names=client_links.client_names(scope, [found.creator.id])
        | {one.principal_id: one.name for one in members},
        listeners=[one for one in readers if one.principal_id != member.principal_id],
        spots=_list_comment_anchors(found.post),
        places={str(key): name for key, name in channel_names(scope).items()},
        told=review_comments.has_unread_mention(scope, post_id, member.principal_id),
        inside=review_comments.can_read_internal(member),
    )


def load_change_requests(scope: Scope, post_id: UUID) -> list[tuple[str, ChangeRequest]]:
    """Return the open change requests of a post, latest first, each with the name of the reviewer
    ("" for a former member). Raise NotFound for a post of a creator the member does not work for.
    """
    row, _, creator = review_comments.open_discussion(scope, post_id, lock=False)
    pending = [
        one
        for one in revisions.load_revision_history(scope, row)[0]
        if not (one.answered or one.agreed)
    ]
    if not pending:
        return []
    names = client_links.client_names(scope, [creator.id]) | {
        one.principal_id: one.name for one in list_members(scope)
    }
    return [(names.get(one.by, ""), one) for one in pending]


def _list_comment_anchors(post: StoredPost) -> dict[CommentAnchor, Message]:
    """Return the parts of a post that a comment can refer to, in reading order, with their
    labels."""
    found = {WHOLE_POST: Message("talk.whole")}
    for number, part in enumerate(post.parts, start=1):
        found[CommentAnchor(number)] = (
            Message("compose.comment")
            if part.comment
            else Message("compose.part", {"number": number + 1})
        )
    pictures = channel_overrides.collect_assets(post.media, post.parts, post.others)
    for number, asset in enumerate(pictures, start=1):
        found[CommentAnchor(0, asset)] = Message("talk.picture", {"number": number})
    return found
