"""Answers to fans that code gives instead of a model: the packs on sale with their prices, and the
team's answers about delivery, discounts and support."""

from typing import Literal

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.i18n.translation import Message, render_message
from gate.contract.units import Button
from subscribers.catalog import offers
from subscribers.conversations import conversation_rows, outgoing_messages
from subscribers.conversations.models import Conversation
from subscribers.conversations.states import DraftState
from subscribers.delivery import message_delivery
from subscribers.fans import directory
from subscribers.rails.contract import RailTerms
from subscribers.replies import handoff_notices, team_answers
from subscribers.replies.team_answers import Topic
from tenants.agencies.queries import is_inactive_creator

Question = Topic | Literal["catalog"]
"""The questions that code answers: the list of packs, and the topics of `team_answers`."""

ANSWERED = "answered"
"""Kind of a fan's message that code answered; it is not passed to a model."""


def answer_question(
    scope: Scope, talk: Conversation, about: Question, rail: RailTerms | None
) -> bool:
    """Answer a question of a fan. Return False if code has no true answer: without a rail nothing
    is sold here by invoice, so that only answers of members apply. An inactive creator's bot
    answers nothing."""
    if is_inactive_creator(scope, talk.creator_id):
        return False
    if about != "catalog":
        return _send_team_answer(scope, talk, about, sells=rail is not None)
    if rail is None:
        return False
    conversation_rows.record_marker_line(scope, talk, ANSWERED)
    send_catalog(scope, talk, rail)
    return True


def send_catalog(scope: Scope, talk: Conversation, rail: RailTerms, *, start: int = 0) -> None:
    """Send the packs that the fan may buy here, each with its price as a button, from the pack
    number `start`; nothing for an inactive creator."""
    if is_inactive_creator(scope, talk.creator_id):
        return
    fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
    if fan.opt_out != "none":
        outgoing_messages.send_automated_message(scope, talk, Message("service.catalog.opted_out"))
        return
    channel = queries.get_channel(scope, talk.channel_id)
    found = offers.list_catalog(scope, fan, talk, channel=channel, rail=rail)[start:]
    if not found:
        outgoing_messages.send_automated_message(scope, talk, Message("service.catalog.none"))
        return
    buttons = [
        offers.catalog_button(
            one, offers.create_requested_offer(scope, talk, one, rail.name), talk.language
        )
        for one in found[: offers.MAX_OFFERS]
    ]
    if len(found) > offers.MAX_OFFERS:
        label = render_message(Message("service.button.more"), talk.language)
        buttons.append(Button(label, "catalog", str(start + offers.MAX_OFFERS)))
    outgoing_messages.send_automated_message(
        scope, talk, Message("service.catalog.list"), buttons=buttons
    )


def _send_team_answer(scope: Scope, talk: Conversation, topic: Topic, *, sells: bool) -> bool:
    """Send the team's answer to a topic. If the checks do not allow the text of a member, the
    conversation is passed to the team."""
    written = team_answers.list_team_answers(scope, talk.creator_id).get((topic, talk.language))
    if written is None and not sells:
        return False
    conversation_rows.record_marker_line(scope, talk, ANSWERED)
    if written is None:
        outgoing_messages.send_automated_message(scope, talk, Message(f"service.answer.{topic}"))
        return True
    draft = outgoing_messages.create_draft(
        scope, talk, origin="auto", kind="text", state=DraftState.AUTO, text=written
    )
    if message_delivery.judge_message(scope, draft).is_allowed:
        outgoing_messages.schedule_message_draft(scope, draft, priority=outgoing_messages.SECOND)
        return True
    outgoing_messages.transition_draft(scope, draft, DraftState.CANCELLED, Message("draft.denied"))
    handoff_notices.send_handoff_notice(scope, talk)
    conversation_rows.escalate_to_member(scope, talk, Message("chat.answer_not_sent"))
    return True
