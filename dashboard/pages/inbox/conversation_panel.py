"""Conversation panel: take over, reply, decide on a suggestion, send offers, snooze, add notes and
stop sales.

The reply field is outside the refreshing fragment. Its unsent text is stored in a database row for
each member and conversation.
"""

from functools import partial

import streamlit as st

from dashboard.pages.inbox import saved_replies
from dashboard.pages.inbox.actions import (
    AGE_PANEL,
    EDIT_PANEL,
    NOTE_PANEL,
    OFFER_PANEL,
    REJECT_PANEL,
    SNOOZE_PANEL,
    STOP_SALES_PANEL,
    add_note,
    approve_suggestion,
    offer_locked_pack,
    offer_pack,
    offer_subscription,
    reject_suggestion,
    render_mark_unread,
    render_snooze_choices,
    render_uncertain_message,
    render_unsnooze,
    report_signal,
    request_age,
    return_to_ai,
    save_unsent_text,
    send_reply,
    stop_sales,
    take_over,
    toggle_panel,
    withdraw_age_assurance,
)
from dashboard.pages.inbox.fan_predictions import render_recommendation
from dashboard.pages.inbox.queries import ConversationView
from dashboard.shell import actions, forms
from dashboard.shell.browser_components import browser_component
from dashboard.shell.page_context import PageContext
from foundation.money import Money
from gate.people import age_requests
from subscribers.conversations.states import DraftState, OwnerState
from subscribers.inbox import fan_notes, member_actions
from subscribers.inbox.member_actions import DRAFT_REJECTIONS
from subscribers.inbox.queries import UnsentMessage
from tenants.agencies.rights import Right

STARRED = 3
"""Maximum number of recommended packs that have a star. They come first."""


def render_conversation_panel(page: PageContext, one: ConversationView) -> None:
    """Render the actions of the conversation."""
    waiting = [kept for kept in one.desk.unsent if kept.state is DraftState.DRAFT]
    for kept in one.desk.unsent:
        if kept.state is DraftState.UNCERTAIN:
            render_uncertain_message(page, one, kept)
    if waiting:
        _render_suggestion(page, one, waiting[0])
    if one.mine:
        _render_message_composer(page, one)
    _render_toolbar(page, one)
    _render_open_panels(page, one)


def _render_toolbar(page: PageContext, one: ConversationView) -> None:
    """Render the buttons that change the owner of the conversation and open panels, each with a
    keyboard shortcut."""
    talk = one.desk.id
    key = f"inbox:{one.desk.id}"
    with st.container(horizontal=True, gap="small"):
        if not one.mine and one.desk.owner is not OwnerState.CLOSED:
            code = "inbox.take_from" if one.desk.owner is OwnerState.HUMAN else "inbox.take"
            act = partial(take_over, page, talk)
            actions.action_button(
                page, code, act, right=Right.CHAT, key=f"{key}:take", shortcut="H", kind="primary"
            )
        if one.mine or one.desk.owner is OwnerState.PENDING_HUMAN:
            back = partial(return_to_ai, page, talk)
            actions.action_button(
                page, "inbox.hand_back", back, right=Right.CHAT, key=f"{key}:back", shortcut="B"
            )
        if one.mine:
            _render_panel_toggle(page, "inbox.offer", OFFER_PANEL, str(talk), "O")
        _render_panel_toggle(page, "inbox.note", NOTE_PANEL, str(talk), "N")
        if one.desk.snoozed_until is not None:
            render_unsnooze(page, one)
        else:
            _render_panel_toggle(page, "inbox.snooze", SNOOZE_PANEL, str(talk), "S")
        with st.popover(page.text("inbox.more"), icon=":material/more_horiz:"):
            _render_rare_actions(page, one)


def _render_rare_actions(page: PageContext, one: ConversationView) -> None:
    """Render the actions that are needed rarely: read state, age checks, safety and sales."""
    talk = one.desk.id
    key = f"inbox:{one.desk.id}"
    render_mark_unread(page, one)
    if page.has_right(Right.REVIEW) and one.card.age.can_be_messaged and not one.card.age.over_18:
        _render_panel_toggle(page, "inbox.confirm_age", AGE_PANEL, str(talk))
    elif page.has_right(Right.REVIEW) and one.card.age.over_18:
        undo = partial(withdraw_age_assurance, page, talk)
        actions.action_button(
            page, "inbox.withdraw_age", undo, right=Right.REVIEW, key=f"{key}:withdraw"
        )
    if not one.desk.held:
        report = partial(report_signal, page, talk)
        actions.action_button(
            page, "inbox.report_signal", report, right=Right.CHAT, key=f"{key}:signal"
        )
    if one.card.sales_stopped:
        if page.has_right(Right.REOPEN):
            _render_panel_toggle(page, "inbox.resume_sales", STOP_SALES_PANEL, str(talk))
    elif page.has_right(Right.STOP):
        _render_panel_toggle(page, "inbox.stop_sales", STOP_SALES_PANEL, str(talk))


def _render_panel_toggle(
    page: PageContext, code: str, slot: str, value: str, shortcut: str | None = None
) -> None:
    st.button(
        page.text(code),
        key=f"{slot}:{value}",
        shortcut=shortcut,
        on_click=toggle_panel,
        args=(slot, value),
    )


def _render_open_panels(page: PageContext, one: ConversationView) -> None:
    talk = str(one.desk.id)
    if one.mine and actions.typed_value(OFFER_PANEL) == talk:
        _render_offers(page, one)
    render_snooze_choices(page, one)
    if actions.typed_value(STOP_SALES_PANEL) == talk:
        _render_sales_stop(page, one)
    if actions.typed_value(AGE_PANEL) == talk and page.has_right(Right.REVIEW):
        _render_age_request_form(page, one)


def _render_age_request_form(page: PageContext, one: ConversationView) -> None:
    """Render the request to an external custodian, who retains the identity document."""
    box = f"inbox:age:{one.desk.id}"
    with forms.open_fields(page, box):
        st.write(page.text("inbox.age_explained"))
        st.text_input(
            page.text("people.reference"),
            key=f"{box}:reference",
            max_chars=age_requests.MAX_REFERENCE,
        )
        forms.show_field_error("reference")
        act = partial(request_age, page, one.desk.id, box)
        actions.action_button(
            page, "inbox.age_write", act, right=Right.REVIEW, key=f"{box}:write", kind="primary"
        )


def _render_message_composer(page: PageContext, one: ConversationView) -> None:
    talk = one.desk.id
    browser_component("reply")(key="reply", height="content")
    box = f"inbox:text:{talk}"
    with forms.open_fields(page, box):
        st.text_area(
            page.text("inbox.write", fan=one.desk.fan),
            saved_replies.initial_text(one, box),
            key=box,
            height=110,
            max_chars=member_actions.MAX_REPLY_LENGTH,
            on_change=actions.run_action,
            args=(partial(save_unsent_text, page, talk, box), Right.CHAT, f"{box}:keep"),
        )
        forms.show_field_error("text")
        for why in one.conflicts:
            st.warning(page.localizer.message_text(why))
        act = partial(send_reply, page, talk, box)
        with st.container(horizontal=True, gap="small"):
            key = f"{box}:send"
            actions.action_button(
                page,
                "inbox.send",
                act,
                right=Right.CHAT,
                key=key,
                kind="primary",
                shortcut="Ctrl+Enter",
            )
            saved_replies.render_saved_replies_toggle(page, one)
        saved_replies.render_saved_replies(page, one, box, most=member_actions.MAX_REPLY_LENGTH)
        st.caption(page.text("inbox.truth"))


def _render_suggestion(page: PageContext, one: ConversationView, kept: UnsentMessage) -> None:
    """Render a pending message with buttons to approve, edit or reject it."""
    key = f"inbox:draft:{kept.id}"
    with forms.open_fields(page, key):
        if actions.typed_value(EDIT_PANEL) == str(kept.id):
            box = f"{key}:text"
            if box not in st.session_state:
                st.session_state[box] = kept.text
            st.text_area(
                page.text("inbox.edit"),
                key=box,
                height=110,
                max_chars=member_actions.MAX_REPLY_LENGTH,
            )
            forms.show_field_error("text")
            with st.container(horizontal=True, gap="small"):
                act = partial(approve_suggestion, page, kept.id, box)
                actions.action_button(
                    page,
                    "inbox.send_edited",
                    act,
                    right=Right.CHAT,
                    key=f"{key}:edited",
                    kind="primary",
                    shortcut=None if one.mine else "Ctrl+Enter",
                )
                _render_panel_toggle(page, "inbox.cancel", EDIT_PANEL, str(kept.id))
            return
        with st.container(horizontal=True, gap="small"):
            act = partial(approve_suggestion, page, kept.id, "")
            actions.action_button(
                page,
                "inbox.approve",
                act,
                right=Right.CHAT,
                key=f"{key}:yes",
                kind="primary",
                shortcut="A",
            )
            _render_panel_toggle(page, "inbox.edit", EDIT_PANEL, str(kept.id), "E")
            _render_panel_toggle(page, "inbox.reject", REJECT_PANEL, str(kept.id), "X")
        if actions.typed_value(REJECT_PANEL) == str(kept.id):
            with st.container(horizontal=True, gap="small"):
                for why in DRAFT_REJECTIONS:
                    no = partial(reject_suggestion, page, kept.id, why)
                    actions.action_button(
                        page, f"inbox.why.{why}", no, right=Right.CHAT, key=f"{key}:no:{why}"
                    )


def _render_offers(page: PageContext, one: ConversationView) -> None:
    if not one.offers and not one.plans:
        st.info(page.text("inbox.no_offers"))
    basis = next((each.basis for each in one.offers if each.basis is not None), None)
    if basis is not None:
        render_recommendation(page, one.predictions, basis)
    for place, candidate in enumerate(one.offers):
        ways = (
            ("inbox.offer_one", offer_pack, ""),
            ("inbox.offer_locked", offer_locked_pack, ":lock"),
        )
        for code, act, way in ways[: 1 + candidate.locks]:
            actions.action_button(
                page,
                code,
                partial(act, page, one.desk.id, candidate),
                right=Right.CHAT,
                key=f"inbox:offer:{one.desk.id}:{candidate.pack_id}{way}",
                params={
                    "title": candidate.title,
                    "price": page.localizer.format_money(candidate.price),
                },
                icon=":material/star:" if candidate.basis and place < STARRED else None,
            )
    for plan in one.plans:
        show = partial(offer_subscription, page, one.desk.id, plan)
        actions.action_button(
            page,
            "inbox.offer_plan",
            show,
            right=Right.CHAT,
            key=f"inbox:plan:{one.desk.id}:{plan.id}",
            params={
                "title": plan.title,
                "price": page.localizer.format_money(Money(plan.amount_minor, plan.currency)),
            },
        )


def _render_sales_stop(page: PageContext, one: ConversationView) -> None:
    box = f"inbox:why:{one.desk.id}"
    with forms.open_fields(page, box):
        stop = not one.card.sales_stopped
        st.text_input(page.text("inbox.sales_why"), key=box, max_chars=200)
        forms.show_field_error("reason")
        act = partial(stop_sales, page, one.desk.id, box, stop)
        code = "inbox.stop_sales_now" if stop else "inbox.resume_sales_now"
        actions.action_button(
            page,
            code,
            act,
            right=Right.STOP if stop else Right.REOPEN,
            key=f"{box}:{stop}",
            kind="primary",
        )


def render_notes(page: PageContext, one: ConversationView) -> None:
    """Render the form for a note about the fan, visible to team members only."""
    if actions.typed_value(NOTE_PANEL) != str(one.desk.id):
        return
    box = f"inbox:note:{one.desk.id}"
    with forms.open_fields(page, box):
        st.text_area(
            page.text("inbox.note_text"), key=box, height=80, max_chars=fan_notes.MAX_NOTE_LENGTH
        )
        forms.show_field_error("text")
        act = partial(add_note, page, one.desk.id, box)
        actions.action_button(
            page, "inbox.note_save", act, right=Right.CHAT, key=f"{box}:save", kind="primary"
        )
