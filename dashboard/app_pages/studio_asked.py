"""What is asked of the library: words, facets, tags, where a picture comes from, when it was taken; and its pages."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.library import FACETS, Facets, Library
from studio.searching import ALL, DEMO, LONGEST, OWN, Offered, Place

WORDS, TAGS, RECIPE, MADE, SINCE, UNTIL, COLLECTION = (
    f"studio:asked:{name}" for name in ("words", "tags", "recipe", "made", "since", "until", "collection")
)
MADE_BY = "studio:made"
"""The facet that keeps own pictures and those of demonstrations apart."""

TURNED, FOR = "studio:turned", "studio:turned:for"
"""Where the pages that were turned to begin, and what was asked when they were."""

VALUES = {
    "rating": (ALL, "none", "G", "S", "N", "E"),
    "use": (ALL, "used", "unused", "packed", "sold"),
    "origin": (ALL, "upload", "generated"),
    "shelf": (ALL, "here", "kept", "away"),
    "made": (OWN, DEMO),
}


def facets() -> Facets:
    """What is asked of the library, as it was chosen last."""
    plain, kept = Facets(), st.session_state
    return Facets(
        **{name: kept.get(f"studio:{name}") or getattr(plain, name) for name in FACETS},
        words=str(acting.typed(WORDS) or "").strip(),
        tags=tuple(kept.get(TAGS) or ()),
        recipe=kept.get(RECIPE) or "",
        made_with=kept.get(MADE) or ("", ""),
        since=kept.get(SINCE),
        until=kept.get(UNTIL),
        collection=UUID(kept[COLLECTION]) if kept.get(COLLECTION) else None,
    )


def clear() -> None:
    """Ask for everything again, from the first page."""
    for key in (WORDS, TAGS, RECIPE, MADE, SINCE, UNTIL, COLLECTION, TURNED, *(f"studio:{name}" for name in FACETS)):
        st.session_state.pop(key, None)


def place() -> Place | None:
    """Where the page that is shown begins; whatever is asked anew is shown from its first page."""
    asked = facets()
    if st.session_state.get(FOR) != asked:
        st.session_state[FOR], st.session_state[TURNED] = asked, []
    turned: list[Place] = st.session_state.setdefault(TURNED, [])
    return turned[-1] if turned else None


def ask(page: Page, here: Library) -> None:
    """Draw the fields; a collection is asked nothing, but for pictures that stand apart."""
    if here.collections:
        said = {"": page.word("studio.collection.none")} | {str(one.id): one.name for one in here.collections}
        st.session_state[COLLECTION] = str(here.opened.id) if here.opened is not None else ""
        _one(page, "studio.collection", said, COLLECTION)
    if here.opened is None:
        _search(page, here)
    elif here.made != ALL:
        _facet(page, here, "made")


def _search(page: Page, here: Library) -> None:
    st.text_input(
        page.word("studio.search"),
        key=WORDS,
        max_chars=LONGEST,
        placeholder=page.word("studio.search_hint"),
        icon=":material/search:",
    )
    with st.container(horizontal=True, gap="small"):
        for name in FACETS:
            if name != "made" or here.made != ALL:
                _facet(page, here, name)
    with st.expander(page.word("studio.search_more"), expanded=_more_is_asked()):
        _more(page, here.offered)


def _facet(page: Page, here: Library, name: str) -> None:
    st.session_state[f"studio:{name}"] = here.made if name == "made" else getattr(facets(), name)
    said = {one: page.word(f"studio.{name}.{one}") for one in VALUES[name]}
    _one(page, f"studio.{name}", said, f"studio:{name}")


def _one(page: Page, label: str, said: Mapping[Any, str], key: str) -> None:
    st.selectbox(page.word(label), list(said), format_func=said.__getitem__, key=key, width=210)


def _more_is_asked() -> bool:
    asked = facets()
    return bool(asked.tags or asked.recipe or asked.made_with[0] or asked.since or asked.until)


def _more(page: Page, offered: Offered) -> None:
    """Fields whose values are this library's own; one that is not there any more is not asked for."""
    tags = {key: page.word("studio.counted", what=written, count=many) for key, written, many in offered.tags}
    every = page.word("studio.use.all")
    recipes = {"": every} | {one: one for one in offered.recipes}
    made = {("", ""): every} | {one: ", ".join(filter(None, one)) for one in offered.made_with}
    st.session_state[TAGS] = [one for one in st.session_state.get(TAGS) or () if one in tags]
    if st.session_state.get(RECIPE) not in recipes:
        st.session_state[RECIPE] = ""
    if st.session_state.get(MADE) not in made:
        st.session_state[MADE] = ("", "")
    with st.container(horizontal=True, gap="small"):
        st.multiselect(
            page.word("studio.tags"),
            list(tags),
            format_func=tags.__getitem__,
            placeholder=page.word("studio.tags_hint"),
            key=TAGS,
            width=320,
            select_all=False,
        )
        _one(page, "studio.recipe_of", recipes, RECIPE)
        _one(page, "studio.made_with", made, MADE)
        for label, key in (("studio.taken_since", SINCE), ("studio.taken_until", UNTIL)):
            st.session_state.setdefault(key, None)
            st.date_input(page.word(label), key=key, format="YYYY-MM-DD", width=170)


def turn(page: Page, after: Place | None) -> None:
    """The presses that turn to the pictures before and after."""
    turned = st.session_state.get(TURNED)
    with st.container(horizontal=True, gap="small"):
        if turned:
            st.button(
                page.word("studio.newer"), key="studio:newer", icon=":material/chevron_left:", on_click=turned.pop
            )
        if after is not None:
            st.button(
                page.word("studio.older"),
                key="studio:older",
                icon=":material/chevron_right:",
                on_click=lambda: st.session_state[TURNED].append(after),
            )
