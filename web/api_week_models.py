"""A week proposed from a brief, at the edge: what is asked for, and what is proposed, line by line."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from schedules.states import WeekLineState
from schedules.weeks import LONGEST, Edit, Line, Proposal
from schedules.weeks_brief import LONGEST_LINK, MOST, MOST_WORDS
from web.api_inputs import MOST_CHANNELS, At, In, Text, wall_of
from web.api_plan_inputs import ACCOUNT, CREATOR, Day, Weekday, example
from web.api_plan_models import WallOut
from web.api_words_models import State

Short = Annotated[Text, Field(max_length=MOST_WORDS)]


class WeekIn(In):
    """The brief: `count` posts on these accounts, on these days of the week from `first` on. Without a `tone`, a
    language and words that are never used, those of her persona hold. Of `recipes` one is taken for each post in turn,
    of `topics` as well."""

    model_config = example(
        {
            "creator_id": CREATOR,
            "goal": "Readers come to the harbour feast",
            "channels": [ACCOUNT],
            "count": 3,
            "topics": ["The boats", "The music"],
        }
    )

    creator_id: UUID
    goal: Short = ""
    tone: Short | None = None
    language: Literal["fr", "en"] | None = None
    channels: Annotated[list[UUID], Field(min_length=1, max_length=MOST_CHANNELS)]
    first: Day | None = None
    weekdays: Annotated[list[Weekday], Field(min_length=1, max_length=7)] = Field(
        default_factory=lambda: list(range(7))
    )
    count: Annotated[int, Field(ge=1, le=MOST)] = 5
    topics: Annotated[list[Short], Field(max_length=MOST)] = Field(default_factory=list)
    link: Annotated[Text, Field(max_length=LONGEST_LINK + 10)] = ""
    recipes: Annotated[list[UUID], Field(max_length=MOST)] = Field(default_factory=list)


class LineChange(In):
    """What a line becomes before it is accepted; what is left out stays, and a `recipe_id` of null asks for no
    picture."""

    model_config = example({"body": "Boats, gulls and coffee: come by at six."})

    body: Annotated[Text, Field(min_length=1, max_length=LONGEST)] | None = None
    at: At | None = None
    recipe_id: UUID | None = None

    def edit(self, old: Line) -> Edit:
        """What a line becomes by it. Raises BadInput for what no calendar has."""
        recipe = self.recipe_id if "recipe_id" in self.model_fields_set else old.recipe_id
        at = old.at if self.at is None else wall_of(self.at, old.at.zone)
        return Edit(old.body if self.body is None else self.body, at, recipe)


class LineOut(BaseModel):
    """One post of a proposed week. `hour_from`: a free hour of the account, its usual one, or a plain one; `words_by`:
    the brief, a model, a person or both; `post_id` is its draft once it was accepted."""

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
    def of(cls, one: Line) -> "LineOut":
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
    """A proposed week; while it is `waiting`, a model may still write its words. Over at `expires_at`."""

    id: UUID
    creator_id: UUID
    state: State
    goal: str
    first: date
    expires_at: datetime
    lines: list[LineOut]

    @classmethod
    def of(cls, one: Proposal) -> "WeekOut":
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
