"""Requests and responses about the evergreen queue."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from schedules.availability.slots import MAX_SLOT_LABEL_LENGTH
from schedules.posts.channel_overrides import MAX_BODY_LENGTH
from schedules.recurrence.evergreen_pools import MAX_POOL_AGE, PoolSchedule
from web.api.common.schemas import (
    EXAMPLE_CHANNEL_ID,
    EXAMPLE_POST_ID,
    MAX_CHANNELS,
    Day,
    RequestModel,
    StorableText,
    example_config,
)
from web.api.posts.delivery_schemas import DeliveryOut

EXAMPLE_ENTRY_ID = "0198c0de-0000-7000-8000-000000000005"
"""An entry ID for the examples of the API reference."""

A_DAY = timedelta(days=1)
MAX_DAYS = MAX_POOL_AGE // A_DAY


class RhythmIn(RequestModel):
    """The settings of the evergreen queue. It uses open slots of `channels`, with at least
    `every_days` between two posts and at least `min_age_days` between two uses of the same post.
    `label` limits it to slots with that label; `until` is its last day."""

    model_config = example_config(
        {"channels": [EXAMPLE_CHANNEL_ID], "min_age_days": 60, "every_days": 2}
    )

    channels: Annotated[list[UUID], Field(min_length=1, max_length=MAX_CHANNELS)]
    min_age_days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 60
    every_days: Annotated[int, Field(ge=0, le=MAX_DAYS)] = 1
    label: Annotated[StorableText, Field(max_length=MAX_SLOT_LABEL_LENGTH)] = ""
    until: Day | None = None

    @property
    def to_rhythm(self) -> PoolSchedule:
        """The value that `schedules` expects."""
        age = timedelta(days=self.min_age_days)
        every = timedelta(days=self.every_days)
        return PoolSchedule(tuple(self.channels), age, every, self.label, self.until)


class PutInIn(RequestModel):
    """The post to add to the evergreen queue."""

    model_config = example_config({"post_id": EXAMPLE_POST_ID})

    post_id: UUID


class EntryIn(RequestModel):
    """An entry of the evergreen queue."""

    model_config = example_config({"entry_id": EXAMPLE_ENTRY_ID})

    entry_id: UUID


class WordingIn(EntryIn):
    """A variant of an entry's text. Media, thread parts and prices are those of its first post."""

    model_config = example_config(
        {"entry_id": EXAMPLE_ENTRY_ID, "body": "Once more, from the harbour"}
    )

    body: Annotated[StorableText, Field(min_length=1, max_length=MAX_BODY_LENGTH)]


class RhythmOut(BaseModel):
    """The settings of an evergreen queue."""

    channels: list[UUID]
    min_age_days: int
    every_days: int
    label: str
    until: date | None

    @classmethod
    def of(cls, one: PoolSchedule) -> "RhythmOut":
        return cls(
            channels=list(one.channels),
            min_age_days=one.min_age // A_DAY,
            every_days=one.every // A_DAY,
            label=one.label,
            until=one.until,
        )


class EntryOut(BaseModel):
    """An entry of the evergreen queue. `posts` are its variants, which alternate."""

    id: UUID
    posts: list[UUID]


class PoolOut(BaseModel):
    """The evergreen queue of a creator. `rhythm` is null if the creator has none; `coming` are its
    scheduled deliveries, earliest first."""

    creator_id: UUID
    rhythm: RhythmOut | None
    paused: bool
    items: list[EntryOut]
    coming: list[DeliveryOut]

    @classmethod
    def of(
        cls,
        creator_id: UUID,
        rhythm: PoolSchedule | None,
        *,
        paused: bool,
        items: Sequence[EntryOut],
        coming: Sequence[DeliveryOut],
    ) -> "PoolOut":
        told = None if rhythm is None else RhythmOut.of(rhythm)
        return cls(
            creator_id=creator_id,
            rhythm=told,
            paused=paused,
            items=list(items),
            coming=list(coming),
        )
