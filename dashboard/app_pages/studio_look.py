"""Studio: the look of a creator: which pictures models keep to, in which order, and why one may not be kept to."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import studio_asked, studio_outgoing
from dashboard.app_pages.studio_variants import clear_src
from dashboard.frame import Page
from dashboard.reads.library import side
from dashboard.reads.studio import abilities_of, engine_of
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.words import Message
from generators import hosting
from generators.contract import EngineMissing
from studio import looks
from studio import reads as studio_reads
from studio.looks import Kept
from studio.reads import Card
from studio.recipes import Spec
from studio.searching import ALL, DEMO, OWN
from tenants.reads import Creator
from tenants.roles import Right

WIDE = 180


def choose(page: Page, creator_id: UUID, card: Card) -> None:
    """The press that lets models keep to this picture, or keep to it no more; nothing of a film."""
    if card.seconds:
        return
    kept = page.read(lambda scope: looks.chosen(scope, creator_id))
    code, act = ("look.drop", _drop) if card.asset_id in kept else ("look.add", _add)
    with st.popover(page.word("look.of_this"), icon=":material/face:"):
        draw("studio_note.html", note=page.word("look.how", most=looks.MOST))
        pressed = partial(act, page, creator_id, card.asset_id)
        acting.button(page, code, pressed, right=Right.RUN, key=f"look:{card.asset_id}", kind="primary")


def edit(page: Page, creator: Creator) -> None:
    """The pictures of the look, each with what can be done with it; nothing where there are none."""
    kept = page.read(lambda scope: looks.of(scope, creator.id))
    if not kept:
        return
    aside = page.read(lambda scope: _aside(scope, creator.id, [one.asset_id for one in kept]))
    with st.expander(page.word("look.all", name=creator.name), icon=":material/face:"):
        draw("studio_note.html", note=page.word("look.how", most=looks.MOST))
        with st.container(horizontal=True, gap="small"):
            for place, one in enumerate(kept):
                _picture(page, creator.id, one, place, aside=aside.get(one.asset_id, ""))


def _aside(scope: Scope, creator_id: UUID, assets: list[UUID]) -> dict[UUID, str]:
    """Those of these pictures that are not of the kind the page shows now, with the kind they are of."""
    made = side(scope, creator_id, studio_asked.facets().made)
    cards = studio_reads.cards_of(scope, assets) if made != ALL else []
    other = OWN if made == DEMO else DEMO
    return {one.asset_id: f"studio.made.{other}" for one in cards if bool(one.label) != (made == DEMO)}


def _picture(page: Page, creator_id: UUID, one: Kept, place: int, *, aside: str) -> None:
    with st.container(width=WIDE, border=True, gap="small"):
        why = page.voice.say(one.refused) if one.refused is not None else page.word(aside) if aside else ""
        draw("studio_look.html", src="" if why else clear_src(one.asset_id), why=why, place=place + 1, word=page.word)
        if place:
            first = partial(_first, page, creator_id, one.asset_id)
            acting.button(page, "look.first", first, right=Right.RUN, key=f"look:first:{one.asset_id}")
        drop = partial(_drop, page, creator_id, one.asset_id)
        acting.button(page, "look.drop", drop, right=Right.RUN, key=f"look:drop:{one.asset_id}")


def ready(page: Page, creator_id: UUID, spec: Spec) -> bool:
    """Say, before a run, which pictures it would keep to, or why it cannot; whether it may be made."""
    if not spec.look:
        return True
    generators = settings.load().generators
    if "references" not in page.read(lambda scope: abilities_of(scope, generators, spec.engine)):
        st.error(page.voice.say(Message("engine.cannot_references", {"engine": engine_of(generators, spec.engine)})))
        return False
    kept = page.read(lambda scope: looks.of(scope, creator_id))
    wrong = next((one.refused for one in kept if one.refused is not None), None)
    if wrong is not None or not kept:
        st.error(page.voice.say(wrong or Message("look.none")))
        return False
    draw("studio_note.html", note=page.word("look.kept_to", count=len(kept), percent=spec.look))
    return _may_go(page, creator_id, spec)


def _may_go(page: Page, creator_id: UUID, spec: Spec) -> bool:
    """Whether an engine of others may be handed the look, and takes as many pictures; why not is said."""
    frozen = page.read(lambda scope: looks.frozen(scope, creator_id))
    try:
        hosting.check_few(engine_of(settings.load().generators, spec.engine), len(frozen))
    except EngineMissing as few:
        st.error(page.voice.say(few.message))
        return False
    return studio_outgoing.may_go(page, creator_id, spec, [sha256 for _, sha256 in frozen])


def _add(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    looks.add(scope, creator_id, asset_id)
    return Message("look.added")


def _drop(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    looks.drop(scope, creator_id, asset_id)
    return Message("look.dropped")


def _first(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    looks.put_first(scope, creator_id, asset_id)
    return Message("look.moved")
