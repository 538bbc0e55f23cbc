"""Requests and responses about goals, annotations and saved views of Analytics."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from insights.workspace.annotations import MAX_ANNOTATION_LENGTH, Annotation
from insights.workspace.goals import MAX_TARGET, GoalMetric, GoalProgress, GoalStatus
from insights.workspace.saved_views import MAX_PARAMETERS, MAX_VIEW_NAME_LENGTH, SavedView
from web.api.analytics.schemas import PeriodQuery
from web.api.common.schemas import (
    EXAMPLE_CREATOR_ID,
    CreatorPageQuery,
    Day,
    PageQuery,
    RequestModel,
    StorableText,
    example_config,
)


class GoalsQuery(CreatorPageQuery):
    """A page of the goals of the month of a day: by default the current month in the time zone of
    the agency."""

    month: Day | None = None


class GoalIn(RequestModel):
    """The target of a creator for a metric in the month of a day, by default the current one in the
    creator's time zone. `target` is a count, or minor units of `currency` for an amount."""

    model_config = example_config(
        {"creator_id": EXAMPLE_CREATOR_ID, "metric": "net", "target": 500000, "currency": "EUR"}
    )

    creator_id: UUID
    month: Day | None = None
    metric: GoalMetric
    target: Annotated[int, Field(ge=1, le=MAX_TARGET, strict=True)]
    currency: Annotated[StorableText, Field(max_length=3)] = ""


class GoalOut(BaseModel):
    """A goal with the value that was reached, in the unit of the target. `month` is its first
    day; `currency` is empty for a count. `value`, `percent` and `status` are null for a key without
    `money:read`."""

    id: UUID
    creator_id: UUID
    month: date
    metric: GoalMetric
    target: int
    currency: str
    value: int | None
    percent: int | None
    status: GoalStatus | None

    @classmethod
    def of(cls, one: GoalProgress, *, with_progress: bool = True) -> "GoalOut":
        """Convert a goal, with or without its progress."""
        return cls(
            id=one.goal.id,
            creator_id=one.goal.creator_id,
            month=one.goal.month,
            metric=one.goal.metric,
            target=one.goal.target,
            currency=one.goal.currency,
            value=one.value if with_progress else None,
            percent=one.percent if with_progress else None,
            status=one.status if with_progress else None,
        )


class GoalsOut(BaseModel):
    """Goals, by ID. `next` is the cursor of the next page, or null."""

    items: list[GoalOut]
    next: str | None


class AnnotationsQuery(PageQuery, PeriodQuery):
    """A page of the annotations of a period."""


class AnnotationIn(RequestModel):
    """A short text on the charts of a local day: of one creator, or of all creators without
    `creator_id`."""

    model_config = example_config(
        {"creator_id": EXAMPLE_CREATOR_ID, "day": "2026-03-02", "text": "New price"}
    )

    creator_id: UUID | None = None
    day: Day
    text: Annotated[StorableText, Field(min_length=1, max_length=MAX_ANNOTATION_LENGTH)]


class AnnotationOut(BaseModel):
    """An annotation; `creator_id` is null if it is on the charts of all creators."""

    id: UUID
    creator_id: UUID | None
    day: date
    text: str

    @classmethod
    def of(cls, one: Annotation) -> "AnnotationOut":
        return cls(id=one.id, creator_id=one.creator_id, day=one.day, text=one.text)


class AnnotationsOut(BaseModel):
    """Annotations, by ID. `next` is the cursor of the next page, or null."""

    items: list[AnnotationOut]
    next: str | None


ParameterText = Annotated[StorableText, Field(max_length=80)]


class SavedViewIn(RequestModel):
    """A view to save: the query parameters of an address of the Analytics page. A view of the
    member with this name is replaced."""

    model_config = example_config(
        {"name": "Sales of 90 days", "parameters": {"view": "sales", "period": "last_90"}}
    )

    name: Annotated[StorableText, Field(min_length=1, max_length=MAX_VIEW_NAME_LENGTH)]
    parameters: Annotated[dict[ParameterText, ParameterText], Field(max_length=MAX_PARAMETERS)]
    is_shared: bool = False


class SavedViewOut(BaseModel):
    """A saved view. `is_shared` is true if all members of the agency see it, and `can_delete` if
    the member of the key may delete it."""

    id: UUID
    name: str
    parameters: dict[str, str]
    is_shared: bool
    can_delete: bool

    @classmethod
    def of(cls, one: SavedView) -> "SavedViewOut":
        return cls(
            id=one.id,
            name=one.name,
            parameters=dict(one.parameters),
            is_shared=one.is_shared,
            can_delete=one.can_delete,
        )


class SavedViewsOut(BaseModel):
    """Saved views, by ID. `next` is the cursor of the next page, or null."""

    items: list[SavedViewOut]
    next: str | None
