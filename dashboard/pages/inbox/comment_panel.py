"""Comment panel: reply in public, like, hide, delete, block the author, mark as done."""

import hashlib
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.inbox import saved_replies
from dashboard.pages.inbox.actions import (
    NOTE_PANEL,
    SELECTED_COMMENT_KEY,
    SNOOZE_PANEL,
    mark_conversation_done,
    moderate_comment,
    remove_comment_reply,
    render_mark_unread,
    render_snooze_choices,
    render_uncertain_message,
    render_unsnooze,
    reply_to_comment,
    save_unsent_text,
    suggest_comment_reply,
    take_over,
    toggle_panel,
)
from dashboard.pages.inbox.queries import ConversationView, actionable_comments
from dashboard.shell import actions, forms
from dashboard.shell.browser_components import browser_component
from dashboard.shell.page_context import PageContext
from subscribers.comments import moderation
from subscribers.comments.moderation import CommentView
from subscribers.conversations.states import DraftState, OwnerState
from tenants.agencies.rights import Right

IRREVERSIBLE = frozenset({"delete", "block", "report"})
"""Actions that require a confirmation."""


def render_comment_panel(page: PageContext, one: ConversationView) -> None:
    """Render the actions on a user's comments."""
    for kept in one.desk.unsent:
        if kept.state is DraftState.UNCERTAIN:
            render_uncertain_message(page, one, kept)
    about = _select_comment(page, one)
    if one.mine and about is not None:
        _render_comment_composer(page, one, about)
    _render_toolbar(page, one)
    if about is not None and page.has_right(Right.CHAT):
        _render_moderation(page, one, about)
    _render_reply_removal(page, one)


def _select_comment(page: PageContext, one: ConversationView) -> CommentView | None:
    """Return the comment to act on: the selected one, by default the newest open one."""
    there = actionable_comments(one.heard.values())
    if len(there) < 2:
        return there[0] if there else None
    names = {heard.id: _shorten_text(heard.text) for heard in there}
    chosen = st.selectbox(
        page.text("inbox.about"),
        list(names),
        format_func=lambda key: names[key],
        key=f"{SELECTED_COMMENT_KEY}:{one.desk.id}",
    )
    return next((heard for heard in there if heard.id == chosen), there[0])


def _shorten_text(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 60 else f"{words[:59]}…"


def _render_comment_composer(page: PageContext, one: ConversationView, about: CommentView) -> None:
    if not one.can_answer:
        st.info(page.text("inbox.no_answers"))
        return
    talk = one.desk.id
    browser_component("reply")(key="reply", height="content")
    box = _reply_box_key(one)
    with forms.open_fields(page, box):
        st.text_area(
            page.text("inbox.answer_in_public", fan=one.desk.fan),
            saved_replies.initial_text(one, box),
            key=box,
            height=90,
            max_chars=one.longest,
            on_change=actions.run_action,
            args=(partial(save_unsent_text, page, talk, box), Right.CHAT, f"{box}:keep"),
        )
        forms.show_field_error("text")
        for why in one.conflicts:
            st.warning(page.localizer.message_text(why))
        act = partial(reply_to_comment, page, about.id, box)
        with st.container(horizontal=True, gap="small"):
            key = f"{box}:send"
            actions.action_button(
                page,
                "inbox.answer",
                act,
                right=Right.CHAT,
                key=key,
                kind="primary",
                shortcut="Ctrl+Enter",
            )
            if not one.kept:
                ask = partial(suggest_comment_reply, page, about.id, one.longest)
                actions.action_button(
                    page, "inbox.suggest", ask, right=Right.CHAT, key=f"{box}:suggest"
                )
            saved_replies.render_saved_replies_toggle(page, one)
        saved_replies.render_saved_replies(page, one, box, most=one.longest)
        st.caption(page.text("inbox.suggested" if one.suggested else "inbox.in_public"))


def _reply_box_key(one: ConversationView) -> str:
    """Return the key of the reply field. A new suggestion has a new key, because the browser would
    otherwise retain the previous text."""
    digest = hashlib.sha256(one.suggested.encode()).hexdigest()[:8] if one.suggested else ""
    return f"inbox:text:{one.desk.id}{digest}"


def _render_toolbar(page: PageContext, one: ConversationView) -> None:
    talk = one.desk.id
    key = f"inbox:{one.desk.id}"
    with st.container(horizontal=True, gap="small"):
        if not one.mine:
            code = "inbox.take_from" if one.desk.owner is OwnerState.HUMAN else "inbox.take"
            act = partial(take_over, page, talk)
            actions.action_button(
                page, code, act, right=Right.CHAT, key=f"{key}:take", shortcut="H", kind="primary"
            )
        if one.desk.owner is not OwnerState.CLOSED:
            done = partial(mark_conversation_done, page, talk)
            actions.action_button(
                page, "inbox.done", done, right=Right.CHAT, key=f"{key}:done", shortcut="D"
            )
        for code, slot, shortcut in (
            ("inbox.note", NOTE_PANEL, "N"),
            ("inbox.snooze", SNOOZE_PANEL, "S"),
        ):
            st.button(
                page.text(code),
                key=f"{slot}:{talk}",
                shortcut=shortcut,
                on_click=toggle_panel,
                args=(slot, str(talk)),
            )
        if one.desk.snoozed_until is not None:
            render_unsnooze(page, one)
        render_mark_unread(page, one)
    render_snooze_choices(page, one)


def _render_moderation(page: PageContext, one: ConversationView, about: CommentView) -> None:
    """Render the moderation actions that the platform supports for the comment. Irreversible ones
    require a confirmation."""
    idle = {"hide" if about.state == "hidden" else "show", "like" if about.liked else "unlike"}
    with st.container(horizontal=True, gap="small"):
        for act in moderation.MODERATION_ACTIONS:
            if act in one.acts and act not in idle:
                _render_moderation_button(page, about.id, act)


def _render_reply_removal(page: PageContext, one: ConversationView) -> None:
    """Render the removal of the latest published reply, which requires a confirmation."""
    standing_ones = [answer for answer in one.answers.values() if not answer.gone]
    if not standing_ones or not page.has_right(Right.CHAT):
        return
    draft = standing_ones[0].draft_id
    sure = f"{SELECTED_COMMENT_KEY}:sure"
    if actions.typed_value(sure) != f"back:{draft}":
        key = f"inbox:back:{draft}:ask"
        st.button(
            page.text("inbox.take_back"),
            key=key,
            on_click=toggle_panel,
            args=(sure, f"back:{draft}"),
        )
        return
    back = partial(remove_comment_reply, page, draft)
    actions.action_button(
        page,
        "inbox.take_back_sure",
        back,
        right=Right.CHAT,
        key=f"inbox:back:{draft}",
        kind="primary",
    )


def _render_moderation_button(page: PageContext, remark_id: UUID, act: str) -> None:
    key = f"inbox:{act}:{remark_id}"
    sure = f"{SELECTED_COMMENT_KEY}:sure"
    if act in IRREVERSIBLE and actions.typed_value(sure) != f"{act}:{remark_id}":
        st.button(
            page.text(f"inbox.act.{act}"),
            key=f"{key}:ask",
            on_click=toggle_panel,
            args=(sure, f"{act}:{remark_id}"),
        )
        return
    code = f"inbox.act.{act}_sure" if act in IRREVERSIBLE else f"inbox.act.{act}"
    do = partial(moderate_comment, page, remark_id, act)
    actions.action_button(
        page,
        code,
        do,
        right=Right.CHAT,
        key=key,
        kind="primary" if act in IRREVERSIBLE else "secondary",
    )
