"""A post that repeats: choosing how while it is written, and what may be done with it while it goes on."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import compose_rework
from dashboard.frame import Page
from dashboard.reads.compose import accounts, connectors
from dashboard.reads.posts import Opened
from dashboard.reads.series import (
    DATES,
    KINDS,
    LATEST,
    ON_DATE,
    ON_DATES,
    ON_LAST,
    WEEKDAYS,
    Choice,
    chosen_of,
    days_of,
    endless,
    months_of,
    nth_of,
    rule_said,
    weekday_said,
)
from dashboard.reads.when import time_of
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from schedules import drafting, selling, series, series_apart, series_beforehand, series_reads, series_rule
from schedules import reads as schedule_reads
from schedules.calendar import WallTime, zone_of
from schedules.drafting import Draft, Planned
from schedules.reads import Written
from schedules.recurrence import LAST, Every, Repeat
from schedules.series import AHEAD, AT_ONCE, Change
from schedules.series_reads import NEXT, Repeated
from schedules.states import CANCELLABLE, DeliveryState, SeriesState
from tenants.roles import Right

ALONE = "post:alone"


@dataclass(frozen=True)
class Where:
    """Whose post repeats, and on which accounts."""

    creator_id: UUID
    channels: tuple[UUID, ...]
    series_id: UUID | None = None
    """The series whose place it takes."""


def chosen(prefix: str) -> Choice:
    """What stands in the fields under `prefix` now. Ask before a scope opens."""

    def typed(name: str) -> str:
        return str(acting.typed(prefix + name) or "")

    return Choice(
        every=typed("every") or KINDS[0],
        step=typed("step") or "1",
        days=tuple(st.session_state.get(prefix + "days") or ()),
        month=typed("month") or ON_DATE,
        dates=tuple(st.session_state.get(prefix + "dates") or ()),
        or_last=bool(st.session_state.get(prefix + "or_last")),
        end=typed("end"),
        confirmed=bool(st.session_state.get(prefix + "confirmed")),
    )


def fields(
    page: Page, prefix: str, first: WallTime | None, *, now: datetime, where: Where, begin: Choice | None = None
) -> None:
    """The fields of a repetition from a first time on (None: not readable yet), and what comes of them `where` it goes.

    Without `begin` nothing repeats until somebody chooses so; with it, the fields begin as it says.
    """
    offered = KINDS if begin is None else KINDS[1:]
    start = begin or Choice()
    st.session_state.setdefault(prefix + "every", start.every)
    every = st.selectbox(
        page.word("series.repeat"),
        offered,
        format_func=lambda one: page.word(f"series.kind.{one}"),
        key=prefix + "every",
    )
    if every == KINDS[0]:
        return
    for name, value in (("step", start.step), ("end", start.end), ("days", list(start.days))):
        st.session_state.setdefault(prefix + name, value)
    with st.container(horizontal=True):
        st.text_input(page.word(f"series.step.{every}"), key=prefix + "step", width=130)
        st.text_input(page.word("series.end", none=endless(page.voice.language)), key=prefix + "end", width=300)
    if every == Every.WEEK:
        st.pills(
            page.word("series.days"),
            WEEKDAYS,
            format_func=lambda one: page.word(f"series.day.{one}"),
            selection_mode="multi",
            key=prefix + "days",
        )
    if every == Every.MONTH and first is not None:
        _month(page, prefix, first.day, start)
    if first is not None:
        _preview(page, prefix, first, now, where)


def _month(page: Page, prefix: str, first: date, start: Choice) -> None:
    """On which days of a month, and what becomes of a shorter one."""
    offered = months_of(first)
    if st.session_state.setdefault(prefix + "month", start.month) not in offered:
        st.session_state[prefix + "month"] = ON_DATE  # the first day moved, and is no last of its kind any more
    st.session_state.setdefault(prefix + "dates", list(start.dates))
    month = st.selectbox(
        page.word("series.month"), offered, format_func=lambda one: _in_month(page, one, first), key=prefix + "month"
    )
    if month == ON_DATES:
        st.pills(page.word("series.dates"), DATES, selection_mode="multi", key=prefix + "dates", wrap=True)
    dates = map(int, st.session_state[prefix + "dates"]) if month == ON_DATES else [first.day]
    latest = max(dates, default=0) if month in (ON_DATE, ON_DATES) else 0
    if latest > LATEST:
        st.session_state.setdefault(prefix + "or_last", start.or_last)
        st.checkbox(page.word("series.or_last"), key=prefix + "or_last")


def _in_month(page: Page, month: str, first: date) -> str:
    """A way to choose the days of a month, in words."""
    if month in (ON_DATE, ON_DATES):
        return page.word(f"series.month.{month}", day=first.day)
    which = LAST if month == ON_LAST else nth_of(first)
    return page.voice.say(weekday_said(which, first.weekday(), page.voice.language))


def _preview(page: Page, prefix: str, first: WallTime, now: datetime, where: Where) -> None:
    """The next dates as the fields stand, those left out for days without posts too; what cannot be read is said."""
    try:
        repeat = chosen(prefix).repeat(first)
        closed = page.read(lambda scope: series_rule.shut(scope, where.creator_id, where.channels))
        walls = repeat.between(now, now + AHEAD)
    except BadInput as unreadable:
        draw("calendar_note.html", note=page.voice.say(unreadable.message))
        return
    found = series_rule.parted(repeat.upcoming(now, len(walls) + NEXT), closed)
    said, made = _said(page, repeat), len(series_rule.parted(walls, closed).open) * max(len(where.channels), 1)
    shown = {"coming": found.open[:NEXT], "quiet": found.quiet}
    draw("calendar_dates.html", said=said, **shown, at=_leaves, voice=page.voice, word=page.word)
    if made > AT_ONCE:
        st.checkbox(page.word("series.confirm", count=made), key=prefix + "confirmed")
    _against(page, repeat, where)


def _against(page: Page, repeat: Repeat, where: Where) -> None:
    """What the press would refuse of it."""
    if not where.channels:
        return
    asked = (where.creator_id, where.channels, repeat)
    try:
        page.read(lambda scope: series_beforehand.check(scope, *asked, instead_of=where.series_id))
    except BadInput as refused:
        draw("calendar_note.html", note=page.voice.say(refused.message))


def _said(page: Page, repeat: Repeat) -> str:
    """A rule in words, with its weekdays, its hour and its end."""
    often, *on, ends = map(page.voice.say, rule_said(repeat, page.voice.language))
    days = ", ".join(page.word(f"series.day.{one}") for one in days_of(repeat))
    return " · ".join(filter(None, (often, *on, days, f"{repeat.clock:%H:%M}", ends)))


def _leaves(wall: WallTime) -> datetime:
    """When clocks there show it leaving: another hour than planned where that one does not exist."""
    return wall.instant().astimezone(zone_of(wall.zone))


def plan(
    scope: Scope, written: Draft, choice: Choice, at: WallTime, *, key: UUID, author: str, priority: int
) -> Planned:
    """Write a post for a time, or for that time and all that the choice says."""
    if not choice.wanted:
        return drafting.plan(scope, written, key=key, at=at, author=author, priority=priority)
    return series.plan(
        scope, written, choice.repeat(at), key=key, author=author, confirmed=choice.confirmed, priority=priority
    )


def show(page: Page, found: Opened) -> None:
    """What repeats of an opened post; nothing where it does not."""
    every = page.read(lambda scope: series_reads.of_post(scope, found.post.id))
    if not every:
        return
    entry = found.places[0].entry if found.places else None
    one = next((one for one in every if entry is not None and one.id == entry.series_id), every[-1])
    voice = page.voice.at(one.repeat.zone)
    version = next((each.version for each in every if each.version), "")  # of the date that is open, or those after it
    with st.container(border=True, key="post:series"):
        shown = {"said": _said(page, one.repeat), "at": _leaves, "version": version, "slug": found.creator.slug}
        draw("calendar_series.html", one=one, **shown, voice=voice, word=page.word)
        if one.state is SeriesState.STOPPED or not page.may(Right.RUN):
            return
        day = date.fromisoformat(entry.occurrence_key[:10]) if entry is not None else None
        with st.container(horizontal=True, gap="small"):
            if day is not None and any(place.entry.state in CANCELLABLE for place in found.places):
                with st.popover(page.word("series.skip", day=page.voice.short_day(day))):
                    act = partial(_skip, page, found.creator.id, one.id, day)
                    draw("calendar_note.html", note=page.word("series.skip_asked"))
                    acting.button(page, "series.skip_sure", act, right=Right.RUN, key=f"series:skip:{one.id}:{day}")
            with st.popover(page.word("series.stop")):
                act = partial(_stop, page, found.creator.id, one.id)
                draw("calendar_note.html", note=page.word("series.stop_asked"))
                acting.button(page, "series.stop_sure", act, right=Right.RUN, key=f"series:stop:{one.id}")
        if day is not None and one.repeat.falls_on(day):
            _change(page, found, one, day)


def _skip(page: Page, creator_id: UUID, series_id: UUID, day: date, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    series.skip(scope, series_id, day)
    return Message("series.skip_done", {"day": f"{day:%d/%m/%Y}"})


def _stop(page: Page, creator_id: UUID, series_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    return Message("series.stop_done", {"count": series.stop(scope, series_id)})


def alone(page: Page, found: Opened) -> None:
    """The button that makes the date of a series that is open a post of its own, to say something else then."""
    entry = found.places[0].entry if found.places else None
    live = {place.entry.state for place in found.places} - {DeliveryState.CANCELLED}
    if entry is None or entry.series_id is None or not live or live - CANCELLABLE:
        return
    which = (entry.series_id, date.fromisoformat(entry.occurrence_key[:10]))
    st.button(
        page.word("series.alone"), icon=":material/event:", key=ALONE, on_click=_parted, args=(page, found, which)
    )


def _parted(page: Page, found: Opened, which: tuple[UUID, date]) -> None:
    """Make it, then open its words."""
    made: list[Written] = []
    acting.press(partial(_alone, page, found.creator.id, which, made), Right.RUN, ALONE)
    if made and f"press:{ALONE}" not in st.session_state:  # it stands
        compose_rework.begin(made[0], found.said, found.creator.slug)


def _alone(
    page: Page, creator_id: UUID, which: tuple[UUID, date], made: list[Written], scope: Scope, _: UUID
) -> Message:
    page.my(scope, creator_id)
    series_id, day = which
    post_id = series_apart.detach(scope, series_id, day, author=page.who.actor)
    made.append(schedule_reads.written_post(scope, post_id))
    return Message("series.alone_done", {"day": f"{day:%d/%m/%Y}"})


def _change(page: Page, found: Opened, one: Repeated, day: date) -> None:
    """Another hour, rule or words from this date on; what has left stays as it is."""
    prefix = f"post:series:{one.id}:{day}:"
    rest = one.repeat.following(day)
    with st.expander(page.word("series.change", day=page.voice.short_day(day))):
        draw("calendar_note.html", note=page.word("series.change_why"))
        st.text_input(page.word("compose.clock"), f"{rest.clock:%H:%M}", key=prefix + "clock", width=120)
        _words(page, prefix, found.post.body)
        where = Where(found.creator.id, _accounts(page, found, one, prefix), one.id)
        begin = chosen_of(rest, page.voice.language)
        fields(page, prefix, _first(prefix, rest), now=found.now, where=where, begin=begin)
        st.button(
            page.word("series.change_go"), key=prefix + "go", on_click=_changed, args=(page, found, one, day, prefix)
        )


def _words(page: Page, prefix: str, said: str) -> None:
    """Its words from this date on. While nobody typed anything they are those the post has now: words that were changed
    meanwhile would else be written back."""
    field, began = prefix + "body", prefix + "began"
    typed = st.session_state.get(field)
    if typed is None or (typed == st.session_state.get(began) and typed != said):
        st.session_state.update({field: said, began: said})
    if st.session_state[began] != said:
        draw("calendar_note.html", note=page.word("series.meanwhile"))
    st.text_area(page.word("compose.body"), key=field, height=120)


def _accounts(page: Page, found: Opened, one: Repeated, prefix: str) -> tuple[UUID, ...]:
    """Where it goes from this date on: those it has, and any other that is ready."""
    hers = page.read(lambda scope: accounts(scope, [found.creator]))
    names = {str(each.id): each.name for each in hers if each.ready or each.id in one.channels}
    st.session_state.setdefault(prefix + "accounts", [str(each) for each in one.channels if str(each) in names])
    st.pills(
        page.word("compose.accounts"),
        list(names),
        format_func=lambda each: names[each],
        selection_mode="multi",
        key=prefix + "accounts",
        wrap=True,
    )
    return _chosen_accounts(prefix)


def _chosen_accounts(prefix: str) -> tuple[UUID, ...]:
    return tuple(map(UUID, st.session_state.get(prefix + "accounts") or ()))


def _first(prefix: str, rest: Repeat) -> WallTime | None:
    """The first changed time as it stands in the field; None while nobody can read it."""
    try:
        return WallTime(rest.starts_on, time_of(str(acting.typed(prefix + "clock") or "")), rest.zone)
    except BadInput:
        return None


@dataclass(frozen=True)
class _Fresh:
    """A date of a series, and what was typed for it and all that follow."""

    one: Repeated
    day: date
    post: Written
    choice: Choice
    clock: str
    body: str
    accounts: tuple[UUID, ...]


def _changed(page: Page, found: Opened, one: Repeated, day: date, prefix: str) -> None:
    """Change it, then open what it has become."""
    made: list[tuple[UUID, str]] = []
    clock, body = (str(acting.typed(prefix + name) or "") for name in ("clock", "body"))
    fresh = _Fresh(one, day, found.post, chosen(prefix), clock, body.strip(), _chosen_accounts(prefix))
    acting.press(partial(_follow, page, fresh, made), Right.RUN, prefix + "go")
    if made and f"press:{prefix}go" not in st.session_state:  # it stands
        st.query_params.from_dict({"post": str(made[0][0]), "at": made[0][1]})


def _follow(page: Page, fresh: _Fresh, made: list[tuple[UUID, str]], scope: Scope, _: UUID) -> Message:
    post, day = fresh.post, fresh.day
    creator = page.my(scope, post.creator_id)
    repeat = fresh.choice.repeat(WallTime(day, time_of(fresh.clock), fresh.one.repeat.zone))
    words = None
    if fresh.body != post.body.strip():
        drafting.unchanged(scope, post.id, drafting.as_written(post))
        said = (post.title, fresh.body, post.media, (), post.text_ai, post.parts, post.others, post.links)
        words = Draft(creator.id, *said)
    other = fresh.accounts if set(fresh.accounts) != set(fresh.one.channels) else None
    change, confirmed = Change(repeat, words, other), fresh.choice.confirmed
    new = series.change_following(scope, fresh.one.id, day, change, author=page.who.actor, confirmed=confirmed)
    if other is not None:
        selling.check(scope, new, connectors=connectors())
    made.append((new, series_reads.of_post(scope, new)[-1].next_key))
    return Message("series.changed" if words is None else "series.changed_words", {"day": f"{day:%d/%m/%Y}"})
