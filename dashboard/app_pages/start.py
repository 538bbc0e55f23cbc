"""Start mine: seven questions, an agency of one's own, its page, its first real post; no terminal."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, founding, frame, session
from dashboard.acting import typed
from dashboard.founding import ANSWERS, CEILINGS, KINDS, Answers
from dashboard.frame import Page
from dashboard.reads.compose import at_once
from dashboard.reads.start import Started, started
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import GreenroomError
from foundation.ids import uuid7
from foundation.words import LANGUAGES, Message
from gate.units import Rating
from schedules import drafting
from schedules.drafting import Draft
from tenants.roles import Right, require

LINK, KEY = "start:link", "start:key"


def show(page: Page) -> None:
    """Draw the questions, or, in an agency of one's own, what is left until the first post."""
    found = page.read(lambda scope: started(scope, page.mine(scope)))
    if found.demo:
        _questions(page)
    else:
        _first_post(page, found)


def _questions(page: Page) -> None:
    st.title(page.word("start.title"))
    if LINK in st.session_state:
        draw("start_done.html", word=page.word, link=st.session_state[LINK])
        return
    st.write(page.word("start.explained"))
    with st.form("start", border=True):
        left, right = st.columns(2)
        left.text_input(page.word("start.owner"), key="start:owner", max_chars=80)
        right.text_input(page.word("start.email"), key="start:email", max_chars=254, autocomplete="email")
        left.text_input(page.word("start.creator"), key="start:creator", max_chars=80)
        right.radio(
            page.word("start.kind"), KINDS, format_func=_say(page, "start.kind_"), key="start:kind", horizontal=True
        )
        left.selectbox(
            page.word("start.language"),
            LANGUAGES,
            index=LANGUAGES.index(page.voice.language),
            format_func=_say(page, "start.language_"),
            key="start:language",
        )
        zones = founding.zones(page.who.member.zone)
        right.selectbox(page.word("start.zone"), zones, index=zones.index(page.who.member.zone), key="start:zone")
        left.selectbox(page.word("start.ceiling"), CEILINGS, format_func=_say(page, "rating."), key="start:ceiling")
        right.radio(
            page.word("start.alone"),
            ("yes", "no"),
            format_func=_say(page, "start.alone_"),
            key="start:alone",
            horizontal=True,
        )
        left.radio(page.word("start.answers"), ANSWERS, format_func=_say(page, "start.answers_"), key="start:answers")
        st.form_submit_button(page.word("start.found"), type="primary", key="start:found", on_click=_found)
    st.caption(page.word("start.where"))


def _say(page: Page, prefix: str) -> Callable[[object], str]:
    return lambda value: page.word(f"{prefix}{value}")


def _found() -> None:
    """The callback: an agency once per set of answers, however often it is pressed."""
    page = frame.look()
    if page is None or LINK in st.session_state:
        return
    key: UUID = st.session_state.setdefault(KEY, uuid7())
    answers = Answers(
        owner=typed("start:owner") or "",
        email=typed("start:email") or "",
        creator=typed("start:creator") or "",
        kind=typed("start:kind"),
        language=typed("start:language"),
        zone=typed("start:zone"),
        ceiling=Rating(typed("start:ceiling")),
        alone=typed("start:alone") == "yes",
        answers=typed("start:answers"),
    )
    try:
        require(page.who.member.role, Right.STAFF)
        secret = founding.found(key, page.who, answers, tenant=session.tenant())
    except GreenroomError as refused:
        acting.tell(refused.message, bad=True)
        return
    st.session_state[LINK] = session.way_in(secret)
    st.session_state.pop(KEY, None)


def _first_post(page: Page, found: Started) -> None:
    st.title(page.word("start.first_title"))
    draw("start_steps.html", found=found, voice=page.voice, word=page.word)
    _watch(page, found)
    if found.page is None or found.creator is None:
        return
    st.text_area(page.word("start.first_words"), key="start:words", max_chars=2000, height=120)
    acting.button(
        page, "start.publish", partial(_publish, page, found), right=Right.RUN, key="start:publish", kind="primary"
    )


@st.fragment(run_every="2s")
def _watch(drawn: Page, before: Started) -> None:
    """The first post on its way; the steps are drawn anew when one is done."""
    page = frame.look()
    if page is None:
        st.rerun()
    found = page.read(lambda scope: started(scope, page.mine(scope)))
    if found.done != before.done:
        st.rerun()
    draw("start_posts.html", found=found, voice=drawn.voice, word=drawn.word)


def _publish(page: Page, found: Started, scope: Scope, press_id: UUID) -> Message:
    if found.creator is None or found.page is None:
        return Message("start.no_page_yet")
    creator = page.my(scope, found.creator.id)
    words = str(typed("start:words") or "")
    draft = Draft(creator.id, "", words, (), (found.page.id,))
    planned = drafting.plan(scope, draft, key=press_id, at=at_once(scope, creator.zone), author=page.who.actor)
    return Message("start.leaves" if planned.left else "start.waits_for_yes")
