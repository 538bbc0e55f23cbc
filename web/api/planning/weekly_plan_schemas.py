"""Requests and responses about AI weekly plans."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from schedules.suggestions.states import WeekLineState
from schedules.suggestions.weekly_plans.brief import (
    MAX_FORBIDDEN_WORDS,
    MAX_LINK_LENGTH,
    MAX_WEEK_POSTS,
)
from schedules.suggestions.weekly_plans.proposals import (
    MAX_LINE_LENGTH,
    WeekLineChange,
    WeekLineView,
    WeekProposal,
)
from web.api.common.schemas import (
    EXAMPLE_CHANNEL_ID,
    EXAMPLE_CREATOR_ID,
    MAX_CHANNELS,
    Day,
    RequestModel,
    StorableText,
    WallOrInstant,
    Weekday,
    example_config,
    wall_time_in,
)
from web.api.generation.suggestion_schemas import TextState
from web.api.planning.response_schemas import WallOut

BriefText = Annotated[StorableText, Field(max_length=MAX_FORBIDDEN_WORDS)]


class WeekIn(RequestModel):
    """The brief of a weekly plan: `count` posts on these accounts and weekdays, starting with
    `first`. `tone` and `language` default to those of the creator's persona, as do the forbidden
    words. `recipes` and `topics` are used in turn."""

    model_config = example_config(
        {
            "creator_id": EXAMPLE_CREATOR_ID,
            "goal": "Readers come to the harbour feast",
            "channels": [EXAMPLE_CHANNEL_ID],
            "count": 3,
            "topics": ["The boats", "The music"],
        }
    )

    creator_id: UUID
    goal: BriefText = ""
    tone: BriefText | None = None
    language: Literal["fr", "en"] | None = None
    channels: Annotated[list[UUID], Field(min_length=1, max_length=MAX_CHANNELS)]
    first: Day | None = None
    weekdays: Annotated[list[Weekday], Field(min_length=1, max_length=7)] = Field(
        default_factory=lambda: list(range(7))
    )
    count: Annotated[int, Field(ge=1, le=MAX_WEEK_POSTS)] = 5
    topics: Annotated[list[BriefText], Field(max_length=MAX_WEEK_POSTS)] = Field(
        default_factory=list
    )
    link: Annotated[StorableText, Field(max_length=MAX_LINK_LENGTH + 10)] = ""
    recipes: Annotated[list[UUID], Field(max_length=MAX_WEEK_POSTS)] = Field(default_factory=list)


class LineChange(RequestModel):
    """Changes to a line before it is accepted. Omitted fields keep their value. A `recipe_id` of
    null requests no picture."""

    model_config = example_config({"body": "Boats, gulls and coffee: come by at six."})

    body: Annotated[StorableText, Field(min_length=1, max_length=MAX_LINE_LENGTH)] | None = None
    at: WallOrInstant | None = None
    recipe_id: UUID | None = None

    def to_edit(self, old: WeekLineView) -> WeekLineChange:
        """Return the changed line. Raises BadInput for a date or time that does not exist."""
        recipe = self.recipe_id if "recipe_id" in self.model_fields_set else old.recipe_id
        at = old.at if self.at is None else wall_time_in(self.at, old.at.zone)
        return WeekLineChange(old.body if self.body is None else self.body, at, recipe)


class LineOut(BaseModel):
    """A post of a weekly plan. `hour_from` is the source of its time: an open slot, the account's
    usual time, or a default. `words_by` is the source of its text: the brief, a model, a member, or
    a model and a member. `post_id` is the draft, once the line is accepted."""

    id: UUID
    creator_id: UUID
    channels: list[UUID]
    at: WallOut
    hour_from: str
    recipe_id: UUID | None
    topic: str
    body: str
    words_by: str
    state: WeekLineState
    post_id: UUID | None
    version: int

    @classmethod
    def of(cls, one: WeekLineView) -> "LineOut":
        names = (
            "id",
            "creator_id",
            "hour_from",
            "recipe_id",
            "topic",
            "body",
            "words_by",
            "state",
            "post_id",
            "version",
        )
        said = {name: getattr(one, name) for name in names}
        return cls(**said, channels=list(one.channels), at=WallOut.of(one.at))


class WeekOut(BaseModel):
    """A weekly plan. While the state is `waiting`, a model may still write its texts. It expires at
    `expires_at`."""

    id: UUID
    creator_id: UUID
    state: TextState
    goal: str
    first: date
    expires_at: datetime
    lines: list[LineOut]

    @classmethod
    def of(cls, one: WeekProposal) -> "WeekOut":
        return cls(
            id=one.id,
            creator_id=one.brief.creator_id,
            state="written" if one.written else "waiting",
            goal=one.brief.goal,
            first=one.brief.first,
            expires_at=one.expires_at,
            lines=[LineOut.of(each) for each in one.lines],
        )


class WeeksOut(BaseModel):
    """The current weekly plan of each creator."""

    items: list[WeekOut]
