"""Studio: which voice a creator speaks with, chosen among those the workers found, heard before and put away again."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.app_pages import studio_characters, studio_lost
from dashboard.frame import Page
from dashboard.reads import voices as reads
from dashboard.reads.voices import Voices
from dashboard.widgets import draw, plain
from foundation import settings
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import LANGUAGES, Message
from generators.speech import Offered
from studio import voice_lists, voice_samples, voices
from tenants.reads import Creator
from tenants.roles import Right

TICK = "2s"
ENGINE, VOICE, PERSON, LANGUAGE = "voices:engine", "voices:voice", "voices:person", "voices:language"


def show(page: Page, creator: Creator, mine: Sequence[Creator]) -> None:
    """Texts that were lost in the open, all else behind a heading."""
    if not page.may(Right.RUN):
        return
    found = page.read(lambda scope: _read(page, scope, creator, mine))
    studio_lost.show(page, creator, found.lost)
    with st.expander(page.word("studio.voices"), icon=":material/graphic_eq:"):
        draw("studio_voices.html", found=found, voice=page.voice, word=page.word)
        if creator.id in found.spoken:
            act = partial(_retire, page, creator.id)
            acting.button(page, "studio.voice_retire", act, right=Right.RUN, key="voice_retire")
        _choose(page, creator, found)
        if found.going:
            st.fragment(_going, run_every=TICK)(page, creator)
        else:
            _heard(page, found)
        studio_characters.edit(page, found)


def _read(page: Page, scope: Scope, creator: Creator, mine: Sequence[Creator]) -> Voices:
    return reads.read(
        scope,
        page.my(scope, creator.id),
        mine,
        per_month=settings.load().generators.characters_per_month,
    )


def _choose(page: Page, creator: Creator, found: Voices) -> None:
    """What there is, the one that is meant, hearing it and taking it."""
    acting.button(
        page,
        "studio.voices_look" if found.listed.asked_at is None else "studio.voices_look_again",
        _look,
        right=Right.RUN,
        key="voices_look",
        icon=":material/refresh:",
        disabled=found.listed.going,
    )
    wanted = _wanted(page, found.listed.offers)
    if wanted is None:
        return
    draw("studio_voice_offer.html", one=wanted, word=page.word)
    if wanted.voice.cloned:
        st.selectbox(
            page.word("studio.voice_whose"),
            list(found.people),
            None,
            format_func=lambda one: plain(found.people[one]),
            placeholder=page.word("studio.voice_whose_hint"),
            key=PERSON,
        )
    st.radio(
        page.word("studio.voice_heard_in"),
        list(LANGUAGES),
        format_func=lambda one: page.word(f"studio.speech_language.{one}"),
        horizontal=True,
        key=LANGUAGE,
    )
    with st.container(horizontal=True, gap="small"):
        hear, take = partial(_hear, page, creator.id), partial(_take, page, creator.id)
        acting.button(page, "studio.voice_hear", hear, right=Right.RUN, key="voice_hear", icon=":material/play_arrow:")
        acting.button(page, "studio.voice_take", take, right=Right.RUN, key="voice_take", kind="primary")


def _wanted(page: Page, offers: Sequence[Offered]) -> Offered | None:
    """The voice that is chosen in the two lists."""
    engines = list(dict.fromkeys(one.engine for one in offers))
    if not engines:
        return None
    engine = st.selectbox(page.word("studio.voice_engine"), engines, key=ENGINE)
    known = {one.voice.id: one for one in offers if one.engine == engine}
    if st.session_state.get(VOICE) not in known:
        st.session_state[VOICE] = next(iter(known))
    chosen = st.selectbox(
        page.word("studio.voice_which"), list(known), format_func=lambda one: _named(known[one]), key=VOICE
    )
    return known[chosen]


def _named(one: Offered) -> str:
    said = plain(one.voice.name)
    return f"{said} ({one.voice.language})" if one.voice.language else said


def _look(scope: Scope, _: UUID) -> Message:
    voice_lists.ask(scope)
    return Message("studio.voices_looking")


def _typed(scope: Scope) -> tuple[Offered, UUID | None]:
    """The voice that is meant, of those this agency may choose, and whom a copied one belongs to."""
    wanted = voice_lists.found(scope, str(acting.typed(ENGINE) or ""), str(acting.typed(VOICE) or ""))
    return wanted, acting.typed(PERSON) if wanted.voice.cloned else None


def _hear(page: Page, creator_id: UUID, scope: Scope, press: UUID) -> Message:
    language = str(acting.typed(LANGUAGE) or "")
    if language not in LANGUAGES:
        raise BadInput("engine.speech_language")
    wanted, person = _typed(scope)
    voice_samples.start(
        scope,
        page.my(scope, creator_id).id,
        wanted,
        language=language,
        key=f"sample:{press}",
        by=page.who.actor,
        person_id=person,
        per_month=settings.load().generators.characters_per_month,
    )
    return Message("studio.voice_hearing")


def _take(page: Page, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    wanted, person = _typed(scope)
    creator = page.my(scope, creator_id)
    voices.choose(scope, creator.id, wanted, by=page.who.actor, person_id=person)
    return Message("studio.voice_taken", {"creator": creator.name, "voice": wanted.voice.name})


def _retire(page: Page, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    voices.retire(scope, page.my(scope, creator_id).id)
    return Message("studio.voice_retired")


def _going(drawn: Page, creator: Creator) -> None:
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    found = page.read(lambda scope: _read(page, scope, creator, [creator]))
    if not found.going:
        st.rerun()  # what there is to choose stands above
    _heard(page, found)


def _heard(page: Page, found: Voices) -> None:
    draw("studio_samples.html", found=found, voice=page.voice, word=page.word)
