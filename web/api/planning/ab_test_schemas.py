"""Requests and responses of A/B tests."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from foundation.i18n.translation import render_message
from foundation.money import Money
from insights.analysis import ab_test_verdicts
from insights.analysis.ab_test_verdicts import AbTestVerdict, VerdictKind
from insights.metrics.readings import POST_METRICS
from schedules.posts.channel_overrides import MAX_BODY_LENGTH
from schedules.recurrence.ab_tests import (
    MAX_TEST_UNITS,
    MIN_TEST_UNITS,
    AbTestRequest,
    AbTestStatus,
    VariantChange,
    VariantTest,
)
from web.api.common.errors import ERROR_LANGUAGE
from web.api.common.schemas import Day, RequestModel, StorableText, example_config
from web.api.posts.schemas import MediaIds, PriceIn

Version = Literal["a", "b", "c", "d"]


class VersionIn(RequestModel):
    """A further version: a different `body`, `media` or `price`, only one of them. The price is
    that of all readers of a post."""

    body: Annotated[StorableText, Field(max_length=MAX_BODY_LENGTH)] | None = None
    media: MediaIds | None = None
    price: PriceIn | None = None

    @property
    def to_change(self) -> VariantChange:
        """The value that `schedules` expects."""
        return VariantChange(
            self.body,
            None if self.media is None else tuple(self.media),
            None if self.price is None else Money(self.price.minor, self.price.currency),
        )


class PostTestIn(VersionIn):
    """A new A/B test that starts on one of the series' dates, in the series' time zone. Version B
    has a different `body`, `media` or `price`, only one of them; `more` are versions C and D, which
    change the same. `metric` is read `age_hours` after publication, for each of `planned` posts on
    all accounts. With `method` `sequential` the result may come on any day, with wider intervals.
    """

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
    more: Annotated[list[VersionIn], Field(max_length=2)] = Field(default_factory=list)
    method: Literal["fixed", "sequential"] = "fixed"
    metric: Annotated[StorableText, Field(json_schema_extra={"enum": list(POST_METRICS)})]
    age_hours: Annotated[
        int, Field(json_schema_extra={"enum": list(ab_test_verdicts.TEST_READING_AGES)})
    ]
    planned: Annotated[int, Field(ge=MIN_TEST_UNITS, le=MAX_TEST_UNITS)]

    @property
    def to_request(self) -> AbTestRequest:
        """The value that `schedules` expects."""
        changes = (self.to_change, *(one.to_change for one in self.more))
        return AbTestRequest(
            self.day, self.metric, self.age_hours, self.planned, changes, self.method
        )


class PostTestEnd(RequestModel):
    """The version with which the series continues."""

    model_config = example_config({"keep": "a"})

    keep: Version


class EffectOut(BaseModel):
    """The difference between a typical post of a version and one of version A, as a ratio (0.2 is
    20 % more). `low` and `high` are the bounds of the confidence interval; all intervals of a test
    hold together with 95 % confidence."""

    share: float
    low: float
    high: float


class VerdictOut(BaseModel):
    """The result of a test so far. While `kind` is `waiting`, only `more` is known: the number of
    posts still needed. `versions` are the measured posts of each version, `a` and `b` those of the
    first two. `effects` compares each version with A; `effect` is the one that `text` names.
    `unread` are the posts without a value, and `days` the full days from first to last."""

    kind: VerdictKind
    text: str
    more: int
    a: int
    b: int
    unread: int
    days: int
    effect: EffectOut | None
    better: Version | None
    versions: dict[Version, int]
    effects: dict[Version, EffectOut]

    @classmethod
    def of(cls, test: VariantTest, one: AbTestVerdict) -> "VerdictOut":
        said: dict[str, Any] = {
            name: getattr(one, name) for name in ("kind", "more", "a", "b", "unread", "days")
        }
        effects: dict[Any, EffectOut] = {
            name: EffectOut(share=each.share, low=each.low, high=each.high)
            for name, each in one.effects.items()
        }
        said["versions"] = one.counts or {"a": one.a, "b": one.b}
        said["effects"] = effects
        effect = effects.get(one.version) if one.effect is not None else None
        text = render_message(ab_test_verdicts.verdict_message(test, one), ERROR_LANGUAGE)
        return cls(**said, text=text, effect=effect, better=one.better or None)


class VersionOut(BaseModel):
    """A version of a test and its post."""

    version: Version
    post_id: UUID


class PostTestOut(BaseModel):
    """An A/B test. Its posts are the dates of `series_id` on each of `channel_ids`; `versions` are
    the posts of the versions, which are approved separately, `a_id` and `b_id` the first two.
    `differ` names the differences between them, and `kept` is the
    version with which the series continues after the test."""

    id: UUID
    creator_id: UUID
    channel_id: UUID
    channel_ids: list[UUID]
    series_id: UUID
    a_id: UUID
    b_id: UUID
    versions: list[VersionOut]
    method: Literal["fixed", "sequential"]
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
            "method",
        )
        said: dict[str, Any] = {
            name: getattr(one, name) for name in (*names, "state", "begun_at", "ended_at")
        }
        return cls(
            **said,
            channel_ids=list(one.channels),
            versions=[{"version": name, "post_id": post} for name, post in one.posts.items()],
            kept=one.kept or None,
            differ=sorted(one.differ),
            verdict=VerdictOut.of(one, told),
        )


class PostTestsPage(BaseModel):
    """A page of tests, newest first. `next` is the cursor of the next page, or null."""

    items: list[PostTestOut]
    next: str | None
