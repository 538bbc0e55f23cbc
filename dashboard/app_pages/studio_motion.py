"""Studio: a picture that a model makes move: which model, how long, what happens; or what is missing for it."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import studio_clip
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.errors import Refused
from foundation.words import Message
from generators import animating
from generators.engines import film_models
from generators.engines.film_models import Mover
from studio import animating as moving
from studio.animating import Wanted
from studio.reads import Card
from tenants.roles import Right

USUAL_SECONDS = 3
USUAL_MOTION = 50


def ask(page: Page, creator_id: UUID, card: Card) -> None:
    """Choose the model, the seconds, and what happens or how much; without a model, say what is missing and what works
    all the same. Nothing of a film."""
    if card.seconds:
        return
    with st.popover(page.word("film.move"), icon=":material/animation:"):
        able = film_models.able(settings.load().generators)
        if able.lacks is not None:
            draw("studio_note.html", note=page.voice.say(able.lacks.message))
            draw("studio_note.html", note=page.word("film.stills_work"))
            return
        _form(page, creator_id, card.asset_id, {one.model.name: one for one in able.movers})


def _form(page: Page, creator_id: UUID, asset_id: UUID, movers: dict[str, Mover]) -> None:
    key = f"film:{asset_id}"
    draw("studio_note.html", note=page.word("film.how"))
    name = st.selectbox(page.word("film.model"), list(movers), key=f"{key}:model") or next(iter(movers))
    family = movers[name].family
    most = max(family.seconds, animating.LEAST_SECONDS + 1)
    seconds = st.slider(
        page.word("film.seconds"),
        animating.LEAST_SECONDS,
        most,
        min(USUAL_SECONDS, family.seconds),
        key=f"{key}:seconds:{name}",
    )
    studio_clip.refusing(page, creator_id, round(seconds))
    if family.words:
        st.text_area(page.word("film.words"), max_chars=moving.LONGEST_WORDS, height=80, key=f"{key}:words")
    if family.motion:
        st.slider(
            page.word("film.motion"),
            animating.LEAST_MOTION,
            animating.MOST_MOTION,
            USUAL_MOTION,
            key=f"{key}:motion",
        )
    act = partial(_ask, page, creator_id, asset_id)
    acting.button(page, "film.ask", act, right=Right.RUN, key=key, kind="primary")


def _ask(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, press: UUID) -> Message:
    page.my(scope, creator_id)
    key, able = f"film:{asset_id}", film_models.able(settings.load().generators)
    if able.lacks is not None:
        raise Refused(able.lacks.message.code, **able.lacks.message.params)
    movers = {one.model.name: one for one in able.movers}
    chosen = movers.get(str(acting.typed(f"{key}:model"))) or able.movers[0]
    words = str(acting.typed(f"{key}:words") or "").strip() if chosen.family.words else ""
    wanted = Wanted(
        asset_id,
        chosen.model.name,
        seconds=float(acting.typed(f"{key}:seconds:{chosen.model.name}") or USUAL_SECONDS),
        words=words,
        motion=int(acting.typed(f"{key}:motion") or USUAL_MOTION) if chosen.family.motion else None,
        seed=press.int % 2**31,
    )
    moving.ask(scope, creator_id=creator_id, wanted=wanted, key=f"film:{press}", by=page.who.actor)
    return Message("film.asked")
