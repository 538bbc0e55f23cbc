"""Delivery of drafts: claimed in one transaction, sent outside any, and settled in another."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import assert_never
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.limits import send_limits
from channels.sending import reconciliation, step_runner
from channels.sending.step_runner import PreparedStep, StagedUploads
from connectors.contract.connector import Connector
from connectors.contract.outcomes import (
    Disconnected,
    Found,
    LookupResult,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.shared.http_responses import READER_GONE
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message, render_message
from foundation.money import Money
from foundation.ops import telemetry
from foundation.outbox import outbox
from gate.contract.units import Button, Invoice, Medium, Subject, Text, Unit, Verdict
from gate.permits import issuance
from gate.permits.issuance import MintPermit
from subscribers.conversations import comment_rows, conversation_rows, outgoing_messages
from subscribers.conversations.events import ChatReconcile, ChatTurn
from subscribers.conversations.models import Conversation, Draft
from subscribers.conversations.states import ORDER_STATES, DraftState
from subscribers.delivery import reply_window, send_deadlines
from subscribers.delivery.send_deadlines import RECHECK_BOUNDS, SEND_MARGIN
from subscribers.fans import directory
from subscribers.orders import locked_messages, order_rows
from subscribers.orders.states import OrderState
from tenants.notices import notices

ACT = timedelta(seconds=30)
ACT_WITH_FILES = timedelta(seconds=60)
"""Time limits for sending a message, without and with files."""


STOP_RETRY_DELAY = timedelta(seconds=30)


class NotClaimable(Exception):
    """The draft cannot be claimed now; `again` is the delay before another attempt, or None if none
    is planned."""

    def __init__(self, again: timedelta | None = None) -> None:
        self.again = again
        super().__init__(f"again in {again}" if again else "not now")


def message_subject(draft_id: UUID) -> Subject:
    """Return the subject under which a draft is delivered."""
    return Subject("draft", draft_id)


def compose_message(scope: Scope, row: Draft, channel: Channel) -> Unit:
    """Return the message as its recipient will see it, or as the public will see it for an answer
    to a comment. Raises NotFound."""
    if row.remark_id is not None:
        remark = comment_rows.get_comment_row(scope, row.remark_id)
        by = comment_rows.answer_origin(row.text, row.original_text)
        return comment_rows.comment_answer_unit(
            scope, message_subject(row.id), row.text, remark, language=row.language, text_ai=by
        )
    talk = scope.run(
        "SELECT fan_id FROM conversations WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=row.conversation_id,
    ).one_or_none()
    if talk is None:
        raise NotFound("conversation.unknown")
    fan = directory.get_fan_identity(scope, talk.fan_id, channel.id)
    return build_message_unit(
        scope,
        channel,
        fan,
        message_subject(row.id),
        text=row.text,
        media=tuple(Medium(**medium) for medium in row.media),
        buttons=tuple(Button(**button) for button in row.buttons),
        invoice=Invoice(**row.invoice) if row.invoice else None,
        service=row.service,
        text_ai="generated" if row.origin == "bot" else "none",
        price=locked_messages.locked_message_price(scope, row),
    )


def build_message_unit(
    scope: Scope,
    channel: Channel,
    fan: directory.FanIdentityView,
    what: Subject,
    *,
    text: str,
    media: tuple[Medium, ...] = (),
    buttons: tuple[Button, ...] = (),
    invoice: Invoice | None = None,
    service: str = "",
    text_ai: str = "none",
    price: Money | None = None,
) -> Unit:
    """Return a message to one fan on one account, with the marks that the platform requires.

    Media reach a chat only as part of a pack, so a message with media is a sale: a first delivery,
    a repeated download, a subscription's pack, or a locked message.
    """
    unit = Unit(
        tenant_id=scope.tenant_id,
        creator_id=fan.creator_id,
        subject=what,
        platform=channel.platform,
        surface=channel.chat_surface,
        channel_id=channel.id,
        account=channel.account,
        audience="viewer",
        texts=(Text("body", text),) if text else (),
        media=media,
        buttons=buttons,
        invoice=invoice,
        viewer=fan.native_id,
        service=service,
        text_ai=text_ai,
        price=price,
        sold=bool(media),
        native_key=step_runner.native_key_of(what),
    )
    return issuance.with_required_marks(
        scope, unit, line=lambda: render_message(Message("chat.made_with_ai"), fan.language)
    )


def judge_message(scope: Scope, row: Draft) -> issuance.Decision:
    """Return the gate's current decision on a message; the author is stored with the decision."""
    unit = compose_message(scope, row, queries.get_channel(scope, row.channel_id))
    return issuance.judge_unit(scope, unit, author=row.written_by or scope.actor)


def claim_message(
    scope: Scope, draft_id: UUID, *, mint: MintPermit, connectors: Mapping[str, Connector]
) -> PreparedStep | Outcome | StagedUploads:
    """Claim a message for sending, in the global lock order: epochs, account, conversation, draft,
    permit.

    Raises NotClaimable or PermitDenied; both roll back the transaction.
    """
    row = outgoing_messages.get_draft(scope, draft_id)
    if row.state not in (DraftState.APPROVED, DraftState.AUTO):
        raise NotClaimable
    channel = queries.get_channel(scope, row.channel_id)
    unit = compose_message(scope, row, channel)
    issuance.lock_unit(scope, unit)
    blocked = send_limits.claim_send_slot(scope, channel)
    if blocked is not None:
        raise NotClaimable(max(blocked.until - scope.now, RECHECK_BOUNDS))
    if locked_messages.locked_message_refusal(scope, row) is not None:
        raise NotClaimable
    act = ACT_WITH_FILES if row.media else ACT
    deadline = scope.now + act
    if not _claim_draft(scope, row, deadline=deadline):
        raise NotClaimable
    talk = conversation_rows.get_conversation(scope, row.conversation_id)
    if (
        over := reply_window.closed_reply_window_reason(
            scope, talk, account_connectors.connector_for(connectors, channel).capabilities
        )
    ) is not None:
        return Rejected(over, permanent=False)
    outbox.put(scope, ChatReconcile(scope.tenant_id, draft_id, "draft"), at=deadline + SEND_MARGIN)
    return step_runner.prepare_step(
        scope,
        channel=channel,
        unit=unit,
        kind="send",
        act=act,
        mint=mint,
        connectors=connectors,
        author=row.written_by or None,
    )


_CLAIM = """
UPDATE drafts d SET state = 'sending', attempt = attempt + 1, deadline_at = :deadline, updated_at
= house_now()
FROM conversations c, fans f
WHERE d.tenant_id = :tenant AND d.id = :id AND d.state IN ('approved', 'auto') AND d.expires_at >
:now
  AND c.tenant_id = d.tenant_id AND c.id = d.conversation_id AND f.tenant_id = c.tenant_id AND
  f.id = c.fan_id
  AND (d.service <> '' OR f.status = 'active' AND f.opt_out <> 'all' AND (
    NOT c.safety_hold OR d.offer_id IS NULL AND d.kind NOT IN ('invoice', 'pack', 'locked')) AND (
    d.origin = 'auto' OR d.epoch = c.epoch AND (d.origin = 'bot' AND c.owner = 'bot' AND
    f.disclosed_at IS NOT NULL
      OR d.origin = 'member' AND c.owner = 'human')))
"""


def _claim_draft(scope: Scope, row: Draft, **params: object) -> bool:
    """Claim the draft in one statement, under a lock on the conversation: drafts of another epoch
    or owner are not sent."""
    scope.run(
        "SELECT 1 FROM conversations WHERE tenant_id = :tenant AND id = :id FOR SHARE",
        tenant=scope.tenant_id,
        id=row.conversation_id,
    )
    done = scope.run(_CLAIM, tenant=scope.tenant_id, id=row.id, now=scope.now, **params)
    scope.session.expire(row)
    return bool(done.rowcount)


def postpone_message(scope: Scope, draft_id: UUID, again: timedelta | None) -> timedelta | None:
    """Handle a draft that could not be claimed. Return the delay before the next attempt, or None
    if it ended."""
    talk = conversation_rows.lock_conversation(
        scope, outgoing_messages.get_draft(scope, draft_id).conversation_id
    )
    row = outgoing_messages.get_draft(scope, draft_id, lock=True)
    if row.state == DraftState.SENDING:
        return send_deadlines.next_check_time(scope, row.deadline_at)
    if row.state not in (DraftState.APPROVED, DraftState.AUTO):
        return None
    if row.expires_at <= scope.now:
        _expire_draft(scope, talk, row)
        return None
    if again is not None:
        return again
    fan = directory.get_fan_identity(scope, talk.fan_id, row.channel_id)
    owed = (
        row.origin == "bot"
        and row.epoch == talk.epoch
        and talk.owner == "bot"
        and fan.status == "active"
    )
    if owed and fan.opt_out != "all" and not (talk.safety_hold and row.offer_id is not None):
        # The draft waits for the AI disclosure, whose arrival schedules it again; if the disclosure
        # arrived just now, retry soon.
        return None if fan.disclosed_at is None else RECHECK_BOUNDS
    over = locked_messages.locked_message_refusal(scope, row)
    outgoing_messages.transition_draft(
        scope, row, DraftState.CANCELLED, over or Message("draft.superseded")
    )
    if over is not None:
        _notify_unsent(scope, talk, row, over)
    return None


def _expire_draft(scope: Scope, talk: Conversation, row: Draft) -> None:
    """Expire an outdated draft. If the fan still waits, generate a new reply or notify a member."""
    reason = Message("draft.too_late")
    outgoing_messages.transition_draft(scope, row, DraftState.EXPIRED, reason)
    bot_speaks = row.origin == "bot" and talk.owner == "bot" and row.epoch == talk.epoch
    if (
        bot_speaks
        and talk.last_in_at is not None
        and scope.now - talk.last_in_at < conversation_rows.SESSION_GAP
    ):
        outbox.put(
            scope,
            ChatTurn(scope.tenant_id, talk.id),
            lane=conversation_rows.turn_lane(talk.id),
            holds_lane=True,
        )
    elif bot_speaks or row.origin != "bot":
        _notify_unsent(scope, talk, row, reason)


def deny_message(scope: Scope, draft_id: UUID, decision: issuance.Decision) -> timedelta | None:
    """Handle a denial by the gate: a stop is retried, a hold waits for a member, a block ends the
    draft. Return None."""
    talk = conversation_rows.lock_conversation(
        scope, outgoing_messages.get_draft(scope, draft_id).conversation_id
    )
    row = outgoing_messages.get_draft(scope, draft_id, lock=True)
    if row.state == DraftState.SENDING:  # Denied between two steps: nothing became visible.
        outgoing_messages.transition_draft(scope, row, _state_before_sending(row))
        step_runner.close_attempt(
            scope, message_subject(draft_id), Rejected(Message("draft.denied"), permanent=False)
        )
    if row.state not in (DraftState.APPROVED, DraftState.AUTO):
        return None
    # Rescheduled, so that crisis and other automated messages may be sent first.
    if (decision.is_transient or decision.is_stale) and row.expires_at > scope.now:
        outgoing_messages.schedule_message_draft(
            scope,
            row,
            at=scope.now + (STOP_RETRY_DELAY if decision.is_transient else RECHECK_BOUNDS),
        )
        return None
    reason = denial_message(decision)
    held = decision.verdict is Verdict.H and row.origin != "auto"
    outgoing_messages.transition_draft(
        scope, row, DraftState.DRAFT if held else DraftState.FAILED, reason
    )
    _notify_unsent(scope, talk, row, reason)
    return None


def denial_message(decision: issuance.Decision) -> Message:
    """Return the gate's main reason for a denial."""
    return decision.main_reason if decision.reasons else Message("draft.denied")


def _state_before_sending(row: Draft) -> DraftState:
    return DraftState.APPROVED if row.approved_by else DraftState.AUTO


def settle_message(scope: Scope, draft_id: UUID, outcome: Outcome) -> timedelta | None:
    """Record the outcome of a message. Return the delay before it may be retried, or None if it
    ended."""
    talk = conversation_rows.lock_conversation(
        scope, outgoing_messages.get_draft(scope, draft_id).conversation_id
    )
    row = outgoing_messages.get_draft(scope, draft_id, lock=True)
    wait = (
        _settle_draft(scope, talk, row, outcome)
        if row.state in (DraftState.SENDING, DraftState.UNCERTAIN)
        else None
    )
    step_runner.close_attempt(
        scope, message_subject(draft_id), outcome, note_copy=issuance.record_copy
    )
    return wait


def _settle_draft(
    scope: Scope, talk: Conversation, row: Draft, outcome: Outcome
) -> timedelta | None:
    match outcome:
        case Published(native_id=native_id):
            _record_sent(scope, talk, row, native_id)
        case Retry(after=after, reason=reason):
            outgoing_messages.transition_draft(scope, row, _state_before_sending(row), reason)
            return after
        case Rejected(reason=reason) if reason.code == READER_GONE:
            outgoing_messages.transition_draft(scope, row, DraftState.FAILED, reason)
            directory.mark_unreachable(scope, talk.fan_id, row.channel_id)
        case Rejected(reason=reason) | Reauthorize(reason=reason) | Disconnected(reason=reason):
            outgoing_messages.transition_draft(scope, row, DraftState.FAILED, reason)
            _notify_unsent(scope, talk, row, reason)
        case Uncertain(reason=reason):
            _mark_uncertain(scope, row, reason)
        case Processing():
            _mark_uncertain(scope, row, Message("draft.unsure"))
        case _:
            assert_never(outcome)
    return None


def _mark_uncertain(scope: Scope, row: Draft, reason: Message) -> None:
    """Mark the message as uncertain and schedule a lookup; it is never resent blindly."""
    if row.state == DraftState.SENDING:
        outgoing_messages.transition_draft(scope, row, DraftState.UNCERTAIN, reason)
    at = reconciliation.next_look_at(scope, message_subject(row.id)) or scope.now + SEND_MARGIN
    outbox.cancel(scope, ChatReconcile.kind, row.id)
    outbox.put(scope, ChatReconcile(scope.tenant_id, row.id, "draft"), at=at)


def _record_sent(scope: Scope, talk: Conversation, row: Draft, native_id: str) -> None:
    row.native_id = native_id
    outgoing_messages.transition_draft(scope, row, DraftState.SENT)
    author = {"auto": "system", "bot": "bot"}.get(row.origin, "member")
    if author != "system":
        _observe_first_reply(scope, talk, author)
        talk.unanswered_since = None
        talk.redone = 0
    conversation_rows.record_our_line(
        scope,
        talk,
        author=author,
        native_id=native_id,
        kind=row.kind,
        body=row.text,
        draft_id=row.id,
        media=tuple(medium["sha256"] for medium in row.media),
    )
    comment_rows.mark_comments_answered(scope, talk, row)
    locked_messages.record_locked_message_sent(scope, row)
    if row.kind == "notice":
        directory.record_speaker_notice(scope, talk.fan_id, row.service)
        outgoing_messages.release_held_drafts(scope, talk.id)
    scope.add(talk)
    outbox.cancel(scope, ChatReconcile.kind, row.id)
    directory.rebuild_facts(scope, talk.fan_id)


def _observe_first_reply(scope: Scope, talk: Conversation, author: str) -> None:
    if talk.unanswered_since is not None:
        waited = (scope.now - talk.unanswered_since).total_seconds()
        scope.after_commit(
            partial(telemetry.FIRST_REPLY_SECONDS.labels(author).observe, max(waited, 0.0))
        )


def _notify_unsent(scope: Scope, talk: Conversation, row: Draft, reason: Message) -> None:
    """Escalate an unsent reply of the bot to a member. For any other draft, notify the members, and
    for a sale also the fan."""
    if row.origin == "bot":
        conversation_rows.escalate_to_member(scope, talk, Message("chat.answer_not_sent"))
        return
    notices.put(scope, reason, cause=f"draft:{row.id}:failed", creator_id=row.creator_id)
    waits = row.state == DraftState.DRAFT  # Pending approval: a member may still send it.
    if (
        row.kind in ("invoice", locked_messages.LOCKED_KIND)
        and row.order_id is not None
        and not waits
    ):
        order = order_rows.get_order(scope, row.order_id, lock=True)
        if ORDER_STATES.allows(OrderState(order.state), OrderState.REFUSED):
            order_rows.transition_order(scope, order, OrderState.REFUSED, reason)
    if row.kind in ("invoice", "pack"):
        outgoing_messages.send_automated_message(
            scope, talk, Message(f"service.{row.kind}_not_sent")
        )


def is_message_uncertain(scope: Scope, draft_id: UUID) -> bool:
    """Return True if the draft's response is missing. A draft in `sending` past its deadline
    becomes uncertain here."""
    row = outgoing_messages.get_draft(scope, draft_id, lock=True)
    if (
        row.state == DraftState.SENDING
        and row.deadline_at is not None
        and row.deadline_at < scope.now
    ):
        outgoing_messages.transition_draft(
            scope, row, DraftState.UNCERTAIN, Message("draft.unsure")
        )
    return row.state == DraftState.UNCERTAIN


def settle_message_lookup(scope: Scope, draft_id: UUID, sighting: LookupResult) -> None:
    """Resolve an uncertain message by a lookup: sent, proven absent and sent again, or to be looked
    up again."""
    if isinstance(sighting, Found):
        settle_message(scope, draft_id, Published(sighting.native_id, sighting.url, sighting.at))
        return
    if locked_messages.is_locked_message_bought(
        scope, outgoing_messages.get_draft(scope, draft_id)
    ):
        mark_message_arrived(scope, draft_id)
        return
    row = outgoing_messages.get_draft(scope, draft_id, lock=True)
    if row.state != DraftState.UNCERTAIN:
        return
    if not reconciliation.is_possibly_published(
        scope, message_subject(draft_id)
    ) or reconciliation.is_proven_absent(scope, message_subject(draft_id)):
        reconciliation.mark_absent(scope, message_subject(draft_id))
        outgoing_messages.transition_draft(scope, row, _state_before_sending(row))
        outgoing_messages.schedule_message_draft(scope, row)
        return
    at = reconciliation.next_look_at(scope, message_subject(draft_id))
    if at is None:
        reason = Message("draft.still_unsure")
        notices.put(scope, reason, cause=f"draft:{draft_id}:unsure", creator_id=row.creator_id)
        return
    outbox.put(scope, ChatReconcile(scope.tenant_id, draft_id, "draft"), at=at)


def mark_message_arrived(scope: Scope, draft_id: UUID) -> None:
    """Mark an uncertain message as sent because of other proof; its platform ID remains unknown."""
    notices.close(scope, f"draft:{draft_id}:unsure")
    settle_message(scope, draft_id, Published(f"seen:{draft_id}", "", scope.now))


def settle_message_by_member(scope: Scope, draft_id: UUID, *, arrived: bool) -> None:
    """Resolve an uncertain message as a member found it: it arrived, or it did not and is sent
    again.

    Do nothing if it was resolved in the meantime. Raises Conflict while the attempt is in progress.
    """
    talk = conversation_rows.lock_conversation(
        scope, outgoing_messages.get_draft(scope, draft_id).conversation_id
    )
    row = outgoing_messages.get_draft(scope, draft_id, lock=True)
    if row.state != DraftState.UNCERTAIN:
        return
    notices.close(scope, f"draft:{draft_id}:unsure")
    if arrived:
        native_id = f"seen:{draft_id}"  # A member cannot see the platform's message id.
        _record_sent(scope, talk, row, native_id)
        step_runner.close_attempt(
            scope,
            message_subject(draft_id),
            Published(native_id, "", scope.now),
            note_copy=issuance.record_copy,
        )
        return
    reconciliation.mark_absent(scope, message_subject(draft_id))
    outgoing_messages.transition_draft(scope, row, _state_before_sending(row))
    row.expires_at = scope.now + outgoing_messages.DRAFT_LIFETIME
    scope.add(row)
    outgoing_messages.schedule_message_draft(scope, row)
