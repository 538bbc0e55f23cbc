"""Choice of a creator's voice from the catalogue, with samples; the voice can be removed again."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.voices import character_limit, queries, uncertain_speech
from dashboard.pages.studio.voices.queries import VoicesView
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template, escape_markdown
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES, Message
from foundation.ops import settings
from generators.contract.speech import OfferedVoice
from studio.voice import creator_voices, samples, voice_catalog
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

TICK = "2s"
ENGINE = "voices:engine"
VOICE = "voices:voice"
PERSON = "voices:person"
LANGUAGE = "voices:language"


def render_voice_selection(page: PageContext, creator: Creator, mine: Sequence[Creator]) -> None:
    """Draw uncertain requests outside the expander and everything else inside it."""
    if not page.has_right(Right.RUN):
        return
    found = page.read(lambda scope: _load_voices(page, scope, creator, mine))
    uncertain_speech.render_uncertain_speech(page, creator, found.lost)
    with st.expander(page.text("studio.voices"), icon=":material/graphic_eq:"):
        draw_template(
            "pages/studio/voices/templates/voices.html",
            found=found,
            voice=page.localizer,
            word=page.text,
        )
        if creator.id in found.spoken:
            act = partial(_remove_voice, page, creator.id)
            actions.action_button(
                page, "studio.voice_retire", act, right=Right.RUN, key="voice_retire"
            )
        _render_voice_choice(page, creator, found)
        if found.is_active:
            st.fragment(_poll_voice_catalog, run_every=TICK)(page, creator)
        else:
            _render_voice_samples(page, found)
        character_limit.render_character_limit(page, found)


def _load_voices(
    page: PageContext, scope: Scope, creator: Creator, mine: Sequence[Creator]
) -> VoicesView:
    return queries.load_voices(
        scope,
        page.get_creator(scope, creator.id),
        mine,
        per_month=settings.load_settings().generators.characters_per_month,
    )


def _render_voice_choice(page: PageContext, creator: Creator, found: VoicesView) -> None:
    """Draw the catalogue, the chosen voice, and the buttons to play and use it."""
    actions.action_button(
        page,
        "studio.voices_look" if found.listed.asked_at is None else "studio.voices_look_again",
        _request_voice_catalog,
        right=Right.RUN,
        key="voices_look",
        icon=":material/refresh:",
        disabled=found.listed.going,
    )
    wanted = _select_voice(page, found.listed.offers)
    if wanted is None:
        return
    draw_template("pages/studio/voices/templates/voice_offer.html", one=wanted, word=page.text)
    if wanted.voice.cloned:
        st.selectbox(
            page.text("studio.voice_whose"),
            list(found.people),
            None,
            format_func=lambda one: escape_markdown(found.people[one]),
            placeholder=page.text("studio.voice_whose_hint"),
            key=PERSON,
        )
    st.radio(
        page.text("studio.voice_heard_in"),
        list(LANGUAGES),
        format_func=lambda one: page.text(f"studio.speech_language.{one}"),
        horizontal=True,
        key=LANGUAGE,
    )
    with st.container(horizontal=True, gap="small"):
        hear = partial(_request_voice_sample, page, creator.id)
        take = partial(_choose_voice, page, creator.id)
        actions.action_button(
            page,
            "studio.voice_hear",
            hear,
            right=Right.RUN,
            key="voice_hear",
            icon=":material/play_arrow:",
        )
        actions.action_button(
            page, "studio.voice_take", take, right=Right.RUN, key="voice_take", kind="primary"
        )


def _select_voice(page: PageContext, offers: Sequence[OfferedVoice]) -> OfferedVoice | None:
    """Draw the lists of engines and voices. Return the chosen voice."""
    engines = list(dict.fromkeys(one.engine for one in offers))
    if not engines:
        return None
    engine = st.selectbox(page.text("studio.voice_engine"), engines, key=ENGINE)
    known = {one.voice.id: one for one in offers if one.engine == engine}
    if st.session_state.get(VOICE) not in known:
        st.session_state[VOICE] = next(iter(known))
    chosen = st.selectbox(
        page.text("studio.voice_which"),
        list(known),
        format_func=lambda one: _voice_label(known[one]),
        key=VOICE,
    )
    return known[chosen]


def _voice_label(one: OfferedVoice) -> str:
    said = escape_markdown(one.voice.name)
    return f"{said} ({one.voice.language})" if one.voice.language else said


def _request_voice_catalog(scope: Scope, _: UUID) -> Message:
    voice_catalog.request_voice_catalog(scope)
    return Message("studio.voices_looking")


def _read_selected_voice(scope: Scope) -> tuple[OfferedVoice, UUID | None]:
    """Return the chosen voice and, for a cloned one, the person whom it belongs to."""
    wanted = voice_catalog.get_offered_voice(
        scope, str(actions.typed_value(ENGINE) or ""), str(actions.typed_value(VOICE) or "")
    )
    return wanted, actions.typed_value(PERSON) if wanted.voice.cloned else None


def _request_voice_sample(
    page: PageContext, creator_id: UUID, scope: Scope, press: UUID
) -> Message:
    language = str(actions.typed_value(LANGUAGE) or "")
    if language not in LANGUAGES:
        raise BadInput("engine.speech_language")
    wanted, person = _read_selected_voice(scope)
    samples.request_sample(
        scope,
        page.get_creator(scope, creator_id).id,
        wanted,
        language=language,
        key=f"sample:{press}",
        by=page.viewer.actor,
        person_id=person,
        per_month=settings.load_settings().generators.characters_per_month,
    )
    return Message("studio.voice_hearing")


def _choose_voice(page: PageContext, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    wanted, person = _read_selected_voice(scope)
    creator = page.get_creator(scope, creator_id)
    creator_voices.choose_voice(scope, creator.id, wanted, by=page.viewer.actor, person_id=person)
    return Message("studio.voice_taken", {"creator": creator.name, "voice": wanted.voice.name})


def _remove_voice(page: PageContext, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    creator_voices.remove_voice(scope, page.get_creator(scope, creator_id).id)
    return Message("studio.voice_retired")


def _poll_voice_catalog(drawn: PageContext, creator: Creator) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    found = page.read(lambda scope: _load_voices(page, scope, creator, [creator]))
    if not found.is_active:
        st.rerun()  # A full redraw shows the new voices in the lists above.
    _render_voice_samples(page, found)


def _render_voice_samples(page: PageContext, found: VoicesView) -> None:
    draw_template(
        "pages/studio/voices/templates/samples.html",
        found=found,
        voice=page.localizer,
        word=page.text,
    )
