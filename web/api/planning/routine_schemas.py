"""Requests and responses about routines."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from schedules.routines.plans import (
    ALL_DAYS,
    MAX_CLIPS,
    MAX_PICTURES,
    MAX_SLOTS,
    MAX_TEMPLATES,
    MAX_TEXT,
    RoutinePlan,
    RoutineSlot,
    SlotMedia,
    TemplateUse,
    WeeklySteps,
)
from schedules.routines.routines import RoutineView
from schedules.routines.states import StepKind, StepState
from schedules.routines.steps import StepView
from schedules.suggestions.weekly_plans.brief import MAX_WEEK_POSTS
from web.api.common.schemas import (
    EXAMPLE_CHANNEL_ID,
    MAX_CHANNELS,
    ClockText,
    ReasonOut,
    RequestModel,
    StorableText,
    Weekday,
    example_config,
    parse_clock,
    reason_out,
)

TemplateName = Annotated[StorableText, Field(max_length=60)]
PlanText = Annotated[StorableText, Field(max_length=MAX_TEXT)]

MAX_APPROVERS = 50


class TemplateUseIn(RequestModel):
    """A prompt template by its name, and the number of its pictures per day."""

    name: TemplateName
    pictures: Annotated[int, Field(ge=1, le=MAX_PICTURES)]


class RoutineSlotIn(RequestModel):
    """A local time with one post on some channels. Without `template`, its picture is one of the
    day's pictures."""

    at: ClockText
    channels: Annotated[list[UUID], Field(min_length=1, max_length=MAX_CHANNELS)]
    media: SlotMedia = SlotMedia.GENERATED
    days: Annotated[
        list[Weekday],
        Field(default_factory=lambda: list(ALL_DAYS), min_length=1, max_length=7),
    ]
    template: TemplateName = ""
    theme: PlanText = ""

    def to_slot(self) -> RoutineSlot:
        """Return the value that `schedules` expects."""
        return RoutineSlot(
            parse_clock(self.at),
            tuple(dict.fromkeys(self.channels)),
            self.media,
            tuple(sorted(set(self.days))),
            self.template,
            self.theme,
        )


class WeeklyStepsIn(RequestModel):
    """The weekly steps; a time that is left out omits its step. The plan is made on Monday, the
    review on Friday."""

    plan_at: ClockText | None = None
    plan_posts: Annotated[int, Field(ge=1, le=MAX_WEEK_POSTS)] = 5
    topics: Annotated[list[PlanText], Field(default_factory=list, max_length=MAX_WEEK_POSTS)]
    review_at: ClockText | None = None

    def to_steps(self) -> WeeklySteps:
        """Return the value that `schedules` expects."""
        topics = tuple(filter(None, (" ".join(one.split()) for one in self.topics)))
        return WeeklySteps(
            _parse_optional(self.plan_at),
            self.plan_posts,
            topics,
            _parse_optional(self.review_at),
        )


class RoutineIn(RequestModel):
    """The routine of a creator. Times are local to the creator's time zone."""

    model_config = example_config(
        {
            "slots": [{"at": "10:00", "channels": [EXAMPLE_CHANNEL_ID], "media": "library"}],
            "propose_at": "08:00",
            "approve_by": "09:30",
        }
    )

    active: bool = True
    slots: Annotated[list[RoutineSlotIn], Field(min_length=1, max_length=MAX_SLOTS)]
    templates: Annotated[list[TemplateUseIn], Field(default_factory=list, max_length=MAX_TEMPLATES)]
    clips: Annotated[int, Field(ge=0, le=MAX_CLIPS)] = 0
    generate_at: ClockText = "06:00"
    propose_at: ClockText = "08:00"
    approve_by: ClockText = "09:30"
    report_at: ClockText = "21:00"
    approvers: Annotated[list[UUID], Field(default_factory=list, max_length=MAX_APPROVERS)]
    tone: PlanText = ""
    weekly: Annotated[WeeklyStepsIn, Field(default_factory=WeeklyStepsIn)]

    def to_plan(self) -> RoutinePlan:
        """Return the value that `schedules` expects."""
        return RoutinePlan(
            tuple(slot.to_slot() for slot in self.slots),
            tuple(TemplateUse(use.name, use.pictures) for use in self.templates),
            self.clips,
            parse_clock(self.generate_at),
            parse_clock(self.propose_at),
            parse_clock(self.approve_by),
            parse_clock(self.report_at),
            tuple(dict.fromkeys(self.approvers)),
            self.tone,
            self.weekly.to_steps(),
        )


class StepIn(RequestModel):
    """The step to run again."""

    step_id: UUID


class TemplateUseOut(BaseModel):
    """A prompt template and the number of its pictures per day."""

    name: str
    pictures: int


class RoutineSlotOut(BaseModel):
    """A slot of a routine."""

    at: str
    channels: list[UUID]
    media: SlotMedia
    days: list[int]
    template: str
    theme: str

    @classmethod
    def of(cls, slot: RoutineSlot) -> "RoutineSlotOut":
        """Convert a slot to a response value."""
        return cls(
            at=slot.key,
            channels=list(slot.channels),
            media=slot.media,
            days=list(slot.days),
            template=slot.template,
            theme=slot.theme,
        )


class WeeklyStepsOut(BaseModel):
    """The weekly steps of a routine."""

    plan_at: str | None
    plan_posts: int
    topics: list[str]
    review_at: str | None


class RoutineStepOut(BaseModel):
    """A step of today. A skipped or failed step has a `reason`; `posts` are keyed by slot."""

    id: UUID
    day: date
    kind: StepKind
    slot: str
    due_at: datetime
    state: StepState
    reason: ReasonOut | None
    counts: dict[str, int]
    posts: dict[str, UUID]

    @classmethod
    def of(cls, step: StepView) -> "RoutineStepOut":
        """Convert a step to a response value."""
        return cls(
            id=step.id,
            day=step.day,
            kind=step.kind,
            slot=step.slot,
            due_at=step.due_at,
            state=step.state,
            reason=reason_out(step.reason),
            counts=dict(step.results.counts),
            posts=dict(step.results.posts),
        )


class RoutineOut(BaseModel):
    """The routine of a creator with today's steps. Send `version` in `If-Match` to change it."""

    creator_id: UUID
    active: bool
    version: int
    slots: list[RoutineSlotOut]
    templates: list[TemplateUseOut]
    clips: int
    generate_at: str
    propose_at: str
    approve_by: str
    report_at: str
    approvers: list[UUID]
    tone: str
    weekly: WeeklyStepsOut
    steps: list[RoutineStepOut]

    @classmethod
    def of(cls, found: RoutineView, steps: Sequence[StepView]) -> "RoutineOut":
        """Convert a routine and today's steps to a response value."""
        plan = found.plan
        weekly = plan.weekly
        return cls(
            creator_id=found.creator_id,
            active=found.active,
            version=found.version,
            slots=[RoutineSlotOut.of(slot) for slot in plan.slots],
            templates=[
                TemplateUseOut(name=use.name, pictures=use.pictures) for use in plan.templates
            ],
            clips=plan.clips,
            generate_at=f"{plan.generate_at:%H:%M}",
            propose_at=f"{plan.propose_at:%H:%M}",
            approve_by=f"{plan.approve_by:%H:%M}",
            report_at=f"{plan.report_at:%H:%M}",
            approvers=list(plan.approvers),
            tone=plan.tone,
            weekly=WeeklyStepsOut(
                plan_at=_format_optional(weekly.plan_at),
                plan_posts=weekly.plan_posts,
                topics=list(weekly.topics),
                review_at=_format_optional(weekly.review_at),
            ),
            steps=[RoutineStepOut.of(step) for step in steps],
        )


def _parse_optional(clock: str | None) -> time | None:
    return parse_clock(clock) if clock is not None else None


def _format_optional(at: time | None) -> str | None:
    return f"{at:%H:%M}" if at is not None else None
