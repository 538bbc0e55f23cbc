"""Ideas from past results while a post is written: asked for with a press, offered, taken into the kit or put away."""

from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.app_pages import compose_kit
from dashboard.app_pages.compose_draft import IDEAS, typed
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from generators.contract import Label
from insights import inspiring, lessons
from schedules import ideas
from schedules.ideas import Round
from schedules.ideas_brief import Lesson, Results
from schedules.ideas_words import Idea
from schedules.kits_brief import LANGUAGES, LONGEST
from tenants.reads import Creator
from tenants.roles import Right

LANGUAGE = f"{IDEAS}language"
SHORT = 80
"""Characters of an earlier post that stand for it."""


def show(page: Page, creator: Creator) -> None:
    """Draw what can be asked for, and the last ideas of this creator."""
    if not page.may(Right.RUN):
        return
    found = page.read(lambda scope: ideas.newest(scope, page.my(scope, creator.id).id))
    with st.expander(page.word("ideas.title"), icon=":material/lightbulb:", expanded=found is not None):
        draw("calendar_note.html", note=page.word("ideas.why"))
        _asking(page, creator)
        if found is not None and not found.written:
            _waiting(page, creator)
        elif found is not None:  # in no fragment: what is taken fills a field that stands outside of one
            _offered(page, found)


def _asking(page: Page, creator: Creator) -> None:
    if typed(LANGUAGE) not in LANGUAGES:
        st.session_state[LANGUAGE] = next((one for one in creator.languages if one in LANGUAGES), LANGUAGES[0])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            page.word("kit.language"), LANGUAGES, format_func=compose_kit.language(page), key=LANGUAGE, width=180
        )
        act = partial(_ask, page, creator)
        acting.button(page, "ideas.ask", act, right=Right.RUN, key="compose:ideas:ask", icon=":material/lightbulb:")


def _ask(page: Page, creator: Creator, scope: Scope, press: UUID) -> Message:
    inspiring.ask(scope, page.my(scope, creator.id), key=press, language=str(acting.typed(LANGUAGE) or ""))
    return Message("ideas.asked")


@st.fragment(run_every=compose_kit.TICK)
def _waiting(drawn: Page, creator: Creator) -> None:
    """The ideas are written by the workers: once they are there, the page is drawn with them."""
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    found = page.read(lambda scope: ideas.newest(scope, page.my(scope, creator.id).id))
    if found is None or found.written:
        st.rerun()
    draw("calendar_note.html", note=page.word("ideas.waiting"))


def _offered(page: Page, found: Round) -> None:
    draw("idea_results.html", lines=_rests(page, found.brief.results))
    if found.label == Label.DEMO:
        draw("calendar_note.html", note=page.word("ideas.demo"))
    for lack in found.lacks:
        draw("kit_lack.html", what=page.word("ideas.fewer"), why=page.voice.say(lack))
    if found.ideas and not found.open:
        draw("calendar_note.html", note=page.word("ideas.none_left"))
    for number, one in found.open:
        _idea(page, found, number, one)


def _rests(page: Page, results: Results) -> list[str]:
    """What the ideas rest on, in sentences: nothing that was not measured."""
    told = {"posts": results.posts, "hours": results.age_hours}
    if results.lacking:
        return [page.word("ideas.lacking", **told, need=lessons.LEAST)]
    learned = [_lesson(page, one) for one in results.lessons] or [page.word("ideas.no_lessons")]
    return [page.word("ideas.rests", **told), *learned]


def _lesson(page: Page, one: Lesson) -> str:
    name = one.name if one.kind == "tag" else page.word(f"ideas.{one.kind}.{one.name}")
    return page.word("ideas.lesson", name=name, better=one.better, posts=one.posts)


def _idea(page: Page, found: Round, number: int, one: Idea) -> None:
    form = page.word(f"ideas.form.{one.form}")
    with st.container(border=True, gap="small", key=f"idea:{found.id}:{number}"):
        source, language = _source(page, found, one), found.brief.language
        draw("idea.html", idea=one, form=form, tags=" ".join(one.tags), source=source, language=language)
        with st.container(horizontal=True, gap="small"):
            key = f"compose:ideas:{found.id}:{number}"
            st.button(page.word("ideas.write"), key=f"{key}:write", on_click=_take, args=(one, language))
            act = partial(_dismiss, page, found, number)
            acting.button(page, "ideas.dismiss", act, right=Right.RUN, key=f"{key}:away", kind="tertiary")


def _source(page: Page, found: Round, one: Idea) -> str:
    """Which earlier post an idea rests on, with its figure as it was measured."""
    past = found.past(one)
    if past is None:
        return page.word("ideas.of_none")
    words = past.words if len(past.words) <= SHORT else past.words[:SHORT].rstrip() + "…"
    day = page.voice.date(date.fromisoformat(past.day))
    figures = {"value": past.value, "usual": past.usual, "hours": found.brief.results.age_hours}
    return page.word("ideas.of_post", words=words, account=past.account, day=day, **figures)


def _take(one: Idea, language: str) -> None:
    """Put an idea where texts are asked for, in a callback: nothing of it is put into the post."""
    st.session_state[compose_kit.IDEA] = f"{one.title}. {one.pitch}"[:LONGEST]
    st.session_state[compose_kit.LANGUAGE] = language
    acting.tell(Message("ideas.taken"))


def _dismiss(page: Page, found: Round, number: int, scope: Scope, _: UUID) -> Message:
    ideas.dismiss(scope, [page.my(scope, found.brief.creator_id).id], found.id, number)
    return Message("ideas.dismissed")
