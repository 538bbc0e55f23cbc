"""Escalation of a possible crisis or a minor: everything else stops, code alone answers, and a
member is called."""

import hashlib
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from subscribers.checkout import unlocks
from subscribers.conversations import conversation_rows, outgoing_messages
from subscribers.conversations.models import Conversation, SafetyEvent
from subscribers.fans import directory
from subscribers.replies import autonomy
from subscribers.subscriptions import subscription_rows
from tenants import audit


def respond_to_crisis(scope: Scope, talk: Conversation, said: str) -> None:
    """Send helplines at once, stop sales and suggestions, and escalate. No setting
    turns this off."""
    _cancel_pending_messages(scope, talk)
    outgoing_messages.send_automated_message(scope, talk, Message("service.safety.crisis"))
    escalate_crisis(scope, talk, said)


def escalate_crisis(scope: Scope, talk: Conversation, said: str) -> None:
    """Set a safety hold and call a member urgently."""
    talk.safety_hold = True
    conversation_rows.escalate_to_member(
        scope, talk, Message("chat.crisis"), priority=0, urgent=True
    )
    _keep_signal(scope, talk, "crisis", said)


def respond_to_minor(
    scope: Scope, talk: Conversation, fan: directory.FanIdentityView, said: str
) -> None:
    """Cancel all pending messages, send one automated message once, and escalate."""
    _cancel_pending_messages(scope, talk)
    if fan.status == "active":
        outgoing_messages.send_automated_message(scope, talk, Message("service.safety.minor"))
    escalate_minor(scope, talk, fan, said)


def escalate_minor(
    scope: Scope, talk: Conversation, fan: directory.FanIdentityView, said: str
) -> None:
    """Block a self-declared minor: stop messages, sales and renewals on every account, and call a
    member urgently."""
    directory.block_fan(scope, fan.fan_id)
    stop_sales_to_minor(scope, fan.fan_id)
    talk.safety_hold = True
    conversation_rows.escalate_to_member(
        scope, talk, Message("chat.minor"), priority=0, urgent=True
    )
    _keep_signal(scope, talk, "minor", said)


def report_missed_signal(scope: Scope, conversation_id: UUID) -> None:
    """Record a member's report that the bot missed a safety signal: stop the bot and sales in this
    conversation, and lower the autonomy of the creator's bot. A repeated report changes nothing.

    Raises NotFound.
    """
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    if talk.safety_hold:
        return
    talk.safety_hold = True
    _cancel_pending_messages(scope, talk)
    conversation_rows.escalate_to_member(scope, talk, Message("chat.signal_reported"), priority=0)
    scope.add(
        SafetyEvent(
            tenant_id=scope.tenant_id,
            creator_id=talk.creator_id,
            conversation_id=talk.id,
            kind="reported",
            layer="member",
            excerpt_digest="",
            action="missed",
        )
    )
    audit.record(scope, "safety.reported", f"conversation:{talk.id}")
    autonomy.fall_back(scope, talk.creator_id, "safety")


def stop_sales_to_minor(scope: Scope, fan_id: UUID) -> None:
    """Withdraw unbought locked messages of a minor and stop their subscriptions."""
    subscription_rows.stop_all_subscriptions(scope, fan_id)
    unlocks.withdraw_locked_messages(scope, fan_id, Message("draft.safety"))


def _cancel_pending_messages(scope: Scope, talk: Conversation) -> None:
    """Cancel all messages and sales of the bot that are not sent yet."""
    conversation_rows.silence_bot(scope, talk.id, Message("draft.safety"))
    scope.run(
        "UPDATE drafts SET state = 'cancelled', updated_at = house_now() WHERE tenant_id = :tenant"
        " AND conversation_id = :talk AND kind IN ('invoice', 'pack') AND state = 'auto'",
        tenant=scope.tenant_id,
        talk=talk.id,
    )
    unlocks.withdraw_locked_messages(scope, talk.fan_id, Message("draft.safety"))
    scope.add(talk)


def _keep_signal(scope: Scope, talk: Conversation, kind: str, said: str) -> None:
    scope.add(
        SafetyEvent(
            tenant_id=scope.tenant_id,
            creator_id=talk.creator_id,
            conversation_id=talk.id,
            kind=kind,
            layer="lexicon",
            excerpt_digest=hashlib.sha256(said.encode()).hexdigest(),
            action="held",
        )
    )
