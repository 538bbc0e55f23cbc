"""The routine of a creator: today's steps, the next days, and the form of the plan."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.planning.routines.plan_form import DEFAULT_PLAN, render_routine_form
from dashboard.pages.planning.routines.queries import RoutinePageView, load_routine
from dashboard.pages.posts.calendar_navigation import render_back_button, select_creator
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.routines import routines, steps
from schedules.routines.routines import RoutineView
from schedules.routines.steps import StepView
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

TICK = "5s"


def render_routine(page: PageContext, asked: str) -> None:
    """Draw the routine of the creator in the URL, or of the first one.

    Raises NotFound for a creator who is not assigned to this member.
    """
    render_back_button(page)
    draw_template("pages/planning/templates/routine_header.html", word=page.text)
    creator = select_creator(page, "routine", asked)
    if creator is None:
        return
    found = page.read(lambda scope: load_routine(scope, creator))
    actions.show_notices(page, "routine")
    if not found.accounts:
        draw_template("shell/templates/empty.html", code="queue.no_account", word=page.text)
        return
    if found.routine is not None:
        _render_status(page, found, found.routine)
        st.fragment(_render_steps, run_every=TICK if found.is_in_progress() else None)(
            page, creator
        )
        draw_template(
            "pages/planning/templates/routine_days.html",
            found=found,
            voice=page.localizer,
            word=page.text,
        )
    title = "routine.create" if found.routine is None else "routine.edit"
    with st.expander(
        page.text(title), expanded=found.routine is None, icon=":material/event_repeat:"
    ):
        plan = found.routine.plan if found.routine is not None else DEFAULT_PLAN
        render_routine_form(page, found, plan)


def _render_status(page: PageContext, found: RoutinePageView, routine: RoutineView) -> None:
    code = "routine.active" if routine.active else "routine.paused"
    draw_template(
        "pages/planning/templates/routine_status.html",
        state=page.text(code),
        active=routine.active,
        zone=page.text("routine.zone", zone=page.localizer.zone_city(found.creator.zone)),
    )
    act = partial(_pause_routine if routine.active else _resume_routine, page, found)
    label = "routine.pause" if routine.active else "routine.resume"
    actions.action_button(page, label, act, right=Right.RUN, key=f"{label}:{routine.version}")


def _pause_routine(page: PageContext, found: RoutinePageView, scope: Scope, _: UUID) -> Message:
    creator = page.get_creator(scope, found.creator.id)
    routines.pause_routine(scope, creator.id, version=found.version)
    return Message("routine.pause_done")


def _resume_routine(page: PageContext, found: RoutinePageView, scope: Scope, _: UUID) -> Message:
    creator = page.get_creator(scope, found.creator.id)
    routines.resume_routine(scope, creator.id, version=found.version)
    return Message("routine.resume_done")


def _render_steps(drawn: PageContext, creator: Creator) -> None:
    """Draw today's steps with their states and reasons; runs as a polling fragment."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    found = page.read(lambda scope: load_routine(scope, page.get_creator(scope, creator.id)))
    voice = page.localizer.in_zone(creator.zone)
    draw_template(
        "pages/planning/templates/routine_today.html", found=found, voice=voice, word=page.text
    )
    for one in found.steps:
        with st.container(
            horizontal=True, gap="small", vertical_alignment="center", key=f"routine:step:{one.id}"
        ):
            draw_template(
                "pages/planning/templates/routine_step.html",
                one=one,
                now=found.now,
                posts=found.posts_of(one),
                voice=voice,
                word=page.text,
            )
            if found.can_run_again(one):
                act = partial(_run_step_again, page, one)
                actions.action_button(
                    page,
                    "routine.again",
                    act,
                    right=Right.RUN,
                    key=f"routine:again:{one.id}",
                    kind="tertiary",
                )


def _run_step_again(page: PageContext, one: StepView, scope: Scope, _: UUID) -> Message:
    creator = page.get_creator(scope, one.creator_id)
    steps.run_step_again(scope, creator.id, one.id)
    return Message("routine.again_done")
