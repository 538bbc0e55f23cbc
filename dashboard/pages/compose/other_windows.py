"""Several windows of one member with the same draft: they follow each other, and a window never
overwrites text of another one without asking."""

from functools import partial

import streamlit as st

from dashboard.pages.compose import draft, unsaved_changes
from dashboard.pages.compose.draft import (
    BODY_KEY,
    CREATOR_KEY,
    CURRENT_DRAFT_KEY,
    EDITED_POST_KEY,
    ID_KEY,
    INITIAL_DRAFT_KEY,
    OTHER_VERSION_KEY,
    STORED_FIELDS_KEY,
    STORED_VERSION_KEY,
    field_text,
)
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from schedules.drafts import unsaved_posts
from schedules.drafts.unsaved_posts import NOT_STORED, UnsavedFields

POLL_INTERVAL = "5s"
MAX_SHOWN_TEXT = 400
"""Maximum number of characters of the other window's text that are shown."""

_UNCHANGED = UnsavedFields(INSTALLATION_ID, INSTALLATION_ID, {}, "")
"""Stands for the stored fields if this window shows them."""


def follow_other_windows(page: PageContext) -> UnsavedFields | None:
    """Show the changes of another window, if nothing was typed in this one since. Otherwise return
    the version of the other window, which the user has to choose or reject.

    Call it before any widget of the page is rendered.
    """
    if INITIAL_DRAFT_KEY not in st.session_state or CURRENT_DRAFT_KEY not in st.session_state:
        return None
    found = page.read(partial(_load_other_version, page))
    if found is _UNCHANGED:
        st.session_state.pop(OTHER_VERSION_KEY, None)
        return None
    is_typed = OTHER_VERSION_KEY in st.session_state or unsaved_changes.is_typed_since_drawn()
    if found is not None and is_typed:
        st.session_state[OTHER_VERSION_KEY] = found.version
        return found
    if found is not None:
        _show_fields(found)
        actions.set_notice(Message("aside.followed"))
    elif not field_text(EDITED_POST_KEY):
        _start_new_draft(keep=is_typed)
    else:
        _forget_stored()
    return None


def _load_other_version(page: PageContext, scope: Scope) -> UnsavedFields | None:
    """Return the stored fields, `_UNCHANGED` if this window shows them, or None if there are
    none."""
    member_id = page.viewer.member.id
    subject = unsaved_changes.subject_id()
    shown = actions.typed_value(STORED_VERSION_KEY) or NOT_STORED
    if unsaved_posts.load_version(scope, member_id, subject) == shown:
        return _UNCHANGED
    return unsaved_posts.load_fields(scope, member_id, subject)


def _show_fields(found: UnsavedFields) -> None:
    """Replace the fields by those of the other window."""
    unsaved_changes.clear_typed_fields()
    st.session_state.update(found.fields)
    st.session_state[STORED_VERSION_KEY] = found.version
    st.session_state[STORED_FIELDS_KEY] = None
    st.session_state.pop(OTHER_VERSION_KEY, None)
    # The next comparison is with what is drawn now.
    st.session_state.pop(CURRENT_DRAFT_KEY, None)


def _start_new_draft(*, keep: bool) -> None:
    """Start another draft after the other window has scheduled, saved or discarded this one. Text
    that was typed here is kept."""
    if keep:
        st.session_state[ID_KEY] = str(uuid7())
        _forget_stored()
        actions.set_notice(Message("aside.kept_as_new"))
    else:
        draft.start_draft(creator=field_text(CREATOR_KEY))
        actions.set_notice(Message("aside.closed_elsewhere"))


def _forget_stored() -> None:
    for name in (STORED_VERSION_KEY, STORED_FIELDS_KEY, OTHER_VERSION_KEY):
        st.session_state.pop(name, None)


def render_version_choice(page: PageContext, other: UnsavedFields | None) -> None:
    """Render the text of the other window, and the choice between both."""
    if other is None:
        return
    with st.container(border=True, key="compose:elsewhere_asked"):
        draw_template(
            "pages/compose/templates/other_window.html",
            text=str(other.fields.get(BODY_KEY) or "")[:MAX_SHOWN_TEXT],
            word=page.text,
        )
        with st.container(horizontal=True, gap="small"):
            st.button(
                page.text("aside.take_other"),
                key="compose:take_other",
                on_click=partial(_show_fields, other),
            )
            st.button(
                page.text("aside.keep_mine"),
                key="compose:keep_mine",
                on_click=partial(_keep_mine, other.version),
            )


def _keep_mine(version: int) -> None:
    """Overwrite exactly the version of the other window that was shown."""
    st.session_state[STORED_VERSION_KEY] = version
    st.session_state.pop(OTHER_VERSION_KEY, None)
    st.session_state.pop(STORED_FIELDS_KEY, None)


@st.fragment(run_every=POLL_INTERVAL)
def watch_other_windows(drawn: PageContext) -> None:
    """Redraw the page when another window has changed the draft. The fragment contains no input."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer or not field_text(ID_KEY):
        return
    subject = unsaved_changes.subject_id()
    version = page.read(
        lambda scope: unsaved_posts.load_version(scope, page.viewer.member.id, subject)
    )
    shown = st.session_state.get(STORED_VERSION_KEY, NOT_STORED)
    if version not in (shown, st.session_state.get(OTHER_VERSION_KEY, shown)):
        st.rerun()
