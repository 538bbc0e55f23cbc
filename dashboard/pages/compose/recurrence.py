"""A post that repeats: choosing how while it is written, and what may be done with it while it goes on."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.compose import edit_mode
from dashboard.pages.compose.queries import list_post_accounts, platform_connectors
from dashboard.pages.posts.queries import PostView
from dashboard.pages.posts.recurrence_choice import (
    LAST_COMMON_DATE,
    MONTH_DATES,
    ON_DATE,
    ON_DATES,
    ON_LAST,
    REPEAT_KINDS,
    WEEKDAYS,
    RecurrenceChoice,
    choice_of_repeat,
    describe_rule,
    describe_weekday,
    endless_text,
    monthly_options,
    rule_weekdays,
    weekday_ordinal,
)
from dashboard.shell import actions
from dashboard.shell.date_input import parse_time
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, load_zone
from schedules.drafts import channel_requirements, drafts
from schedules.drafts.drafts import Draft, PlannedPost
from schedules.posts import queries as schedule_reads
from schedules.posts.queries import StoredPost
from schedules.posts.states import CANCELLABLE, DeliveryState, SeriesState
from schedules.recurrence import (
    detached_occurrences,
    occurrences,
    queries,
    series,
)
from schedules.recurrence import (
    series as series_beforehand,
)
from schedules.recurrence.queries import UPCOMING_COUNT, SeriesView
from schedules.recurrence.rules import LAST_OF_MONTH, Recurrence, RecurrenceUnit
from schedules.recurrence.series import CONFIRM_ABOVE_DELIVERIES, SERIES_HORIZON, SeriesUpdate
from tenants.agencies.rights import Right

ALONE = "post:alone"


@dataclass(frozen=True)
class SeriesTarget:
    """Whose post repeats, and on which accounts."""

    creator_id: UUID
    channels: tuple[UUID, ...]
    series_id: UUID | None = None
    """The series whose place it takes."""


def read_recurrence(prefix: str) -> RecurrenceChoice:
    """What stands in the fields under `prefix` now. Ask before a scope opens."""

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
    """The fields of a repetition from a first time on (None: not readable yet), and what comes of them `where` it goes.

    Without `begin` nothing repeats until somebody chooses so; with it, the fields begin as it says.
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
            page.text("series.end", none=endless_text(page.localizer.language)), key=prefix + "end", width=300
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


def _render_month_options(page: PageContext, prefix: str, first: date, start: RecurrenceChoice) -> None:
    """On which days of a month, and what becomes of a shorter one."""
    offered = monthly_options(first)
    if st.session_state.setdefault(prefix + "month", start.month) not in offered:
        st.session_state[prefix + "month"] = ON_DATE  # the first day moved, and is no last of its kind any more
    st.session_state.setdefault(prefix + "dates", list(start.dates))
    month = st.selectbox(
        page.text("series.month"),
        offered,
        format_func=lambda one: _month_option_label(page, one, first),
        key=prefix + "month",
    )
    if month == ON_DATES:
        st.pills(page.text("series.dates"), MONTH_DATES, selection_mode="multi", key=prefix + "dates", wrap=True)
    dates = map(int, st.session_state[prefix + "dates"]) if month == ON_DATES else [first.day]
    latest = max(dates, default=0) if month in (ON_DATE, ON_DATES) else 0
    if latest > LAST_COMMON_DATE:
        st.session_state.setdefault(prefix + "or_last", start.or_last)
        st.checkbox(page.text("series.or_last"), key=prefix + "or_last")


def _month_option_label(page: PageContext, month: str, first: date) -> str:
    """A way to choose the days of a month, in words."""
    if month in (ON_DATE, ON_DATES):
        return page.text(f"series.month.{month}", day=first.day)
    which = LAST_OF_MONTH if month == ON_LAST else weekday_ordinal(first)
    return page.localizer.message_text(describe_weekday(which, first.weekday(), page.localizer.language))


def _render_occurrence_preview(
    page: PageContext, prefix: str, first: WallTime, now: datetime, where: SeriesTarget
) -> None:
    """The next dates as the fields stand, those left out for days without posts too; what cannot be read is said."""
    try:
        repeat = read_recurrence(prefix).to_repeat(first)
        closed = page.read(lambda scope: occurrences.quiet_periods_by_channel(scope, where.creator_id, where.channels))
        walls = repeat.occurrences_between(now, now + SERIES_HORIZON)
    except BadInput as unreadable:
        draw_template("shell/templates/note.html", note=page.localizer.message_text(unreadable.message))
        return
    found = occurrences.split_by_quiet(repeat.iterate_occurrences(now, len(walls) + UPCOMING_COUNT), closed)
    said, made = (
        _describe_recurrence(page, repeat),
        len(occurrences.split_by_quiet(walls, closed).open) * max(len(where.channels), 1),
    )
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
    """What the press would refuse of it."""
    if not where.channels:
        return
    asked = (where.creator_id, where.channels, repeat)
    try:
        page.read(lambda scope: series_beforehand.check_new_series(scope, *asked, instead_of=where.series_id))
    except BadInput as refused:
        draw_template("shell/templates/note.html", note=page.localizer.message_text(refused.message))


def _describe_recurrence(page: PageContext, repeat: Recurrence) -> str:
    """A rule in words, with its weekdays, its hour and its end."""
    often, *on, ends = map(page.localizer.message_text, describe_rule(repeat, page.localizer.language))
    days = ", ".join(page.text(f"series.day.{one}") for one in rule_weekdays(repeat))
    return " · ".join(filter(None, (often, *on, days, f"{repeat.clock:%H:%M}", ends)))


def _local_publish_time(wall: WallTime) -> datetime:
    """When clocks there show it leaving: another hour than planned where that one does not exist."""
    return wall.instant().astimezone(load_zone(wall.zone))


def schedule_series(
    scope: Scope, written: Draft, choice: RecurrenceChoice, at: WallTime, *, key: UUID, author: str, priority: int
) -> PlannedPost:
    """Write a post for a time, or for that time and all that the choice says."""
    if not choice.is_repeating:
        return drafts.plan_draft(scope, written, key=key, at=at, author=author, priority=priority)
    return series.plan_series(
        scope, written, choice.to_repeat(at), key=key, author=author, confirmed=choice.confirmed, priority=priority
    )


def render_series(page: PageContext, found: PostView) -> None:
    """What repeats of an opened post; nothing where it does not."""
    every = page.read(lambda scope: queries.series_of_post_views(scope, found.post.id))
    if not every:
        return
    entry = found.places[0].entry if found.places else None
    one = next((one for one in every if entry is not None and one.id == entry.series_id), every[-1])
    voice = page.localizer.in_zone(one.repeat.zone)
    version = next((each.version for each in every if each.version), "")  # of the date that is open, or those after it
    with st.container(border=True, key="post:series"):
        shown = {
            "said": _describe_recurrence(page, one.repeat),
            "at": _local_publish_time,
            "version": version,
            "slug": found.creator.slug,
        }
        draw_template("pages/post_detail/templates/series.html", one=one, **shown, voice=voice, word=page.text)
        if one.state is SeriesState.STOPPED or not page.has_right(Right.RUN):
            return
        day = date.fromisoformat(entry.occurrence_key[:10]) if entry is not None else None
        with st.container(horizontal=True, gap="small"):
            if day is not None and any(place.entry.state in CANCELLABLE for place in found.places):
                with st.popover(page.text("series.skip", day=page.localizer.format_short_day(day))):
                    act = partial(_skip_occurrence, page, found.creator.id, one.id, day)
                    draw_template("shell/templates/note.html", note=page.text("series.skip_asked"))
                    actions.action_button(
                        page, "series.skip_sure", act, right=Right.RUN, key=f"series:skip:{one.id}:{day}"
                    )
            with st.popover(page.text("series.stop")):
                act = partial(_stop_series, page, found.creator.id, one.id)
                draw_template("shell/templates/note.html", note=page.text("series.stop_asked"))
                actions.action_button(page, "series.stop_sure", act, right=Right.RUN, key=f"series:stop:{one.id}")
        if day is not None and one.repeat.falls_on(day):
            _render_series_change_form(page, found, one, day)


def _skip_occurrence(page: PageContext, creator_id: UUID, series_id: UUID, day: date, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, creator_id)
    series.skip_occurrence(scope, series_id, day)
    return Message("series.skip_done", {"day": f"{day:%d/%m/%Y}"})


def _stop_series(page: PageContext, creator_id: UUID, series_id: UUID, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, creator_id)
    return Message("series.stop_done", {"count": series.stop_series(scope, series_id)})


def render_detach_button(page: PageContext, found: PostView) -> None:
    """The button that makes the date of a series that is open a post of its own, to say something else then."""
    entry = found.places[0].entry if found.places else None
    live = {place.entry.state for place in found.places} - {DeliveryState.CANCELLED}
    if entry is None or entry.series_id is None or not live or live - CANCELLABLE:
        return
    which = (entry.series_id, date.fromisoformat(entry.occurrence_key[:10]))
    st.button(
        page.text("series.alone"),
        icon=":material/event:",
        key=ALONE,
        on_click=_detach_and_edit,
        args=(page, found, which),
    )


def _detach_and_edit(page: PageContext, found: PostView, which: tuple[UUID, date]) -> None:
    """Make it, then open its words."""
    made: list[StoredPost] = []
    actions.run_action(partial(_detach_occurrence, page, found.creator.id, which, made), Right.RUN, ALONE)
    if made and f"press:{ALONE}" not in st.session_state:  # it stands
        edit_mode.start_editing(made[0], found.said, found.creator.slug)


def _detach_occurrence(
    page: PageContext, creator_id: UUID, which: tuple[UUID, date], made: list[StoredPost], scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    series_id, day = which
    post_id = detached_occurrences.detach_occurrence(scope, series_id, day, author=page.viewer.actor)
    made.append(schedule_reads.get_stored_post(scope, post_id))
    return Message("series.alone_done", {"day": f"{day:%d/%m/%Y}"})


def _render_series_change_form(page: PageContext, found: PostView, one: SeriesView, day: date) -> None:
    """Another hour, rule or words from this date on; what has left stays as it is."""
    prefix = f"post:series:{one.id}:{day}:"
    rest = one.repeat.recurrence_from(day)
    with st.expander(page.text("series.change", day=page.localizer.format_short_day(day))):
        draw_template("shell/templates/note.html", note=page.text("series.change_why"))
        st.text_input(page.text("compose.clock"), f"{rest.clock:%H:%M}", key=prefix + "clock", width=120)
        _render_series_body_field(page, prefix, found.post.body)
        where = SeriesTarget(found.creator.id, _select_series_accounts(page, found, one, prefix), one.id)
        begin = choice_of_repeat(rest, page.localizer.language)
        render_recurrence_fields(page, prefix, _read_first_time(prefix, rest), now=found.now, where=where, begin=begin)
        st.button(
            page.text("series.change_go"),
            key=prefix + "go",
            on_click=_submit_series_change,
            args=(page, found, one, day, prefix),
        )


def _render_series_body_field(page: PageContext, prefix: str, said: str) -> None:
    """Its words from this date on. While nobody typed anything they are those the post has now: words that were changed
    meanwhile would else be written back."""
    field, began = prefix + "body", prefix + "began"
    typed = st.session_state.get(field)
    if typed is None or (typed == st.session_state.get(began) and typed != said):
        st.session_state.update({field: said, began: said})
    if st.session_state[began] != said:
        draw_template("shell/templates/note.html", note=page.text("series.meanwhile"))
    st.text_area(page.text("compose.body"), key=field, height=120)


def _select_series_accounts(page: PageContext, found: PostView, one: SeriesView, prefix: str) -> tuple[UUID, ...]:
    """Where it goes from this date on: those it has, and any other that is ready."""
    hers = page.read(lambda scope: list_post_accounts(scope, [found.creator]))
    names = {str(each.id): each.name for each in hers if each.ready or each.id in one.channels}
    st.session_state.setdefault(prefix + "accounts", [str(each) for each in one.channels if str(each) in names])
    st.pills(
        page.text("compose.accounts"),
        list(names),
        format_func=lambda each: names[each],
        selection_mode="multi",
        key=prefix + "accounts",
        wrap=True,
    )
    return _chosen_accounts(prefix)


def _chosen_accounts(prefix: str) -> tuple[UUID, ...]:
    return tuple(map(UUID, st.session_state.get(prefix + "accounts") or ()))


def _read_first_time(prefix: str, rest: Recurrence) -> WallTime | None:
    """The first changed time as it stands in the field; None while nobody can read it."""
    try:
        return WallTime(rest.starts_on, parse_time(str(actions.typed_value(prefix + "clock") or "")), rest.zone)
    except BadInput:
        return None


@dataclass(frozen=True)
class _Fresh:
    """A date of a series, and what was typed for it and all that follow."""

    one: SeriesView
    day: date
    post: StoredPost
    choice: RecurrenceChoice
    clock: str
    body: str
    accounts: tuple[UUID, ...]


def _submit_series_change(page: PageContext, found: PostView, one: SeriesView, day: date, prefix: str) -> None:
    """Change it, then open what it has become."""
    made: list[tuple[UUID, str]] = []
    clock, body = (str(actions.typed_value(prefix + name) or "") for name in ("clock", "body"))
    fresh = _Fresh(one, day, found.post, read_recurrence(prefix), clock, body.strip(), _chosen_accounts(prefix))
    actions.run_action(partial(_change_following_occurrences, page, fresh, made), Right.RUN, prefix + "go")
    if made and f"press:{prefix}go" not in st.session_state:  # it stands
        st.query_params.from_dict({"post": str(made[0][0]), "at": made[0][1]})


def _change_following_occurrences(
    page: PageContext, fresh: _Fresh, made: list[tuple[UUID, str]], scope: Scope, _: UUID
) -> Message:
    post, day = fresh.post, fresh.day
    creator = page.get_creator(scope, post.creator_id)
    repeat = fresh.choice.to_repeat(WallTime(day, parse_time(fresh.clock), fresh.one.repeat.zone))
    words = None
    if fresh.body != post.body.strip():
        drafts.require_unchanged(scope, post.id, drafts.draft_of_post(post))
        said = (post.title, fresh.body, post.media, (), post.text_ai, post.parts, post.others, post.links)
        words = Draft(creator.id, *said)
    other = fresh.accounts if set(fresh.accounts) != set(fresh.one.channels) else None
    change, confirmed = SeriesUpdate(repeat, words, other), fresh.choice.confirmed
    new = series.change_following_occurrences(
        scope, fresh.one.id, day, change, author=page.viewer.actor, confirmed=confirmed
    )
    if other is not None:
        channel_requirements.check_post_requirements(scope, new, connectors=platform_connectors())
    made.append((new, queries.series_of_post_views(scope, new)[-1].next_key))
    return Message("series.changed" if words is None else "series.changed_words", {"day": f"{day:%d/%m/%Y}"})
