"""Requests and responses of approvals."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field

from schedules.approvals.pending_decisions import PendingCounts
from schedules.approvals.revisions import ChangeRequest
from web.api.common.schemas import RequestModel, StorableText
from web.api.posts.review_comment_schemas import (
    ChangeReason,
    Note,
    PersonNames,
    PersonOut,
    RejectionReason,
    Tier,
)


class ApproveIn(RequestModel):
    """An approval of the current version of a post."""

    note: Annotated[StorableText, Field(max_length=500)] = ""
    tier: Annotated[int, Field(ge=1, le=2)] = 1


class AskChangeIn(RequestModel):
    """A request for changes: a reason code and a note to the author."""

    why: ChangeReason = "other"
    note: Note
    tier: Tier = 1


class RejectIn(RequestModel):
    """A permanent rejection: a reason code and a note."""

    why: RejectionReason = "other"
    note: Note


class WantedOut(BaseModel):
    """A rejection or a request for changes. `answered` is true if the post was changed since, or
    the same member approved it since."""

    by: PersonOut
    tier: int
    verdict: str
    why: str
    note: str
    at: datetime
    answered: bool

    @classmethod
    def of(cls, one: ChangeRequest, names: PersonNames) -> "WantedOut":
        said = {name: getattr(one, name) for name in ("tier", "verdict", "why", "note", "at")}
        return cls(by=PersonOut.of(one.by, names), answered=one.answered or one.agreed, **said)


class NeededOut(BaseModel):
    """The approval status of a post. `tiers` is the number of required approvals, `missing` are the
    tiers without one, and `who` are the members who may approve. `to_look_at` are pictures that
    must be viewed in the dashboard before approval, `wanted` are rejections and requests for
    changes, newest first, and `open_comments` counts unresolved comments."""

    post_id: UUID
    approved: bool
    tiers: int
    missing: list[int]
    who: list[PersonOut]
    to_look_at: list[UUID]
    wanted: list[WantedOut]
    open_comments: int


class PendingCountsOut(BaseModel):
    """Numbers of items that the member may decide."""

    posts: int
    on_hold: int
    images: int
    unconfirmed: int
    requests: int
    second_reviews: int
    face_comparisons: int
    total: int

    @classmethod
    def of(cls, found: PendingCounts) -> Self:
        """Return the response of these counts."""
        return cls(
            posts=found.posts,
            on_hold=found.holds,
            images=found.pictures,
            unconfirmed=found.doubts,
            requests=found.requests,
            second_reviews=found.second,
            face_comparisons=found.alike,
            total=found.total,
        )
