"""Saved replies next to the reply field: search, insert, save and edit. No action here sends a
message."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.inbox.actions import SAVED_REPLIES_PANEL, toggle_panel
from dashboard.pages.inbox.queries import ConversationView, conversation_creator
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import escape_markdown
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from subscribers.conversations import conversation_rows
from subscribers.inbox import member_actions, saved_replies
from subscribers.inbox.saved_replies import SavedReply
from tenants.agencies.rights import Right

MAX_SHOWN_REPLIES = 8
"""Maximum number of displayed replies. The search finds the others."""

BEGINNING = 70
"""Maximum number of characters of a reply shown next to its name."""


def initial_text(one: ConversationView, box: str) -> str:
    """Return the initial text of the reply field. Text in the session or the browser takes
    precedence, also after a restart of the dashboard."""
    return "" if box in st.session_state else one.kept


def render_saved_replies_toggle(page: PageContext, one: ConversationView) -> None:
    """Render the button that opens or closes the list."""
    talk = str(one.desk.id)
    st.button(
        page.text("saved.open"),
        key=f"{SAVED_REPLIES_PANEL}:{talk}",
        shortcut="T",
        on_click=toggle_panel,
        args=(SAVED_REPLIES_PANEL, talk),
    )


def render_saved_replies(page: PageContext, one: ConversationView, box: str, *, most: int) -> None:
    """Render the saved replies if the list is open. `most` is the maximum length of the reply
    field."""
    if actions.typed_value(SAVED_REPLIES_PANEL) != str(one.desk.id):
        return
    with st.container(border=True, key="inbox-saved"):
        _render_reply_choices(page, one, box, most)
        with st.container(horizontal=True, gap="small"):
            with st.popover(page.text("saved.add")):
                _render_new_reply_form(page, one, box)
            if one.saved:
                with st.popover(page.text("saved.change")):
                    _render_reply_editor(page, one)


def _render_reply_choices(page: PageContext, one: ConversationView, box: str, most: int) -> None:
    if not one.saved:
        st.caption(page.text("saved.none"))
    sought = ""
    if len(one.saved) > MAX_SHOWN_REPLIES:
        sought = st.text_input(
            page.text("saved.seek"),
            key=f"{SAVED_REPLIES_PANEL}:seek:{one.desk.id}",
            max_chars=saved_replies.MAX_SAVED_REPLY_NAME_LENGTH,
        )
    found = match_replies(one.saved, sought)
    for answer in found[:MAX_SHOWN_REPLIES]:
        params: dict[str, str | int] = {
            "name": escape_markdown(answer.name),
            "words": escape_markdown(_shorten_reply(answer.words)),
        }
        act = partial(insert_reply, page, one.desk.id, answer.id, box=box, most=most)
        key = f"{SAVED_REPLIES_PANEL}:{one.desk.id}:{answer.id}"
        actions.action_button(
            page, "saved.one", act, right=Right.CHAT, key=key, kind="tertiary", params=params
        )
    if sought and not found:
        st.caption(page.text("saved.not_found"))
    if len(found) > MAX_SHOWN_REPLIES:
        st.caption(page.text("saved.more", count=len(found) - MAX_SHOWN_REPLIES))


def match_replies(answers: Sequence[SavedReply], sought: str) -> list[SavedReply]:
    """Return the replies whose name or text contains every search word, in their order. Pure."""
    parts = sought.casefold().split()
    return [
        one
        for one in answers
        if all(part in f"{one.name} {one.words}".casefold() for part in parts)
    ]


def _shorten_reply(words: str) -> str:
    said = " ".join(words.split())
    return said if len(said) <= BEGINNING else f"{said[: BEGINNING - 1]}…"


def _render_new_reply_form(page: PageContext, one: ConversationView, box: str) -> None:
    form = f"{SAVED_REPLIES_PANEL}:new:{one.desk.id}"
    st.caption(
        page.markdown("saved.hint", creator=one.creator.name, mark=saved_replies.FAN_PLACEHOLDER)
    )
    st.text_input(
        page.text("saved.name"),
        key=f"{form}:name",
        max_chars=saved_replies.MAX_SAVED_REPLY_NAME_LENGTH,
    )
    own = one.card.language
    st.selectbox(
        page.text("saved.language"),
        saved_replies.SAVED_REPLY_LANGUAGES,
        index=saved_replies.SAVED_REPLY_LANGUAGES.index(
            own if own in saved_replies.SAVED_REPLY_LANGUAGES else saved_replies.ANY_LANGUAGE
        ),
        format_func=lambda language: page.text(f"saved.language.{language or 'any'}"),
        key=f"{form}:language",
    )
    st.selectbox(
        page.text("saved.place"),
        saved_replies.SAVED_REPLY_PLACES,
        format_func=lambda place: page.text(f"saved.place.{place}"),
        key=f"{form}:place",
    )
    act = partial(save_reply, page, one.desk.id, box=box, form=form)
    actions.action_button(
        page, "saved.keep", act, right=Right.CHAT, key=f"{form}:keep", kind="primary"
    )


def _render_reply_editor(page: PageContext, one: ConversationView) -> None:
    talk = one.desk.id
    names = {answer.id: answer for answer in one.saved}
    which = st.selectbox(
        page.text("saved.which"),
        list(names),
        format_func=lambda key: names[key].name,
        key=f"{SAVED_REPLIES_PANEL}:which:{talk}",
    )
    chosen = names.get(which, one.saved[0])
    form = f"{SAVED_REPLIES_PANEL}:old:{chosen.id}"
    sure = f"{SAVED_REPLIES_PANEL}:sure"
    st.text_input(
        page.text("saved.new_name"),
        chosen.name,
        key=f"{form}:name",
        max_chars=saved_replies.MAX_SAVED_REPLY_NAME_LENGTH,
    )
    st.text_area(
        page.text("saved.words"),
        chosen.words,
        key=f"{form}:words",
        max_chars=member_actions.MAX_REPLY_LENGTH,
    )
    with st.container(horizontal=True, gap="small"):
        act = partial(update_reply, page, talk, chosen.id, form)
        actions.action_button(
            page, "saved.change_now", act, right=Right.CHAT, key=f"{form}:change", kind="primary"
        )
        if actions.typed_value(sure) == str(chosen.id):
            drop = partial(delete_reply, page, talk, chosen.id)
            actions.action_button(
                page, "saved.forget_sure", drop, right=Right.CHAT, key=f"{form}:forget"
            )
        else:
            st.button(
                page.text("saved.forget"),
                key=f"{form}:ask",
                on_click=toggle_panel,
                args=(sure, str(chosen.id)),
            )


def insert_reply(
    page: PageContext,
    talk: UUID,
    answer_id: UUID,
    scope: Scope,
    _press: UUID,
    *,
    box: str,
    most: int,
) -> None:
    """Append a reply to the text of the reply field."""
    conversation_creator(scope, page, talk)
    standing = str(actions.typed_value(box) or "")
    row = conversation_rows.get_conversation(scope, talk)
    st.session_state[box] = saved_replies.insert_saved_reply(
        scope, row, page.viewer.member.id, answer_id, standing=standing, most=most
    )
    st.session_state[SAVED_REPLIES_PANEL] = None


def save_reply(
    page: PageContext, talk: UUID, scope: Scope, press: UUID, *, box: str, form: str
) -> Message:
    """Save the text of the reply field as a saved reply."""
    conversation_creator(scope, page, talk)
    name, language, place = (
        str(actions.typed_value(f"{form}:{what}") or "") for what in ("name", "language", "place")
    )
    words = str(actions.typed_value(box) or "")
    row = conversation_rows.get_conversation(scope, talk)
    saved_replies.create_saved_reply(
        scope, row, name=name, words=words, language=language, place=place, key=press
    )
    actions.clear_fields(f"{form}:name")
    return Message("saved.kept")


def update_reply(
    page: PageContext, talk: UUID, answer_id: UUID, form: str, scope: Scope, _press: UUID
) -> Message:
    """Change the name and text of a saved reply."""
    conversation_creator(scope, page, talk)
    name, words = (str(actions.typed_value(f"{form}:{what}") or "") for what in ("name", "words"))
    saved_replies.update_saved_reply(
        scope, conversation_rows.get_conversation(scope, talk), answer_id, name=name, words=words
    )
    return Message("saved.changed")


def delete_reply(
    page: PageContext, talk: UUID, answer_id: UUID, scope: Scope, _press: UUID
) -> Message:
    """Delete a saved reply."""
    conversation_creator(scope, page, talk)
    saved_replies.delete_saved_reply(
        scope, conversation_rows.get_conversation(scope, talk), answer_id
    )
    st.session_state[f"{SAVED_REPLIES_PANEL}:sure"] = None
    return Message("saved.forgotten")
