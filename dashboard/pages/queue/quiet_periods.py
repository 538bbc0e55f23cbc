"""Quiet periods and pauses of an account or of all accounts of a creator: creation, display and
removal."""

from collections.abc import Callable
from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.posts import move_results
from dashboard.pages.queue.queries import QueueView, list_quiet_days
from dashboard.shell import actions, forms
from dashboard.shell.actions import PageAction
from dashboard.shell.date_input import parse_date, parse_time
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import Conflict, GreenroomError
from foundation.i18n.translation import Message
from schedules.availability import quiet_periods
from schedules.availability.quiet_periods import QuietPeriod
from schedules.rescheduling import pauses
from schedules.rescheduling.pauses import PostingPause
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

HERE = "here"
ALL = "all"
LABEL, FIRST, LAST, WHERE = (f"quiet:{name}" for name in ("label", "first", "last", "where"))
WEEKDAY, START, END, NIGHT = (f"quiet:{name}" for name in ("weekday", "start", "end", "night"))
P_WORDS, P_FIRST, P_LAST, P_WHERE = (
    f"pause:{name}" for name in ("words", "first", "last", "where")
)
EVERY_DAY = 7

PreviewInput = tuple[object, ...]
"""The field values that a preview was based on."""


def render_quiet_banner(
    page: PageContext, creators: list[Creator], first: date, last: date
) -> None:
    """Render the quiet days between two dates above the calendar."""
    found = page.read(lambda scope: list_quiet_days(scope, creators, first, last))
    draw_template(
        "pages/queue/templates/quiet_banner.html",
        found=found,
        several=len(creators) > 1,
        voice=page.localizer,
        word=page.text,
    )


def select_quiet_target(page: PageContext, found: QueueView, key: str) -> UUID | None:
    """Render the choice between this account and all accounts of the creator. Return the account's
    ID, or None for all accounts."""
    names = {HERE: found.channel.name, ALL: page.text("queue.all_of", name=found.creator.name)}
    chosen = st.radio(
        page.text("queue.where"),
        list(names),
        format_func=lambda one: names[one],
        key=key,
        horizontal=True,
    )
    return found.channel.id if chosen == HERE else None


def render_quiet_periods(page: PageContext, found: QueueView) -> None:
    """Render the quiet periods and pauses of the account, and the forms for new ones."""
    kept = [one for one in found.quiet if one.shift_id is None and not one.country]
    with st.expander(page.text("quiet.title", count=len(kept))):
        draw_template("shell/templates/note.html", note=page.text("quiet.why"))
        for one in kept:
            _render_quiet_period(page, one)
        _render_quiet_days_form(page, found)
        _render_quiet_hours_form(page, found)
    paused = [one for one in found.quiet if one.shift_id is not None]
    with st.expander(
        page.text("pause.title"), expanded=bool(paused), icon=":material/beach_access:"
    ):
        for one in paused:
            _render_posting_pause(page, found, one)
        _render_pause_form(page, found)


def _render_quiet_period(page: PageContext, one: QuietPeriod) -> None:
    with st.container(
        horizontal=True, gap="small", vertical_alignment="center", key=f"quiet:{one.id}"
    ):
        draw_template(
            "pages/queue/templates/quiet_period.html", one=one, voice=page.localizer, word=page.text
        )
        act = partial(_delete_quiet_period, page, one)
        actions.action_button(
            page,
            "quiet.forget",
            act,
            right=Right.RUN,
            key=f"quiet:forget:{one.id}",
            kind="tertiary",
        )


def _delete_quiet_period(page: PageContext, one: QuietPeriod, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, quiet_periods.get_quiet_period(scope, one.id).creator_id)
    quiet_periods.delete_quiet_period(scope, one.id)
    return Message("quiet.forgotten")


def _render_quiet_days_form(page: PageContext, found: QueueView) -> None:
    today = f"{found.today:%d/%m/%Y}"
    with forms.open_form(page, "quiet:days", border=True):
        st.text_input(page.text("quiet.label"), key=LABEL, max_chars=80)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(page.text("quiet.first"), today, key=FIRST, width=150)
            forms.show_field_error("first")
            st.text_input(page.text("quiet.last"), today, key=LAST, width=150)
            forms.show_field_error("last")
            actions.submit_button(
                page,
                "quiet.keep_days",
                partial(_save_quiet_days, page, found),
                right=Right.RUN,
                key="quiet:keep",
            )
        select_quiet_target(page, found, WHERE)


def _read_quiet_target(found: QueueView, key: str) -> UUID | None:
    return None if actions.typed_value(key) == ALL else found.channel.id


def _save_quiet_days(page: PageContext, found: QueueView, scope: Scope, _: UUID) -> Message:
    creator = page.get_creator(scope, found.creator.id)
    first = actions.parse_field(FIRST, "first", parse_date)
    last = actions.parse_field(LAST, "last", parse_date)
    label = str(actions.typed_value(LABEL) or "") or page.text("quiet.holiday")
    channel_id = _read_quiet_target(found, WHERE)
    quiet_periods.add_quiet_days(
        scope, creator.id, channel_id, label=label, zone=creator.zone, first=first, last=last
    )
    return Message("quiet.kept")


def _render_quiet_hours_form(page: PageContext, found: QueueView) -> None:
    with forms.open_form(page, "quiet:hours", border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox(
                page.text("quiet.on"),
                [EVERY_DAY, *range(7)],
                format_func=lambda day: page.text(
                    "quiet.every_day" if day == EVERY_DAY else f"queue.day.{day}"
                ),
                key=WEEKDAY,
                width=170,
            )
            st.text_input(page.text("quiet.start"), "22:00", key=START, width=110)
            forms.show_field_error("start")
            st.text_input(page.text("quiet.end"), "08:00", key=END, width=110)
            forms.show_field_error("end")
            actions.submit_button(
                page,
                "quiet.keep_hours",
                partial(_save_quiet_hours, page, found),
                right=Right.RUN,
                key="quiet:go",
            )
        select_quiet_target(page, found, NIGHT)


def _save_quiet_hours(page: PageContext, found: QueueView, scope: Scope, _: UUID) -> Message:
    creator = page.get_creator(scope, found.creator.id)
    day = actions.typed_value(WEEKDAY)
    start = actions.parse_field(START, "start", parse_time)
    end = actions.parse_field(END, "end", parse_time)
    quiet_periods.add_quiet_hours(
        scope,
        creator.id,
        _read_quiet_target(found, NIGHT),
        label=page.text("quiet.hours"),
        zone=creator.zone,
        weekday=None if day in (None, EVERY_DAY) else int(day),
        start=start,
        end=end,
    )
    return Message("quiet.kept")


def _render_posting_pause(page: PageContext, found: QueueView, one: QuietPeriod) -> None:
    begun = found.now >= one.quiet_window[0]
    code, act = ("pause.come_back", _end_pause) if begun else ("pause.call_off", _cancel_pause)
    with st.container(
        horizontal=True, gap="small", vertical_alignment="center", key=f"paused:{one.id}"
    ):
        draw_template(
            "pages/queue/templates/quiet_period.html", one=one, voice=page.localizer, word=page.text
        )
        actions.action_button(
            page, code, partial(act, page, one), right=Right.RUN, key=f"pause:end:{one.id}"
        )


def _end_pause(page: PageContext, one: QuietPeriod, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, quiet_periods.get_quiet_period(scope, one.id).creator_id)
    pauses.end_pause(scope, one.id)
    return Message("pause.came_back")


def _cancel_pause(page: PageContext, one: QuietPeriod, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, quiet_periods.get_quiet_period(scope, one.id).creator_id)
    back = pauses.cancel_pause(scope, one.id)
    told = Message("pause.called_off", {"count": len(back.moving), "left": len(back.left)})
    return move_results.describe_unmoved_posts(page, scope, told, back.left)


def _render_pause_form(page: PageContext, found: QueueView) -> None:
    """Render the form for a new pause. The preview of moved posts appears once its dates
    are valid."""
    with forms.open_fields(page, "pause"):
        today = f"{found.today:%d/%m/%Y}"
        st.text_input(
            page.text("pause.words"),
            key=P_WORDS,
            max_chars=160,
            placeholder=page.text("pause.words_hint"),
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            first = st.text_input(page.text("quiet.first"), today, key=P_FIRST, width=150)
            forms.show_field_error("first")
            last = st.text_input(page.text("quiet.last"), today, key=P_LAST, width=150)
            forms.show_field_error("last")
        channel_id = select_quiet_target(page, found, P_WHERE)
        words = str(actions.typed_value(P_WORDS) or "").strip()
        try:
            wanted = PostingPause(
                found.creator.id,
                channel_id,
                parse_date(first),
                parse_date(last),
                found.creator.zone,
                words,
            )
            shown = page.read(lambda scope: pauses.preview_pause(scope, wanted))
        except GreenroomError as wrong:
            draw_template(
                "shell/templates/note.html", note=page.localizer.message_text(wrong.message)
            )
            return
        names = found.names if channel_id is None else {}
        draw_template(
            "pages/queue/templates/move_preview.html",
            found=shown,
            names=names,
            voice=page.localizer,
            word=page.text,
        )
        act = partial(
            apply_preview,
            _read_pause_inputs(),
            _read_pause_inputs,
            partial(_start_pause, page, wanted, shown.seen_versions),
        )
        actions.action_button(
            page,
            "pause.begin",
            act,
            right=Right.RUN,
            key="pause:begin",
            kind="primary",
            disabled=not words,
        )


def _read_pause_inputs() -> PreviewInput:
    return tuple(map(actions.typed_value, (P_WORDS, P_FIRST, P_LAST, P_WHERE)))


def apply_preview(
    then: PreviewInput,
    typed: Callable[[], PreviewInput],
    act: PageAction,
    scope: Scope,
    press_id: UUID,
) -> Message | None:
    """Perform an action that was previewed. Raise Conflict if the fields changed after the preview,
    because the user has not seen the new result."""
    if typed() != then:
        raise Conflict("shift.typed_since")
    return act(scope, press_id)


def _start_pause(
    page: PageContext, wanted: PostingPause, seen: dict[UUID, int], scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, wanted.creator_id)
    _, done = pauses.start_pause(scope, wanted, seen=seen)
    told = Message(
        "pause.done", {"count": len(done.moved), "left": len(done.left), "out": len(done.out)}
    )
    return move_results.describe_unmoved_posts(page, scope, told, done.left)
