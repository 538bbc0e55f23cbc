"""What people say of a post: what they want changed, what changed since they spoke, and their
comments."""

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
    """All of it, as one member may read it; `names` are people's by principal, without those who
    left."""

    now: datetime
    post_id: UUID
    comments: Sequence[ReviewComment]
    wanted: Sequence[ChangeRequest]
    since: RevisionSinceVerdict | None
    live: bool
    """Whether a new version of it is waited for, where one is wanted: not once all of it is off the
    calendar."""
    names: Mapping[UUID, str]
    listeners: Sequence[Member]
    spots: Mapping[CommentAnchor, Message]
    places: Mapping[str, str]
    """Accounts by id: where a post says something else, beside platforms."""
    told: bool
    """Whether this member was told of something and has not said that they read it."""
    inside: bool
    """Whether this member reads what is internal, and may write it."""

    @property
    def comment_count(self) -> int:
        """How many things were said, answers too."""
        return sum(1 + len(one.answers) for one in self.comments)

    @property
    def open_count(self) -> int:
        """How many of them still wait."""
        return sum(one.open for one in self.comments)

    def comment_spot(self, one: ReviewComment) -> Message | None:
        """What of the post is meant, where it is not all of it; of what is gone from it, that."""
        if one.spot == WHOLE_POST:
            return None
        return self.spots.get(one.spot, Message("talk.spot_gone"))

    def changed_text(self, one: TextChange) -> Message:
        """Which text of the post changed."""
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
    """What is said of a post. Raises NotFound for one of a creator who is not this member's."""
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
    """What is asked of a post as it stands, the last first, each with who asks ("" for somebody who
    left). Raises NotFound for a post of a creator who is not this member's."""
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
    """All that a comment may be about, in the order the post is read, with what people call it."""
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
