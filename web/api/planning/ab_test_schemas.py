"""Requests and responses of A/B tests."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from foundation.i18n.translation import render_message
from insights.analysis import ab_test_verdicts
from insights.analysis.ab_test_verdicts import AbTestVerdict, VerdictKind
from insights.metrics.readings import POST_METRICS
from schedules.posts.channel_overrides import MAX_BODY_LENGTH
from schedules.recurrence.ab_tests import (
    MAX_TEST_UNITS,
    MIN_TEST_UNITS,
    AbTestRequest,
    AbTestStatus,
    VariantTest,
)
from web.api.common.errors import ERROR_LANGUAGE
from web.api.common.schemas import Day, RequestModel, StorableText, example_config
from web.api.posts.schemas import MediaIds

Version = Literal["a", "b"]


class PostTestIn(RequestModel):
    """A new A/B test that starts on one of the series' dates, in the series' time zone. Version B
    has a different `body` or different `media`, not both. `metric` is read `age_hours` after
    publication, for each of `planned` posts."""

    model_config = example_config(
        {
            "day": "2031-03-06",
            "body": "How was your day?",
            "metric": "views",
            "age_hours": 24,
            "planned": 60,
        }
    )

    day: Day
    body: Annotated[StorableText, Field(max_length=MAX_BODY_LENGTH)] | None = None
    media: MediaIds | None = None
    metric: Annotated[StorableText, Field(json_schema_extra={"enum": list(POST_METRICS)})]
    age_hours: Annotated[
        int, Field(json_schema_extra={"enum": list(ab_test_verdicts.TEST_READING_AGES)})
    ]
    planned: Annotated[int, Field(ge=MIN_TEST_UNITS, le=MAX_TEST_UNITS)]

    @property
    def to_request(self) -> AbTestRequest:
        """The value that `schedules` expects."""
        media = None if self.media is None else tuple(self.media)
        return AbTestRequest(
            self.day, self.metric, self.age_hours, self.planned, body=self.body, media=media
        )


class PostTestEnd(RequestModel):
    """The version with which the series continues."""

    model_config = example_config({"keep": "a"})

    keep: Version


class EffectOut(BaseModel):
    """The difference between a typical post of version B and one of version A, as a ratio (0.2 is
    20 % more). `low` and `high` are the bounds of the 95 % confidence interval."""

    share: float
    low: float
    high: float


class VerdictOut(BaseModel):
    """The result of a test so far. While `kind` is `waiting`, only `more` is known: the number of
    posts still needed. `a` and `b` are the measured posts of each version, `unread` those without a
    value, and `days` the full days from first to last."""

    kind: VerdictKind
    text: str
    more: int
    a: int
    b: int
    unread: int
    days: int
    effect: EffectOut | None
    better: Version | None

    @classmethod
    def of(cls, test: VariantTest, one: AbTestVerdict) -> "VerdictOut":
        said: dict[str, Any] = {
            name: getattr(one, name) for name in ("kind", "more", "a", "b", "unread", "days")
        }
        effect = one.effect and EffectOut(
            share=one.effect.share, low=one.effect.low, high=one.effect.high
        )
        text = render_message(ab_test_verdicts.verdict_message(test, one), ERROR_LANGUAGE)
        return cls(**said, text=text, effect=effect, better=one.better or None)


class PostTestOut(BaseModel):
    """An A/B test. Its posts are the dates of `series_id`; `a_id` and `b_id` are the versions,
    which are approved separately. `differ` names the differences between them, and `kept` is the
    version with which the series continues after the test."""

    id: UUID
    creator_id: UUID
    channel_id: UUID
    series_id: UUID
    a_id: UUID
    b_id: UUID
    metric: str
    age_hours: int
    planned: int
    state: AbTestStatus
    begun_at: datetime
    ended_at: datetime | None
    kept: Version | None
    differ: Annotated[list[str], Field(examples=[["words"]])]
    verdict: VerdictOut

    @classmethod
    def of(cls, one: VariantTest, told: AbTestVerdict) -> "PostTestOut":
        names = (
            "id",
            "creator_id",
            "channel_id",
            "series_id",
            "a_id",
            "b_id",
            "metric",
            "age_hours",
            "planned",
        )
        said: dict[str, Any] = {
            name: getattr(one, name) for name in (*names, "state", "begun_at", "ended_at")
        }
        return cls(
            **said,
            kept=one.kept or None,
            differ=sorted(one.differ),
            verdict=VerdictOut.of(one, told),
        )


class PostTestsPage(BaseModel):
    """A page of tests, newest first. `next` is the cursor of the next page, or null."""

    items: list[PostTestOut]
    next: str | None
