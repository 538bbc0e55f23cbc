"""What the API takes in and gives out about tests of two versions."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from foundation.words import say
from insights import experiments
from insights.collecting import METRICS
from insights.experiments import Kind, Verdict
from schedules.overrides import MAX_BODY
from schedules.variants import LEAST, MOST, Listed, Standing, Wanted
from web.api_errors import LANGUAGE
from web.api_inputs import Ids, In, Text
from web.api_plan_inputs import Day, example

Version = Literal["a", "b"]


class PostTestIn(In):
    """A test from one of its dates on, as the series' own zone calls it: other words or other pictures for B, never
    both; left out, as in A. `metric` is read `age_hours` after each of `planned` posts has left."""

    model_config = example(
        {"day": "2031-03-06", "body": "How was your day?", "metric": "views", "age_hours": 24, "planned": 60}
    )

    day: Day
    body: Annotated[Text, Field(max_length=MAX_BODY)] | None = None
    media: Ids | None = None
    metric: Annotated[Text, Field(json_schema_extra={"enum": list(METRICS)})]
    age_hours: Annotated[int, Field(json_schema_extra={"enum": list(experiments.AGES)})]
    planned: Annotated[int, Field(ge=LEAST, le=MOST)]

    @property
    def wanted(self) -> Wanted:
        """As the room knows it."""
        media = None if self.media is None else tuple(self.media)
        return Wanted(self.day, self.metric, self.age_hours, self.planned, body=self.body, media=media)


class PostTestEnd(In):
    """The version that goes on."""

    model_config = example({"keep": "a"})

    keep: Version


class EffectOut(BaseModel):
    """By how much a usual post of B has more than one of A, as a share (0.2 is 20 % more); nineteen times in twenty the
    truth lies from `low` to `high`."""

    share: float
    low: float
    high: float


class VerdictOut(BaseModel):
    """What may be said of a test now: while `waiting`, only that `more` posts are needed. `a` and `b` are the posts of
    each version that were read, `unread` those without a number, `days` the full days from first to last."""

    kind: Kind
    text: str
    more: int
    a: int
    b: int
    unread: int
    days: int
    effect: EffectOut | None
    better: Version | None

    @classmethod
    def of(cls, test: Listed, one: Verdict) -> "VerdictOut":
        """Of the room's values."""
        said: dict[str, Any] = {name: getattr(one, name) for name in ("kind", "more", "a", "b", "unread", "days")}
        effect = one.effect and EffectOut(share=one.effect.share, low=one.effect.low, high=one.effect.high)
        text = say(experiments.said_of(test, one), LANGUAGE)
        return cls(**said, text=text, effect=effect, better=one.better or None)


class PostTestOut(BaseModel):
    """A test of two versions. `series_id` is the series whose dates are its units; `a_id` and `b_id` are posts, each
    approved for itself; `differ` is in what they differ as they stand; `kept` is the version that goes on after its
    end."""

    id: UUID
    creator_id: UUID
    channel_id: UUID
    series_id: UUID
    a_id: UUID
    b_id: UUID
    metric: str
    age_hours: int
    planned: int
    state: Standing
    begun_at: datetime
    ended_at: datetime | None
    kept: Version | None
    differ: Annotated[list[str], Field(examples=[["words"]])]
    verdict: VerdictOut

    @classmethod
    def of(cls, one: Listed, told: Verdict) -> "PostTestOut":
        """Of the room's values."""
        names = ("id", "creator_id", "channel_id", "series_id", "a_id", "b_id", "metric", "age_hours", "planned")
        said: dict[str, Any] = {name: getattr(one, name) for name in (*names, "state", "begun_at", "ended_at")}
        return cls(**said, kept=one.kept or None, differ=sorted(one.differ), verdict=VerdictOut.of(one, told))


class PostTestsPage(BaseModel):
    """A page of tests, the newest first; `next` is the cursor of the one after, null at the end."""

    items: list[PostTestOut]
    next: str | None
