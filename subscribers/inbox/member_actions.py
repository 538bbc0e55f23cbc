"""What members do in a conversation: take it, answer, decide on what the bot wrote, offer, hand it
back.

Everything they say goes the way of every message: a row, the safety check, a single-use clearance,
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
from tenants.notices import notices

MAX_REPLY_LENGTH = 2000
"""Characters of one message, wherever it goes; a platform may take fewer, and counts in its own
way."""

MAX_SNOOZE = timedelta(days=7)
DraftRejection = Literal["tone", "fact", "limits", "moment", "offer", "other"]
DRAFT_REJECTIONS: tuple[DraftRejection, ...] = (
    "tone",
    "fact",
    "limits",
    "moment",
    "offer",
    "other",
)
"""Why a suggestion is not sent: they become what suggestions are measured by."""


def take_over_conversation(scope: Scope, conversation_id: UUID, member_id: UUID) -> None:
    """The member answers from now on; taken twice is once. Raises NotFound, Conflict for a closed
    conversation."""
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    if OwnerState(talk.owner) is OwnerState.HUMAN and talk.owner_member_id == member_id:
        return
    talk.snoozed_until = None
    update_intake.assign_to_member(scope, conversation_id, member_id)


def return_to_ai(scope: Scope, conversation_id: UUID, member_id: UUID) -> None:
    """The bot answers again; given back twice is once. Raises NotFound, Refused for a colleague's
    conversation."""
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    if OwnerState(talk.owner) is OwnerState.BOT:
        return
    if talk.kind != "private":
        raise Refused("chat.no_bot_in_public")
    if OwnerState(talk.owner) is OwnerState.HUMAN:
        _check_conversation_owner(talk, member_id)
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
    """The member's own words leave in their turn, once per key; before the first of them the fan
    reads who writes.

    Raises BadInput for none or too many, Refused for words that pass for the creator, for who does
    not hold the conversation, and where the platform (`there`) lets nobody write to that fan any
    more.
    """
    words = text.strip()
    _check_text(words)
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    if outgoing_messages.has_draft(scope, key):
        return
    _check_private(talk)
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
    scope.add(draft)
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
    """Why these words would not leave as they stand, while they are being typed; nothing is written
    down. Before any is typed, that nobody may write there any more (`there`: the platform).

    Nothing is said of a conversation that somebody else holds, nor of none. Raises NotFound.
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
    """Show the fan a pack of the closed list, with the member's words; title, price and button are
    drawn by code.

    Where the platform sells by itself, or the member wants it so (`lock`) and it can be, the pack
    goes with it, behind its price.

    Raises NotFound for a pack that may not be offered to this fan now; else as `say`.
    """
    words = text.strip()
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    if outgoing_messages.has_draft(scope, key):
        return
    _check_private(talk)
    _check_conversation_owner(talk, member_id)
    chosen = next(
        (one for one in list_offers_for_conversation(scope, talk) if one.pack_id == pack_id), None
    )
    if chosen is None or (lock and not chosen.locks):
        raise NotFound("offer.not_now")
    _check_text(words or chosen.title)
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
    """Show the fan a plan they may subscribe to, once per key. Raises NotFound for one not to be
    shown now; else as `say`."""
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    if outgoing_messages.has_draft(scope, key):
        return
    _check_private(talk)
    _check_conversation_owner(talk, member_id)
    monthly_payments.send_plan_proposal(scope, talk, plan_id, key=key)


def list_offers_for_conversation(scope: Scope, talk: Conversation) -> tuple[OfferCandidate, ...]:
    """What may be offered to the fan of a conversation now; nothing where the account has no
    rail."""
    channel = queries.get_channel(scope, talk.channel_id)
    rail = installed_rails.rail_terms_by_platform().get(channel.platform)
    if rail is None or not channel.chat_surface or talk.kind != "private":
        return ()
    fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
    return offers.list_offers(scope, fan, talk, channel=channel, rail=rail)


def approve_draft(
    scope: Scope, draft_id: UUID, *, text: str | None = None, there: Connector | None = None
) -> None:
    """A waiting message leaves, as it is or as the member rewrote it; approved twice is once.

    Raises NotFound, Conflict when it was decided otherwise meanwhile, BadInput and Refused as
    `say`.
    """
    talk, row = _lock_draft(scope, draft_id)
    if row.approved_by is not None and row.state != DraftState.DRAFT:
        return
    if row.state != DraftState.DRAFT:
        raise Conflict("draft.decided")
    if text is not None:
        _check_text(text.strip())
    rewritten = text.strip() if text is not None else None
    _check_there(scope, talk, there, rewritten)
    outgoing_messages.approve_waiting_draft(scope, draft_id, text=rewritten)
    _close_draft_notices(scope, talk, row)


def reject_draft_as_member(scope: Scope, draft_id: UUID, why: DraftRejection) -> None:
    """A waiting message is not sent; rejected twice is once. Raises NotFound, Conflict when it left
    meanwhile."""
    talk, row = _lock_draft(scope, draft_id)
    if row.state == DraftState.REJECTED:
        return
    if row.state != DraftState.DRAFT:
        raise Conflict("draft.decided")
    outgoing_messages.reject_waiting_draft(scope, draft_id, Message(f"draft.rejected.{why}"))
    _close_draft_notices(scope, talk, row)


def settle_uncertain_message(scope: Scope, draft_id: UUID, *, arrived: bool) -> None:
    """A member looked: a message in doubt arrived, or did not and may go again. Raises NotFound,
    Conflict."""
    row = outgoing_messages.get_draft(scope, draft_id)
    if row.state != DraftState.UNCERTAIN:
        raise Conflict("draft.decided")
    outbox.put(
        scope, UncertainMessageResolved(scope.tenant_id, draft_id, arrived=arrived, by=scope.actor)
    )


def snooze_conversation(scope: Scope, conversation_id: UUID, until: datetime) -> None:
    """Out of the list until then, or until the fan writes. Raises BadInput for the past or more
    than a week."""
    if not scope.now < until <= scope.now + MAX_SNOOZE:
        raise BadInput("chat.bad_snooze")
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    talk.snoozed_until = until
    scope.add(talk)


def unsnooze_conversation(scope: Scope, conversation_id: UUID) -> None:
    """Back into the list."""
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    talk.snoozed_until = None
    scope.add(talk)


def set_sales_stop(scope: Scope, conversation_id: UUID, *, stop: bool, reason: str) -> None:
    """Nothing is offered or sold to this fan any more, or again; done by the workers within
    seconds. What lies behind a price before them is withdrawn."""
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
    """What an emergency stop calls a conversation."""
    return f"{talk.channel_id}:{directory.get_fan_identity(scope, talk.fan_id, talk.channel_id).native_id}"


def _check_there(
    scope: Scope, talk: Conversation, there: Connector | None, words: str | None
) -> None:
    """Raises Refused where nothing may be written any more, BadInput for words that the platform
    would refuse; without `there` it is only found out as they would leave."""
    if there is None:
        return
    reply_window.check_reply_window(scope, talk, there.capabilities)
    unit = _build_message_unit(scope, talk, words) if words is not None else None
    if unit is not None and (wrong := _find_platform_refusal(unit, there)) is not None:
        raise BadInput(wrong.code, **wrong.params)


def _build_message_unit(scope: Scope, talk: Conversation, words: str) -> Unit | None:
    """Words of a member as a message to the fan of a conversation; None where the account has no
    chat."""
    channel = queries.get_channel(scope, talk.channel_id)
    if not channel.chat_surface:
        return None
    fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
    return message_delivery.build_message_unit(
        scope, channel, fan, message_delivery.message_subject(uuid7()), text=words
    )


def _find_platform_refusal(unit: Unit, there: Connector) -> Message | None:
    """Why the platform would refuse a message as it stands, its length above all; nothing is asked
    of it."""
    turn = there.next_step(unit, ())
    return turn.reason if isinstance(turn, Rejected) else None


def _check_text(words: str) -> None:
    if not words:
        raise BadInput("chat.nothing_said")
    if len(words) > MAX_REPLY_LENGTH:
        raise BadInput("chat.too_long", most=MAX_REPLY_LENGTH, count=len(words))
    speaker_notices.check_no_impersonation(words)


def _check_private(talk: Conversation) -> None:
    """What is said in public is answered under what was said there, and nothing is offered
    (`public_desk`)."""
    if talk.kind != "private":
        raise Refused("chat.in_public")


def _check_conversation_owner(talk: Conversation, member_id: UUID) -> None:
    if OwnerState(talk.owner) is not OwnerState.HUMAN:
        raise Refused("chat.take_first")
    if talk.owner_member_id != member_id:
        raise Refused("chat.anothers")


def _lock_draft(scope: Scope, draft_id: UUID) -> tuple[Conversation, Draft]:
    """The conversation and the draft, both locked, in the order of the house."""
    talk = conversation_rows.lock_conversation(
        scope, outgoing_messages.get_draft(scope, draft_id).conversation_id
    )
    return talk, outgoing_messages.get_draft(scope, draft_id, lock=True)


def _close_draft_notices(scope: Scope, talk: Conversation, row: Draft) -> None:
    notices.close(scope, f"draft:{row.id}:waiting")
    notices.close(scope, f"draft:{row.id}:failed")
    scope.run(  # the list looks at when its conversations last changed
        "UPDATE conversations SET updated_at = house_now() WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=talk.id,
    )
