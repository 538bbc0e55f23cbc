"""Routines at the terminal: read from a YAML file with names, saved, paused and shown."""

from datetime import time
from pathlib import Path
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from channels.accounts.queries import list_creator_channels
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.ops.wall_time import load_zone, local_day, parse_clock_time
from schedules.approvals.approvers import list_creator_approvers
from schedules.routines import routines, steps
from schedules.routines.plans import (
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
    plan_to_json,
)
from schedules.routines.routines import RoutineView
from schedules.routines.steps import StepView
from schedules.suggestions.weekly_plans.brief import MAX_WEEK_POSTS
from tenants.agencies.queries import Creator
from workers.terminal.lookup import TERMINAL_ACTOR, find_creator
from workers.terminal.output import print_progress, translate
from workers.terminal.tables import format_json, format_table
from workers.terminal.yaml_models import FILE_CONFIG, read_yaml_model
from workers.wiring import Services

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Name = Annotated[str, Field(min_length=1, max_length=60)]
PlanText = Annotated[str, Field(max_length=MAX_TEXT)]
DayName = Annotated[str, Field(pattern="^(mon|tue|wed|thu|fri|sat|sun)$")]


class FilePart(BaseModel):
    """A part of the file; an unknown key is an error."""

    model_config = FILE_CONFIG


class SlotPart(FilePart):
    """A slot with the names of its channels."""

    at: Clock
    channels: Annotated[list[Name], Field(min_length=1, max_length=24)]
    media: Annotated[str, Field(pattern="^(generated|library|clip)$")] = "generated"
    days: Annotated[list[DayName], Field(min_length=1, max_length=7)] = list(DAY_NAMES)
    template: Annotated[str, Field(max_length=60)] = ""
    theme: PlanText = ""


class WeeklyPart(FilePart):
    """The weekly steps; a time that is left out omits its step."""

    plan_at: Clock | None = None
    plan_posts: Annotated[int, Field(ge=1, le=MAX_WEEK_POSTS)] = 5
    topics: Annotated[list[PlanText], Field(max_length=MAX_WEEK_POSTS)] = []
    review_at: Clock | None = None


class RoutineFile(FilePart):
    """The file of `greenroom routine set`. `templates` are pictures per day by prompt template,
    `approvers` email addresses."""

    slots: Annotated[list[SlotPart], Field(min_length=1, max_length=MAX_SLOTS)]
    templates: Annotated[
        dict[Name, Annotated[int, Field(ge=1, le=MAX_PICTURES)]], Field(max_length=MAX_TEMPLATES)
    ] = {}
    clips: Annotated[int, Field(ge=0, le=MAX_CLIPS)] = 0
    generate_at: Clock = "06:00"
    propose_at: Clock = "08:00"
    approve_by: Clock = "09:30"
    report_at: Clock = "21:00"
    approvers: Annotated[list[Name], Field(max_length=50)] = []
    tone: PlanText = ""
    weekly: WeeklyPart = WeeklyPart()


def save_routine_file(services: Services, creator: str, path: Path, *, agency: str) -> None:
    """Create or replace a creator's routine from a file. Raises BadInput with the line of a
    mistake, and NotFound for an unknown creator, channel or template."""
    read, _ = read_yaml_model(path, RoutineFile)
    tenant_id, found = find_creator(services, creator, agency)
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        routines.save_routine(scope, found.id, _build_plan(scope, found, read))
    print_progress(Message("cli.routine.saved", {"creator": found.name}))


def _build_plan(scope: Scope, creator: Creator, read: RoutineFile) -> RoutinePlan:
    channels = {one.name: one.id for one in list_creator_channels(scope, creator.id)}
    members = {one.email.casefold(): one.id for one in list_creator_approvers(scope, creator)}
    slots = tuple(
        RoutineSlot(
            parse_clock_time(slot.at),
            tuple(_find_channel(channels, name) for name in slot.channels),
            SlotMedia(slot.media),
            tuple(sorted({DAY_NAMES.index(day) for day in slot.days})),
            slot.template,
            slot.theme,
        )
        for slot in read.slots
    )
    approvers = [members.get(email.casefold()) for email in read.approvers]
    if None in approvers:
        raise BadInput("routine.approver_unfit")
    return RoutinePlan(
        slots,
        tuple(TemplateUse(name, pictures) for name, pictures in read.templates.items()),
        read.clips,
        parse_clock_time(read.generate_at),
        parse_clock_time(read.propose_at),
        parse_clock_time(read.approve_by),
        parse_clock_time(read.report_at),
        tuple(one for one in approvers if one is not None),
        read.tone,
        WeeklySteps(
            _parse_optional(read.weekly.plan_at),
            read.weekly.plan_posts,
            tuple(read.weekly.topics),
            _parse_optional(read.weekly.review_at),
        ),
    )


def _find_channel(channels: dict[str, UUID], name: str) -> UUID:
    if name not in channels:
        known = ", ".join(sorted(channels)) or "–"
        raise NotFound("cli.routine.channel_unknown", name=name, known=known)
    return channels[name]


def _parse_optional(clock: str | None) -> time | None:
    return parse_clock_time(clock) if clock is not None else None


def change_routine_state(services: Services, creator: str, *, agency: str, active: bool) -> None:
    """Pause or resume a creator's routine. Raises NotFound for an unknown creator and for one
    without a routine."""
    tenant_id, found = find_creator(services, creator, agency)
    change = routines.resume_routine if active else routines.pause_routine
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        change(scope, found.id)
    code = "cli.routine.resumed" if active else "cli.routine.paused"
    print_progress(Message(code, {"creator": found.name}))


def render_routine(services: Services, creator: str, *, agency: str, as_json: bool) -> str:
    """Return a creator's routine and today's steps as a table or as JSON. Raises NotFound."""
    tenant_id, found = find_creator(services, creator, agency)
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        routine = routines.find_routine(scope, found.id)
        if routine is None:
            raise NotFound("routine.unknown")
        now = scope.now
        every = steps.list_steps(scope, found.id, local_day(now, found.zone))
    if as_json:
        return _routine_as_json(found, routine, every)
    state = translate(Message("routine.active" if routine.active else "routine.paused"))
    title = translate(
        Message("cli.routine.title", {"creator": found.name, "state": state, "zone": found.zone})
    )
    zone = load_zone(found.zone)
    rows = [
        (
            f"{step.due_at.astimezone(zone):%H:%M}",
            translate(Message(f"routine.step.{step.kind}")),
            translate(Message(f"state.step.{step.status(now)}")),
            translate(step.reason) if step.reason is not None else "",
        )
        for step in every
    ]
    return "\n".join((title, format_table(("time", "step", "state", "reason"), rows)))


def _routine_as_json(creator: Creator, routine: RoutineView, every: list[StepView]) -> str:
    return format_json(
        {
            "creator": creator.slug,
            "active": routine.active,
            "version": routine.version,
            "plan": plan_to_json(routine.plan),
            "steps": [
                {
                    "day": step.day,
                    "kind": step.kind,
                    "slot": step.slot,
                    "due_at": step.due_at,
                    "state": step.state,
                    "reason": step.reason,
                    "counts": dict(step.results.counts),
                }
                for step in every
            ],
        }
    )
