"""Search and filters of the library: text, facets, labels, source, dates and paging."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.library.queries import FILTER_NAMES, LibraryFilters, LibraryView
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from studio.library.search import (
    ANY_VALUE,
    DEMO_PICTURES,
    MAX_QUERY_LENGTH,
    OWN_PICTURES,
    PageCursor,
    SearchFacets,
)

WORDS, TAGS, RECIPE, MADE, SINCE, UNTIL, COLLECTION = (
    f"studio:asked:{name}"
    for name in ("words", "tags", "recipe", "made", "since", "until", "collection")
)
MEDIA_SOURCE_KEY = "studio:made"
"""Session key of the facet that separates own and demo images."""

ADDRESS_KEY = "studio:address:rating"
"""Session key of the rating filter that the address named last."""

TURNED = "studio:turned"
FOR = "studio:turned:for"
"""Session key of the filters for which the page cursors were stored."""

VALUES = {
    "rating": (ANY_VALUE, "none", "G", "S", "N", "E"),
    "use": (ANY_VALUE, "used", "unused", "packed", "sold"),
    "origin": (ANY_VALUE, "upload", "generated"),
    "shelf": (ANY_VALUE, "here", "kept", "away"),
    "made": (OWN_PICTURES, DEMO_PICTURES),
}


FILTER_WIDTH = 168
"""Width of a filter in pixels: two stand side by side on a phone."""


def read_filters() -> LibraryFilters:
    """Return the current filters."""
    plain = LibraryFilters()
    kept = st.session_state
    return LibraryFilters(
        **{name: kept.get(f"studio:{name}") or getattr(plain, name) for name in FILTER_NAMES},
        words=str(actions.typed_value(WORDS) or "").strip(),
        tags=tuple(kept.get(TAGS) or ()),
        recipe=kept.get(RECIPE) or "",
        made_with=kept.get(MADE) or ("", ""),
        since=kept.get(SINCE),
        until=kept.get(UNTIL),
        collection=UUID(kept[COLLECTION]) if kept.get(COLLECTION) else None,
    )


def read_address() -> None:
    """Set the rating filter of an address such as `/studio?rating=none`, once. The member may
    change it afterwards."""
    asked = st.query_params.get("rating", "")
    if asked in VALUES["rating"] and st.session_state.get(ADDRESS_KEY) != asked:
        clear_filters()
        st.session_state["studio:rating"] = st.session_state[ADDRESS_KEY] = asked


def clear_filters() -> None:
    """Clear all filters and return to the first page."""
    for key in (
        WORDS,
        TAGS,
        RECIPE,
        MADE,
        SINCE,
        UNTIL,
        COLLECTION,
        TURNED,
        *(f"studio:{name}" for name in FILTER_NAMES),
    ):
        st.session_state.pop(key, None)


def current_cursor() -> PageCursor | None:
    """Return the cursor of the current page. A change of filters returns to the first page."""
    asked = read_filters()
    if st.session_state.get(FOR) != asked:
        st.session_state[FOR] = asked
        st.session_state[TURNED] = []
    turned: list[PageCursor] = st.session_state.setdefault(TURNED, [])
    return turned[-1] if turned else None


def render_search_filters(page: PageContext, here: LibraryView) -> None:
    """Draw the filter fields. In a collection, only the source of images can be chosen."""
    if here.collections:
        said = {"": page.text("studio.collection.none")} | {
            str(one.id): one.name for one in here.collections
        }
        st.session_state[COLLECTION] = str(here.opened.id) if here.opened is not None else ""
        _render_filter_select(page, "studio.collection", said, COLLECTION)
    if here.opened is None:
        _render_search_field(page, here)
    elif here.made != ANY_VALUE:
        _render_facet(page, here, "made")


def _render_search_field(page: PageContext, here: LibraryView) -> None:
    st.text_input(
        page.text("studio.search"),
        key=WORDS,
        max_chars=MAX_QUERY_LENGTH,
        placeholder=page.text("studio.search_hint"),
        icon=":material/search:",
    )
    with st.container(horizontal=True, gap="small"):
        for name in FILTER_NAMES:
            if name != "made" or here.made != ANY_VALUE:
                _render_facet(page, here, name)
    with st.expander(page.text("studio.search_more"), expanded=_has_advanced_filters()):
        _render_advanced_filters(page, here.offered)


def _render_facet(page: PageContext, here: LibraryView, name: str) -> None:
    st.session_state[f"studio:{name}"] = (
        here.made if name == "made" else getattr(read_filters(), name)
    )
    said = {one: page.text(f"studio.{name}.{one}") for one in VALUES[name]}
    _render_filter_select(page, f"studio.{name}", said, f"studio:{name}")


def _render_filter_select(page: PageContext, label: str, said: Mapping[Any, str], key: str) -> None:
    st.selectbox(
        page.text(label), list(said), format_func=said.__getitem__, key=key, width=FILTER_WIDTH
    )


def _has_advanced_filters() -> bool:
    asked = read_filters()
    return bool(asked.tags or asked.recipe or asked.made_with[0] or asked.since or asked.until)


def _render_advanced_filters(page: PageContext, offered: SearchFacets) -> None:
    """Draw the filters whose options depend on the content of this library. Values that no longer
    exist are cleared."""
    tags = {
        key: page.text("studio.counted", what=written, count=many)
        for key, written, many in offered.tags
    }
    every = page.text("studio.use.all")
    recipes = {"": every} | {one: one for one in offered.recipes}
    made = {("", ""): every} | {one: ", ".join(filter(None, one)) for one in offered.made_with}
    st.session_state[TAGS] = [one for one in st.session_state.get(TAGS) or () if one in tags]
    if st.session_state.get(RECIPE) not in recipes:
        st.session_state[RECIPE] = ""
    if st.session_state.get(MADE) not in made:
        st.session_state[MADE] = ("", "")
    with st.container(horizontal=True, gap="small"):
        st.multiselect(
            page.text("studio.tags"),
            list(tags),
            format_func=tags.__getitem__,
            placeholder=page.text("studio.tags_hint"),
            key=TAGS,
            width=320,
            select_all=False,
        )
        _render_filter_select(page, "studio.recipe_of", recipes, RECIPE)
        _render_filter_select(page, "studio.made_with", made, MADE)
        for label, key in (("studio.taken_since", SINCE), ("studio.taken_until", UNTIL)):
            st.session_state.setdefault(key, None)
            st.date_input(page.text(label), key=key, format="DD/MM/YYYY", width=170)


def render_pager(page: PageContext, after: PageCursor | None) -> None:
    """Draw the buttons for newer and older images."""
    turned = st.session_state.get(TURNED)
    with st.container(horizontal=True, gap="small"):
        if turned:
            st.button(
                page.text("studio.newer"),
                key="studio:newer",
                icon=":material/chevron_left:",
                on_click=turned.pop,
            )
        if after is not None:
            st.button(
                page.text("studio.older"),
                key="studio:older",
                icon=":material/chevron_right:",
                on_click=lambda: st.session_state[TURNED].append(after),
            )
