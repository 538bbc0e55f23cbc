"""Requests and responses of approvals."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

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
    """A yes to the post as its version stands."""

    note: Annotated[StorableText, Field(max_length=500)] = ""
    tier: Annotated[int, Field(ge=1, le=2)] = 1


class AskChangeIn(RequestModel):
    """A wish for another version: its code, and the words whoever rewrites it reads."""

    why: ChangeReason = "other"
    note: Note
    tier: Tier = 1


class RejectIn(RequestModel):
    """A no for good: its code and words."""

    why: RejectionReason = "other"
    note: Note


class WantedOut(BaseModel):
    """A no, or a wish for a change; `answered` once the post is another, or whoever said it has
    said yes since."""

    by: PersonOut
    tier: int
    verdict: str
    why: str
    note: str
    at: datetime
    answered: bool

    @classmethod
    def of(cls, one: ChangeRequest, names: PersonNames) -> "WantedOut":
        """Of the room's value."""
        said = {name: getattr(one, name) for name in ("tier", "verdict", "why", "note", "at")}
        return cls(by=PersonOut.of(one.by, names), answered=one.answered or one.agreed, **said)


class NeededOut(BaseModel):
    """Who is needed for a post: `tiers` yeses are asked for, `missing` are those nobody gave, `who`
    may give them. `to_look_at` are pictures that people look at on the page before they say yes;
    `wanted` is what somebody wants changed, the last first; `open_comments` wait for an answer."""

    post_id: UUID
    approved: bool
    tiers: int
    missing: list[int]
    who: list[PersonOut]
    to_look_at: list[UUID]
    wanted: list[WantedOut]
    open_comments: int
