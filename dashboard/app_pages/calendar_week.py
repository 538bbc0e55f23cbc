"""A week from a brief: what is asked for, what is proposed for it, and each line accepted, changed or dropped."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.app_pages import calendar_filters
from dashboard.frame import Page
from dashboard.reads.week import Week, week
from dashboard.reads.when import day_of, time_of
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import Conflict
from foundation.words import Message
from schedules import weeks
from schedules.calendar import WallTime
from schedules.states import WeekLineState
from schedules.weeks import Edit, Line, Proposal
from schedules.weeks_brief import MOST, Brief
from tenants.reads import Creator
from tenants.roles import Right

CREATOR = "week:creator"
USUAL = 5
"""Posts of a week, where nobody says how many."""

TICK = "3s"
"""How often a proposal whose words are being written is read again."""


def show(page: Page) -> None:
    """Draw the brief, the newest proposal of the chosen creator, and what is open of those before."""
    calendar_filters.way_back(page)
    draw("week_head.html", word=page.word)
    mine = page.read(page.mine)
    if not mine:
        draw("calendar_empty.html", code="dashboard.no_creators", word=page.word)
        return
    creator = _creator(page, mine)
    found = page.read(lambda scope: week(scope, creator))
    if not found.accounts:
        draw("calendar_empty.html", code="queue.no_account", word=page.word)
        return
    acting.say_told(page, "week")
    with st.expander(page.word("week.brief"), expanded=not found.proposals, icon=":material/edit_calendar:"):
        _brief(page, found)
    waiting = any(not one.written for one in found.proposals)
    st.fragment(_proposals, run_every=TICK if waiting else None)(page, creator, waiting)


def _creator(page: Page, mine: list[Creator]) -> Creator:
    names = {one.slug: one for one in mine}
    chosen = st.selectbox(
        page.word("calendar.creator"), list(names), format_func=lambda one: names[one].name, key=CREATOR, width=320
    )
    return names[chosen]


def _key(name: str, creator: Creator) -> str:
    return f"week:{name}:{creator.slug}"


def _brief(page: Page, found: Week) -> None:
    one = found.creator
    with st.form(_key("brief", one), border=False):
        st.text_input(page.word("week.goal"), key=_key("goal", one), max_chars=200)
        st.text_area(page.word("week.topics"), key=_key("topics", one), help=page.word("week.topics_why"))
        st.text_input(page.word("week.tone"), found.tone, key=_key("tone", one), max_chars=200)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(page.word("week.first"), f"{found.monday:%d/%m/%Y}", key=_key("first", one), width=150)
            st.number_input(page.word("week.count"), 1, MOST, USUAL, key=_key("count", one), width=150)
        st.pills(
            page.word("week.days"),
            [str(day) for day in range(7)],
            selection_mode="multi",
            default=[str(day) for day in range(7)],
            format_func=lambda day: page.word(f"queue.day.{day}"),
            key=_key("days", one),
        )
        st.multiselect(
            page.word("week.accounts"),
            list(found.accounts),
            default=list(found.accounts)[:1],
            format_func=lambda key: found.accounts[key],
            key=_key("accounts", one),
            placeholder=page.word("week.accounts_hint"),
            select_all=False,
        )
        if found.recipes:
            st.multiselect(
                page.word("week.recipes"),
                list(found.recipes),
                format_func=lambda key: found.recipes[key],
                key=_key("recipes", one),
                help=page.word("week.recipes_why"),
                placeholder=page.word("week.recipes_hint"),
                select_all=False,
            )
        st.text_input(page.word("week.link"), key=_key("link", one))
        act = partial(_ask, page, found)
        acting.submit(page, "week.ask", act, right=Right.RUN, key=_key("ask", one))


def _ask(page: Page, found: Week, scope: Scope, press: UUID) -> Message:
    creator = page.my(scope, found.creator.id)

    def typed(name: str) -> str:
        return " ".join(str(acting.typed(_key(name, creator)) or "").split())

    def chosen(name: str) -> tuple[UUID, ...]:
        return tuple(map(UUID, acting.typed(_key(name, creator)) or ()))

    topics = str(acting.typed(_key("topics", creator)) or "").splitlines()
    brief = Brief(
        creator_id=creator.id,
        goal=typed("goal"),
        tone=typed("tone"),
        language=found.language,
        channels=chosen("accounts"),
        first=day_of(typed("first")),
        weekdays=tuple(sorted(map(int, acting.typed(_key("days", creator)) or ()))),
        count=int(acting.typed(_key("count", creator)) or USUAL),
        topics=tuple(filter(None, (" ".join(one.split()) for one in topics))),
        link=typed("link"),
        recipes=chosen("recipes"),
        forbidden=found.forbidden,
    )
    weeks.ask(scope, brief, key=press)
    return Message("week.asked")


def _proposals(drawn: Page, creator: Creator, waiting: bool) -> None:
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    acting.say_told(page, "week:lines")
    found = page.read(lambda scope: week(scope, page.my(scope, creator.id)))
    if waiting and all(one.written for one in found.proposals):
        st.rerun()
    for one in found.proposals:
        _proposal(page, found, one, one.lines)
    left = sum(len(one.undecided) for one in found.earlier)
    if left:
        with st.expander(page.word("week.earlier", count=left)):
            for one in found.earlier:
                _proposal(page, found, one, one.undecided)


def _proposal(page: Page, found: Week, proposal: Proposal, lines: Sequence[Line]) -> None:
    draw("week_proposal.html", found=proposal, now=found.now, voice=page.voice.at(found.creator.zone), word=page.word)
    for line in lines:
        with st.container(border=True, gap="small", key=f"week:line:{line.id}"):
            draw("week_line.html", line=line, found=found, voice=page.voice, word=page.word)
            if line.state is WeekLineState.PROPOSED and page.may(Right.RUN):
                _line(page, found, line)


def _typed(line: Line, name: str) -> str:
    return f"week:{name}:{line.id}:{line.version}"


def _line(page: Page, found: Week, line: Line) -> None:
    with st.form(_typed(line, "form"), border=False):
        st.text_area(page.word("week.words"), line.body, key=_typed(line, "body"))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(page.word("compose.day"), f"{line.at.day:%d/%m/%Y}", key=_typed(line, "day"), width=150)
            st.text_input(page.word("compose.clock"), f"{line.at.clock:%H:%M}", key=_typed(line, "clock"), width=110)
            if found.recipes:
                known = str(line.recipe_id)
                st.selectbox(
                    page.word("week.recipe"),
                    ["", *found.recipes],
                    index=list(found.recipes).index(known) + 1 if known in found.recipes else 0,
                    format_func=lambda key: found.recipes.get(key, page.word("week.no_picture")),
                    key=_typed(line, "recipe"),
                    width=260,
                )
        with st.container(horizontal=True, gap="small"):
            accept, keep = partial(_accept, page, line), partial(_keep, page, line)
            acting.submit(page, "week.accept", accept, right=Right.RUN, key=_typed(line, "accept"))
            acting.submit(page, "week.keep", keep, right=Right.RUN, key=_typed(line, "keep"), kind="secondary")
            out = partial(_drop, page, line)
            acting.submit(page, "week.drop", out, right=Right.RUN, key=_typed(line, "drop"), kind="tertiary")


def _wanted(line: Line) -> Edit:
    """What stands in the fields of a line."""
    recipe = acting.typed(_typed(line, "recipe"))
    day, clock = (str(acting.typed(_typed(line, name))) for name in ("day", "clock"))
    at = WallTime(day_of(day), time_of(clock), line.at.zone)
    return Edit(str(acting.typed(_typed(line, "body")) or ""), at, UUID(recipe) if recipe else None)


def _said(line: Line) -> Edit:
    """What a line says."""
    return Edit(line.body, line.at, line.recipe_id)


def _accept(page: Page, line: Line, scope: Scope, _: UUID) -> Message:
    page.my(scope, line.creator_id)
    version, wanted, now = line.version, _wanted(line), weeks.line_of(scope, line.id)
    if now.state is WeekLineState.ACCEPTED and wanted != _said(now):  # in another tab: these words are in no draft
        raise Conflict("week.changed")
    if now.state is WeekLineState.PROPOSED and wanted != _said(line):
        weeks.edit(scope, line.id, wanted, version=version)
        version += 1
    weeks.accept(scope, line.id, version=version)
    return Message("week.accepted")


def _keep(page: Page, line: Line, scope: Scope, _: UUID) -> Message:
    page.my(scope, line.creator_id)
    wanted = _wanted(line)
    if wanted != _said(line):
        weeks.edit(scope, line.id, wanted, version=line.version)
    return Message("week.kept")


def _drop(page: Page, line: Line, scope: Scope, _: UUID) -> Message:
    page.my(scope, line.creator_id)
    weeks.drop(scope, line.id, version=line.version)
    return Message("week.dropped")
