"""Conversations as rows: creation, locks, messages in order, and changes of the owner."""

import hashlib
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlmodel import select

from channels.accounts.queries import Channel
from channels.age_verification import age_checks
from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from subscribers.conversations.events import ChatTurn
from subscribers.conversations.models import ChatMessage, Conversation, ConversationMove
from subscribers.conversations.states import OWNER_STATES, OwnerState
from subscribers.fans import directory
from tenants.notices import notices

SESSION_GAP = timedelta(hours=24)
"""Period of silence after which a fan's next message starts a new session."""

PROMISED = timedelta(minutes=5)
"""Time that a member has to answer before the bot resumes, if the handoff reason allows it."""

NON_URGENT_REASONS = frozenset(
    {"chat.asks_person", "chat.unreadable", "chat.answer_not_sent"}
    | {
        f"chat.handoff_{why}"
        for why in ("asked", "unsure", "other", "budget", "engine", "unreadable", "improper")
    }
)
"""Handoff reasons after which the bot may resume: never safety, payments or complaints."""


ALARMS = frozenset({"chat.crisis", "chat.minor"})
"""Reasons that are reported in addition to any open notice of a conversation, and that no other
reason replaces."""


TEXT_KINDS = frozenset({"message", "unsupported"})
"""Kinds of updates that may contain text by a fan, such as a caption. They are checked for age and
crisis signals."""


EDITED_KIND = "edited"
"""The kind of a message row that contains the new text of an edited message; the original row
remains."""

EDITED_ID_OFFSET = len(EDITED_KIND) + 64 + 3
"""Position (from 1) of the original message ID in the native ID of such a row, after a digest of
the text."""


def clean_stored_text(text: str) -> str:
    """Return a text without the characters that PostgreSQL rejects. A single such character would
    otherwise prevent the whole message from being stored."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def chat_lane(conversation_id: UUID) -> str:
    """Return the lane in which messages to a fan are sent one at a time."""
    return f"chat:{conversation_id}"


def turn_lane(conversation_id: UUID) -> str:
    """Return the lane of reply generation, which is separate so that a slow model delays neither
    receipts nor crisis messages."""
    return f"turn:{conversation_id}"


def find_or_create_conversation(
    scope: Scope,
    fan: directory.FanIdentityView,
    channel: Channel,
    *,
    kind: Literal["private", "public"] = "private",
) -> Conversation:
    """Return the fan's conversation on this account, locked; create it on first contact. Members
    answer public ones."""
    scope.run(
        "INSERT INTO conversations (tenant_id, id, creator_id, fan_id, channel_id, kind, owner, "
        "epoch, safety_hold,"
        " priority, language, last_in_seq, last_seq, redone, unsure) VALUES (:tenant, :id, "
        ":creator, :fan, :channel,"
        " :kind, :owner, 1, false, 5, :language, 0, 0, 0, 0)"
        " ON CONFLICT (tenant_id, fan_id, channel_id, kind) DO NOTHING",
        kind=kind,
        owner=str(OwnerState.BOT if kind == "private" else OwnerState.PENDING_HUMAN),
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=fan.creator_id,
        fan=fan.fan_id,
        channel=channel.id,
        language=fan.language,
    )
    found = scope.run(
        "SELECT id FROM conversations WHERE tenant_id = :tenant AND fan_id = :fan AND channel_id "
        "= :channel"
        " AND kind = :kind",
        kind=kind,
        tenant=scope.tenant_id,
        fan=fan.fan_id,
        channel=channel.id,
    ).scalar_one()
    talk = lock_conversation(scope, found)
    if talk.language != fan.language:
        talk.language = fan.language
        scope.add(talk)
    return talk


def lock_conversation(scope: Scope, conversation_id: UUID) -> Conversation:
    """Return a conversation, locked until the end of the transaction. Raises NotFound."""
    return get_conversation(scope, conversation_id, lock=True)


def get_conversation(scope: Scope, conversation_id: UUID, *, lock: bool = False) -> Conversation:
    """Return the current state of a conversation. Raises NotFound, also for another tenant's
    conversation."""
    statement = select(Conversation).where(
        Conversation.tenant_id == scope.tenant_id, Conversation.id == conversation_id
    )
    statement = statement.with_for_update() if lock else statement
    row = scope.session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound("conversation.unknown")
    return row


def line_number_of(
    scope: Scope, fan: directory.FanIdentityView, channel: Channel, native_id: str
) -> int | None:
    """Return the sequence number under which a platform message was recorded, or None."""
    found: int | None = scope.run(
        f"SELECT m.seq {_HEARD} AND m.native_id = :native",
        tenant=scope.tenant_id,
        fan=fan.fan_id,
        channel=channel.id,
        native=native_id,
    ).scalar()
    return found


def has_recorded_text(
    scope: Scope, fan: directory.FanIdentityView, channel: Channel, native_id: str, words: str
) -> bool:
    """Return True if a message is recorded with exactly this text, now or before an edit."""
    found = scope.run(
        f"SELECT 1 {_HEARD} AND (m.native_id = :version OR m.native_id = :native AND m.body = "
        ":body)",
        tenant=scope.tenant_id,
        fan=fan.fan_id,
        channel=channel.id,
        native=native_id,
        body=age_checks.redact_check_links(words),
        version=_edit_id(native_id, words),
    ).scalar()
    return bool(found)


def _edit_id(native_id: str, words: str) -> str:
    return f"{EDITED_KIND}:{hashlib.sha256(words.encode()).hexdigest()}:{native_id}"


_HEARD = (
    "FROM messages m JOIN conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id"
    " WHERE m.tenant_id = :tenant AND c.fan_id = :fan AND c.channel_id = :channel AND c.kind = "
    "'private'"
    " AND m.direction = 'in'"
)
"""Incoming messages of a fan's private conversation on an account."""


def record_fan_line(
    scope: Scope, talk: Conversation, *, native_id: str, kind: str, body: str
) -> bool:
    """Record an update of a fan as the next message. Return False if it is already recorded."""
    known = scope.run(
        "SELECT 1 FROM messages WHERE tenant_id = :tenant AND conversation_id = :talk AND "
        "direction = 'in'"
        " AND native_id = :native",
        tenant=scope.tenant_id,
        talk=talk.id,
        native=native_id,
    ).scalar()
    if known:
        return False
    if talk.last_in_at is None or scope.now - talk.last_in_at > SESSION_GAP:
        talk.session_at = scope.now
    row = _build_line(
        scope, talk, direction="in", author="fan", native_id=native_id, kind=kind, body=body
    )
    talk.last_in_seq = talk.last_seq
    talk.last_in_at = scope.now
    talk.snoozed_until = None
    scope.add(row, talk)
    return True


def record_fan_edit(scope: Scope, talk: Conversation, *, native_id: str, words: str) -> None:
    """Record the new text of an edited message as a separate row, so that the original text
    remains.

    An edit is not a new message: it starts no session, opens no reply window and needs no answer.
    """
    named = _edit_id(native_id, words)
    scope.add(
        _build_line(
            scope, talk, direction="in", author="fan", native_id=named, kind=EDITED_KIND, body=words
        ),
        talk,
    )


def record_our_line(
    scope: Scope,
    talk: Conversation,
    *,
    author: str,
    native_id: str,
    kind: str,
    body: str,
    draft_id: UUID | None = None,
    media: tuple[str, ...] = (),
) -> None:
    """Record an outgoing message as the next one, once for each native ID."""
    known = scope.run(
        "SELECT 1 FROM messages WHERE tenant_id = :tenant AND conversation_id = :talk AND "
        "direction = 'out'"
        " AND native_id = :native",
        tenant=scope.tenant_id,
        talk=talk.id,
        native=native_id,
    ).scalar()
    if known:
        return
    row = _build_line(
        scope, talk, direction="out", author=author, native_id=native_id, kind=kind, body=body
    )
    row.draft_id = draft_id
    row.media = list(media)
    scope.add(row, talk)


def last_answered_seq(scope: Scope, talk: Conversation) -> int:
    """Return the sequence number of the last message that a bot or member draft answers, or 0 if
    there is none. Automated messages do not count."""
    return int(
        scope.run(
            "SELECT coalesce(max(in_reply_to_seq), 0) FROM drafts WHERE tenant_id = :tenant AND "
            "conversation_id = :talk"
            " AND origin IN ('bot', 'member')"
            " AND state NOT IN ('pending', 'cancelled', 'rejected', 'expired', 'failed')",
            tenant=scope.tenant_id,
            talk=talk.id,
        ).scalar_one()
    )


def _build_line(
    scope: Scope,
    talk: Conversation,
    *,
    direction: str,
    author: str,
    native_id: str,
    kind: str,
    body: str,
) -> ChatMessage:
    """Return the next message row without writing it, so that it is written together with the
    conversation.

    Links to age checks are redacted: only the fan may open them.
    """
    talk.last_seq += 1
    return ChatMessage(
        tenant_id=scope.tenant_id,
        creator_id=talk.creator_id,
        conversation_id=talk.id,
        seq=talk.last_seq,
        direction=direction,
        author=author,
        kind=kind,
        body=age_checks.redact_check_links(body),
        native_id=native_id,
        at=scope.now,  # Not the platform's clock, which may differ from ours.
    )


def change_owner(
    scope: Scope,
    talk: Conversation,
    to: OwnerState,
    reason: Message | None,
    *,
    member: UUID | None = None,
) -> None:
    """Change the owner of a locked conversation: increment the epoch, add a move row and cancel
    unsent drafts of the bot.

    Raises Conflict if the transition is not allowed.
    """
    before = OwnerState(talk.owner)
    OWNER_STATES.check(before, to)
    talk.owner = str(to)
    talk.owner_member_id = member
    talk.reason = stored_message(reason)
    talk.epoch += 1
    talk.unsure = talk.redone = 0
    scope.add(
        talk,
        ConversationMove(
            tenant_id=scope.tenant_id,
            creator_id=talk.creator_id,
            conversation_id=talk.id,
            epoch=talk.epoch,
            before=str(before),
            after=str(to),
            by=scope.actor,
            reason=stored_message(reason),
        ),
    )
    silence_bot(scope, talk.id, Message("draft.new_owner"))
    if to is not OwnerState.PENDING_HUMAN:
        notices.close_all(
            scope, [_notice_cause(talk.id), *(_notice_cause(talk.id, alarm) for alarm in ALARMS)]
        )


def reopen_conversation(scope: Scope, talk: Conversation) -> None:
    """Reopen a closed conversation when the fan writes again. It is assigned to members during a
    safety hold, otherwise to the bot."""
    if OwnerState(talk.owner) is OwnerState.CLOSED:
        change_owner(
            scope, talk, OwnerState.PENDING_HUMAN if talk.safety_hold else OwnerState.BOT, None
        )


def escalate_to_member(
    scope: Scope, talk: Conversation, reason: Message, *, priority: int = 3, urgent: bool = False
) -> None:
    """Assign the conversation to members: notify them once and stop the bot."""
    talk.priority = min(talk.priority, priority)
    if OwnerState(talk.owner) is OwnerState.BOT:
        change_owner(scope, talk, OwnerState.PENDING_HUMAN, reason)
        if reason.code in NON_URGENT_REASONS:
            again = ChatTurn(scope.tenant_id, talk.id)
            outbox.put(
                scope, again, at=scope.now + PROMISED, lane=turn_lane(talk.id), holds_lane=True
            )
    elif reason.code in ALARMS and (talk.reason or {}).get("code") not in ALARMS:
        talk.reason = stored_message(reason)
    scope.add(talk)
    notices.put(
        scope,
        reason,
        cause=_notice_cause(talk.id, reason.code),
        urgent=urgent,
        creator_id=talk.creator_id,
    )


def record_marker_line(scope: Scope, talk: Conversation, kind: str) -> None:
    """Set the kind of the fan's last message; messages of such a kind are not passed to a model."""
    scope.run(
        "UPDATE messages SET kind = :kind WHERE tenant_id = :tenant AND conversation_id = :talk "
        "AND seq = :seq",
        tenant=scope.tenant_id,
        talk=talk.id,
        seq=talk.last_in_seq,
        kind=kind,
    )


def silence_bot(scope: Scope, conversation_id: UUID, reason: Message) -> None:
    """Cancel all unsent drafts of the bot and its scheduled reply."""
    cancel_bot_drafts(scope, conversation_id, reason, ("pending", "draft", "approved", "auto"))
    outbox.cancel(scope, ChatTurn.kind, conversation_id)


def cancel_bot_drafts(
    scope: Scope, conversation_id: UUID, reason: Message, states: tuple[str, ...]
) -> int:
    """Cancel the bot's drafts in these states and return their number."""
    done = scope.run(
        "UPDATE drafts SET state = 'cancelled', reason = jsonb_build_object('code', CAST(:code AS "
        "text)),"
        " updated_at = house_now() WHERE tenant_id = :tenant AND conversation_id = :talk AND "
        "origin = 'bot'"
        " AND state = ANY(:states)",
        tenant=scope.tenant_id,
        talk=conversation_id,
        code=reason.code,
        states=list(states),
    )
    return int(done.rowcount)


def _notice_cause(conversation_id: UUID, reason: str = "") -> str:
    return f"chat:{conversation_id}:{reason.partition('.')[2] if reason in ALARMS else 'person'}"
