"""The form of a routine. A refused form keeps everything that was typed."""

from datetime import time
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.planning.routines.queries import RoutinePageView
from dashboard.shell import actions, forms
from dashboard.shell.date_input import parse_time
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.routines import routines
from schedules.routines.plans import (
    ALL_DAYS,
    MAX_CLIPS,
    MAX_PICTURES,
    MAX_SLOTS,
    WEEKEND,
    RoutinePlan,
    RoutineSlot,
    SlotMedia,
    TemplateUse,
    WeeklySteps,
)
from schedules.suggestions.weekly_plans.brief import MAX_WEEK_POSTS
from tenants.agencies.rights import Right

DEFAULT_PLAN = RoutinePlan(tuple(RoutineSlot(time(hour), ()) for hour in (10, 15, 20)))
"""The fields of a new routine: three slots a day."""

TIMES = ("generate_at", "propose_at", "approve_by", "report_at")
TIME_WIDTH = 190


def render_routine_form(page: PageContext, found: RoutinePageView, plan: RoutinePlan) -> None:
    """Draw the form with the values of a plan, and one empty slot."""
    with forms.open_form(page, _field_key(found, "form")):
        _render_pictures(page, found, plan)
        _render_times(page, found, plan)
        _render_title(page, "routine.slots_section", "routine.slots_why")
        shown = plan.slots[:MAX_SLOTS]
        for number, slot in enumerate(shown, start=1):
            _render_slot(page, found, number, slot)
        if len(shown) < MAX_SLOTS:
            _render_slot(page, found, len(shown) + 1, None)
        _render_weekly_steps(page, found, plan.weekly)
        act = partial(_save_routine, page, found, min(len(shown) + 1, MAX_SLOTS))
        actions.submit_button(
            page, "routine.save", act, right=Right.RUN, key=_field_key(found, "save")
        )


def _field_key(found: RoutinePageView, name: str) -> str:
    return f"routine:{name}:{found.creator.slug}:{found.version}"


def _render_title(page: PageContext, title: str, note: str) -> None:
    draw_template(
        "pages/planning/templates/section.html",
        title=page.text(title),
        note=page.text(note) if note else "",
    )


def _render_pictures(page: PageContext, found: RoutinePageView, plan: RoutinePlan) -> None:
    note = "" if found.templates else "routine.no_templates"
    _render_title(page, "routine.pictures_section", note)
    known = {use.name: use.pictures for use in plan.templates}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for number, name in enumerate(found.templates):
            st.number_input(
                page.text("routine.pictures_of", name=name),
                0,
                MAX_PICTURES,
                known.get(name, 0),
                key=_field_key(found, f"pictures:{number}"),
                width=260,
            )
        st.number_input(
            page.text("routine.clips"),
            0,
            MAX_CLIPS,
            plan.clips,
            key=_field_key(found, "clips"),
            help=page.text("routine.clips_why"),
            width=TIME_WIDTH,
        )


def _render_times(page: PageContext, found: RoutinePageView, plan: RoutinePlan) -> None:
    _render_title(page, "routine.times_section", "")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name in TIMES:
            st.text_input(
                page.text(f"routine.{name}"),
                f"{getattr(plan, name):%H:%M}",
                key=_field_key(found, name),
                width=TIME_WIDTH,
            )
            forms.show_field_error(name)
    st.multiselect(
        page.text("routine.approvers"),
        list(found.approvers),
        default=[str(one) for one in plan.approvers if str(one) in found.approvers],
        format_func=lambda key: found.approvers[key],
        key=_field_key(found, "approvers"),
        placeholder=page.text("routine.approvers_hint"),
        select_all=False,
    )
    st.text_input(
        page.text("routine.tone"),
        plan.tone,
        key=_field_key(found, "tone"),
        help=page.text("routine.tone_why"),
    )


def _render_slot(
    page: PageContext, found: RoutinePageView, number: int, slot: RoutineSlot | None
) -> None:
    """Draw the fields of a slot; the empty one at the end is offered as a weekend special."""
    shown = slot or RoutineSlot(time(), (), days=WEEKEND)
    key = partial(_slot_field_key, found, number)
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                page.text("routine.slot_at", number=number),
                shown.key if slot is not None else "",
                key=key("at"),
                width=TIME_WIDTH,
            )
            forms.show_field_error(f"at:{number}")
            st.selectbox(
                page.text("routine.slot_media", number=number),
                list(SlotMedia),
                index=list(SlotMedia).index(shown.media),
                format_func=lambda media: page.text(f"routine.media.{media}"),
                key=key("media"),
                width=260,
            )
            _render_own_template(page, found, number, shown)
        st.multiselect(
            page.text("routine.slot_channels", number=number),
            list(found.accounts),
            default=[str(one) for one in shown.channels if str(one) in found.accounts],
            format_func=lambda one: found.accounts[one],
            key=key("channels"),
            placeholder=page.text("routine.slot_channels_hint"),
            select_all=False,
        )
        st.pills(
            page.text("routine.slot_days", number=number),
            list(ALL_DAYS),
            selection_mode="multi",
            default=list(shown.days),
            format_func=lambda day: page.text(f"queue.day.{day}"),
            key=key("days"),
        )
        st.text_input(page.text("routine.slot_theme", number=number), shown.theme, key=key("theme"))


def _render_own_template(
    page: PageContext, found: RoutinePageView, number: int, slot: RoutineSlot
) -> None:
    if not found.templates:
        return
    names = ["", *found.templates]
    st.selectbox(
        page.text("routine.slot_template", number=number),
        names,
        index=names.index(slot.template) if slot.template in names else 0,
        format_func=lambda name: name or page.text("routine.slot_no_own_template"),
        key=_slot_field_key(found, number, "template"),
        width=260,
    )


def _slot_field_key(found: RoutinePageView, number: int, name: str) -> str:
    return _field_key(found, f"slot:{number}:{name}")


def _render_weekly_steps(page: PageContext, found: RoutinePageView, weekly: WeeklySteps) -> None:
    _render_title(page, "routine.weekly_section", "routine.plan_why")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, at in (("plan_at", weekly.plan_at), ("review_at", weekly.review_at)):
            st.text_input(
                page.text(f"routine.{name}"),
                f"{at:%H:%M}" if at is not None else "",
                key=_field_key(found, name),
                width=300,
            )
        st.number_input(
            page.text("routine.plan_posts"),
            1,
            MAX_WEEK_POSTS,
            weekly.plan_posts,
            key=_field_key(found, "plan_posts"),
            width=TIME_WIDTH,
        )
    st.text_area(
        page.text("routine.topics"), "\n".join(weekly.topics), key=_field_key(found, "topics")
    )


def _save_routine(
    page: PageContext, found: RoutinePageView, slots: int, scope: Scope, _: UUID
) -> Message:
    creator = page.get_creator(scope, found.creator.id)
    plan = _read_plan(found, slots)
    routines.save_routine(scope, creator.id, plan, version=found.version)
    return Message("routine.saved")


def _read_plan(found: RoutinePageView, slots: int) -> RoutinePlan:
    """Return the plan in the fields. Raises BadInput for an unreadable time."""
    templates = tuple(
        TemplateUse(name, count)
        for number, name in enumerate(found.templates)
        if (count := _typed_number(found, f"pictures:{number}", 0))
    )
    read = [_read_slot(found, number) for number in range(1, slots + 1)]
    topics = str(actions.typed_value(_field_key(found, "topics")) or "").splitlines()
    generate_at, propose_at, approve_by, report_at = (
        actions.parse_field(_field_key(found, name), name, parse_time) for name in TIMES
    )
    return RoutinePlan(
        tuple(slot for slot in read if slot is not None),
        templates,
        _typed_number(found, "clips", 0),
        generate_at,
        propose_at,
        approve_by,
        report_at,
        tuple(map(UUID, actions.typed_value(_field_key(found, "approvers")) or ())),
        _typed_text(found, "tone"),
        WeeklySteps(
            _typed_optional_time(found, "plan_at"),
            _typed_number(found, "plan_posts", 1),
            tuple(filter(None, (" ".join(one.split()) for one in topics))),
            _typed_optional_time(found, "review_at"),
        ),
    )


def _read_slot(found: RoutinePageView, number: int) -> RoutineSlot | None:
    """Return a slot, or None if its time is empty."""
    key = partial(_slot_field_key, found, number)
    clock = _typed_text(found, f"slot:{number}:at")
    if not clock:
        return None
    media = SlotMedia(actions.typed_value(key("media")) or SlotMedia.GENERATED)
    own = str(actions.typed_value(key("template")) or "")
    return RoutineSlot(
        actions.parse_field(key("at"), f"at:{number}", parse_time),
        tuple(map(UUID, actions.typed_value(key("channels")) or ())),
        media,
        tuple(sorted(map(int, actions.typed_value(key("days")) or ()))),
        own if media is SlotMedia.GENERATED else "",
        _typed_text(found, f"slot:{number}:theme"),
    )


def _typed_text(found: RoutinePageView, name: str) -> str:
    return " ".join(str(actions.typed_value(_field_key(found, name)) or "").split())


def _typed_number(found: RoutinePageView, name: str, default: int) -> int:
    return int(actions.typed_value(_field_key(found, name)) or default)


def _typed_optional_time(found: RoutinePageView, name: str) -> time | None:
    if not _typed_text(found, name):
        return None
    return actions.parse_field(_field_key(found, name), name, parse_time)
