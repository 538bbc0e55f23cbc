"""Review comments: threads about a post, or about a part or picture of it.

Internal comments are for members of the agency: neither the creator nor a client can read them.
Members are notified of mentions and replies. A member without access to the creator gets NotFound.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, func, select

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.i18n.translation import Message
from schedules.approvals.models import PostComment
from schedules.posts import channel_overrides
from schedules.posts.deliveries import get_post
from schedules.posts.models import Post
from tenants.agencies import queries
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import Right, has_right
from tenants.notices import notices
from tenants.notices.queries import list_open_notices

MAX_REVIEW_COMMENT_LENGTH = 2000
"""Maximum number of characters in a comment."""

MAX_REVIEW_COMMENTS = 500
"""Maximum number of comments on one post."""

MAX_MENTIONS = 20
READERS = (Right.RUN, Right.APPROVE)
PEOPLE_ONLY = "comment.members_only"


@dataclass(frozen=True)
class CommentAnchor:
    """The anchor of a comment: a part (0 is the post itself) or a picture."""

    part: int = 0
    asset_id: UUID | None = None


WHOLE_POST = CommentAnchor()


@dataclass(frozen=True)
class ReviewComment:
    """A comment; `by` and `named` are principals. `earlier` means that it is about an earlier
    version."""

    id: UUID
    post_id: UUID
    spot: CommentAnchor
    by: UUID
    words: str
    named: tuple[UUID, ...]
    internal: bool
    earlier: bool
    at: datetime
    resolved_at: datetime | None = None
    resolved_by: UUID | None = None
    answers: tuple["ReviewComment", ...] = ()

    @property
    def open(self) -> bool:
        """Return True if it is not resolved."""
        return self.resolved_at is None


def add_comment(
    scope: Scope,
    post_id: UUID,
    words: str,
    *,
    key: UUID,
    spot: CommentAnchor = WHOLE_POST,
    named: Collection[UUID] = (),
    internal: bool = True,
) -> UUID:
    """Add a comment of the acting member, once for each `key`, and return its ID.

    Mentioned members are notified. A comment of the creator's own member is never internal. Raises
    NotFound for a post of another creator or an unknown anchor; BadInput for an empty comment, too
    many comments, or a mention of a member who cannot read it; Refused.
    """
    row, member, _ = open_discussion(scope, post_id)
    if scope.session.get(PostComment, (scope.tenant_id, key)) is not None:
        return key
    _check_anchor(row, spot)
    inside = internal and can_read_internal(member)
    return _record_comment(
        scope, row, member, words, key=key, spot=spot, named=named, internal=inside, thread=None
    )


def reply_to_comment(
    scope: Scope, comment_id: UUID, words: str, *, key: UUID, named: Collection[UUID] = ()
) -> UUID:
    """Reply to a comment, once for each `key`. Participants are notified, and a resolved thread
    reopens.

    Raises the same errors as `add_comment`.
    """
    first = _get_thread_root(scope, comment_id)
    row, member, _ = open_discussion(scope, first.post_id)
    if scope.session.get(PostComment, (scope.tenant_id, key)) is not None:
        return key
    spot = CommentAnchor(first.part, first.asset_id)
    written = _record_comment(
        scope,
        row,
        member,
        words,
        key=key,
        spot=spot,
        named=named,
        internal=first.internal,
        thread=first.id,
    )
    first.resolved_at = first.resolved_by = None
    scope.add(first)
    return written


def resolve_comment(scope: Scope, comment_id: UUID) -> None:
    """Resolve a comment and its replies. Idempotent. Raises NotFound."""
    first = _get_thread_root(scope, comment_id)
    _, member, _ = open_discussion(scope, first.post_id)
    if first.resolved_at is None:
        first.resolved_at = scope.now
        first.resolved_by = member.principal_id
        scope.add(first)


def reopen_comment(scope: Scope, comment_id: UUID) -> None:
    """Reopen a resolved comment. Raises NotFound."""
    first = _get_thread_root(scope, comment_id)
    open_discussion(scope, first.post_id)
    first.resolved_at = first.resolved_by = None
    scope.add(first)


def list_comments(scope: Scope, post_id: UUID) -> list[ReviewComment]:
    """Return the comments that the acting member can read, oldest first. Raises NotFound and
    Refused."""
    row, member, _ = open_discussion(scope, post_id, lock=False)
    return build_comment_threads(scope, row, internal=can_read_internal(member))


def get_comment(
    scope: Scope, creators: Collection[UUID], comment_id: UUID, *, lock: bool = False
) -> ReviewComment:
    """Return a thread of a post of these creators, given the ID of any comment in it.

    With `lock`, no comment is added to the post until the transaction ends. Raises NotFound, also
    for a comment that the member cannot read.
    """
    row = scope.session.get(PostComment, (scope.tenant_id, comment_id))
    if row is None or row.creator_id not in creators:
        raise NotFound("comment.unknown")
    if lock:
        scope.lock(f"comments:{scope.tenant_id}:{row.post_id}")
    first = row.thread_id or row.id
    found = next((each for each in list_comments(scope, row.post_id) if each.id == first), None)
    if found is None:
        raise NotFound("comment.unknown")
    return found


def list_client_comments(scope: Scope, post_id: UUID) -> list[ReviewComment]:
    """Return the comments that a client can read, which are never internal. Raises NotFound."""
    return build_comment_threads(scope, get_post(scope, post_id), internal=False)


def list_mentionable_members(scope: Scope, creator_id: UUID, *, internal: bool) -> list[Member]:
    """Return the members who can be mentioned for a creator's posts, by name."""
    return filter_comment_readers(
        queries.list_members(scope), queries.get_creator(scope, creator_id), internal=internal
    )


def filter_comment_readers(
    members: Iterable[Member], creator: Creator, *, internal: bool
) -> list[Member]:
    """Return the given members who can read comments on a creator's posts; pure."""
    return [
        one
        for one in members
        if _can_read_comments(one, creator.slug) and (not internal or can_read_internal(one))
    ]


def can_read_internal(member: Member) -> bool:
    """Return True if a member can read internal comments; pure."""
    return has_right(member.role, Right.RUN)


def has_unread_mention(scope: Scope, post_id: UUID, principal_id: UUID) -> bool:
    """Return True if a person has unread comments on a post, which means an open comment notice."""
    cause = _comment_notice_cause(post_id, principal_id)
    return any(one.cause == cause for one in list_open_notices(scope, limit=1000, to=principal_id))


def mark_comments_read(scope: Scope, post_id: UUID) -> None:
    """Close the comment notice of the acting member for a post. Raises NotFound."""
    _, member, _ = open_discussion(scope, post_id, lock=False)
    notices.close(scope, _comment_notice_cause(post_id, member.principal_id))


def _comment_notice_cause(post_id: UUID, principal_id: UUID) -> str:
    """Return the notice cause. Each person has one open notice for all comments on a post."""
    return f"comment:{post_id}:{principal_id}"


def _can_read_comments(member: Member, slug: str) -> bool:
    return any(has_right(member.role, right) for right in READERS) and (
        not member.creators or slug in member.creators
    )


def open_discussion(
    scope: Scope, post_id: UUID, *, lock: bool = True
) -> tuple[Post, Member, Creator]:
    """Return the post, the acting member and the creator. With `lock`, other transactions cannot
    add comments until this one ends.

    Raises Refused, and NotFound for a post of another creator.
    """
    member = queries.get_acting_member(scope, PEOPLE_ONLY)
    if not any(has_right(member.role, right) for right in READERS):
        raise Refused(PEOPLE_ONLY)
    row = get_post(scope, post_id)
    creator = queries.get_creator(scope, row.creator_id)
    if not _can_read_comments(member, creator.slug):
        raise NotFound("post.unknown")
    if lock:
        scope.lock(f"comments:{scope.tenant_id}:{post_id}")
    return row, member, creator


def _get_thread_root(scope: Scope, comment_id: UUID) -> PostComment:
    """Lock and return the first comment of a thread.

    Raises NotFound, also for another tenant's comment and for one that the member cannot read.
    """
    row = scope.session.get(PostComment, (scope.tenant_id, comment_id))
    if row is not None and row.thread_id is not None:
        row = scope.session.get(PostComment, (scope.tenant_id, row.thread_id))
    if row is None or (
        row.internal and not can_read_internal(queries.get_acting_member(scope, PEOPLE_ONLY))
    ):
        raise NotFound("comment.unknown")
    scope.lock(f"comments:{scope.tenant_id}:{row.post_id}")
    scope.session.refresh(row)  # It may have been resolved while this call waited for the lock.
    return row


def _check_anchor(row: Post, spot: CommentAnchor) -> None:
    if not 0 <= spot.part <= len(row.parts):
        raise NotFound("comment.no_such_part")
    said = channel_overrides.base_content(row)
    if spot.asset_id is not None and spot.asset_id not in channel_overrides.collect_assets(
        said.media, said.parts, channel_overrides.overrides_of_post(row)
    ):
        raise NotFound("comment.no_such_part")


def _record_comment(
    scope: Scope,
    row: Post,
    member: Member,
    words: str,
    *,
    key: UUID,
    spot: CommentAnchor,
    named: Collection[UUID],
    internal: bool,
    thread: UUID | None,
) -> UUID:
    said = words.strip()
    _check_comment_text(said)
    if _count_comments(scope, row.id) >= MAX_REVIEW_COMMENTS:
        raise BadInput("comment.too_many", most=MAX_REVIEW_COMMENTS)
    wanted = list(dict.fromkeys(named))
    readers = {
        one.principal_id
        for one in list_mentionable_members(scope, row.creator_id, internal=internal)
    }
    if len(wanted) > MAX_MENTIONS or not readers.issuperset(wanted):
        raise BadInput("comment.cannot_read")
    written = PostComment(
        tenant_id=scope.tenant_id,
        id=key,
        creator_id=row.creator_id,
        post_id=row.id,
        thread_id=thread,
        part=spot.part,
        asset_id=spot.asset_id,
        digest=row.digest,
        principal_id=member.principal_id,
        words=said,
        named=[str(one) for one in wanted],
        internal=internal,
    )
    scope.add(written)
    before = _list_thread_participants(scope, thread) if thread is not None else []
    _notify_comment_readers(
        scope, row, member, named=wanted, answered=[one for one in before if one in readers]
    )
    return written.id


def _check_comment_text(said: str) -> None:
    if not said:
        raise BadInput("comment.empty").about("text")
    if len(said) > MAX_REVIEW_COMMENT_LENGTH:
        raise BadInput("comment.too_long", most=MAX_REVIEW_COMMENT_LENGTH).about("text")
    if "\x00" in said:
        raise BadInput("post.unwritable")


def _count_comments(scope: Scope, post_id: UUID) -> int:
    here = (PostComment.tenant_id == scope.tenant_id, PostComment.post_id == post_id)
    return int(scope.session.exec(select(func.count()).where(*here)).one())


def _list_thread_participants(scope: Scope, thread: UUID) -> list[UUID]:
    """Return the principals who wrote in a thread."""
    there = (PostComment.id == thread) | (PostComment.thread_id == thread)
    found = (
        select(PostComment.principal_id)
        .distinct()
        .where(PostComment.tenant_id == scope.tenant_id, there)
    )
    return list(scope.session.exec(found))


def _notify_comment_readers(
    scope: Scope, row: Post, by: Member, *, named: Sequence[UUID], answered: Iterable[UUID]
) -> None:
    """Notify participants and mentioned members, and close the author's own notice, because they
    have read the thread."""
    notices.close(scope, _comment_notice_cause(row.id, by.principal_id))
    about: dict[str, str | int] = {"member": by.name, "post": (row.title or row.body)[:60]}
    codes = {**dict.fromkeys(answered, "comment.answered"), **dict.fromkeys(named, "comment.named")}
    for principal, code in codes.items():
        if principal != by.principal_id:
            cause = _comment_notice_cause(row.id, principal)
            notices.put(
                scope, Message(code, about), cause=cause, creator_id=row.creator_id, to=principal
            )


def build_comment_threads(scope: Scope, row: Post, *, internal: bool) -> list[ReviewComment]:
    """Return the threads of a post, oldest first; internal threads only with `internal`."""
    found = scope.session.exec(
        select(PostComment)
        .where(
            PostComment.tenant_id == scope.tenant_id,
            PostComment.post_id == row.id,
            *(() if internal else (col(PostComment.internal).is_(False),)),
        )
        .order_by(col(PostComment.created_at), col(PostComment.id))
        .execution_options(populate_existing=True)
    ).all()
    answers: dict[UUID, list[ReviewComment]] = {}
    for one in found:
        if one.thread_id is not None:
            answers.setdefault(one.thread_id, []).append(_comment_from_row(scope, row, one))
    return [
        _comment_from_row(scope, row, one, answers.get(one.id, ()))
        for one in found
        if one.thread_id is None
    ]


def _comment_from_row(
    scope: Scope, owner: Post, row: PostComment, answers: Sequence[ReviewComment] = ()
) -> ReviewComment:
    return ReviewComment(
        id=row.id,
        post_id=row.post_id,
        spot=CommentAnchor(row.part, row.asset_id),
        by=row.principal_id,
        words=row.words,
        named=tuple(UUID(one) for one in row.named),
        internal=row.internal,
        earlier=row.digest != owner.digest,
        at=row.created_at or scope.now,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
        answers=tuple(answers),
    )
