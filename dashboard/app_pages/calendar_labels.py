"""Labels where posts are looked for, written and read: a filter, a field, and those of one post."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages.calendar_filters import LIST
from dashboard.frame import Page
from dashboard.reads.posts import Opened
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import labels
from schedules.labels import MOST_OF_POST, Label
from tenants.roles import Right

LABEL = "calendar:label"
OF_POST = "post:labels:"


def way(page: Page) -> None:
    """Draw the way to the page of labels, for who may change them."""
    if page.may(Right.RUN):
        st.button(page.word("post_label.open"), key="go:labels", icon=":material/label:", on_click=open_page)


def choose(page: Page) -> None:
    """Draw the filter; nothing while the agency has no label."""
    known = _known(page)
    _keep(LABEL, known)
    if known:
        st.selectbox(
            page.word("post_label.only"),
            ["", *known],
            format_func=lambda one: known[one].name if one else page.word("post_label.every"),
            key=LABEL,
            width=LIST,
        )


def chosen() -> UUID | None:
    """The label that was chosen, if any."""
    found = str(st.session_state.get(LABEL) or "")
    return UUID(found) if found else None


def open_page() -> None:
    """Open the page of labels, in a callback."""
    st.query_params.from_dict({"labels": "1"})


def _known(page: Page) -> dict[str, Label]:
    return {str(one.id): one for one in page.read(labels.known)}


def _keep(key: str, known: Mapping[str, Label]) -> None:
    """Forget a choice that somebody removed meanwhile."""
    kept = st.session_state.get(key)
    if isinstance(kept, list) and not known.keys() >= set(kept):
        st.session_state[key] = [one for one in kept if one in known]
    elif isinstance(kept, str) and kept and kept not in known:
        st.session_state[key] = ""


def field(page: Page, key: str) -> None:
    """Draw the labels that a post is to have; nothing while the agency has none."""
    known = _known(page)
    _keep(key, known)
    if known:
        st.multiselect(
            page.word("post_label.labels"),
            list(known),
            format_func=lambda one: known[one].name,
            placeholder=page.word("post_label.none_chosen"),
            max_selections=MOST_OF_POST,
            key=key,
            select_all=False,
        )


def of_post(page: Page, found: Opened) -> None:
    """Those of one post, and what changes them."""
    if found.labels:
        draw("labels.html", labels=found.labels, voice=page.voice)
    if not page.may(Right.RUN):
        return
    seen = frozenset(one.id for one in found.labels)
    key = f"{OF_POST}{found.post.id}:{','.join(sorted(map(str, seen)))}"  # others change them too: then drawn anew
    with st.popover(page.word("post_label.labels"), icon=":material/label:"):
        if key not in st.session_state:
            st.session_state[key] = [str(one.id) for one in found.labels]
        field(page, key)
        draw("calendar_note.html", note=page.word("post_label.no_yes"))
        act = partial(_put, page, found, key)
        acting.button(page, "post_label.save", act, right=Right.RUN, key=f"label:put:{found.post.id}", kind="primary")
        st.button(page.word("post_label.open"), key="post:labels:open", on_click=open_page)


def _put(page: Page, found: Opened, key: str, scope: Scope, _: UUID) -> Message:
    """Give and take what was changed on the page; what others did meanwhile stays."""
    page.my(scope, found.creator.id)
    seen, chosen = {one.id for one in found.labels}, {UUID(one) for one in acting.typed(key) or ()}
    now = set(labels.ids_of(scope, found.post.id))
    labels.put(scope, found.post.id, (now - (seen - chosen)) | (chosen - seen))
    return Message("post_label.saved")
