"""A week proposed from a brief, at the edge: what is asked for, and what is proposed, line by
line."""

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
    """The brief: `count` posts on these accounts, on these days of the week from `first` on.
    Without a `tone`, a language and words that are never used, those of her persona hold. Of
    `recipes` one is taken for each post in turn, of `topics` as well."""

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
    """What a line becomes before it is accepted; what is left out stays, and a `recipe_id` of null
    asks for no picture."""

    model_config = example_config({"body": "Boats, gulls and coffee: come by at six."})

    body: Annotated[StorableText, Field(min_length=1, max_length=MAX_LINE_LENGTH)] | None = None
    at: WallOrInstant | None = None
    recipe_id: UUID | None = None

    def to_edit(self, old: WeekLineView) -> WeekLineChange:
        """What a line becomes by it. Raises BadInput for what no calendar has."""
        recipe = self.recipe_id if "recipe_id" in self.model_fields_set else old.recipe_id
        at = old.at if self.at is None else wall_time_in(self.at, old.at.zone)
        return WeekLineChange(old.body if self.body is None else self.body, at, recipe)


class LineOut(BaseModel):
    """One post of a proposed week. `hour_from`: a free hour of the account, its usual one, or a
    plain one; `words_by`: the brief, a model, a person or both; `post_id` is its draft once it was
    accepted."""

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
        """Of the room's value."""
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
    """A proposed week; while it is `waiting`, a model may still write its words. Over at
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
        """Of the room's value."""
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
    """The newest proposals of each creator that are not over."""

    items: list[WeekOut]
