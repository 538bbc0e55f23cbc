"""What is said of posts, at the edge: comments with their answers, what people want changed, whose
yes is missing."""

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
"""What people are called, by the human behind them."""

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
    """Of which post."""

    post: UUID


class CommentIn(RequestModel):
    """Something to say of a post, of a part of it (0 is the post itself) or of a picture.
    `internal`: for who works here alone, neither for the creator nor for a client."""

    model_config = example_config({"post_id": EXAMPLE_POST_ID, "words": "Is the date right?"})

    post_id: UUID
    words: Annotated[StorableText, Field(min_length=1, max_length=MAX_REVIEW_COMMENT_LENGTH)]
    part: Annotated[int, Field(ge=0, le=MAX_THREAD_PARTS)] = 0
    media_id: UUID | None = None
    named: Named = Field(default_factory=list)
    internal: bool = True


class AnswerIn(RequestModel):
    """An answer to what was said; who spoke before is told, and who is named."""

    model_config = example_config({"words": "It is, they moved it."})

    words: Annotated[StorableText, Field(min_length=1, max_length=MAX_REVIEW_COMMENT_LENGTH)]
    named: Named = Field(default_factory=list)


class PersonOut(BaseModel):
    """A person by what is said of posts; the name is "" of who is gone."""

    id: UUID
    name: str

    @classmethod
    def of(cls, one: UUID, names: PersonNames) -> "PersonOut":
        """Of the human behind a member or a link."""
        return cls(id=one, name=names.get(one, ""))


class ReaderOut(PersonOut):
    """Somebody who may be named in a comment; `internal`: also in one that is for who works
    here."""

    internal: bool


class CommentOut(BaseModel):
    """Something that was said; `earlier`: the post said something else then. Settled since
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
        """Of the room's value."""
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
    """All that was said of a post and may be read by the key's member, as it was said; whom they
    may name."""

    items: list[CommentOut]
    readers: list[ReaderOut]


class WordOut(BaseModel):
    """What somebody said of a post as it stands, as which tier."""

    by: PersonOut
    tier: int
    verdict: str
    note: str
    at: datetime

    @classmethod
    def of(cls, one: ApprovalVerdict, names: PersonNames) -> "WordOut":
        """Of the room's value."""
        return cls(
            by=PersonOut.of(one.principal_id, names),
            tier=one.tier,
            verdict=one.verdict,
            note=one.note,
            at=one.at,
        )


class AwaitedOut(BaseModel):
    """A post that waits for a yes: the first of its `deliveries` is due at `due_at`. `tier` is
    which yes the key's member would give, null where they have given theirs; `own`: they wrote it,
    so it is not theirs to approve. `renews`: it is on the calendar, and the yes to it ends before
    it leaves."""

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
        """Of the room's value, for the human who reads it."""
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
    """The posts that wait for a yes, the first due first."""

    items: list[AwaitedOut]


class PendingApprovalsQuery(PageQuery):
    """Of whom, and how many."""

    creator: UUID | None = None
