"""Text to speech with the voice of a creator, and the status of recent requests."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.recipes.queries import RECENT_WINDOW
from dashboard.shell import actions, forms, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import LANGUAGES, Message
from foundation.ops import settings
from generators.contract.speech import MAX_CHARACTERS
from studio.voice import creator_voices, speeches
from studio.voice.creator_voices import ChosenVoice
from studio.voice.speeches import SpeechView
from studio.voice.states import SpeechState
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

TICK = "2s"
WORDS = "speech:words"
LANGUAGE = "speech:language"
GOING = (SpeechState.WAITING, SpeechState.ASKED)


def render_speech(page: PageContext, creator: Creator) -> None:
    """Draw the creator's voice with its licence, the text form, and recent requests."""
    if not page.has_right(Right.RUN):
        return
    with st.expander(page.text("studio.speech"), icon=":material/record_voice_over:"):
        chosen = page.read(lambda scope: _find_voice(scope, creator.id))
        draw_template("pages/studio/voices/templates/voice.html", chosen=chosen, word=page.text)
        if chosen is not None:
            _render_speech_form(page, creator)
        found = page.read(lambda scope: _list_recent_speeches(scope, creator.id))
        if any(one.state in GOING for one in found):
            st.fragment(_poll_speech_progress, run_every=TICK)(page, creator.id)
        else:
            _render_speech_list(page, found)


def _find_voice(scope: Scope, creator_id: UUID) -> ChosenVoice | None:
    try:
        return creator_voices.get_voice(scope, creator_id)
    except NotFound:
        return None


def _render_speech_form(page: PageContext, creator: Creator) -> None:
    with forms.open_form(page, "speech"):
        st.text_area(
            page.text("studio.speech_words"), max_chars=MAX_CHARACTERS, height=120, key=WORDS
        )
        st.radio(
            page.text("studio.speech_language"),
            list(LANGUAGES),
            format_func=lambda one: page.text(f"studio.speech_language.{one}"),
            horizontal=True,
            key=LANGUAGE,
        )
        act = partial(_request_speech, page, creator.id)
        actions.submit_button(page, "studio.speech_say", act, right=Right.RUN, key="speech_say")


def _request_speech(page: PageContext, creator_id: UUID, scope: Scope, press: UUID) -> Message:
    speeches.request_speech(
        scope,
        creator_id=page.get_creator(scope, creator_id).id,
        words=str(actions.typed_value(WORDS) or ""),
        language=str(actions.typed_value(LANGUAGE) or LANGUAGES[0]),
        key=f"dashboard:{press}",
        by=page.viewer.actor,
        per_month=settings.load_settings().generators.characters_per_month,
    )
    return Message("studio.speech_asked")


def _list_recent_speeches(scope: Scope, creator_id: UUID) -> list[SpeechView]:
    return speeches.list_recent_speeches(scope, creator_id, since=scope.now - RECENT_WINDOW)


def _poll_speech_progress(drawn: PageContext, creator_id: UUID) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    found = page.read(
        lambda scope: _list_recent_speeches(scope, page.get_creator(scope, creator_id).id)
    )
    if not any(one.state in GOING for one in found):
        st.rerun()  # A full redraw shows the audio in the library.
    _render_speech_list(page, found)


def _render_speech_list(page: PageContext, found: Sequence[SpeechView]) -> None:
    if found:
        draw_template(
            "pages/studio/voices/templates/speeches.html",
            speeches=found,
            voice=page.localizer,
            word=page.text,
        )
