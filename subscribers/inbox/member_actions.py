"""Actions of members in a conversation: take over, reply, decide on drafts, offer, and return it to
the bot.

A member's message is sent like any other: a draft row, the gate's decision, a single-use permit,
the platform.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from channels.accounts import queries
from connectors.contract.connector import Connector
from connectors.contract.outcomes import Rejected
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.contract.units import Unit
from gate.log.queries import explain_decision
from gate.permits import issuance
from gate.policy.events import EmergencyStopRequested
from subscribers.catalog import offers
from subscribers.catalog.offers import OfferCandidate
from subscribers.checkout import monthly_payments, unlocks
from subscribers.conversations import conversation_rows, outgoing_messages, unsent_text
from subscribers.conversations.events import UncertainMessageResolved
from subscribers.conversations.models import Conversation, Draft
from subscribers.conversations.states import DraftState, OwnerState
from subscribers.delivery import message_delivery, reply_window
from subscribers.fans import directory
from subscribers.intake import update_intake
from subscribers.orders import locked_messages
from subscribers.rails import installed_rails
from subscribers.replies import speaker_notices
from tenants.agencies.queries import get_creator
from tenants.notices import notices

MAX_REPLY_LENGTH = 2000
"""Maximum number of characters in a message on any platform; a platform may allow fewer or count
differently."""

MAX_SNOOZE = timedelta(days=30)
DraftRejection = Literal["tone", "fact", "limits", "moment", "offer", "other"]
DRAFT_REJECTIONS: tuple[DraftRejection, ...] = (
    "tone",
    "fact",
    "limits",
    "moment",
    "offer",
    "other",
)
"""Reasons for rejecting a draft; the quality of drafts is measured by them."""


def take_over_conversation(scope: Scope, conversation_id: UUID, member_id: UUID) -> None:
    """Assign the conversation to the member; a repeated call changes nothing. Raises NotFound, or
    Conflict if it is closed."""
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    if OwnerState(talk.owner) is OwnerState.HUMAN and talk.owner_member_id == member_id:
        return
    talk.snoozed_until = None
    update_intake.assign_to_member(scope, conversation_id, member_id)


def return_to_ai(scope: Scope, conversation_id: UUID, member_id: UUID) -> None:
    """Return the conversation to the bot; a repeated call changes nothing.

    Raises NotFound, or Refused for a public conversation or one owned by another member.
    """
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    if OwnerState(talk.owner) is OwnerState.BOT:
        return
    if talk.kind != "private":
        raise Refused("chat.no_bot_in_public")
    if OwnerState(talk.owner) is OwnerState.HUMAN:
        _check_conversation_owner(talk, member_id)
    _end_snooze(scope, talk)
    update_intake.return_to_bot(scope, conversation_id)


def send_member_reply(
    scope: Scope,
    conversation_id: UUID,
    member_id: UUID,
    text: str,
    *,
    key: UUID,
    there: Connector | None = None,
) -> None:
    """Send a member's text, once for each key. Before their first message the fan gets a notice
    that a person is writing.

    Raises BadInput for an empty or too long text. Raises Refused if the text impersonates the
    creator, if the member does not own the conversation, or if the reply window of the platform
    (`there`) is closed.
    """
    words = text.strip()
    _check_text(words)
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    if outgoing_messages.has_draft(scope, key):
        return
    _check_private(talk)
    _check_creator(scope, talk)
    _check_conversation_owner(talk, member_id)
    _check_there(scope, talk, there, words)
    speaker_notices.introduce_member(scope, talk)
    draft = outgoing_messages.create_draft(
        scope,
        talk,
        origin="member",
        kind="text",
        state=DraftState.APPROVED,
        text=words,
        draft_id=key,
    )
    draft.approved_by = draft.written_by = scope.actor
    talk.snoozed_until = None
    scope.add(draft, talk)
    outgoing_messages.schedule_message_draft(scope, draft)
    unsent_text.clear_unsent_text(scope, conversation_id, member_id)


def check_member_reply(
    scope: Scope,
    conversation_id: UUID,
    member_id: UUID,
    text: str,
    *,
    there: Connector | None = None,
) -> tuple[Message, ...]:
    """Return the reasons why a text being typed could not be sent; nothing is stored.

    For an empty text, only a closed reply window is reported (`there` is the platform). No reasons
    are returned for a conversation that another member owns. Raises NotFound.
    """
    talk = conversation_rows.get_conversation(scope, conversation_id)
    words = text.strip()
    if talk.owner_member_id != member_id or talk.kind != "private":
        return ()
    over = (
        reply_window.closed_reply_window_reason(scope, talk, there.capabilities)
        if there is not None
        else None
    )
    if over is not None or not words:
        return (over,) if over is not None else ()
    unit = _build_message_unit(scope, talk, words[:MAX_REPLY_LENGTH])
    if unit is None:
        return ()
    unfit = _find_platform_refusal(unit, there) if there is not None else None
    decision = issuance.preview_decision(scope, unit, author=f"member:{member_id}")
    why = () if decision.is_allowed else explain_decision(decision)
    return (unfit, *why) if unfit is not None else why


def send_offer(
    scope: Scope,
    conversation_id: UUID,
    member_id: UUID,
    pack_id: UUID,
    *,
    text: str,
    key: UUID,
    lock: bool = False,
) -> None:
    """Offer a pack from the closed list with the member's text; code adds title, price and button.

    The pack is sent as a locked message if the platform sells only that way, or if the member
    chooses it (`lock`) and it is possible. Raises NotFound if the pack may not be offered to this
    fan now, and the errors of `send_member_reply`.
    """
    words = text.strip()
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    if outgoing_messages.has_draft(scope, key):
        return
    _check_private(talk)
    _check_creator(scope, talk)
    _check_conversation_owner(talk, member_id)
    chosen = next(
        (one for one in list_offers_for_conversation(scope, talk) if one.pack_id == pack_id), None
    )
    if chosen is None or (lock and not chosen.locks):
        raise NotFound("offer.not_now")
    _check_text(words or chosen.title)
    _end_snooze(scope, talk)
    speaker_notices.introduce_member(scope, talk)
    rail = installed_rails.rail_terms_by_platform()[
        queries.get_channel(scope, talk.channel_id).platform
    ]
    if rail.locked or lock:
        locked_messages.send_locked_offer(
            scope, talk, chosen, rail, text=words or chosen.title, key=key, by=scope.actor
        )
        return
    offer_id = offers.create_offer(scope, talk, chosen, rail.name)
    draft = outgoing_messages.create_draft(
        scope,
        talk,
        origin="member",
        kind="text",
        state=DraftState.APPROVED,
        text=words or chosen.title,
        buttons=(offers.offer_card(chosen, offer_id, talk.language),),
        offer_id=offer_id,
        draft_id=key,
    )
    draft.approved_by = draft.written_by = scope.actor
    scope.add(draft)
    outgoing_messages.schedule_message_draft(scope, draft)


def send_plan_offer(
    scope: Scope, conversation_id: UUID, member_id: UUID, plan_id: UUID, *, key: UUID
) -> None:
    """Offer a subscription plan, once for each key. Raises NotFound if it may not be offered now,
    and Refused in the cases of `send_member_reply`."""
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    if outgoing_messages.has_draft(scope, key):
        return
    _check_private(talk)
    _check_creator(scope, talk)
    _check_conversation_owner(talk, member_id)
    _end_snooze(scope, talk)
    monthly_payments.send_plan_proposal(scope, talk, plan_id, key=key)


def list_offers_for_conversation(scope: Scope, talk: Conversation) -> tuple[OfferCandidate, ...]:
    """Return the packs that may be offered to the fan of a conversation now; none if the account
    has no rail."""
    channel = queries.get_channel(scope, talk.channel_id)
    rail = installed_rails.rail_terms_by_platform().get(channel.platform)
    if rail is None or not channel.chat_surface or talk.kind != "private":
        return ()
    fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
    return offers.list_offers(scope, fan, talk, channel=channel, rail=rail)


def approve_draft(
    scope: Scope, draft_id: UUID, *, text: str | None = None, there: Connector | None = None
) -> None:
    """Approve and send a pending draft, with the member's `text` if they rewrote it. A repeated
    approval changes nothing.

    Raises NotFound, Conflict if it was decided otherwise in the meantime, and BadInput or Refused
    in the cases of `send_member_reply`.
    """
    talk, row = _lock_draft(scope, draft_id)
    if row.approved_by is not None and row.state != DraftState.DRAFT:
        return
    if row.state != DraftState.DRAFT:
        raise Conflict("draft.decided")
    _check_creator(scope, talk)
    if text is not None:
        _check_text(text.strip())
    rewritten = text.strip() if text is not None else None
    _check_there(scope, talk, there, rewritten)
    _end_snooze(scope, talk)
    outgoing_messages.approve_waiting_draft(scope, draft_id, text=rewritten)
    _close_draft_notices(scope, talk, row)


def reject_draft_as_member(scope: Scope, draft_id: UUID, why: DraftRejection) -> None:
    """Reject a pending draft; a repeated rejection changes nothing. Raises NotFound, or Conflict if
    it is no longer pending."""
    talk, row = _lock_draft(scope, draft_id)
    if row.state == DraftState.REJECTED:
        return
    if row.state != DraftState.DRAFT:
        raise Conflict("draft.decided")
    _end_snooze(scope, talk)
    outgoing_messages.reject_waiting_draft(scope, draft_id, Message(f"draft.rejected.{why}"))
    _close_draft_notices(scope, talk, row)


def settle_uncertain_message(scope: Scope, draft_id: UUID, *, arrived: bool) -> None:
    """Record a member's finding on an uncertain message: it arrived, or it may be sent again.
    Raises NotFound, Conflict."""
    row = outgoing_messages.get_draft(scope, draft_id)
    if row.state != DraftState.UNCERTAIN:
        raise Conflict("draft.decided")
    outbox.put(
        scope, UncertainMessageResolved(scope.tenant_id, draft_id, arrived=arrived, by=scope.actor)
    )


def snooze_conversation(scope: Scope, conversation_id: UUID, until: datetime) -> None:
    """Hide the conversation until the given time, or until the fan writes. Raises BadInput for a
    time in the past or over `MAX_SNOOZE` ahead."""
    if not scope.now < until <= scope.now + MAX_SNOOZE:
        raise BadInput("chat.bad_snooze").about("at")
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    talk.snoozed_until = until
    scope.add(talk)


def unsnooze_conversation(scope: Scope, conversation_id: UUID) -> None:
    """Show a snoozed conversation in the list again."""
    _end_snooze(scope, conversation_rows.lock_conversation(scope, conversation_id))


def _end_snooze(scope: Scope, talk: Conversation) -> None:
    talk.snoozed_until = None
    scope.add(talk)


def set_sales_stop(scope: Scope, conversation_id: UUID, *, stop: bool, reason: str) -> None:
    """Request that sales to this fan stop or resume; workers apply it within seconds.

    A stop also withdraws unbought locked messages.
    """
    talk = conversation_rows.get_conversation(scope, conversation_id)
    if stop:
        unlocks.withdraw_locked_messages(scope, talk.fan_id, locked_messages.OFFER_EXPIRED)
    wanted = EmergencyStopRequested(
        scope.tenant_id,
        talk.id,
        scope="chat",
        target=chat_of(scope, talk),
        feature="offers",
        open=not stop,
        by=scope.actor,
        reason=reason,
    )
    outbox.put(scope, wanted)


def chat_of(scope: Scope, talk: Conversation) -> str:
    """Return the target under which emergency stops refer to a conversation."""
    fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
    return f"{talk.channel_id}:{fan.native_id}"


def _check_there(
    scope: Scope, talk: Conversation, there: Connector | None, words: str | None
) -> None:
    """Raise Refused if the reply window is closed, BadInput for a text that the platform would
    refuse. Without `there`, both are only checked when the message is sent."""
    if there is None:
        return
    reply_window.check_reply_window(scope, talk, there.capabilities)
    unit = _build_message_unit(scope, talk, words) if words is not None else None
    if unit is not None and (wrong := _find_platform_refusal(unit, there)) is not None:
        raise BadInput(wrong.code, **wrong.params)


def _build_message_unit(scope: Scope, talk: Conversation, words: str) -> Unit | None:
    """Return a member's text as a message to the fan of a conversation, or None if the account has
    no chat."""
    channel = queries.get_channel(scope, talk.channel_id)
    if not channel.chat_surface:
        return None
    fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
    return message_delivery.build_message_unit(
        scope, channel, fan, message_delivery.message_subject(uuid7()), text=words
    )


def _find_platform_refusal(unit: Unit, there: Connector) -> Message | None:
    """Return the reason why the platform would refuse a message, such as its length. No request is
    sent."""
    turn = there.next_step(unit, ())
    return turn.reason if isinstance(turn, Rejected) else None


def _check_text(words: str) -> None:
    if not words:
        raise BadInput("chat.nothing_said").about("text")
    if len(words) > MAX_REPLY_LENGTH:
        raise BadInput("chat.too_long", most=MAX_REPLY_LENGTH, count=len(words)).about("text")
    speaker_notices.check_no_impersonation(words)


def _check_private(talk: Conversation) -> None:
    """Raise Refused for a public conversation: comments are answered in `subscribers.comments`, and
    nothing is offered there."""
    if talk.kind != "private":
        raise Refused("chat.in_public")


def _check_creator(scope: Scope, talk: Conversation) -> None:
    """Raise Refused if the creator is deactivated: nothing is sent to their fans."""
    if not get_creator(scope, talk.creator_id).is_active:
        raise Refused("chat.creator_inactive")


def _check_conversation_owner(talk: Conversation, member_id: UUID) -> None:
    if OwnerState(talk.owner) is not OwnerState.HUMAN:
        raise Refused("chat.take_first")
    if talk.owner_member_id != member_id:
        raise Refused("chat.anothers")


def _lock_draft(scope: Scope, draft_id: UUID) -> tuple[Conversation, Draft]:
    """Return the conversation and the draft, locked in the global lock order."""
    talk = conversation_rows.lock_conversation(
        scope, outgoing_messages.get_draft(scope, draft_id).conversation_id
    )
    return talk, outgoing_messages.get_draft(scope, draft_id, lock=True)


def _close_draft_notices(scope: Scope, talk: Conversation, row: Draft) -> None:
    notices.close(scope, f"draft:{row.id}:waiting")
    notices.close(scope, f"draft:{row.id}:failed")
    scope.run(  # The inbox list detects changes by the `updated_at` of its conversations.
        "UPDATE conversations SET updated_at = house_now() WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=talk.id,
    )
