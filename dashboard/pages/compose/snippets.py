"""Saved snippets and sets of hashtags in the composer: insert, save, change and delete."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.compose.draft import BODY_KEY, field_text
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template, escape_markdown
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.drafts import snippets
from schedules.drafts.snippets import (
    MAX_SNIPPET_LENGTH,
    MAX_SNIPPET_NAME_LENGTH,
    SNIPPET_KINDS,
    Snippet,
)
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

_PREFIX = "compose:snippet:"
SEARCH_KEY, NAME_KEY, TEXT_KEY, KIND_KEY, SHARED_KEY, CHOSEN_KEY, SURE_KEY = (
    f"{_PREFIX}{name}" for name in ("search", "name", "text", "kind", "shared", "chosen", "sure")
)
MAX_SHOWN = 6
"""Maximum number of snippets next to the text. The menu contains all of them."""

MAX_LISTED = 12
_ICONS = {"text": ":material/notes:", "hashtags": ":material/tag:"}


def render_snippets(page: PageContext, creator: Creator) -> None:
    """Render the snippets of the creator and of the agency, and the menu that manages them."""
    if not page.has_right(Right.RUN):
        return
    found = page.read(lambda scope: snippets.list_snippets(scope, creator.id))
    with st.container(horizontal=True, gap="small", key="gr_snippets"):
        for one in found[:MAX_SHOWN]:
            _render_insert_button(one, "near")
        with st.popover(page.text("snippet.title"), icon=":material/bookmark:"):
            _render_menu(page, creator, found)


def _render_insert_button(one: Snippet, place: str) -> None:
    st.button(
        escape_markdown(one.name),
        key=f"{_PREFIX}{place}:{one.id}",
        icon=_ICONS[one.kind],
        type="tertiary",
        help=escape_markdown(one.text[:200]),
        on_click=partial(_insert, one),
    )


def _insert(one: Snippet) -> None:
    st.session_state[BODY_KEY] = snippets.insert_snippet(one, field_text(BODY_KEY))


def _render_menu(page: PageContext, creator: Creator, found: Sequence[Snippet]) -> None:
    names = [page.text(f"snippet.tab.{one}") for one in ("insert", "save", "change")]
    insert, save, change = st.tabs(names)
    with insert:
        _render_search(page, found)
    with save:
        _render_new_form(page, creator)
    with change:
        _render_editor(page, found)


def _render_search(page: PageContext, found: Sequence[Snippet]) -> None:
    if not found:
        draw_template("shell/templates/note.html", note=page.text("snippet.none"))
        return
    sought = ""
    if len(found) > MAX_LISTED:
        sought = st.text_input(
            page.text("snippet.search"), key=SEARCH_KEY, max_chars=MAX_SNIPPET_NAME_LENGTH
        )
    fitting = match_snippets(found, sought)
    for one in fitting[:MAX_LISTED]:
        _render_insert_button(one, "menu")
    if not fitting:
        draw_template("shell/templates/note.html", note=page.text("snippet.not_found"))


def match_snippets(found: Sequence[Snippet], sought: str) -> list[Snippet]:
    """Return the snippets whose name or text contains every search word; pure."""
    words = sought.casefold().split()
    return [
        one for one in found if all(word in f"{one.name} {one.text}".casefold() for word in words)
    ]


def _render_new_form(page: PageContext, creator: Creator) -> None:
    st.button(
        page.text("snippet.use_text"),
        key=f"{_PREFIX}use",
        type="tertiary",
        disabled=not field_text(BODY_KEY).strip(),
        on_click=_copy_text,
    )
    with st.form(f"{_PREFIX}new", border=False):
        st.radio(
            page.text("snippet.kind"),
            SNIPPET_KINDS,
            format_func=lambda one: page.text(f"snippet.kind.{one}"),
            key=KIND_KEY,
            horizontal=True,
        )
        st.text_input(page.text("snippet.name"), key=NAME_KEY, max_chars=MAX_SNIPPET_NAME_LENGTH)
        st.text_area(page.text("snippet.text"), key=TEXT_KEY, max_chars=MAX_SNIPPET_LENGTH)
        if snippets.can_share_snippets(page.viewer.member):
            st.checkbox(page.text("snippet.shared"), key=SHARED_KEY)
        actions.submit_button(
            page,
            "snippet.save",
            partial(_save_snippet, page, creator.id),
            right=Right.RUN,
            key=f"{_PREFIX}save",
            refusal=f"{_PREFIX}save",
        )


def _copy_text() -> None:
    st.session_state[TEXT_KEY] = field_text(BODY_KEY)[:MAX_SNIPPET_LENGTH]


def _save_snippet(page: PageContext, creator_id: UUID, scope: Scope, press: UUID) -> Message:
    creator = page.get_creator(scope, creator_id)
    snippets.save_snippet(
        scope,
        member_id=page.viewer.member.id,
        creator_id=None if actions.typed_value(SHARED_KEY) else creator.id,
        kind=str(actions.typed_value(KIND_KEY)),
        name=str(actions.typed_value(NAME_KEY) or ""),
        text=str(actions.typed_value(TEXT_KEY) or ""),
        key=press,
    )
    actions.clear_fields(NAME_KEY, TEXT_KEY)
    return Message("snippet.saved")


def _editable(page: PageContext, found: Sequence[Snippet]) -> dict[UUID, Snippet]:
    """Return the snippets that the member may change."""
    shared = snippets.can_share_snippets(page.viewer.member)
    return {one.id: one for one in found if shared or one.creator_id is not None}


def _render_editor(page: PageContext, found: Sequence[Snippet]) -> None:
    mine = _editable(page, found)
    if not mine:
        draw_template("shell/templates/note.html", note=page.text("snippet.none"))
        return
    if st.session_state.get(CHOSEN_KEY) not in mine:
        st.session_state[CHOSEN_KEY] = next(iter(mine))
    chosen = mine[
        st.selectbox(
            page.text("snippet.which"),
            list(mine),
            format_func=lambda one: mine[one].name,
            key=CHOSEN_KEY,
        )
    ]
    form = f"{_PREFIX}{chosen.id}:"
    with st.form(f"{form}change", border=False):
        st.text_input(
            page.text("snippet.name"),
            chosen.name,
            key=f"{form}name",
            max_chars=MAX_SNIPPET_NAME_LENGTH,
        )
        st.text_area(
            page.text("snippet.text"),
            chosen.text,
            key=f"{form}text",
            max_chars=MAX_SNIPPET_LENGTH,
        )
        actions.submit_button(
            page,
            "snippet.change",
            partial(_update_snippet, page, chosen.id),
            right=Right.RUN,
            key=f"{form}save",
            refusal=f"{form}save",
        )
    _render_delete_button(page, chosen)


def _render_delete_button(page: PageContext, chosen: Snippet) -> None:
    if st.session_state.get(SURE_KEY) == chosen.id:
        actions.action_button(
            page,
            "snippet.delete_sure",
            partial(_delete_snippet, page, chosen.id),
            right=Right.RUN,
            key=f"{_PREFIX}delete",
            params={"name": escape_markdown(chosen.name)},
        )
    else:
        st.button(
            page.text("snippet.delete"),
            key=f"{_PREFIX}ask",
            type="tertiary",
            on_click=partial(st.session_state.update, {SURE_KEY: chosen.id}),
        )


def _update_snippet(page: PageContext, snippet_id: UUID, scope: Scope, _press: UUID) -> Message:
    form = f"{_PREFIX}{snippet_id}:"
    name, text = (str(actions.typed_value(f"{form}{one}") or "") for one in ("name", "text"))
    member_id = page.viewer.member.id
    snippets.update_snippet(scope, snippet_id, member_id=member_id, name=name, text=text)
    return Message("snippet.changed")


def _delete_snippet(page: PageContext, snippet_id: UUID, scope: Scope, _press: UUID) -> Message:
    snippets.delete_snippet(scope, snippet_id, member_id=page.viewer.member.id)
    st.session_state[SURE_KEY] = None
    return Message("snippet.deleted")
