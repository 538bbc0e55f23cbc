"""Suggested posting times with the evidence for them. A suggestion only fills the slot form and
does not move posts."""

from collections.abc import Sequence

import streamlit as st

from dashboard.pages.queue.best_time_queries import BestTimesView, load_best_times, suggestion_days
from dashboard.pages.queue.queries import QueueView
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from insights.analysis.best_times import BestHour


def render_best_times(page: PageContext, found: QueueView, *, days: str, clock: str) -> None:
    """Render the suggestions. A click fills the fields with the keys `days` and `clock`."""
    seen = page.read(lambda scope: load_best_times(scope, found.creator, found.channel.id))
    drawn = (page.text(f"queue.day.{seen.drawn.weekday}"), f"{seen.drawn.clock:%H:%M}")
    lines = [_describe_best_hour(page, one) for one in seen.advice.hours]
    draw_template(
        "pages/queue/templates/best_times.html",
        head=_describe_evidence(page, seen),
        lines=lines,
        drawn=drawn,
        word=page.text,
    )
    offers = [
        (suggestion_days(one.weekend), _day_kind_label(page, one), f"{one.clock:02d}:00")
        for one in seen.advice.hours
    ]
    offers += [((seen.drawn.weekday,), *drawn)] if lines else []
    with st.container(horizontal=True, gap="small"):
        for wanted, said, hour in offers:
            st.button(
                page.text("hours.fill", days=said, clock=hour),
                key=f"hours:{found.channel.id}:{said}:{hour}",
                on_click=_fill_slot_fields,
                args=(days, wanted, clock, hour),
            )


def _describe_evidence(page: PageContext, seen: BestTimesView) -> str:
    """Describe the amount of evidence."""
    posts = page.localizer.format_number(seen.advice.posts)
    lacking = seen.advice.lacking
    if lacking:
        code = "hours.lacking_one" if lacking == 1 else "hours.lacking"
        return page.text(code, count=page.localizer.format_number(lacking), posts=posts)
    return page.text("hours.some" if seen.advice.hours else "hours.none", posts=posts)


def _day_kind_label(page: PageContext, one: BestHour) -> str:
    return page.text("hours.weekends" if one.weekend else "hours.workdays")


def _describe_best_hour(page: PageContext, one: BestHour) -> str:
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
