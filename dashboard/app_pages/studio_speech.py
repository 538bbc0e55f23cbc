"""Studio: texts said with the voice of a creator, and how those asked for stand."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.frame import Page
from dashboard.reads.studio import FRESH
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import LANGUAGES, Message
from generators.speech import MOST_CHARACTERS
from studio import speaking, voices
from studio.speaking import Speech
from studio.states import SpeechState
from studio.voices import Chosen
from tenants.reads import Creator
from tenants.roles import Right

TICK = "2s"
WORDS, LANGUAGE = "speech:words", "speech:language"
GOING = (SpeechState.WAITING, SpeechState.ASKED)


def show(page: Page, creator: Creator) -> None:
    """The creator's voice with its licence, the text to say, and the texts of late."""
    if not page.may(Right.RUN):
        return
    with st.expander(page.word("studio.speech"), icon=":material/record_voice_over:"):
        chosen = page.read(lambda scope: _chosen(scope, creator.id))
        draw("studio_voice.html", chosen=chosen, word=page.word)
        if chosen is not None:
            _form(page, creator)
        found = page.read(lambda scope: _recent(scope, creator.id))
        if any(one.state in GOING for one in found):
            st.fragment(_going, run_every=TICK)(page, creator.id)
        else:
            _lines(page, found)


def _chosen(scope: Scope, creator_id: UUID) -> Chosen | None:
    try:
        return voices.chosen(scope, creator_id)
    except NotFound:
        return None


def _form(page: Page, creator: Creator) -> None:
    with st.form("speech", border=False, clear_on_submit=False):
        st.text_area(page.word("studio.speech_words"), max_chars=MOST_CHARACTERS, height=120, key=WORDS)
        st.radio(
            page.word("studio.speech_language"),
            list(LANGUAGES),
            format_func=lambda one: page.word(f"studio.speech_language.{one}"),
            horizontal=True,
            key=LANGUAGE,
        )
        act = partial(_say, page, creator.id)
        acting.submit(page, "studio.speech_say", act, right=Right.RUN, key="speech_say")


def _say(page: Page, creator_id: UUID, scope: Scope, press: UUID) -> Message:
    speaking.start(
        scope,
        creator_id=page.my(scope, creator_id).id,
        words=str(acting.typed(WORDS) or ""),
        language=str(acting.typed(LANGUAGE) or LANGUAGES[0]),
        key=f"dashboard:{press}",
        by=page.who.actor,
        per_month=settings.load().generators.characters_per_month,
    )
    return Message("studio.speech_asked")


def _recent(scope: Scope, creator_id: UUID) -> list[Speech]:
    return speaking.recent(scope, creator_id, since=scope.now - FRESH)


def _going(drawn: Page, creator_id: UUID) -> None:
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    found = page.read(lambda scope: _recent(scope, page.my(scope, creator_id).id))
    if not any(one.state in GOING for one in found):
        st.rerun()  # the library has the sound
    _lines(page, found)


def _lines(page: Page, found: Sequence[Speech]) -> None:
    if found:
        draw("studio_speeches.html", speeches=found, voice=page.voice, word=page.word)
