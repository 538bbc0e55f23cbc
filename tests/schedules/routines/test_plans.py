"""Plans of routines: the steps of any local day in any time zone, the stored form, the refusals, and
the states of a step."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import load_catalogue
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, day_bounds
from schedules.routines.plans import (
    PLAN_WEEKDAY,
    REVIEW_WEEKDAY,
    RoutinePlan,
    RoutineSlot,
    SlotMedia,
    TemplateUse,
    WeeklySteps,
    plan_day,
    plan_from_json,
    plan_to_json,
)
from schedules.routines.states import ENDED_STEP_STATES, STEP_STATES, StepKind, StepState
from schedules.routines.steps import NO_RESULTS, StepView

CHANNEL = UUID(int=1)
SLOT = RoutineSlot(time(10), (CHANNEL,))
VALID = RoutinePlan((SLOT,), (TemplateUse("beach", 3),))
ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
DST_DAYS = (
    date(2026, 3, 29),
    date(2026, 10, 25),
    date(2026, 3, 8),
    date(2026, 11, 1),
    date(2026, 4, 5),
    date(2026, 10, 4),
)


@st.composite
def plans(draw: st.DrawFn) -> RoutinePlan:
    """Return a valid plan whose times are in order."""
    minutes = sorted(draw(st.sets(st.integers(0, 1439), min_size=5, max_size=9)))
    clocks = [time(*divmod(minute, 60)) for minute in minutes]
    media = st.sampled_from(list(SlotMedia))
    slots = tuple(
        RoutineSlot(
            at,
            (CHANNEL,),
            draw(media),
            tuple(sorted(draw(st.sets(st.integers(0, 6), min_size=1)))),
            theme=draw(st.text(max_size=20)),
        )
        for at in clocks[3:-1]
    )
    weekly = WeeklySteps(
        draw(st.none() | st.just(time(9))), 3, ("a topic",), draw(st.none() | st.just(time(17)))
    )
    return RoutinePlan(
        slots,
        (TemplateUse("beach", draw(st.integers(1, 40))),),
        clips=1,
        generate_at=clocks[0],
        propose_at=clocks[1],
        approve_by=clocks[2],
        report_at=clocks[-1],
        weekly=weekly,
    )


@given(
    plans(),
    st.dates(date(2024, 1, 1), date(2030, 1, 1)) | st.sampled_from(DST_DAYS),
    st.sampled_from(ZONES),
)
def test_each_day_has_each_step_once_in_order(plan: RoutinePlan, day: date, zone: str) -> None:
    plan.check_plan()
    found = plan_day(plan, day, zone)
    names = [step.name for step in found]
    slots = plan.slots_on(day)
    assert len(set(names)) == len(names)
    # A time that daylight saving skips is shifted, possibly past a later slot.
    by_due_time = sorted(slots, key=lambda one: (WallTime(day, one.at, zone).instant(), one.key))
    assert [step.slot for step in found if step.kind is StepKind.PUBLISH] == [
        slot.key for slot in by_due_time
    ]
    assert ("plan_week" in names) == (
        plan.weekly.plan_at is not None and day.weekday() == PLAN_WEEKDAY
    )
    assert ("review_week" in names) == (
        plan.weekly.review_at is not None and day.weekday() == REVIEW_WEEKDAY
    )
    assert names.count("report") == 1
    assert {"generate", "propose", "approve"}.issubset(names) == bool(slots)
    start, end = day_bounds(day, zone)
    assert all(start <= step.due_at < end + timedelta(hours=1) for step in found)
    assert all(step.due_at <= step.over_at for step in found)
    assert [step.due_at for step in found] == sorted(step.due_at for step in found)


@pytest.mark.parametrize(("approve_by", "slot"), [((2, 1), (3, 0)), ((1, 0), (2, 1))])
def test_skipped_time_is_over_after_it_is_due(
    approve_by: tuple[int, int], slot: tuple[int, int]
) -> None:
    """On 29 March 2026, Paris has no time from 02:00 to 03:00: 02:01 is at 03:01."""
    slots = replace(SLOT, at=time(*slot)), replace(SLOT, at=time(3, 0), days=(0, 6))
    plan = replace(
        VALID,
        slots=tuple(dict.fromkeys(sorted(slots, key=lambda one: one.at))),
        generate_at=time(0),
        propose_at=time(0, 1),
        approve_by=time(*approve_by),
    )
    found = plan_day(plan, date(2026, 3, 29), "Europe/Paris")
    assert all(step.due_at <= step.over_at for step in found)
    assert [step.due_at for step in found] == sorted(step.due_at for step in found)
    last = max(step.due_at for step in found if step.kind is StepKind.PUBLISH)
    assert all(step.over_at >= last for step in found if step.kind is StepKind.APPROVE)


@pytest.mark.parametrize("zone", ZONES)
def test_local_time_stays_the_same_over_a_clock_change(zone: str) -> None:
    plan = replace(VALID, slots=(replace(SLOT, at=time(12)),))
    for day in DST_DAYS:
        for step in plan_day(plan, day, zone):
            local = step.due_at.astimezone(ZoneInfo(zone))
            assert local.date() == day
            expected = {"generate": 6, "propose": 8, "approve": 9, "report": 21}
            assert local.hour == expected.get(step.name, 12)


def test_step_in_a_skipped_hour_is_due_once() -> None:
    plan = replace(VALID, generate_at=time(2, 30))
    day = date(2026, 3, 29)
    (step,) = [one for one in plan_day(plan, day, "Europe/Paris") if one.name == "generate"]
    assert step.due_at == datetime(2026, 3, 29, 1, 30, tzinfo=ZoneInfo("UTC"))


def test_day_without_prompt_templates_generates_nothing() -> None:
    plan = RoutinePlan((replace(SLOT, media=SlotMedia.LIBRARY),))
    names = [step.name for step in plan_day(plan, DST_DAYS[0], "UTC")]
    assert names == ["propose", "approve", "publish:10:00", "report"]


@given(plans())
def test_stored_plan_is_read_unchanged(plan: RoutinePlan) -> None:
    assert plan_from_json(plan_to_json(plan)) == plan


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"slots": ()}, "no_slots"),
        ({"slots": (SLOT,) * 25}, "too_many_slots"),
        ({"slots": (replace(SLOT, channels=()),)}, "slot_no_channel"),
        ({"slots": (replace(SLOT, days=()),)}, "slot_no_day"),
        ({"slots": (replace(SLOT, days=(7,)),)}, "slot_no_day"),
        ({"slots": (SLOT, replace(SLOT, days=(0,)))}, "slot_twice"),
        ({"slots": (replace(SLOT, media=SlotMedia.CLIP),)}, "slot_no_clip"),
        ({"templates": ()}, "slot_no_template"),
        ({"templates": (TemplateUse("beach", 0),)}, "picture_count"),
        ({"templates": (TemplateUse("beach", 1), TemplateUse("beach", 2))}, "template_twice"),
        ({"clips": 7}, "clip_count"),
        ({"generate_at": time(8)}, "times_wrong"),
        ({"approve_by": time(10, 1)}, "times_wrong"),
        ({"report_at": time(10)}, "report_early"),
        ({"tone": "x" * 201}, "text_too_long"),
        ({"weekly": WeeklySteps(time(9))}, "no_topics"),
    ],
)
def test_invalid_plan_is_refused(changes: dict[str, object], code: str) -> None:
    with pytest.raises(BadInput) as refused:
        replace(VALID, **changes).check_plan()  # type: ignore[arg-type]  # fields of the plan
    assert refused.value.message.code == f"routine.{code}"
    VALID.check_plan()


@given(st.lists(st.sampled_from(list(StepState)), max_size=12))
def test_step_ends_only_after_it_began_and_begins_again_only_after_it_ended(
    wanted: list[StepState],
) -> None:
    state = STEP_STATES.initial
    began = False
    for after in wanted:
        try:
            STEP_STATES.check(state, after)
        except Conflict:
            continue
        if after in (StepState.DONE, StepState.FAILED):
            assert began
        if after is StepState.DUE:
            assert state in ENDED_STEP_STATES - {StepState.DONE}
        began = after is StepState.RUNNING
        state = after


@given(
    zone=st.sampled_from(ZONES),
    kind=st.sampled_from(StepKind),
    state=st.sampled_from(StepState),
    at=st.times(),
)
@hypothesis_settings(deadline=None)
def test_step_is_in_progress_only_within_its_hours(
    zone: str, kind: StepKind, state: StepState, at: time
) -> None:
    due, over, now = (
        WallTime(date(2026, 12, 1), clock, zone).instant() for clock in (time(9), time(20), at)
    )
    step = StepView(
        uuid7(), uuid7(), uuid7(), date(2026, 12, 1), str(kind), kind, "", due, over, state, None,
        NO_RESULTS, None,
    )  # fmt: skip
    shown = step.status(now)
    assert (shown in {"running", "waiting"}) == (
        state is StepState.RUNNING and time(9) <= at < time(20)
    )
    assert shown in {*map(str, StepState), "waiting", "over"}
    if state in ENDED_STEP_STATES:
        assert shown == state
    assert {f"state.step.{shown}"} <= set(load_catalogue("en")) & set(load_catalogue("fr"))
