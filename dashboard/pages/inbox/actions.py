"""Actions of the inbox, each in a separate transaction that checks again that the member works for
the creator.

The session state contains only the open panel and the fields to clear, never rows.
"""

from datetime import datetime, time, timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.inbox.queries import (
    ConversationView,
    conversation_connector,
    conversation_creator,
)
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from subscribers.catalog.offers import OfferCandidate
from subscribers.comments import answer_suggestions, moderation
from subscribers.conversations import conversation_rows, outgoing_messages, unsent_text
from subscribers.inbox import fan_notes, member_actions, read_state
from subscribers.inbox.member_actions import DraftRejection
from subscribers.inbox.queries import UnsentMessage
from subscribers.safety import age_checks, escalation
from subscribers.subscriptions.subscription_rows import Plan
from tenants.agencies.rights import Right

(
    OFFER_PANEL,
    EDIT_PANEL,
    REJECT_PANEL,
    SNOOZE_PANEL,
    NOTE_PANEL,
    STOP_SALES_PANEL,
    AGE_PANEL,
    SELECTED_COMMENT_KEY,
    SAVED_REPLIES_PANEL,
) = (
    f"inbox:{what}"
    for what in (
        "offering",
        "editing",
        "rejecting",
        "snoozing",
        "noting",
        "stopping",
        "confirming",
        "about",
        "saved",
    )
)
"""Session keys of the panels. Each value is the conversation or message for which the panel is
open."""

CLOSING = "inbox:closing"
"""Session key that is True while the page has to close the open conversation."""

SNOOZES = ("hour", "evening", "morning", "week")
EVENING = time(20)
MORNING = time(9)


def take_over(page: PageContext, talk: UUID, scope: Scope, _press: UUID) -> None:
    """Assign the conversation to the member."""
    conversation_creator(scope, page, talk)
    member_actions.take_over_conversation(scope, talk, page.viewer.member.id)


def return_to_ai(page: PageContext, talk: UUID, scope: Scope, _press: UUID) -> Message:
    """Return the conversation to the AI."""
    conversation_creator(scope, page, talk)
    member_actions.return_to_ai(scope, talk, page.viewer.member.id)
    return Message("inbox.handed_back")


def save_unsent_text(page: PageContext, talk: UUID, box: str, scope: Scope, _press: UUID) -> None:
    """Save the unsent text of the reply field."""
    conversation_creator(scope, page, talk)
    unsent_text.store_unsent_text(
        scope,
        conversation_rows.get_conversation(scope, talk),
        page.viewer.member.id,
        str(actions.typed_value(box) or ""),
    )


def send_reply(page: PageContext, talk: UUID, box: str, scope: Scope, press: UUID) -> None:
    """Send the text of the reply field. The field is cleared once the message is stored."""
    conversation_creator(scope, page, talk)
    there = conversation_connector(scope, talk)
    member_actions.send_member_reply(
        scope,
        talk,
        page.viewer.member.id,
        str(actions.typed_value(box) or ""),
        key=press,
        there=there,
    )
    forms.set_on_success(box, "")


def offer_locked_pack(
    page: PageContext, talk: UUID, candidate: OfferCandidate, scope: Scope, press: UUID
) -> Message:
    """Send a locked pack that the fan can unlock for its price."""
    return offer_pack(page, talk, candidate, scope, press, lock=True)


def offer_pack(
    page: PageContext,
    talk: UUID,
    candidate: OfferCandidate,
    scope: Scope,
    press: UUID,
    *,
    lock: bool = False,
) -> Message:
    """Send the offer of a pack from the closed list."""
    conversation_creator(scope, page, talk)
    words = candidate.description
    member_actions.send_offer(
        scope, talk, page.viewer.member.id, candidate.pack_id, text=words, key=press, lock=lock
    )
    forms.set_on_success(OFFER_PANEL, None)
    return Message("inbox.offered", {"title": candidate.title})


def offer_subscription(
    page: PageContext, talk: UUID, plan: Plan, scope: Scope, press: UUID
) -> Message:
    """Send the offer of a subscription."""
    conversation_creator(scope, page, talk)
    member_actions.send_plan_offer(scope, talk, page.viewer.member.id, plan.id, key=press)
    forms.set_on_success(OFFER_PANEL, None)
    return Message("inbox.offered", {"title": plan.title})


def approve_suggestion(
    page: PageContext, draft_id: UUID, box: str, scope: Scope, _press: UUID
) -> None:
    """Send a pending message, with the text of the field `box` if it was edited."""
    there = conversation_connector(scope, _conversation_of_draft(scope, page, draft_id))
    member_actions.approve_draft(
        scope, draft_id, text=str(actions.typed_value(box) or "") if box else None, there=there
    )
    forms.set_on_success(EDIT_PANEL, None)


def reject_suggestion(
    page: PageContext, draft_id: UUID, why: DraftRejection, scope: Scope, _press: UUID
) -> Message:
    """Reject a pending message."""
    _conversation_of_draft(scope, page, draft_id)
    member_actions.reject_draft_as_member(scope, draft_id, why)
    return Message("inbox.rejected")


def settle_uncertain_message(
    page: PageContext, draft_id: UUID, arrived: bool, scope: Scope, _press: UUID
) -> Message:
    """Record whether an uncertain message was delivered."""
    _conversation_of_draft(scope, page, draft_id)
    member_actions.settle_uncertain_message(scope, draft_id, arrived=arrived)
    return Message("inbox.settled")


def _conversation_of_draft(scope: Scope, page: PageContext, draft_id: UUID) -> UUID:
    talk: UUID = outgoing_messages.get_draft(scope, draft_id).conversation_id
    conversation_creator(scope, page, talk)
    return talk


def snooze_conversation(
    page: PageContext, talk: UUID, how: str, scope: Scope, _press: UUID
) -> Message:
    """Snooze the conversation."""
    conversation_creator(scope, page, talk)
    until = snooze_end(how, scope.now.astimezone(page.localizer.zone))
    member_actions.snooze_conversation(scope, talk, until)
    forms.set_on_success(SNOOZE_PANEL, None)
    return Message("inbox.snoozed", {"until": page.localizer.format_moment(until, scope.now)})


def snooze_end(how: str, local: datetime) -> datetime:
    """Return the end of a snooze: in an hour, this evening, tomorrow morning, or on the morning of
    next Monday in the member's time zone. Pure."""
    if how == "hour":
        return local + timedelta(hours=1)
    tonight = local.replace(hour=EVENING.hour, minute=0, second=0, microsecond=0)
    if how == "evening" and local < tonight:
        return tonight
    days = 7 - local.weekday() if how == "week" else 1
    tomorrow = local + timedelta(days=days)
    return tomorrow.replace(hour=MORNING.hour, minute=0, second=0, microsecond=0)


def snooze_until_time(
    page: PageContext, talk: UUID, key: str, scope: Scope, _press: UUID
) -> Message:
    """Snooze the conversation until the time of the field, in the member's time zone."""
    conversation_creator(scope, page, talk)
    chosen = actions.typed_value(key)
    if chosen is None:
        raise BadInput("inbox.snooze_unset").about("at")
    until = chosen.replace(tzinfo=page.localizer.zone)
    member_actions.snooze_conversation(scope, talk, until)
    forms.set_on_success(SNOOZE_PANEL, None)
    return Message("inbox.snoozed", {"until": page.localizer.format_moment(until, scope.now)})


def mark_unread(page: PageContext, talk: UUID, scope: Scope, _press: UUID) -> None:
    """Mark the conversation as unread for the member. The page closes it, because an open
    conversation is read."""
    conversation_creator(scope, page, talk)
    read_state.mark_unread(scope, talk, page.viewer.member.id)
    forms.set_on_success(CLOSING, True)


def unsnooze_conversation(page: PageContext, talk: UUID, scope: Scope, _press: UUID) -> None:
    """End the snooze of the conversation."""
    conversation_creator(scope, page, talk)
    member_actions.unsnooze_conversation(scope, talk)


def add_note(page: PageContext, talk: UUID, box: str, scope: Scope, press: UUID) -> None:
    """Add a note about the fan."""
    conversation_creator(scope, page, talk)
    fan_notes.add_fan_note(
        scope,
        conversation_rows.get_conversation(scope, talk),
        page.viewer.member.id,
        str(actions.typed_value(box) or ""),
        key=press,
    )
    forms.set_on_success(box, "")


def stop_sales(
    page: PageContext, talk: UUID, box: str, stop: bool, scope: Scope, _press: UUID
) -> Message:
    """Stop or resume selling to the fan."""
    conversation_creator(scope, page, talk)
    member_actions.set_sales_stop(
        scope, talk, stop=stop, reason=str(actions.typed_value(box) or "")
    )
    forms.set_on_success(STOP_SALES_PANEL, None)
    return Message("inbox.sales_stopping" if stop else "inbox.sales_resuming")


def report_signal(page: PageContext, talk: UUID, scope: Scope, _press: UUID) -> Message:
    """Report a safety signal that the bot missed."""
    conversation_creator(scope, page, talk)
    escalation.report_missed_signal(scope, talk)
    return Message("inbox.signal_reported")


def request_age(page: PageContext, talk: UUID, box: str, scope: Scope, _press: UUID) -> Message:
    """Request confirmation of the fan's age from the agency's custodians."""
    conversation_creator(scope, page, talk)
    reference = str(actions.typed_value(f"{box}:reference") or "")
    age_checks.request_age_confirmation(scope, talk, reference=reference)
    forms.set_on_success(AGE_PANEL, None)
    return Message("inbox.age_asked")


def withdraw_age_assurance(page: PageContext, talk: UUID, scope: Scope, press: UUID) -> Message:
    """Withdraw the fan's age assurance."""
    conversation_creator(scope, page, talk)
    age_checks.request_assurance_withdrawal(scope, talk, key=press)
    return Message("inbox.age_withdrawing")


def reply_to_comment(
    page: PageContext, remark_id: UUID, box: str, scope: Scope, press: UUID
) -> None:
    """Publish the text of the field as a reply to a comment. The field is cleared once the reply is
    stored."""
    talk = moderation.conversation_of_comment(scope, remark_id)
    conversation_creator(scope, page, talk)
    can = conversation_connector(scope, talk).capabilities
    moderation.answer_comment(
        scope,
        remark_id,
        page.viewer.member.id,
        str(actions.typed_value(box) or ""),
        key=press,
        can=can,
    )
    forms.set_on_success(box, "")


def suggest_comment_reply(
    page: PageContext, remark_id: UUID, most: int, scope: Scope, _press: UUID
) -> Message:
    """Request a suggested reply from a model. The suggestion appears in the reply field."""
    conversation_creator(scope, page, moderation.conversation_of_comment(scope, remark_id))
    answer_suggestions.request_answer_suggestion(scope, remark_id, page.viewer.member.id, most=most)
    return Message("inbox.being_suggested")


def remove_comment_reply(page: PageContext, draft_id: UUID, scope: Scope, _press: UUID) -> Message:
    """Request the removal of a published reply."""
    _conversation_of_draft(scope, page, draft_id)
    moderation.request_answer_removal(scope, draft_id)
    forms.set_on_success(f"{SELECTED_COMMENT_KEY}:sure", None)
    return Message("inbox.being_taken_back")


def mark_conversation_done(page: PageContext, talk: UUID, scope: Scope, _press: UUID) -> None:
    """Close all comments of the conversation."""
    conversation_creator(scope, page, talk)
    moderation.close_comments(scope, talk)


def moderate_comment(
    page: PageContext, remark_id: UUID, act: str, scope: Scope, _press: UUID
) -> Message:
    """Request a moderation action on a comment."""
    talk = moderation.conversation_of_comment(scope, remark_id)
    conversation_creator(scope, page, talk)
    moderation.request_moderation(
        scope, remark_id, act, can=conversation_connector(scope, talk).capabilities
    )
    forms.set_on_success(f"{SELECTED_COMMENT_KEY}:sure", None)
    return Message("inbox.asked_platform")


def toggle_panel(slot: str, value: str) -> None:
    """Open or close a panel."""
    st.session_state[slot] = None if st.session_state.get(slot) == value else value


def render_uncertain_message(page: PageContext, one: ConversationView, kept: UnsentMessage) -> None:
    """Render an uncertain message with buttons to record whether it was delivered."""
    st.warning(page.markdown("inbox.doubt", fan=one.desk.fan))
    with st.container(horizontal=True, gap="small"):
        for code, arrived in (("inbox.arrived", True), ("inbox.not_arrived", False)):
            act = partial(settle_uncertain_message, page, kept.id, arrived)
            actions.action_button(
                page, code, act, right=Right.CHAT, key=f"inbox:doubt:{kept.id}:{arrived}"
            )


def render_mark_unread(page: PageContext, one: ConversationView) -> None:
    """Render the button that marks the conversation as unread."""
    actions.action_button(
        page,
        "inbox.mark_unread",
        partial(mark_unread, page, one.desk.id),
        right=Right.CHAT,
        key=f"inbox:{one.desk.id}:unread",
    )


def render_unsnooze(page: PageContext, one: ConversationView) -> None:
    """Render the button that ends the snooze, or confirms one that is over."""
    actions.action_button(
        page,
        "inbox.wake",
        partial(unsnooze_conversation, page, one.desk.id),
        right=Right.CHAT,
        key=f"inbox:{one.desk.id}:wake",
    )


def render_snooze_choices(page: PageContext, one: ConversationView) -> None:
    """Render the snooze durations while the panel is open."""
    talk = str(one.desk.id)
    if actions.typed_value(SNOOZE_PANEL) == talk:
        with st.container(horizontal=True, gap="small"):
            for how in SNOOZES:
                act = partial(snooze_conversation, page, one.desk.id, how)
                actions.action_button(
                    page,
                    f"inbox.snooze.{how}",
                    act,
                    right=Right.CHAT,
                    key=f"inbox:snooze:{talk}:{how}",
                )
        _render_snooze_time(page, one)


def _render_snooze_time(page: PageContext, one: ConversationView) -> None:
    key = f"inbox:snooze:{one.desk.id}:at"
    with forms.open_fields(page, key):
        local = one.now.astimezone(page.localizer.zone)
        st.datetime_input(
            page.text("inbox.snooze.at"),
            snooze_end("morning", local).replace(tzinfo=None),
            key=key,
            format="DD/MM/YYYY",
            width=280,
        )
        forms.show_field_error("at")
        actions.action_button(
            page,
            "inbox.snooze.until",
            partial(snooze_until_time, page, one.desk.id, key),
            right=Right.CHAT,
            key=f"{key}:set",
        )
