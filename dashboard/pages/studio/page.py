"""The Studio page of one creator: progress, and tabs of the library, generation and voices."""

from collections.abc import Sequence

import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from dashboard.pages.studio import generation
from dashboard.pages.studio.library import clips, gallery, run_comparison, search_filters
from dashboard.pages.studio.library.queries import media_source
from dashboard.pages.studio.recipes.queries import load_studio
from dashboard.pages.studio.voices import speech, voice_selection
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from studio.library import assets
from tenants.agencies.queries import Creator

CREATOR = "studio:creator"
GENERATE = "generate"
TABS = ("library", GENERATE, "voice")


def render_page(page: PageContext) -> None:
    """Draw the page of one creator."""
    st.title(page.text("dashboard.page.studio"))
    mine = page.read(page.list_creators)
    if not mine:
        draw_template("shell/templates/empty.html", code="dashboard.no_creators", word=page.text)
        return
    creator = _select_creator(page, mine)
    search_filters.read_address()
    found = page.read(lambda scope: load_studio(scope, creator))
    if found.progress.is_active:
        generation.render_run_progress(page, found)
    clips.render_clip_progress(page, creator)
    run_comparison.render_run_comparison(
        page,
        creator,
        page.read(
            lambda scope: media_source(scope, creator.id, search_filters.read_filters().made)
        ),
    )
    library, generate, voice = _draw_tabs(page, creator)
    with library:
        gallery.render_gallery(page, found)
    with generate:
        generation.render_generation_form(page, found)
        if not found.progress.is_active:
            generation.render_run_progress(page, found)
    with voice:
        speech.render_speech(page, creator)
        voice_selection.render_voice_selection(page, creator, mine)
    draw_template(
        "pages/studio/templates/footer.html",
        now=found.progress.now,
        voice=page.localizer,
        word=page.text,
    )


def _draw_tabs(page: PageContext, creator: Creator) -> Sequence[TabContainer]:
    """Draw the tabs. A creator without images, and the address of a run, start with generation."""
    names = [page.text(f"studio.tab.{one}") for one in TABS]
    key = f"studio:tabs:{creator.id}"
    start = f"{key}:start"
    if start not in st.session_state:
        has_images = bool(page.read(lambda scope: assets.list_assets(scope, creator.id, limit=1)))
        asked = st.query_params.get("part", "") == GENERATE
        st.session_state[start] = TABS.index("library" if has_images and not asked else GENERATE)
    return st.tabs(names, default=names[st.session_state[start]], key=key)


def _select_creator(page: PageContext, mine: list[Creator]) -> Creator:
    """Return the creator from the URL, the one chosen last, or the first one."""
    names = {one.slug: one for one in mine}
    asked = st.query_params.get("creator", "")
    if asked in names and st.session_state.get(f"{CREATOR}:from") != asked:
        st.session_state[CREATOR] = st.session_state[f"{CREATOR}:from"] = asked
    if st.session_state.get(CREATOR) not in names:
        st.session_state[CREATOR] = mine[0].slug
    if len(mine) > 1:
        st.selectbox(
            page.text("studio.creator"),
            list(names),
            format_func=lambda slug: names[slug].name,
            key=CREATOR,
            on_change=gallery.clear_library_state,
            width=280,
        )
    return names[st.session_state[CREATOR]]
