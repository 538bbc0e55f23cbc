"""AI weekly plan: a brief, the proposed posts, and the decision about each of them."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.planning.weekly_plan_queries import WeeklyPlanView, load_weekly_plan
from dashboard.pages.posts import result_citations
from dashboard.pages.posts.calendar_navigation import render_back_button
from dashboard.shell import actions, forms, page_context
from dashboard.shell.date_input import parse_date, parse_time
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import Conflict
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime
from schedules.suggestions.states import WeekLineState
from schedules.suggestions.weekly_plans import proposals
from schedules.suggestions.weekly_plans.brief import MAX_WEEK_POSTS, WeekBrief
from schedules.suggestions.weekly_plans.proposals import WeekLineChange, WeekLineView, WeekProposal
from schedules.suggestions.weekly_plans.time_layout import WEEKENDS
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

CREATOR = "week:creator"
USUAL = 5
"""Default number of posts in a week."""

TICK = "3s"
"""Polling interval while texts of a plan are being written."""


def render_weekly_plan(page: PageContext) -> None:
    """Draw the brief, the newest plan of the chosen creator, and open lines of earlier plans."""
    render_back_button(page)
    draw_template("pages/planning/templates/weekly_plan_header.html", word=page.text)
    mine = page.read(page.list_creators)
    if not mine:
        draw_template("shell/templates/empty.html", code="dashboard.no_creators", word=page.text)
        return
    creator = _select_creator(page, mine)
    found = page.read(lambda scope: load_weekly_plan(scope, creator))
    if not found.accounts:
        draw_template("shell/templates/empty.html", code="queue.no_account", word=page.text)
        return
    actions.show_notices(page, "week")
    with st.expander(
        page.text("week.brief"), expanded=not found.proposals, icon=":material/edit_calendar:"
    ):
        _render_brief_form(page, found)
    waiting = any(not one.written for one in found.proposals)
    st.fragment(_render_proposals, run_every=TICK if waiting else None)(page, creator, waiting)


def _select_creator(page: PageContext, mine: list[Creator]) -> Creator:
    names = {one.slug: one for one in mine}
    chosen = st.selectbox(
        page.text("calendar.creator"),
        list(names),
        format_func=lambda one: names[one].name,
        key=CREATOR,
        width=320,
    )
    return names[chosen]


def _brief_field_key(name: str, creator: Creator) -> str:
    return f"week:{name}:{creator.slug}"


def _render_brief_form(page: PageContext, found: WeeklyPlanView) -> None:
    one = found.creator
    with forms.open_form(page, _brief_field_key("brief", one)):
        st.text_input(page.text("week.goal"), key=_brief_field_key("goal", one), max_chars=200)
        forms.show_field_error("goal")
        st.text_area(
            page.text("week.topics"),
            key=_brief_field_key("topics", one),
            help=page.text("week.topics_why"),
        )
        st.text_input(
            page.text("week.tone"), found.tone, key=_brief_field_key("tone", one), max_chars=200
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                page.text("week.first"),
                f"{found.monday:%d/%m/%Y}",
                key=_brief_field_key("first", one),
                width=150,
            )
            forms.show_field_error("first")
            st.number_input(
                page.text("week.count"),
                1,
                MAX_WEEK_POSTS,
                USUAL,
                key=_brief_field_key("count", one),
                width=150,
            )
        st.pills(
            page.text("week.days"),
            [str(day) for day in range(7)],
            selection_mode="multi",
            default=[str(day) for day in range(7)],
            format_func=lambda day: page.text(f"queue.day.{day}"),
            key=_brief_field_key("days", one),
        )
        st.multiselect(
            page.text("week.accounts"),
            list(found.accounts),
            default=list(found.accounts)[:1],
            format_func=lambda key: found.accounts[key],
            key=_brief_field_key("accounts", one),
            placeholder=page.text("week.accounts_hint"),
            select_all=False,
        )
        if found.recipes:
            _render_recipes_field(page, found)
        st.text_input(page.text("week.link"), key=_brief_field_key("link", one))
        forms.show_field_error("link")
        act = partial(_request_weekly_plan, page, found)
        actions.submit_button(
            page, "week.ask", act, right=Right.RUN, key=_brief_field_key("ask", one)
        )


def _render_recipes_field(page: PageContext, found: WeeklyPlanView) -> None:
    st.multiselect(
        page.text("week.recipes"),
        list(found.recipes),
        format_func=lambda key: found.recipes[key],
        key=_brief_field_key("recipes", found.creator),
        help=page.text("week.recipes_why"),
        placeholder=page.text("week.recipes_hint"),
        select_all=False,
    )


def _request_weekly_plan(
    page: PageContext, found: WeeklyPlanView, scope: Scope, press: UUID
) -> Message:
    creator = page.get_creator(scope, found.creator.id)

    def typed(name: str) -> str:
        return " ".join(str(actions.typed_value(_brief_field_key(name, creator)) or "").split())

    def chosen(name: str) -> tuple[UUID, ...]:
        return tuple(map(UUID, actions.typed_value(_brief_field_key(name, creator)) or ()))

    topics = str(actions.typed_value(_brief_field_key("topics", creator)) or "").splitlines()
    brief = WeekBrief(
        creator_id=creator.id,
        goal=typed("goal"),
        tone=typed("tone"),
        language=found.text_language,
        channels=chosen("accounts"),
        first=actions.parse_field(_brief_field_key("first", creator), "first", parse_date),
        weekdays=tuple(
            sorted(map(int, actions.typed_value(_brief_field_key("days", creator)) or ()))
        ),
        count=int(actions.typed_value(_brief_field_key("count", creator)) or USUAL),
        topics=tuple(filter(None, (" ".join(one.split()) for one in topics))),
        link=typed("link"),
        recipes=chosen("recipes"),
        forbidden=found.forbidden,
    )
    proposals.request_week(scope, brief, key=press)
    return Message("week.asked")


def _render_proposals(drawn: PageContext, creator: Creator, waiting: bool) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    actions.show_notices(page, "week:lines")
    found = page.read(lambda scope: load_weekly_plan(scope, page.get_creator(scope, creator.id)))
    if waiting and all(one.written for one in found.proposals):
        st.rerun()
    for one in found.proposals:
        _render_proposal(page, found, one, one.lines)
    left = sum(len(one.open_lines) for one in found.earlier)
    if left:
        with st.expander(page.text("week.earlier", count=left)):
            for one in found.earlier:
                _render_proposal(page, found, one, one.open_lines)


def _render_proposal(
    page: PageContext, found: WeeklyPlanView, proposal: WeekProposal, lines: Sequence[WeekLineView]
) -> None:
    draw_template(
        "pages/planning/templates/weekly_plan.html",
        found=proposal,
        results=_describe_results(page, proposal),
        now=found.now,
        voice=page.localizer.in_zone(found.creator.zone),
        word=page.text,
    )
    for line in lines:
        with st.container(border=True, gap="small", key=f"week:line:{line.id}"):
            draw_template(
                "pages/planning/templates/weekly_plan_line.html",
                line=line,
                evidence=_describe_hour(page, proposal, line),
                found=found,
                voice=page.localizer,
                word=page.text,
            )
            if line.state is WeekLineState.PROPOSED and page.has_right(Right.RUN):
                _render_line_form(page, found, line)


def _describe_results(page: PageContext, proposal: WeekProposal) -> list[str]:
    """Return the measured results that the plan uses."""
    results = proposal.brief.results
    if results is None:
        return []
    lessons = [result_citations.describe_lesson(page, one) for one in results.lessons]
    return [*lessons, *result_citations.describe_outlook(page, results)]


def _describe_hour(page: PageContext, proposal: WeekProposal, line: WeekLineView) -> str:
    """Return the evidence of the hour of a line, or "" if it was not chosen by results."""
    if line.hour_from != "best":
        return ""
    return result_citations.describe_best_hour(
        page,
        proposal.brief.results,
        line.channels,
        weekend=line.at.day.weekday() in WEEKENDS,
        clock=line.at.clock.hour,
    )


def _line_field_key(line: WeekLineView, name: str) -> str:
    return f"week:{name}:{line.id}:{line.version}"


def _render_line_form(page: PageContext, found: WeeklyPlanView, line: WeekLineView) -> None:
    with forms.open_form(page, _line_field_key(line, "form")):
        st.text_area(page.text("week.words"), line.body, key=_line_field_key(line, "body"))
        forms.show_field_error("body")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                page.text("compose.day"),
                f"{line.at.day:%d/%m/%Y}",
                key=_line_field_key(line, "day"),
                width=150,
            )
            forms.show_field_error("day")
            st.text_input(
                page.text("compose.clock"),
                f"{line.at.clock:%H:%M}",
                key=_line_field_key(line, "clock"),
                width=110,
            )
            forms.show_field_error("clock")
            if found.recipes:
                known = str(line.recipe_id)
                st.selectbox(
                    page.text("week.recipe"),
                    ["", *found.recipes],
                    index=list(found.recipes).index(known) + 1 if known in found.recipes else 0,
                    format_func=lambda key: found.recipes.get(key, page.text("week.no_picture")),
                    key=_line_field_key(line, "recipe"),
                    width=260,
                )
        with st.container(horizontal=True, gap="small"):
            accept = partial(_accept_week_line, page, line)
            keep = partial(_save_week_line, page, line)
            actions.submit_button(
                page, "week.accept", accept, right=Right.RUN, key=_line_field_key(line, "accept")
            )
            actions.submit_button(
                page,
                "week.keep",
                keep,
                right=Right.RUN,
                key=_line_field_key(line, "keep"),
                kind="secondary",
            )
            out = partial(_drop_week_line, page, line)
            actions.submit_button(
                page,
                "week.drop",
                out,
                right=Right.RUN,
                key=_line_field_key(line, "drop"),
                kind="tertiary",
            )


def _read_line_change(line: WeekLineView) -> WeekLineChange:
    """Return the values in the fields of a line."""
    recipe = actions.typed_value(_line_field_key(line, "recipe"))
    day, clock = (
        str(actions.typed_value(_line_field_key(line, name))) for name in ("day", "clock")
    )
    at = WallTime(parse_date(day), parse_time(clock), line.at.zone)
    return WeekLineChange(
        str(actions.typed_value(_line_field_key(line, "body")) or ""),
        at,
        UUID(recipe) if recipe else None,
    )


def _line_to_change(line: WeekLineView) -> WeekLineChange:
    """Return the stored values of a line."""
    return WeekLineChange(line.body, line.at, line.recipe_id)


def _accept_week_line(page: PageContext, line: WeekLineView, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, line.creator_id)
    version = line.version
    wanted = _read_line_change(line)
    now = proposals.get_week_line(scope, line.id)
    if now.state is WeekLineState.ACCEPTED and wanted != _line_to_change(
        now
    ):  # The line was accepted in another tab; this text is not in the draft.
        raise Conflict("week.changed")
    if now.state is WeekLineState.PROPOSED and wanted != _line_to_change(line):
        proposals.update_week_line(scope, line.id, wanted, version=version)
        version += 1
    proposals.accept_week_line(scope, line.id, version=version)
    return Message("week.accepted")


def _save_week_line(page: PageContext, line: WeekLineView, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, line.creator_id)
    wanted = _read_line_change(line)
    if wanted != _line_to_change(line):
        proposals.update_week_line(scope, line.id, wanted, version=line.version)
    return Message("week.kept")


def _drop_week_line(page: PageContext, line: WeekLineView, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, line.creator_id)
    proposals.drop_week_line(scope, line.id, version=line.version)
    return Message("week.dropped")
