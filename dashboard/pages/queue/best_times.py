"""Suggested posting times with the evidence for them. A suggestion only fills the slot form and
does not move posts."""

from collections.abc import Sequence

import streamlit as st

from dashboard.pages.queue.queries import QueueView
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from insights.analysis import timing
from insights.analysis.best_times import BestHour, BestTimesAdvice
from tenants.agencies.rights import Right

WORKDAYS = tuple(day for day in range(7) if day not in timing.WEEKENDS)


def render_best_times(page: PageContext, found: QueueView, *, days: str, clock: str) -> None:
    """Render the suggestions. A click fills the fields with the keys `days` and `clock`."""
    advice = page.read(
        lambda scope: timing.load_timing_evidence(scope, found.creator, found.channel.id)
    ).advice
    draw_template(
        "pages/queue/templates/best_times.html",
        head=describe_evidence(page, advice),
        lines=[describe_best_hour(page, one) for one in advice.hours],
        linked=page.has_right(Right.MONEY),
        word=page.text,
    )
    with st.container(horizontal=True, gap="small"):
        for one in advice.hours:
            said = _day_kind_label(page, one)
            hour = f"{one.clock:02d}:00"
            st.button(
                page.text("hours.fill", days=said, clock=hour),
                key=f"hours:{found.channel.id}:{said}:{hour}",
                on_click=_fill_slot_fields,
                args=(days, timing.WEEKENDS if one.weekend else WORKDAYS, clock, hour),
            )


def describe_evidence(page: PageContext, advice: BestTimesAdvice) -> str:
    """Describe the amount of evidence."""
    posts = page.localizer.format_number(advice.posts)
    lacking = advice.lacking
    if lacking:
        code = "hours.lacking_one" if lacking == 1 else "hours.lacking"
        return page.text(code, count=page.localizer.format_number(lacking), posts=posts)
    return page.text("hours.some" if advice.hours else "hours.none", posts=posts)


def _day_kind_label(page: PageContext, one: BestHour) -> str:
    return page.text("hours.weekends" if one.weekend else "hours.workdays")


def describe_best_hour(page: PageContext, one: BestHour) -> str:
    """Describe a best hour with its interval."""
    lift, low, high = (
        page.localizer.format_number(round(share * 100)) for share in (one.lift, one.low, one.high)
    )
    return page.text(
        "hours.lift",
        days=_day_kind_label(page, one),
        clock=f"{one.clock:02d}:00",
        lift=lift,
        low=low,
        high=high,
    )


def _fill_slot_fields(days: str, wanted: Sequence[int], clock: str, hour: str) -> None:
    st.session_state[days] = list(wanted)
    st.session_state[clock] = hour
