"""The plan of a routine, and the steps that it gives to a local day. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from foundation.errors import BadInput
from foundation.ops.wall_time import WallTime, day_bounds
from schedules.routines.states import StepKind
from schedules.suggestions.weekly_plans.brief import MAX_WEEK_POSTS

ALL_DAYS = (0, 1, 2, 3, 4, 5, 6)
"""Weekdays; 0 is Monday."""

PLAN_WEEKDAY = 0
REVIEW_WEEKDAY = 4
WEEKEND = (5, 6)

MAX_SLOTS = 24
MAX_TEMPLATES = 12
MAX_PICTURES = 40
"""Maximum number of pictures of one prompt template per day."""

MAX_CLIPS = 6
MAX_TEXT = 200
"""Maximum number of characters of a tone, a theme or a topic."""

REPORT_GRACE = timedelta(hours=6)
"""Minimum time for which a report can be made up for after an outage; otherwise until midnight."""

PUBLISH_WATCH = timedelta(hours=1)
"""Time for which the posts of a slot are followed; afterwards their own notices are enough."""


class SlotMedia(StrEnum):
    """The source of a slot's picture or clip."""

    GENERATED = "generated"
    LIBRARY = "library"  # photos of the library that no engine generated
    CLIP = "clip"


@dataclass(frozen=True)
class TemplateUse:
    """A prompt template, by its name, and the number of its pictures per day."""

    name: str
    pictures: int


@dataclass(frozen=True)
class RoutineSlot:
    """A local time at which one post is published on some channels, on some weekdays.

    A slot with its own `template` gets a picture of that template; others take the day's pictures
    in turn. `theme` is added to the picture's description when the caption is written.
    """

    at: time
    channels: tuple[UUID, ...]
    media: SlotMedia = SlotMedia.GENERATED
    days: tuple[int, ...] = ALL_DAYS
    template: str = ""
    theme: str = ""

    @property
    def key(self) -> str:
        """The local time as `HH:MM`."""
        return f"{self.at:%H:%M}"


@dataclass(frozen=True)
class WeeklySteps:
    """The steps of a week: the plan on Monday and the review on Friday; None omits a step."""

    plan_at: time | None = None
    plan_posts: int = 5
    topics: tuple[str, ...] = ()
    review_at: time | None = None


NO_WEEKLY_STEPS = WeeklySteps()


@dataclass(frozen=True)
class RoutinePlan:
    """The plan of a creator's days. Times are local; weekend specials are slots of the weekend.

    `approvers` are members who are notified of proposals; empty for all who may approve. `tone` is
    that of the captions; empty for the persona's.
    """

    slots: tuple[RoutineSlot, ...]
    templates: tuple[TemplateUse, ...] = ()
    clips: int = 0
    generate_at: time = time(6)
    propose_at: time = time(8)
    approve_by: time = time(9, 30)
    report_at: time = time(21)
    approvers: tuple[UUID, ...] = ()
    tone: str = ""
    weekly: WeeklySteps = NO_WEEKLY_STEPS

    @property
    def channels(self) -> tuple[UUID, ...]:
        """Every channel of the slots, once."""
        return tuple(dict.fromkeys(one for slot in self.slots for one in slot.channels))

    @property
    def template_names(self) -> tuple[str, ...]:
        """Every prompt template of the plan, once."""
        own = (slot.template for slot in self.slots if slot.template)
        return tuple(dict.fromkeys([*(use.name for use in self.templates), *own]))

    def slots_on(self, day: date) -> list[RoutineSlot]:
        """Return the slots of a local day, earliest first."""
        found = [slot for slot in self.slots if day.weekday() in slot.days]
        return sorted(found, key=lambda slot: slot.at)

    def templates_on(self, day: date) -> list[TemplateUse]:
        """Return the prompt templates of a day: the daily ones, and those of its slots."""
        uses = {use.name: use for use in self.templates}
        for slot in self.slots_on(day):
            if slot.template:
                uses.setdefault(slot.template, TemplateUse(slot.template, 1))
        return list(uses.values())

    def check_plan(self) -> None:
        """Raise BadInput `routine.…` for the first mistake. Members, channels and templates are
        checked in `routines.save_routine`."""
        if not self.slots:
            raise BadInput("routine.no_slots")
        if len(self.slots) > MAX_SLOTS:
            raise BadInput("routine.too_many_slots", most=MAX_SLOTS)
        self._check_pictures()
        for slot in self.slots:
            self._check_slot(slot)
        self._check_times()
        texts = [self.tone, *(slot.theme for slot in self.slots), *self.weekly.topics]
        if any(len(text) > MAX_TEXT for text in texts):
            raise BadInput("routine.text_too_long", most=MAX_TEXT)
        if (
            not 1 <= self.weekly.plan_posts <= MAX_WEEK_POSTS
            or len(self.weekly.topics) > MAX_WEEK_POSTS
        ):
            raise BadInput("week.too_many", most=MAX_WEEK_POSTS)
        if self.weekly.plan_at is not None and not any(self.weekly.topics):
            raise BadInput("routine.no_topics")

    def _check_pictures(self) -> None:
        names = [use.name for use in self.templates]
        if len(set(names)) < len(names):
            raise BadInput("routine.template_twice")
        if len(self.template_names) > MAX_TEMPLATES:
            raise BadInput("routine.too_many_templates", most=MAX_TEMPLATES)
        if any(not 1 <= use.pictures <= MAX_PICTURES for use in self.templates):
            raise BadInput("routine.picture_count", most=MAX_PICTURES)
        if not 0 <= self.clips <= MAX_CLIPS:
            raise BadInput("routine.clip_count", most=MAX_CLIPS)
        if self.clips and not self.templates:
            raise BadInput("routine.clips_without_pictures")

    def _check_slot(self, slot: RoutineSlot) -> None:
        if not slot.channels:
            raise BadInput("routine.slot_no_channel", slot=slot.key)
        if not slot.days or not set(slot.days) <= set(ALL_DAYS):
            raise BadInput("routine.slot_no_day", slot=slot.key)
        if slot.media is SlotMedia.CLIP and not self.clips:
            raise BadInput("routine.slot_no_clip", slot=slot.key)
        if slot.media is SlotMedia.GENERATED and not (slot.template or self.templates):
            raise BadInput("routine.slot_no_template", slot=slot.key)
        same = [one for one in self.slots if one.at == slot.at and set(one.days) & set(slot.days)]
        if len(same) > 1:
            raise BadInput("routine.slot_twice", slot=slot.key)

    def _check_times(self) -> None:
        first = min(slot.at for slot in self.slots)
        if not self.generate_at < self.propose_at <= self.approve_by <= first:
            raise BadInput("routine.times_wrong", slot=f"{first:%H:%M}")
        last = max(slot.at for slot in self.slots)
        if self.report_at <= last:
            raise BadInput("routine.report_early", slot=f"{last:%H:%M}")


@dataclass(frozen=True)
class PlannedStep:
    """A step of a day, from its due time until it is over (both UTC-aware)."""

    name: str
    kind: StepKind
    due_at: datetime
    over_at: datetime
    slot: str = ""


def plan_day(plan: RoutinePlan, day: date, zone: str) -> list[PlannedStep]:
    """Return the steps of a local day, by due time. A time that daylight saving skips is shifted
    as in `WallTime.instant`."""
    return sorted(_list_steps(plan, day, zone), key=lambda step: (step.due_at, step.name))


def _list_steps(plan: RoutinePlan, day: date, zone: str) -> Iterator[PlannedStep]:
    midnight = day_bounds(day, zone)[1]

    def instant(at: time) -> datetime:
        return WallTime(day, at, zone).instant()

    def until_midnight(kind: StepKind, at: time) -> PlannedStep:
        due = instant(at)
        return PlannedStep(str(kind), kind, due, max(midnight, due + REPORT_GRACE))

    slots = plan.slots_on(day)
    if slots:
        last = max(instant(slot.at) for slot in slots)
        times = {StepKind.PROPOSE: plan.propose_at, StepKind.APPROVE: plan.approve_by}
        if plan.templates_on(day):
            times[StepKind.GENERATE] = plan.generate_at
        for kind, at in times.items():
            due = instant(at)
            # Daylight saving can shift a skipped time past the last slot.
            yield PlannedStep(str(kind), kind, due, max(last, due))
    for slot in slots:
        due = instant(slot.at)
        name = f"{StepKind.PUBLISH}:{slot.key}"
        yield PlannedStep(name, StepKind.PUBLISH, due, due + PUBLISH_WATCH, slot.key)
    yield until_midnight(StepKind.REPORT, plan.report_at)
    if plan.weekly.plan_at is not None and day.weekday() == PLAN_WEEKDAY:
        yield until_midnight(StepKind.PLAN_WEEK, plan.weekly.plan_at)
    if plan.weekly.review_at is not None and day.weekday() == REVIEW_WEEKDAY:
        yield until_midnight(StepKind.REVIEW_WEEK, plan.weekly.review_at)


def plan_to_json(plan: RoutinePlan) -> dict[str, Any]:
    """Return the stored form of a plan."""
    stored: dict[str, Any] = _plan_adapter().dump_python(plan, mode="json")
    return stored


def plan_from_json(stored: Mapping[str, Any]) -> RoutinePlan:
    """Return the plan stored by `plan_to_json`."""
    return _plan_adapter().validate_python(stored)


@cache
def _plan_adapter() -> TypeAdapter[RoutinePlan]:
    return TypeAdapter(RoutinePlan)
