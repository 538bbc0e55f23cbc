"""The memory of a fan next to a conversation: what the fan stated, and the summary, with forms to
add, change, pin and delete entries."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.inbox.queries import ConversationView, conversation_creator
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from subscribers.conversations import conversation_rows
from subscribers.memory import fact_checks, facts, summaries
from subscribers.memory.fact_checks import MemoryKey
from subscribers.memory.facts import FanFact
from tenants.agencies.rights import Right


def render_memory(page: PageContext, one: ConversationView) -> None:
    """Render what is remembered about the fan of a conversation. Members with the right to chat may
    change it."""
    language = page.localizer.language
    draw_template(
        "pages/inbox/templates/memory.html",
        memories=[(fact, facts.fact_text(fact, language)) for fact in one.memories],
        summary=one.summary,
        voice=page.localizer,
        word=page.text,
    )
    if not page.has_right(Right.CHAT):
        return
    with st.container(horizontal=True, gap="small"):
        with st.popover(page.text("memory.add")):
            _render_new_fact_form(page, one)
        if one.memories:
            with st.popover(page.text("memory.edit")):
                _render_fact_editor(page, one)
        if one.summary:
            with st.popover(page.text("memory.edit_summary")):
                _render_summary_editor(page, one)


def _render_new_fact_form(page: PageContext, one: ConversationView) -> None:
    form = f"inbox:memory:new:{one.desk.id}"
    with forms.open_fields(page, form):
        st.selectbox(
            page.text("memory.key"),
            list(map(str, MemoryKey)),
            format_func=lambda key: page.text(f"memory.key.{key}"),
            key=f"{form}:key",
        )
        st.text_input(
            page.text("memory.value"), key=f"{form}:value", max_chars=fact_checks.MAX_VALUE_LENGTH
        )
        forms.show_field_error("value")
        act = partial(add_memory, page, one.desk.id, form)
        actions.action_button(
            page, "memory.save_new", act, right=Right.CHAT, key=f"{form}:save", kind="primary"
        )


def _render_fact_editor(page: PageContext, one: ConversationView) -> None:
    talk = one.desk.id
    language = page.localizer.language
    listed = {fact.id: fact for fact in one.memories}
    which = st.selectbox(
        page.text("memory.which"),
        list(listed),
        format_func=lambda key: facts.fact_text(listed[key], language),
        key=f"inbox:memory:which:{talk}",
    )
    chosen = listed.get(which, one.memories[0])
    box = f"inbox:memory:{chosen.id}"
    with forms.open_fields(page, box):
        st.text_input(
            page.text("memory.new_value"),
            facts.fact_value_text(chosen.key, chosen.value, language),
            key=f"{box}:value",
            max_chars=fact_checks.MAX_VALUE_LENGTH,
        )
        forms.show_field_error("value")
        with st.container(horizontal=True, gap="small"):
            change = partial(change_memory, page, talk, chosen.id, f"{box}:value")
            actions.action_button(
                page, "memory.save", change, right=Right.CHAT, key=f"{box}:save", kind="primary"
            )
            _render_pin_button(page, talk, chosen, box)
            delete = partial(delete_memory, page, talk, chosen.id)
            actions.action_button(
                page, "memory.delete", delete, right=Right.CHAT, key=f"{box}:delete"
            )


def _render_pin_button(page: PageContext, talk: UUID, chosen: FanFact, box: str) -> None:
    act = partial(pin_memory, page, talk, chosen.id, not chosen.pinned)
    code = "memory.unpin" if chosen.pinned else "memory.pin"
    actions.action_button(page, code, act, right=Right.CHAT, key=f"{box}:pin:{chosen.pinned}")


def _render_summary_editor(page: PageContext, one: ConversationView) -> None:
    box = f"inbox:memory:summary:{one.desk.id}"
    with forms.open_fields(page, box):
        st.text_area(
            page.text("memory.summary"),
            one.summary,
            key=box,
            height=120,
            max_chars=fact_checks.MAX_SUMMARY_LENGTH,
        )
        forms.show_field_error("text")
        act = partial(change_summary, page, one.desk.id, box)
        actions.action_button(
            page, "memory.save_summary", act, right=Right.CHAT, key=f"{box}:save", kind="primary"
        )


def add_memory(page: PageContext, talk: UUID, form: str, scope: Scope, press: UUID) -> Message:
    """Store what the member knows about the fan. The field is cleared once it is stored."""
    conversation_creator(scope, page, talk)
    facts.add_fact(
        scope,
        conversation_rows.lock_conversation(scope, talk),
        str(actions.typed_value(f"{form}:key") or ""),
        str(actions.typed_value(f"{form}:value") or ""),
        press=press,
    )
    forms.set_on_success(f"{form}:value", "")
    return Message("memory.saved")


def change_memory(
    page: PageContext, talk: UUID, fact_id: UUID, box: str, scope: Scope, _press: UUID
) -> Message:
    """Change an entry to the text of the field."""
    conversation_creator(scope, page, talk)
    value = str(actions.typed_value(box) or "")
    row = conversation_rows.lock_conversation(scope, talk)
    facts.change_fact(scope, row, fact_id, value)
    return Message("memory.saved")


def pin_memory(
    page: PageContext, talk: UUID, fact_id: UUID, pinned: bool, scope: Scope, _press: UUID
) -> Message:
    """Pin or unpin an entry."""
    conversation_creator(scope, page, talk)
    row = conversation_rows.lock_conversation(scope, talk)
    facts.pin_fact(scope, row, fact_id, pinned=pinned)
    return Message("memory.saved")


def delete_memory(
    page: PageContext, talk: UUID, fact_id: UUID, scope: Scope, _press: UUID
) -> Message:
    """Delete an entry."""
    conversation_creator(scope, page, talk)
    facts.delete_fact(scope, conversation_rows.lock_conversation(scope, talk).fan_id, fact_id)
    return Message("memory.deleted")


def change_summary(page: PageContext, talk: UUID, box: str, scope: Scope, _press: UUID) -> Message:
    """Change the summary to the text of the field; an empty text deletes it."""
    conversation_creator(scope, page, talk)
    text = str(actions.typed_value(box) or "")
    summaries.change_summary(scope, conversation_rows.lock_conversation(scope, talk), text)
    return Message("memory.saved")
