"""Post ideas based on past results. The user requests them, then uses an idea for AI captions or
dismisses it."""

from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.compose import captions
from dashboard.pages.compose.draft import IDEAS_PREFIX, field_text
from dashboard.pages.posts import result_citations
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from generators.contract.engines import OriginLabel
from insights.analysis import post_lessons
from schedules.suggestions.captions.brief import MAX_IDEA_LENGTH
from schedules.suggestions.ideas import proposals
from schedules.suggestions.ideas.prompts import Idea
from schedules.suggestions.ideas.proposals import IdeaBatch
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES
from schedules.suggestions.shared.results import MeasuredResults, lessons_about
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

LANGUAGE = f"{IDEAS_PREFIX}language"
SHORT = 80
"""Maximum number of characters quoted from an earlier post."""


def render_ideas(page: PageContext, creator: Creator) -> None:
    """Render the form for ideas and the latest ideas for the creator."""
    if not page.has_right(Right.RUN):
        return
    found = page.read(
        lambda scope: proposals.latest_ideas(scope, page.get_creator(scope, creator.id).id)
    )
    with st.expander(
        page.text("ideas.title"), icon=":material/lightbulb:", expanded=found is not None
    ):
        draw_template("shell/templates/note.html", note=page.text("ideas.why"))
        _render_idea_request(page, creator)
        if found is not None and not found.written:
            _poll_ideas(page, creator)
        # Outside any fragment, because using an idea changes fields of the whole page.
        elif found is not None:
            _render_idea_batch(page, found)


def _render_idea_request(page: PageContext, creator: Creator) -> None:
    if field_text(LANGUAGE) not in WRITABLE_LANGUAGES:
        st.session_state[LANGUAGE] = next(
            (one for one in creator.languages if one in WRITABLE_LANGUAGES), WRITABLE_LANGUAGES[0]
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            page.text("kit.language"),
            WRITABLE_LANGUAGES,
            format_func=captions.language_labeler(page),
            key=LANGUAGE,
            width=180,
        )
        act = partial(_request_ideas, page, creator)
        actions.action_button(
            page,
            "ideas.ask",
            act,
            right=Right.RUN,
            key="compose:ideas:ask",
            icon=":material/lightbulb:",
        )


def _request_ideas(page: PageContext, creator: Creator, scope: Scope, press: UUID) -> Message:
    post_lessons.request_ideas_from_results(
        scope,
        page.get_creator(scope, creator.id),
        key=press,
        language=str(actions.typed_value(LANGUAGE) or ""),
    )
    return Message("ideas.asked")


@st.fragment(run_every=captions.REFRESH_INTERVAL)
def _poll_ideas(drawn: PageContext, creator: Creator) -> None:
    """Poll for the ideas, which workers write. Rerun the page when they are complete."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    found = page.read(
        lambda scope: proposals.latest_ideas(scope, page.get_creator(scope, creator.id).id)
    )
    if found is None or found.written:
        st.rerun()
    draw_template("shell/templates/note.html", note=page.text("ideas.waiting"))


def _render_idea_batch(page: PageContext, found: IdeaBatch) -> None:
    draw_template(
        "pages/compose/templates/idea_source.html",
        lines=_describe_results(page, found.brief.results),
    )
    if found.label == OriginLabel.DEMO:
        draw_template("shell/templates/note.html", note=page.text("ideas.demo"))
    for lack in found.lacks:
        draw_template(
            "shell/templates/suggestion_missing.html",
            what=page.text("ideas.fewer"),
            why=page.localizer.message_text(lack),
        )
    if found.ideas and not found.open_ideas:
        draw_template("shell/templates/note.html", note=page.text("ideas.none_left"))
    for number, one in found.open_ideas:
        _render_idea(page, found, number, one)


def _describe_results(page: PageContext, results: MeasuredResults) -> list[str]:
    """Describe the measured results that the ideas are based on."""
    told = {"posts": results.posts, "hours": results.age_hours}
    if results.lacking:
        return [page.text("ideas.lacking", **told, need=post_lessons.MIN_POSTS_FOR_LESSONS)]
    learned = [result_citations.describe_lesson(page, one) for one in results.lessons] or [
        page.text("ideas.no_lessons")
    ]
    outlook = result_citations.describe_outlook(page, results)
    return [page.text("ideas.rests", **told), *learned, *outlook]


def _render_idea(page: PageContext, found: IdeaBatch, number: int, one: Idea) -> None:
    form = page.text(f"ideas.form.{one.form}")
    with st.container(border=True, gap="small", key=f"idea:{found.id}:{number}"):
        source = _describe_idea_source(page, found, one)
        language = found.brief.language
        draw_template(
            "pages/compose/templates/idea.html",
            idea=one,
            form=form,
            tags=" ".join(one.tags),
            source=source,
            reasons=[
                result_citations.describe_lesson(page, each)
                for each in lessons_about(found.brief.results, one.form, one.tags)
            ],
            language=language,
        )
        with st.container(horizontal=True, gap="small"):
            key = f"compose:ideas:{found.id}:{number}"
            st.button(
                page.text("ideas.write"),
                key=f"{key}:write",
                on_click=_use_idea,
                args=(one, language),
            )
            act = partial(_dismiss_idea, page, found, number)
            actions.action_button(
                page, "ideas.dismiss", act, right=Right.RUN, key=f"{key}:away", kind="tertiary"
            )


def _describe_idea_source(page: PageContext, found: IdeaBatch, one: Idea) -> str:
    """Describe the earlier post that inspired an idea, with its measured metric."""
    past = found.inspiring_post(one)
    if past is None:
        return page.text("ideas.of_none")
    words = past.words if len(past.words) <= SHORT else past.words[:SHORT].rstrip() + "…"
    day = page.localizer.format_date(date.fromisoformat(past.day))
    figures = {"value": past.value, "usual": past.usual, "hours": found.brief.results.age_hours}
    return page.text("ideas.of_post", words=words, account=past.account, day=day, **figures)


def _use_idea(one: Idea, language: str) -> None:
    """Copy an idea to the form for AI captions. The post itself does not change. Call it in a
    callback."""
    st.session_state[captions.IDEA_KEY] = f"{one.title}. {one.pitch}"[:MAX_IDEA_LENGTH]
    st.session_state[captions.LANGUAGE_KEY] = language
    actions.set_notice(Message("ideas.taken"))


def _dismiss_idea(
    page: PageContext, found: IdeaBatch, number: int, scope: Scope, _: UUID
) -> Message:
    proposals.dismiss_idea(
        scope, [page.get_creator(scope, found.brief.creator_id).id], found.id, number
    )
    return Message("ideas.dismissed")
