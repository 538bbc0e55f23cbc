"""What presses in Messages do, each in a transaction of its own; whose conversation it is, is asked
there again.

What a press leaves in the session is which panel is open and which box is to be emptied: choices,
no rows.
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
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from subscribers.catalog.offers import OfferCandidate
from subscribers.comments import answer_suggestions, moderation
from subscribers.conversations import conversation_rows, outgoing_messages, unsent_text
from subscribers.inbox import fan_notes, member_actions
from subscribers.inbox.member_actions import DraftRejection
from subscribers.inbox.queries import UnsentMessage
from subscribers.safety import age_checks
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
"""Which conversation, or message, one of these panels is open for."""

SNOOZES = ("hour", "evening", "morning")
EVENING = time(20)
MORNING = time(9)


def take_over(page: PageContext, talk: UUID, scope: Scope, _press: UUID) -> None:
    """The member answers from now on."""
    conversation_creator(scope, page, talk)
    member_actions.take_over_conversation(scope, talk, page.viewer.member.id)


def return_to_ai(page: PageContext, talk: UUID, scope: Scope, _press: UUID) -> Message:
    """The bot answers again."""
    conversation_creator(scope, page, talk)
    member_actions.return_to_ai(scope, talk, page.viewer.member.id)
    return Message("inbox.handed_back")


def save_unsent_text(page: PageContext, talk: UUID, box: str, scope: Scope, _press: UUID) -> None:
    """Keep what stands in the box."""
    conversation_creator(scope, page, talk)
    unsent_text.store_unsent_text(
        scope,
        conversation_rows.get_conversation(scope, talk),
        page.viewer.member.id,
        str(actions.typed_value(box) or ""),
    )


def send_reply(page: PageContext, talk: UUID, box: str, scope: Scope, press: UUID) -> None:
    """Send what stands in the box; it is emptied once it is kept as a message."""
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
    st.session_state[f"{box}:sent"] = True


def offer_locked_pack(
    page: PageContext, talk: UUID, candidate: OfferCandidate, scope: Scope, press: UUID
) -> Message:
    """Put a pack of the closed list before the fan, behind its price."""
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
    """Show the fan a pack of the closed list."""
    conversation_creator(scope, page, talk)
    words = candidate.description
    member_actions.send_offer(
        scope, talk, page.viewer.member.id, candidate.pack_id, text=words, key=press, lock=lock
    )
    st.session_state[OFFER_PANEL] = None
    return Message("inbox.offered", {"title": candidate.title})


def offer_subscription(
    page: PageContext, talk: UUID, plan: Plan, scope: Scope, press: UUID
) -> Message:
    """Show the fan a subscription."""
    conversation_creator(scope, page, talk)
    member_actions.send_plan_offer(scope, talk, page.viewer.member.id, plan.id, key=press)
    st.session_state[OFFER_PANEL] = None
    return Message("inbox.offered", {"title": plan.title})


def approve_suggestion(
    page: PageContext, draft_id: UUID, box: str, scope: Scope, _press: UUID
) -> None:
    """Send a waiting message, with the words of `box` where there is one."""
    there = conversation_connector(scope, _conversation_of_draft(scope, page, draft_id))
    member_actions.approve_draft(
        scope, draft_id, text=str(actions.typed_value(box) or "") if box else None, there=there
    )
    st.session_state[EDIT_PANEL] = None


def reject_suggestion(
    page: PageContext, draft_id: UUID, why: DraftRejection, scope: Scope, _press: UUID
) -> Message:
    """Do not send a waiting message."""
    _conversation_of_draft(scope, page, draft_id)
    member_actions.reject_draft_as_member(scope, draft_id, why)
    return Message("inbox.rejected")


def settle_uncertain_message(
    page: PageContext, draft_id: UUID, arrived: bool, scope: Scope, _press: UUID
) -> Message:
    """Say whether a message in doubt arrived."""
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
    """Set the conversation aside."""
    conversation_creator(scope, page, talk)
    until = snooze_end(how, scope.now.astimezone(page.localizer.zone))
    member_actions.snooze_conversation(scope, talk, until)
    st.session_state[SNOOZE_PANEL] = None
    return Message("inbox.snoozed", {"until": page.localizer.format_moment(until, scope.now)})


def snooze_end(how: str, local: datetime) -> datetime:
    """When a conversation comes back: in an hour, this evening, or tomorrow morning on the member's
    clock; pure."""
    if how == "hour":
        return local + timedelta(hours=1)
    tonight = local.replace(hour=EVENING.hour, minute=0, second=0, microsecond=0)
    if how == "evening" and local < tonight:
        return tonight
    tomorrow = local + timedelta(days=1)
    return tomorrow.replace(hour=MORNING.hour, minute=0, second=0, microsecond=0)


def unsnooze_conversation(page: PageContext, talk: UUID, scope: Scope, _press: UUID) -> None:
    """Back into the list."""
    conversation_creator(scope, page, talk)
    member_actions.unsnooze_conversation(scope, talk)


def add_note(page: PageContext, talk: UUID, box: str, scope: Scope, press: UUID) -> None:
    """Keep a note about the fan."""
    conversation_creator(scope, page, talk)
    fan_notes.add_fan_note(
        scope,
        conversation_rows.get_conversation(scope, talk),
        page.viewer.member.id,
        str(actions.typed_value(box) or ""),
        key=press,
    )
    st.session_state[f"{box}:sent"] = True


def stop_sales(
    page: PageContext, talk: UUID, box: str, stop: bool, scope: Scope, _press: UUID
) -> Message:
    """Stop selling to this fan, or go on."""
    conversation_creator(scope, page, talk)
    member_actions.set_sales_stop(
        scope, talk, stop=stop, reason=str(actions.typed_value(box) or "")
    )
    st.session_state[STOP_SALES_PANEL] = None
    return Message("inbox.sales_stopping" if stop else "inbox.sales_resuming")


def request_age(page: PageContext, talk: UUID, box: str, scope: Scope, _press: UUID) -> Message:
    """Ask the agency's custodians to confirm this fan's age."""
    conversation_creator(scope, page, talk)
    reference = str(actions.typed_value(f"{box}:reference") or "")
    age_checks.request_age_confirmation(scope, talk, reference=reference)
    st.session_state[AGE_PANEL] = None
    return Message("inbox.age_asked")


def withdraw_age_assurance(page: PageContext, talk: UUID, scope: Scope, press: UUID) -> Message:
    """Take this fan's proof of age back."""
    conversation_creator(scope, page, talk)
    age_checks.request_assurance_withdrawal(scope, talk, key=press)
    return Message("inbox.age_withdrawing")


def reply_to_comment(
    page: PageContext, remark_id: UUID, box: str, scope: Scope, press: UUID
) -> None:
    """Put what stands in the box under a comment; it is emptied once it is kept as a message."""
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
    st.session_state[f"{box}:sent"] = True


def suggest_comment_reply(
    page: PageContext, remark_id: UUID, most: int, scope: Scope, _press: UUID
) -> Message:
    """Have a model write words for an answer; they come into the box."""
    conversation_creator(scope, page, moderation.conversation_of_comment(scope, remark_id))
    answer_suggestions.request_answer_suggestion(scope, remark_id, page.viewer.member.id, most=most)
    return Message("inbox.being_suggested")


def remove_comment_reply(page: PageContext, draft_id: UUID, scope: Scope, _press: UUID) -> Message:
    """Have an answer taken away from under the comment."""
    _conversation_of_draft(scope, page, draft_id)
    moderation.request_answer_removal(scope, draft_id)
    st.session_state[f"{SELECTED_COMMENT_KEY}:sure"] = None
    return Message("inbox.being_taken_back")


def mark_conversation_done(page: PageContext, talk: UUID, scope: Scope, _press: UUID) -> None:
    """Nothing more is to be done with what was said there."""
    conversation_creator(scope, page, talk)
    moderation.close_comments(scope, talk)


def moderate_comment(
    page: PageContext, remark_id: UUID, act: str, scope: Scope, _press: UUID
) -> Message:
    """Have something done with a comment."""
    talk = moderation.conversation_of_comment(scope, remark_id)
    conversation_creator(scope, page, talk)
    moderation.request_moderation(
        scope, remark_id, act, can=conversation_connector(scope, talk).capabilities
    )
    st.session_state[f"{SELECTED_COMMENT_KEY}:sure"] = None
    return Message("inbox.asked_platform")


def toggle_panel(slot: str, value: str) -> None:
    """Open a panel, or close it."""
    st.session_state[slot] = None if st.session_state.get(slot) == value else value


def render_uncertain_message(page: PageContext, one: ConversationView, kept: UnsentMessage) -> None:
    """A message that may have arrived: whoever looks says whether it did."""
    st.warning(page.markdown("inbox.doubt", fan=one.desk.fan))
    with st.container(horizontal=True, gap="small"):
        for code, arrived in (("inbox.arrived", True), ("inbox.not_arrived", False)):
            act = partial(settle_uncertain_message, page, kept.id, arrived)
            actions.action_button(
                page, code, act, right=Right.CHAT, key=f"inbox:doubt:{kept.id}:{arrived}"
            )


def render_snooze_choices(page: PageContext, one: ConversationView) -> None:
    """How long a conversation may be out of sight, where that was asked for."""
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
