"""Recurrence fields of the composer and of series, with a preview of the next dates."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import streamlit as st

from dashboard.pages.posts.recurrence_choice import (
    LAST_COMMON_DATE,
    MONTH_DATES,
    ON_DATE,
    ON_DATES,
    ON_LAST,
    REPEAT_KINDS,
    WEEKDAYS,
    RecurrenceChoice,
    describe_rule,
    describe_weekday,
    endless_text,
    monthly_options,
    rule_weekdays,
    weekday_ordinal,
)
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.ops.wall_time import WallTime, load_zone
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft, PlannedPost
from schedules.recurrence import (
    occurrences,
    series,
)
from schedules.recurrence.queries import UPCOMING_COUNT
from schedules.recurrence.rules import LAST_OF_MONTH, Recurrence, RecurrenceUnit
from schedules.recurrence.series import CONFIRM_ABOVE_DELIVERIES, SERIES_HORIZON, check_new_series

ALONE = "post:alone"


@dataclass(frozen=True)
class SeriesTarget:
    """The creator and the accounts of a recurring post."""

    creator_id: UUID
    channels: tuple[UUID, ...]
    series_id: UUID | None = None
    """The series that it replaces."""


def read_recurrence(prefix: str) -> RecurrenceChoice:
    """Return the values of the fields under `prefix`. Call it before a scope is opened."""

    def typed(name: str) -> str:
        return str(actions.typed_value(prefix + name) or "")

    return RecurrenceChoice(
        every=typed("every") or REPEAT_KINDS[0],
        step=typed("step") or "1",
        days=tuple(st.session_state.get(prefix + "days") or ()),
        month=typed("month") or ON_DATE,
        dates=tuple(st.session_state.get(prefix + "dates") or ()),
        or_last=bool(st.session_state.get(prefix + "or_last")),
        end=typed("end"),
        confirmed=bool(st.session_state.get(prefix + "confirmed")),
    )


def render_recurrence_fields(
    page: PageContext,
    prefix: str,
    first: WallTime | None,
    *,
    now: datetime,
    where: SeriesTarget,
    begin: RecurrenceChoice | None = None,
) -> None:
    """Render the recurrence fields for a first time (None while it is not valid) and a preview for
    the target `where`.

    With `begin`, the fields start with its values; otherwise the post does not recur until the user
    selects a frequency.
    """
    offered = REPEAT_KINDS if begin is None else REPEAT_KINDS[1:]
    start = begin or RecurrenceChoice()
    st.session_state.setdefault(prefix + "every", start.every)
    every = st.selectbox(
        page.text("series.repeat"),
        offered,
        format_func=lambda one: page.text(f"series.kind.{one}"),
        key=prefix + "every",
    )
    if every == REPEAT_KINDS[0]:
        return
    for name, value in (("step", start.step), ("end", start.end), ("days", list(start.days))):
        st.session_state.setdefault(prefix + name, value)
    with st.container(horizontal=True):
        st.text_input(page.text(f"series.step.{every}"), key=prefix + "step", width=130)
        st.text_input(
            page.text("series.end", none=endless_text(page.localizer.language)),
            key=prefix + "end",
            width=300,
        )
    if every == RecurrenceUnit.WEEK:
        st.pills(
            page.text("series.days"),
            WEEKDAYS,
            format_func=lambda one: page.text(f"series.day.{one}"),
            selection_mode="multi",
            key=prefix + "days",
        )
    if every == RecurrenceUnit.MONTH and first is not None:
        _render_month_options(page, prefix, first.day, start)
    if first is not None:
        _render_occurrence_preview(page, prefix, first, now, where)


def _render_month_options(
    page: PageContext, prefix: str, first: date, start: RecurrenceChoice
) -> None:
    """Render the days of the month, and the option for shorter months."""
    offered = monthly_options(first)
    if st.session_state.setdefault(prefix + "month", start.month) not in offered:
        st.session_state[prefix + "month"] = (
            ON_DATE  # The first date moved and is no longer the last of its weekday.
        )
    st.session_state.setdefault(prefix + "dates", list(start.dates))
    month = st.selectbox(
        page.text("series.month"),
        offered,
        format_func=lambda one: _month_option_label(page, one, first),
        key=prefix + "month",
    )
    if month == ON_DATES:
        st.pills(
            page.text("series.dates"),
            MONTH_DATES,
            selection_mode="multi",
            key=prefix + "dates",
            wrap=True,
        )
    dates = map(int, st.session_state[prefix + "dates"]) if month == ON_DATES else [first.day]
    latest = max(dates, default=0) if month in (ON_DATE, ON_DATES) else 0
    if latest > LAST_COMMON_DATE:
        st.session_state.setdefault(prefix + "or_last", start.or_last)
        st.checkbox(page.text("series.or_last"), key=prefix + "or_last")


def _month_option_label(page: PageContext, month: str, first: date) -> str:
    if month in (ON_DATE, ON_DATES):
        return page.text(f"series.month.{month}", day=first.day)
    which = LAST_OF_MONTH if month == ON_LAST else weekday_ordinal(first)
    return page.localizer.message_text(
        describe_weekday(which, first.weekday(), page.localizer.language)
    )


def _render_occurrence_preview(
    page: PageContext, prefix: str, first: WallTime, now: datetime, where: SeriesTarget
) -> None:
    """Render the next dates, including those that quiet days skip, or the error of invalid
    fields."""
    try:
        repeat = read_recurrence(prefix).to_repeat(first)
        closed = page.read(
            lambda scope: occurrences.quiet_periods_by_channel(
                scope, where.creator_id, where.channels
            )
        )
        walls = repeat.occurrences_between(now, now + SERIES_HORIZON)
    except BadInput as unreadable:
        draw_template(
            "shell/templates/note.html", note=page.localizer.message_text(unreadable.message)
        )
        return
    found = occurrences.split_by_quiet(
        repeat.iterate_occurrences(now, len(walls) + UPCOMING_COUNT), closed
    )
    said = _describe_recurrence(page, repeat)
    made = len(occurrences.split_by_quiet(walls, closed).open) * max(len(where.channels), 1)
    shown = {"coming": found.open[:UPCOMING_COUNT], "quiet": found.quiet}
    draw_template(
        "pages/posts/templates/series_dates.html",
        said=said,
        **shown,
        at=_local_publish_time,
        voice=page.localizer,
        word=page.text,
    )
    if made > CONFIRM_ABOVE_DELIVERIES:
        st.checkbox(page.text("series.confirm", count=made), key=prefix + "confirmed")
    _render_series_conflicts(page, repeat, where)


def _render_series_conflicts(page: PageContext, repeat: Recurrence, where: SeriesTarget) -> None:
    """Render the reason why the series would be rejected, if there is one."""
    if not where.channels:
        return
    asked = (where.creator_id, where.channels, repeat)
    try:
        page.read(lambda scope: check_new_series(scope, *asked, instead_of=where.series_id))
    except BadInput as refused:
        draw_template(
            "shell/templates/note.html", note=page.localizer.message_text(refused.message)
        )


def _describe_recurrence(page: PageContext, repeat: Recurrence) -> str:
    """Describe a recurrence with its weekdays, time and end."""
    often, *on, ends = map(
        page.localizer.message_text, describe_rule(repeat, page.localizer.language)
    )
    days = ", ".join(page.text(f"series.day.{one}") for one in rule_weekdays(repeat))
    return " · ".join(filter(None, (often, *on, days, f"{repeat.clock:%H:%M}", ends)))


def _local_publish_time(wall: WallTime) -> datetime:
    """Return the local publishing time. It differs from the scheduled one if a clock change skips
    that time."""
    return wall.instant().astimezone(load_zone(wall.zone))


def schedule_series(
    scope: Scope,
    written: Draft,
    choice: RecurrenceChoice,
    at: WallTime,
    *,
    key: UUID,
    author: str,
    priority: int,
) -> PlannedPost:
    """Store a post for one time, or as a series if a recurrence is selected."""
    if not choice.is_repeating:
        return drafts.plan_draft(scope, written, key=key, at=at, author=author, priority=priority)
    return series.plan_series(
        scope,
        written,
        choice.to_repeat(at),
        key=key,
        author=author,
        confirmed=choice.confirmed,
        priority=priority,
    )
