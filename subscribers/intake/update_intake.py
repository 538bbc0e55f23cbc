"""Intake of fan updates: each is stored first, then checked for safety, then answered by code, a
member or the model."""

from dataclasses import replace
from datetime import timedelta
from enum import Enum
from typing import assert_never
from uuid import UUID

from channels.accounts import lifecycle, queries
from channels.accounts.queries import Channel
from channels.metrics import reaction_counts
from channels.roles import reader_roles
from connectors.contract.chats import ChatUpdate
from connectors.contract.reader_roles import ADMISSION_FIELD
from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.facts import TEST_ASSURANCE_METHOD
from gate.policy import active_policy
from gate.text import text_rating
from gate.viewers import age_assurance
from subscribers.acquisition import invites, touches
from subscribers.catalog import offers
from subscribers.checkout import monthly_payments, order_payments, subscription_endings, unlocks
from subscribers.conversations import (
    conversation_rows,
    message_context,
    outgoing_messages,
    text_signals,
)
from subscribers.conversations.events import ChatTurn
from subscribers.conversations.models import Conversation
from subscribers.conversations.states import OwnerState
from subscribers.delivery import pack_delivery
from subscribers.fans import directory
from subscribers.intake import fan_commands, fan_questions, message_edits
from subscribers.memory import fact_rules, facts, fan_view, summaries
from subscribers.orders import refunds
from subscribers.rails.contract import MonthlyRail, PaymentRail, Rails, till_of_channel
from subscribers.replies import (
    greetings,
    handoff_notices,
    persona,
    shop_answers,
    speaker_notices,
)
from subscribers.replies.reply_checks import normalize_reply
from subscribers.safety import age_checks, escalation, join_requests
from tenants.notices import telegram_links

SILENCE = timedelta(seconds=2.5)
PATIENCE = timedelta(seconds=8)
"""Timing of replies to a burst of messages: `SILENCE` ends the burst, and no reply waits longer
than `PATIENCE`."""

REDONE_MOST = 2
"""Maximum number of consecutive replies that are discarded because the fan sent another message."""

OVER_18 = "over_18"
"""A test network's value for a fan with proof of age."""


def receive_update(
    scope: Scope,
    channel: Channel,
    update: ChatUpdate,
    *,
    rails: Rails,
    environment: str,
    pages: str = "",
) -> None:
    """Process one update of a chat account. A repeated update changes nothing.

    Checkout queries are answered elsewhere: the listener calls
    `order_payments.answer_checkout_query` while the platform waits. `environment` is that of the
    settings; a test network's proof of age counts only in demo and test. `pages` is the base URL of
    our pages with the age check.
    """
    update = replace(
        update,
        text=conversation_rows.clean_stored_text(update.text),
        handle=conversation_rows.clean_stored_text(update.handle),
        ref=conversation_rows.clean_stored_text(update.ref),
    )
    match update.kind:
        case "payment":
            rail = rails[channel.platform]
            order_payments.record_payment(
                scope, rail.verify(update, till_of_channel(channel), now=scope.now)
            )
        case "refund":
            rail = rails[channel.platform]
            refunds.record_refund(
                scope, rail=rail.name, account=channel.account, charge_id=update.charge_id
            )
        case "checkout":
            return
        case "counted":
            reaction_counts.store_reaction_count(scope, channel, update)
        case "unlocked":
            unlocks.schedule_unlock_checks(scope, channel, update.fan, update.payload)
        case "blocked":
            directory.mark_blocked_by_fan(scope, channel.id, update.fan)
        case "lost" | "back":
            if update.ref == channel.destination_id:
                lifecycle.update_bot_rights(scope, channel.id, back=update.kind == "back")
        case "edited":
            message_edits.receive_edit(scope, channel, update)
        case "join":
            join_requests.handle_join_request(scope, channel, update)
        case "message" | "button" | "age" | "stop" | "unsupported":
            _receive_chat_update(
                scope, channel, update, rails=rails, environment=environment, pages=pages
            )
        case _:
            assert_never(update.kind)


def _receive_chat_update(
    scope: Scope,
    channel: Channel,
    update: ChatUpdate,
    *,
    rails: Rails,
    environment: str,
    pages: str,
) -> None:
    if _link_member_chat(scope, channel, update):
        return
    words = update.kind in conversation_rows.TEXT_KINDS
    fan = _find_or_create_fan(scope, channel, update)
    native_id = update.native_id if words and update.native_id else f"update:{update.key}"
    if conversation_rows.line_number_of(scope, fan, channel, native_id) is not None:
        # A message list that is read again may contain an edited text.
        message_edits.receive_edit(scope, channel, update)
        return
    # Lock order: reader epoch before conversation.
    age = _detect_age_signal(scope, channel, fan, update, environment)
    talk = conversation_rows.find_or_create_conversation(scope, fan, channel)
    session = talk.session_at
    kind = "text" if update.kind == "message" else update.shows or update.kind
    if not conversation_rows.record_fan_line(
        scope, talk, native_id=native_id, kind=kind, body=update.text or update.ref
    ):
        return
    directory.rebuild_facts(scope, fan.fan_id)
    reports = _answer_report_command(scope, talk, update, pages)
    crisis = words and text_signals.has_crisis_signal(scope, update.text)
    if age is AgeSignal.MINOR:
        conversation_rows.reopen_conversation(scope, talk)
        if crisis:
            escalation.respond_to_crisis(scope, talk, update.text)
        escalation.respond_to_minor(scope, talk, fan, update.text)
        conversation_rows.record_marker_line(scope, talk, "minor")
        return
    if (fan.status != "active" or reports) and not crisis:
        return
    _record_acquisition(scope, talk, fan, update)
    _try_role(scope, channel, fan, asks=_asks_age(update))
    conversation_rows.reopen_conversation(scope, talk)
    speaker_notices.send_speaker_notice(scope, talk, is_new_session=talk.session_at != session)
    if crisis:
        escalation.respond_to_crisis(scope, talk, update.text)
        conversation_rows.record_marker_line(scope, talk, "crisis")
        return
    if update.kind == "message" and talk.kind == "private":
        _remember_message(scope, talk, update.text)
    _answer_update(
        scope,
        channel,
        talk,
        fan,
        update,
        proven=age is AgeSignal.PROVEN,
        rail=rails.get(channel.platform),
        pages=pages,
    )


def _record_acquisition(
    scope: Scope, talk: Conversation, fan: directory.FanIdentityView, update: ChatUpdate
) -> None:
    """Record the acquisition link that the fan came by, if the platform tells it."""
    if update.kind == "message" and (code := touches.read_start_code(update.text)):
        touches.record_touch(scope, talk.creator_id, fan.fan_id, code, at=update.at)
    if talk.last_in_seq == 1:
        invites.schedule_join_lookup(scope, talk.channel_id, fan.fan_id)


def _link_member_chat(scope: Scope, channel: Channel, update: ChatUpdate) -> bool:
    """Link the chat of a member who opened the bot from their notification settings. Return True
    for such a message: its sender does not become a fan, even if the token is no longer valid."""
    token = telegram_links.read_start_token(update.text) if update.kind == "message" else ""
    if token:
        telegram_links.confirm_link(scope, channel.id, update.fan, token)
    return bool(token)


def _remember_message(scope: Scope, talk: Conversation, said: str) -> None:
    """Store what the fan states about themselves, and plan the summary of the conversation."""
    facts.learn_facts(scope, talk, fact_rules.extract_facts(said), source="rule")
    summaries.schedule_summary(scope, talk)


def _find_or_create_fan(
    scope: Scope, channel: Channel, update: ChatUpdate
) -> directory.FanIdentityView:
    return directory.find_or_create_fan(
        scope,
        creator_id=channel.creator_id,
        channel_id=channel.id,
        native_id=update.fan,
        handle=update.handle,
        language=update.language,
        said=update.text if update.kind in conversation_rows.TEXT_KINDS else "",
    )


def _answer_update(
    scope: Scope,
    channel: Channel,
    talk: Conversation,
    fan: directory.FanIdentityView,
    update: ChatUpdate,
    *,
    proven: bool,
    rail: PaymentRail | None,
    pages: str,
) -> None:
    """Answer an update after the safety checks. `proven` is True if the update proved the fan's
    age."""
    match update.kind:
        case "message" | "button" if _asks_age(update):
            outgoing_messages.send_automated_message(
                scope, talk, age_checks.age_check_message(scope, talk, channel, fan, pages=pages)
            )
        case "message":
            _answer_message(scope, talk, update.text, rail)
        case "button":
            _handle_button(scope, talk, update.ref, rail)
        case "age":
            sentence = Message("service.age.thanks") if proven else Message("service.age.not_taken")
            outgoing_messages.send_automated_message(scope, talk, sentence)
        case "stop":
            _record_opt_out(scope, talk, everything="all" in normalize_reply(update.text).split())
        case _:
            if OwnerState(talk.owner) is OwnerState.BOT:
                handoff_notices.send_notice_if_away(scope, talk)
            conversation_rows.escalate_to_member(scope, talk, Message("chat.unreadable"))


def _try_role(
    scope: Scope, channel: Channel, fan: directory.FanIdentityView, *, asks: bool
) -> None:
    """Retry a pending role for a user who sent an update. On accounts with join requests, the join
    request itself does this."""
    if asks or not channel.options.get(ADMISSION_FIELD):
        reader_roles.retry_role(scope, channel.id, fan.native_id, anyway=asks)


def _answer_report_command(
    scope: Scope, talk: Conversation, update: ChatUpdate, pages: str
) -> bool:
    """Answer `/report` with the address of the report page. Return True if the update was this
    command.

    Code answers it for every reader, blocked users and minors included, and no emergency stop
    applies.
    """
    if update.kind != "message" or fan_commands.parse_command(update.text) != "report":
        return False
    outgoing_messages.send_automated_message(
        scope,
        talk,
        Message("service.safety.report", {"report_page": f"{pages.rstrip('/')}/report"}),
    )
    return True


def _asks_age(update: ChatUpdate) -> bool:
    """Return True if a fan asks to prove their age."""
    if update.kind == "button":
        return update.ref.partition(":")[0] == "age"
    return fan_commands.parse_command(update.text) == "age"


def notify_age_check_result(scope: Scope, channel_id: UUID, user_id: str, state: str) -> None:
    """Inform the fan of the result of an age check requested in this chat; a failed check is
    handled as a minor."""
    fan = directory.find_fan_identity(scope, channel_id, user_id)
    if fan is None or fan.status == "erased":
        return
    talk = conversation_rows.find_or_create_conversation(
        scope, fan, queries.get_channel(scope, channel_id)
    )
    if state == "failed":
        escalation.respond_to_minor(scope, talk, fan, "")
    elif fan.status == "active" and state in age_checks.AGE_CHECK_MESSAGES:
        outgoing_messages.send_automated_message(
            scope, talk, Message(age_checks.AGE_CHECK_MESSAGES[state])
        )


class AgeSignal(Enum):
    """Age signals in an update."""

    NOTHING, MINOR, PROVEN, REFUSED = range(4)


def _detect_age_signal(
    scope: Scope,
    channel: Channel,
    fan: directory.FanIdentityView,
    update: ChatUpdate,
    environment: str,
) -> AgeSignal:
    """Return the age signal of an update and report it to the gate at once."""
    if update.kind in conversation_rows.TEXT_KINDS:
        readings = message_context.read_new_message(scope, fan, channel, update.text)
        return (
            AgeSignal.MINOR
            if text_signals.has_minor_signal(scope, channel.platform, update.fan, *readings)
            else AgeSignal.NOTHING
        )
    if update.kind != "age":
        return AgeSignal.NOTHING
    if not age_assurance.get_assurance(scope, channel.platform, update.fan).can_be_messaged:
        return AgeSignal.REFUSED
    adult = update.ref == OVER_18
    try:
        age_assurance.record_assurance(
            scope,
            platform=channel.platform,
            user_id=update.fan,
            method=TEST_ASSURANCE_METHOD,
            assured_level="L4",
            over_18=adult,
            environment=environment,
        )
    except Refused:
        return AgeSignal.REFUSED
    return AgeSignal.PROVEN if adult else AgeSignal.MINOR


def _answer_message(scope: Scope, talk: Conversation, said: str, rail: PaymentRail | None) -> None:
    """Answer a text message: questions about being a bot and commands by code, the rest by the
    conversation's owner."""
    if text_rating.is_bot_question(said, lexicon=active_policy.current_bundle(scope).lexicon):
        conversation_rows.record_marker_line(scope, talk, "truth")
        human = OwnerState(talk.owner) is OwnerState.HUMAN
        outgoing_messages.send_automated_message(
            scope,
            talk,
            speaker_notices.speaker_sentence(scope, talk, "truth_person" if human else "truth"),
        )
        return
    match fan_commands.parse_command(said):
        case "stop":
            _record_opt_out(scope, talk, everything="all" in normalize_reply(said).split())
        case "purchases":
            pack_delivery.send_owned_packs(scope, talk, None)
        case "subscription":
            monthly_payments.send_subscription_overview(
                scope, talk, sells=isinstance(rail, MonthlyRail)
            )
        case "memory":
            fan_view.answer_memory_command(scope, talk, said, buttons=rail is not None)
        case "terms" | "privacy" as about:
            outgoing_messages.send_automated_message(scope, talk, Message(f"service.about.{about}"))
        case "start":
            directory.record_opt_in(scope, talk.fan_id)
            greetings.send_greeting(scope, talk)
        case "paysupport":
            _escalate_to_member(scope, talk, Message("chat.asks_money_back"))
        case "human" if not fan_commands.ASKS_FOR_REFUND.search(normalize_reply(said)):
            _escalate_to_member(scope, talk, Message("chat.asks_person"))
        case _:
            _answer_plain_text(scope, talk, normalize_reply(said), rail)


def _answer_plain_text(
    scope: Scope, talk: Conversation, plain: str, rail: PaymentRail | None
) -> None:
    """Escalate requests for a person or a refund to a member, and answer questions about the shop
    in the bot's conversations; leave any other text to the conversation's owner."""
    if fan_commands.ASKS_FOR_REFUND.search(plain):
        _escalate_to_member(scope, talk, Message("chat.asks_money_back"))
    elif fan_commands.ASKS_FOR_PERSON.search(plain):
        _escalate_to_member(scope, talk, Message("chat.asks_person"))
    elif OwnerState(talk.owner) is not OwnerState.BOT:
        conversation_rows.escalate_to_member(scope, talk, Message("chat.fan_waits"))
    elif not _answer_question(scope, talk, plain, rail):
        schedule_reply(scope, talk)


def _answer_question(
    scope: Scope, talk: Conversation, plain: str, rail: PaymentRail | None
) -> bool:
    """Answer a question that code can answer for a creator with a persona. Return False for any
    other text."""
    about = fan_questions.classify_question(plain)
    speaker = persona.active_persona(scope, talk.creator_id) if about is not None else None
    if about is None or speaker is None or speaker.level == "off" or talk.safety_hold:
        return False
    if about == "catalog" and speaker.sales_style == "none":
        return False
    return shop_answers.answer_question(scope, talk, about, rail)


def _escalate_to_member(scope: Scope, talk: Conversation, reason: Message) -> None:
    if OwnerState(talk.owner) is OwnerState.BOT:
        handoff_notices.send_handoff_notice(scope, talk)
    conversation_rows.escalate_to_member(scope, talk, reason)


def schedule_reply(scope: Scope, talk: Conversation) -> None:
    """Schedule a generated reply. An unsent reply that missed this message is discarded, at most
    `REDONE_MOST` times in a row."""
    if talk.redone < REDONE_MOST and conversation_rows.cancel_bot_drafts(
        scope, talk.id, Message("draft.superseded"), ("pending", "draft", "auto")
    ):
        talk.redone += 1
    outbox.cancel(scope, ChatTurn.kind, talk.id)
    first = talk.unanswered_since is None and talk.session_at == scope.now
    if talk.unanswered_since is None:
        talk.unanswered_since = scope.now
    at = (
        scope.now
        if first
        else min(scope.now + SILENCE, max(talk.unanswered_since + PATIENCE, scope.now))
    )
    outbox.put(
        scope,
        ChatTurn(scope.tenant_id, talk.id),
        at=at,
        lane=conversation_rows.turn_lane(talk.id),
        holds_lane=True,
    )
    scope.add(talk)


def _handle_button(
    scope: Scope, talk: Conversation, pressed: str, rail: PaymentRail | None
) -> None:
    """Handle a button of one of our messages: an action from a closed list and one of our IDs."""
    action, _, ref = pressed.partition(":")
    match action:
        case "buy" if rail is not None and (offer_id := _parse_id(ref)) is not None:
            _accept_offer(scope, talk, offer_id, rail)
        case "decline" if (offer_id := _parse_id(ref)) is not None:
            offers.decline_offer(scope, offer_id, talk.fan_id)
        case "purchases":
            pack_delivery.send_owned_packs(scope, talk, _parse_id(ref))
        case "catalog" if rail is not None and ref.isascii() and ref.isdigit():
            shop_answers.send_catalog(scope, talk, rail, start=int(ref[:3]))
        case "forget":
            fan_view.forget_by_button(scope, talk, ref)
        case "subscribe" if (
            isinstance(rail, MonthlyRail) and (plan_id := _parse_id(ref)) is not None
        ):
            _send_subscription_link(scope, talk, plan_id, rail)
        case "stop_renewal" if (subscription_id := _parse_id(ref)) is not None:
            _stop_renewal(scope, talk, subscription_id)
        case _:
            return


def _send_subscription_link(
    scope: Scope, talk: Conversation, plan_id: UUID, rail: MonthlyRail
) -> None:
    try:
        offered = monthly_payments.send_subscription_link(scope, talk, plan_id, rail)
    except NotFound:
        outgoing_messages.send_automated_message(scope, talk, Message("service.pay.expired"))
        return
    if offered is None:
        monthly_payments.send_subscription_overview(scope, talk, sells=False)


def _stop_renewal(scope: Scope, talk: Conversation, subscription_id: UUID) -> None:
    try:
        stopping = subscription_endings.request_renewal_stop(
            scope, subscription_id, fan_id=talk.fan_id
        )
    except NotFound:
        return
    if not stopping:
        monthly_payments.send_subscription_overview(scope, talk, sells=False)


def _accept_offer(scope: Scope, talk: Conversation, offer_id: UUID, rail: PaymentRail) -> None:
    try:
        order_payments.accept_offer(scope, talk, offer_id, rail)
    except NotFound:
        outgoing_messages.send_automated_message(scope, talk, Message("service.pay.expired"))


def _parse_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _record_opt_out(scope: Scope, talk: Conversation, *, everything: bool) -> None:
    """Record an opt-out at once and confirm it once."""
    new = directory.record_opt_out(scope, talk.fan_id, "all" if everything else "sales")
    if new:
        conversation_rows.silence_bot(scope, talk.id, Message("draft.opted_out"))
        code = "service.stopped.all" if everything else "service.stopped.sales"
        outgoing_messages.send_automated_message(scope, talk, Message(code))
    if everything and OwnerState(talk.owner) is not OwnerState.CLOSED:
        conversation_rows.change_owner(scope, talk, OwnerState.CLOSED, Message("chat.opted_out"))


def assign_to_member(scope: Scope, conversation_id: UUID, member_id: UUID) -> None:
    """Assign the conversation to a member; unsent drafts of the bot are cancelled. Raises NotFound,
    Conflict."""
    conversation_rows.change_owner(
        scope,
        conversation_rows.lock_conversation(scope, conversation_id),
        OwnerState.HUMAN,
        None,
        member=member_id,
    )


def return_to_bot(scope: Scope, conversation_id: UUID) -> None:
    """Return the conversation to the bot, which also answers the fan's last message if that is
    open. Raises NotFound, Conflict."""
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    conversation_rows.change_owner(scope, talk, OwnerState.BOT, None)
    talk.safety_hold = False
    scope.add(talk)
    if (
        talk.last_in_at is None
        or scope.now - talk.last_in_at > conversation_rows.SESSION_GAP
        or not _is_owed(scope, talk)
    ):
        return
    speaker_notices.send_speaker_notice(scope, talk, is_new_session=False)
    schedule_reply(scope, talk)


def _is_owed(scope: Scope, talk: Conversation) -> bool:
    """Return True if the fan's last message is an unanswered text."""
    said = scope.run(
        "SELECT body FROM messages WHERE tenant_id = :tenant AND conversation_id = :talk AND "
        "direction = 'in'"
        " AND kind = 'text' AND seq = :last",
        tenant=scope.tenant_id,
        talk=talk.id,
        last=talk.last_in_seq,
    ).scalar()
    return (
        said is not None
        and not fan_commands.parse_command(said)
        and talk.last_in_seq > conversation_rows.last_answered_seq(scope, talk)
    )
