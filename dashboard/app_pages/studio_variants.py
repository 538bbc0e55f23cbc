"""The pictures of one run side by side: keep what is good, put the others away."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.app_pages import studio_alts
from dashboard.frame import Page
from dashboard.reads.studio import variants
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from studio import library, scoring
from studio import reads as studio_reads
from studio.reads import Card
from studio.scoring import Score
from studio.searching import ALL, DEMO
from studio.states import ShelfState
from tenants.reads import Creator
from tenants.roles import Right

COMPARED = "studio:compared"
CLEAR = "clear:"
WIDE = 260


def show(page: Page, creator: Creator, made: str) -> None:
    """Draw the run that is compared, if one is and its pictures are of the kind that the page shows."""
    chosen = st.session_state.get(COMPARED)
    if not chosen:
        return
    try:
        run, cards = page.read(lambda scope: variants(scope, creator.id, UUID(chosen)))
    except NotFound:  # another creator was chosen meanwhile
        return _close()
    if made != ALL and any(bool(card.label) != (made == DEMO) for card in cards):
        return _close()
    note = page.word("studio.variants_note", name=run.recipe, version=run.version, seed=run.seed)
    draw("studio_part.html", title=page.word("studio.compared"), note=note)
    shown = [card for card in cards if not card.standing.withheld]
    scores = page.read(lambda scope: scoring.of(scope, [card.asset_id for card in shown]))
    if scores:
        draw("studio_note.html", note=page.word("look.score_how"))
        if st.toggle(page.word("look.score_first"), key=f"studio:alike:{chosen}"):
            shown.sort(key=lambda card: -1 if (one := scores[card.asset_id].score) is None else one, reverse=True)
    with st.container(horizontal=True, gap="small"):
        for card in shown:
            _variant(page, creator.id, card, scores.get(card.asset_id))
    with st.container(horizontal=True, gap="small"):
        covered = tuple(card.asset_id for card in shown if files.covered(card.standing.rating))
        if covered and files.uncovers(page.who.member):
            act = partial(reveal, page, covered)
            acting.button(
                page, "studio.reveal_all", act, right=Right.RUN, key="studio:reveal", icon=":material/visibility:"
            )
        st.button(page.word("studio.close"), key="studio:close", on_click=_close)
    kept = [card.asset_id for card in shown if card.shelf is ShelfState.KEPT]
    studio_alts.ask(page, creator.id, kept, code="alt.ask_kept", key=chosen)
    studio_alts.offers(page, creator.id, [card.asset_id for card in shown], pictured=True)


def reveal(page: Page, assets: tuple[UUID, ...], scope: Scope, _: UUID) -> None:
    """Let this member see these pictures clearly for five minutes; that they looked is written down."""
    for asset_id in assets:
        st.session_state[f"{CLEAR}{asset_id}"] = str(files.reveal(scope, page.who.member, asset_id))


def clear_src(asset_id: UUID, profile: str = "preview") -> str:
    """The address of a picture: clear where this member pressed to see it."""
    seen = st.session_state.get(f"{CLEAR}{asset_id}")
    return files.src(asset_id, profile, clear=UUID(seen) if seen else None)


def _close() -> None:
    st.session_state[COMPARED] = ""


def _alike(page: Page, score: Score) -> str:
    """How alike a picture is to its look, by what, or why nobody knows."""
    if score.why is not None:
        return page.voice.say(score.why)
    if score.score is None:
        return page.word("look.score_waits")
    return page.word("look.score_faces" if score.of_faces else "look.score_visual", percent=score.score)


def _variant(page: Page, creator_id: UUID, card: Card, score: Score | None) -> None:
    with st.container(width=WIDE, border=True, gap="small"):
        draw("studio_tile.html", src=clear_src(card.asset_id), card=card, marks=(), word=page.word)
        if score is not None:
            draw("studio_note.html", note=_alike(page, score))
        with st.container(horizontal=True, gap="small"):
            for code, after, icon in (
                ("studio.keep", ShelfState.KEPT, ":material/favorite:"),
                ("studio.put_away", ShelfState.RETIRED, ":material/inventory_2:"),
            ):
                acting.button(
                    page,
                    code,
                    partial(shelve, page, creator_id, (card.asset_id,), after),
                    right=Right.RUN,
                    key=f"{code}:{card.asset_id}",
                    icon=icon,
                    disabled=card.shelf is after,
                )


def shelve(page: Page, creator_id: UUID, assets: tuple[UUID, ...], after: ShelfState, scope: Scope, _: UUID) -> Message:
    """Keep pictures of this creator, or put them away."""
    page.my(scope, creator_id)
    for asset_id in assets:
        if studio_reads.shown(scope, asset_id).creator_id != creator_id:
            raise NotFound("library.asset_unknown", destination="-")
        library.shelve(scope, asset_id, after)
    code = "studio.shelved_kept" if after is ShelfState.KEPT else "studio.shelved_away"
    return Message(code if len(assets) > 1 else f"{code}_one", {"count": len(assets)})
