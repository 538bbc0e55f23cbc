"""Requests and responses about review comments and pending approvals."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from schedules.approvals.decisions import MAX_VERDICT_NOTE_LENGTH
from schedules.approvals.review_comments import (
    MAX_MENTIONS,
    MAX_REVIEW_COMMENT_LENGTH,
    ReviewComment,
)
from schedules.approvals.review_queue import ReviewItem
from schedules.approvals.verdicts import ApprovalVerdict
from schedules.posts.thread_parts import MAX_THREAD_PARTS
from web.api.common.schemas import (
    EXAMPLE_POST_ID,
    PageQuery,
    RequestModel,
    StorableText,
    example_config,
)

PersonNames = Mapping[UUID, str]
"""Names of people, by principal ID."""

Named = Annotated[
    list[UUID],
    Field(
        max_length=MAX_MENTIONS,
        description="Members to notify; `readers` lists the possible ones.",
    ),
]
ChangeReason = Literal["words", "picture", "moment", "accounts", "other"]
RejectionReason = Literal["image", "rights", "taste", "double", "other"]

Note = Annotated[
    StorableText,
    Field(min_length=1, max_length=MAX_VERDICT_NOTE_LENGTH, examples=["The quay is another one."]),
]
Tier = Annotated[int, Field(ge=1, le=2)]


class CommentsQuery(RequestModel):
    """The post whose comments are listed."""

    post: UUID


class CommentIn(RequestModel):
    """A comment on a post, on one of its parts (0 is the post itself) or on a picture. `internal`
    comments are hidden from the creator and from clients."""

    model_config = example_config({"post_id": EXAMPLE_POST_ID, "words": "Is the date right?"})

    post_id: UUID
    words: Annotated[StorableText, Field(min_length=1, max_length=MAX_REVIEW_COMMENT_LENGTH)]
    part: Annotated[int, Field(ge=0, le=MAX_THREAD_PARTS)] = 0
    media_id: UUID | None = None
    named: Named = Field(default_factory=list)
    internal: bool = True


class AnswerIn(RequestModel):
    """A reply to a comment. Earlier authors and the people in `named` are notified."""

    model_config = example_config({"words": "It is, they moved it."})

    words: Annotated[StorableText, Field(min_length=1, max_length=MAX_REVIEW_COMMENT_LENGTH)]
    named: Named = Field(default_factory=list)


class PersonOut(BaseModel):
    """A person who comments on posts. The name is empty if the person was removed."""

    id: UUID
    name: str

    @classmethod
    def of(cls, one: UUID, names: PersonNames) -> "PersonOut":
        """Convert a principal ID."""
        return cls(id=one, name=names.get(one, ""))


class ReaderOut(PersonOut):
    """A person who can be mentioned in comments; in internal ones only if `internal` is true."""

    internal: bool


class CommentOut(BaseModel):
    """A comment. `earlier` is true if the post was changed since. Resolved comments have
    `resolved_at`."""

    id: UUID
    post_id: UUID
    part: int
    media_id: UUID | None
    by: PersonOut
    words: str
    named: list[PersonOut]
    internal: bool
    earlier: bool
    at: datetime
    resolved_at: datetime | None
    resolved_by: PersonOut | None
    answers: list["CommentOut"]

    @classmethod
    def of(cls, one: ReviewComment, names: PersonNames) -> "CommentOut":
        said = {
            name: getattr(one, name)
            for name in ("id", "post_id", "words", "internal", "earlier", "at")
        }
        return cls(
            **said,
            part=one.spot.part,
            media_id=one.spot.asset_id,
            by=PersonOut.of(one.by, names),
            named=[PersonOut.of(each, names) for each in one.named],
            resolved_at=one.resolved_at,
            resolved_by=None if one.resolved_by is None else PersonOut.of(one.resolved_by, names),
            answers=[cls.of(each, names) for each in one.answers],
        )


class CommentsOut(BaseModel):
    """The comments of a post that the key's member may read, oldest first, and the people who can
    be mentioned."""

    items: list[CommentOut]
    readers: list[ReaderOut]


class WordOut(BaseModel):
    """The verdict of a person on the current version of a post, and its tier."""

    by: PersonOut
    tier: int
    verdict: str
    note: str
    at: datetime

    @classmethod
    def of(cls, one: ApprovalVerdict, names: PersonNames) -> "WordOut":
        return cls(
            by=PersonOut.of(one.principal_id, names),
            tier=one.tier,
            verdict=one.verdict,
            note=one.note,
            at=one.at,
        )


class AwaitedOut(BaseModel):
    """A post pending approval. `due_at` is the time of the first of its `deliveries`. `tier` is the
    approval that the key's member can give, or null if it is already given. `own` is true if the
    member is the author and cannot approve. `renews` is true if the post is scheduled and its
    approval expires before it is published."""

    post_id: UUID
    creator_id: UUID
    title: str
    body: str
    due_at: datetime
    deliveries: list[UUID]
    repeats: bool
    said: list[WordOut]
    tier: int | None
    own: bool
    renews: bool

    @classmethod
    def of(cls, one: ReviewItem, names: PersonNames, *, to: UUID) -> "AwaitedOut":
        """Convert from the queue entry, for the principal who reads it."""
        plain = ("post_id", "creator_id", "title", "body", "due_at", "repeats")
        said = {name: getattr(one, name) for name in plain}
        return cls(
            **said,
            renews=one.needs_renewal,
            deliveries=[wish.delivery_id for wish in one.wishes],
            said=[WordOut.of(word, names) for word in one.words],
            tier=one.tier_for(to),
            own=one.author_principal == to,
        )


class AwaitedPage(BaseModel):
    """Posts pending approval, earliest first."""

    items: list[AwaitedOut]


class PendingApprovalsQuery(PageQuery):
    """The creator and the number of pending posts to list."""

    creator: UUID | None = None
