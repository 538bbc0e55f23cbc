"""Studio: pictures out of recipes, what is under way, and the library with what can be done with each picture."""

import streamlit as st

from dashboard.app_pages import (
    studio_asked,
    studio_clip,
    studio_library,
    studio_making,
    studio_speech,
    studio_variants,
    studio_voices,
)
from dashboard.frame import Page
from dashboard.reads.library import side
from dashboard.reads.studio import studio
from dashboard.widgets import draw
from tenants.reads import Creator

CREATOR = "studio:creator"


def show(page: Page) -> None:
    """Draw the page of one creator."""
    draw("studio_style.html", word=page.word)
    st.title(page.word("dashboard.page.studio"))
    mine = page.read(page.mine)
    if not mine:
        draw("studio_empty.html", code="dashboard.no_creators", word=page.word)
        return
    creator = _creator(page, mine)
    found = page.read(lambda scope: studio(scope, creator))
    left, right = st.columns([3, 2], gap="large")
    with left:
        studio_making.recipe(page, found)
    with right:
        studio_making.under_way(page, found)
        studio_clip.under_way(page, creator)
        studio_speech.show(page, creator)
        studio_voices.show(page, creator, mine)
    studio_variants.show(page, creator, page.read(lambda scope: side(scope, creator.id, studio_asked.facets().made)))
    studio_library.show(page, found)
    draw("studio_foot.html", now=found.progress.now, voice=page.voice, word=page.word)


def _creator(page: Page, mine: list[Creator]) -> Creator:
    """Whose studio it is: the one of the address, the one chosen, else the first."""
    names = {one.slug: one for one in mine}
    asked = st.query_params.get("creator", "")
    if asked in names and st.session_state.get(f"{CREATOR}:from") != asked:
        st.session_state[CREATOR] = st.session_state[f"{CREATOR}:from"] = asked
    if st.session_state.get(CREATOR) not in names:
        st.session_state[CREATOR] = mine[0].slug
    if len(mine) > 1:
        st.selectbox(
            page.word("studio.creator"),
            list(names),
            format_func=lambda slug: names[slug].name,
            key=CREATOR,
            on_change=studio_library.forget,
            width=280,
        )
    return names[st.session_state[CREATOR]]
