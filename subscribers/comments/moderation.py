"""Actions of members on comments: answer, like, hide, show, delete, block the author, report, or
mark as done.

An answer is sent like any message: a draft row, the gate's decision, a single-use permit, the
platform.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, cast, get_args
from uuid import UUID

from channels.accounts import queries
from channels.sending import removal
from connectors.contract.capabilities import Capabilities
from connectors.contract.comments import ModerationAction
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
)
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.contract.units import COMMENT_REFERENCE, Subject
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy
from gate.log.queries import explain_decision
from gate.permits import issuance
from subscribers.comments.events import CommentModerationDue
from subscribers.conversations import (
    comment_rows,
    conversation_rows,
    outgoing_messages,
    unsent_text,
)
from subscribers.conversations.models import Conversation, PublicComment
from subscribers.conversations.states import DraftState, OwnerState
from subscribers.fans import directory
from subscribers.replies import speaker_notices
from tenants import audit
from tenants.notices import notices

MODERATION_ACTIONS: tuple[ModerationAction, ...] = get_args(ModerationAction)
DONE: dict[ModerationAction, str] = {
    "hide": "hidden",
    "show": "open",
    "delete": "deleted",
    "block": "done",
    "report": "done",
}
"""The state of a comment after each action; likes do not change it."""

LIKES: dict[str, bool] = {"like": True, "unlike": False}
"""The new value of a comment's `liked` for the actions that change it."""

MAX_COMMENT_ANSWER_LENGTH = 1000
"""Maximum number of characters of an answer; some platforms allow fewer."""

AGAIN = timedelta(seconds=30)
"""Minimum delay between two attempts of an action; no member waits for it on screen."""


class ModerateComment(Protocol):
    """The signature of `channels.listening.comments.moderate_comment` with its collaborators
    bound."""

    def __call__(
        self,
        tenant_id: UUID,
        channel_id: UUID,
        comment_id: str,
        author_id: str,
        action: ModerationAction,
        /,
    ) -> Outcome: ...


@dataclass(frozen=True)
class CommentView:
    """A comment of a public conversation. `state` is as in
    `subscribers.conversations.models.PublicComment`; `liked` means liked by the account."""

    id: UUID
    seq: int
    text: str
    under: str
    url: str
    at: datetime
    state: str
    liked: bool


def list_comments_of_conversation(
    scope: Scope, conversation_id: UUID, *, most: int = 20
) -> list[CommentView]:
    """Return the comments of a conversation, newest first."""
    rows = scope.run(
        "SELECT r.id, r.seq, m.body, r.under, r.url, coalesce(r.said_at, m.at) AS at, r.state, "
        "r.liked FROM remarks r"
        " JOIN messages m ON m.tenant_id = r.tenant_id AND m.conversation_id = r.conversation_id "
        "AND m.seq = r.seq"
        " WHERE r.tenant_id = :tenant AND r.conversation_id = :talk ORDER BY r.seq DESC LIMIT "
        ":most",
        tenant=scope.tenant_id,
        talk=conversation_id,
        most=most,
    )
    return [CommentView(*row) for row in rows]


def count_open_public_comments(scope: Scope, creators: Sequence[UUID]) -> int:
    """Return the number of open comments under these creators' posts."""
    found = scope.run(
        "SELECT count(*) FROM remarks WHERE tenant_id = :tenant AND creator_id = ANY(:creators) "
        "AND state = 'open'",
        tenant=scope.tenant_id,
        creators=list(creators),
    ).scalar_one()
    return int(found)


def conversation_of_comment(scope: Scope, remark_id: UUID) -> UUID:
    """Return the conversation of a comment. Raises NotFound, also for another tenant's comment."""
    return comment_rows.get_comment_row(scope, remark_id).conversation_id


def _compose_answer(scope: Scope, talk: Conversation, words: str, can: Capabilities) -> str:
    """Return an answer as it is published: with the author's name in front, if the platform
    notifies them only by that."""
    name = (
        directory.get_fan_identity(scope, talk.fan_id, talk.channel_id).display_name
        if can.names_whom_it_answers
        else ""
    )
    return f"{name} {words}" if name and not words.startswith(f"{name} ") else words


def answer_comment(
    scope: Scope, remark_id: UUID, member_id: UUID, text: str, *, key: UUID, can: Capabilities
) -> None:
    """Publish a member's answer to a comment, once for each key.

    Raises BadInput for an empty or too long text, and Conflict if the comment was deleted. Raises
    Refused if the text impersonates the creator, if the member does not own the conversation, or if
    the platform allows no answers. Raises NotFound.
    """
    found = comment_rows.get_comment_row(scope, remark_id)
    talk = conversation_rows.lock_conversation(scope, found.conversation_id)
    if outgoing_messages.has_draft(scope, key):
        return
    row = _lock_comment(scope, talk, remark_id, member_id)
    channel = queries.get_channel(scope, row.channel_id)
    words = _validate_text(text, max_answer_length(can, channel.surface))
    talk.snoozed_until = None
    scope.add(talk)
    if COMMENT_REFERENCE not in can.points_at:
        raise Refused("remark.no_answers", account=channel.name)
    draft = outgoing_messages.create_draft(
        scope,
        talk,
        origin="member",
        kind=comment_rows.COMMENT_KIND,
        state=DraftState.APPROVED,
        text=_compose_answer(scope, talk, words, can),
        remark_id=row.id,
        draft_id=key,
    )
    draft.approved_by = draft.written_by = scope.actor
    draft.original_text = unsent_text.load_suggested_text(scope, talk.id, member_id)
    scope.add(draft)
    outgoing_messages.schedule_message_draft(scope, draft)
    unsent_text.clear_unsent_text(scope, talk.id, member_id)


def max_answer_length(can: Capabilities, surface: str) -> int:
    """Return the maximum number of characters of an answer on a surface; platforms may count
    differently."""
    return min(MAX_COMMENT_ANSWER_LENGTH, can.size_limits(surface)[0])


def _validate_text(text: str, most: int) -> str:
    words = text.strip()
    if not words:
        raise BadInput("chat.nothing_said").about("text")
    if len(words) > most:
        raise BadInput("chat.too_long", most=most, count=len(words)).about("text")
    speaker_notices.check_no_impersonation(words)
    return words


def _lock_comment(
    scope: Scope, talk: Conversation, remark_id: UUID, member_id: UUID
) -> PublicComment:
    row = comment_rows.get_comment_row(scope, remark_id, lock=True)
    if row.state == "deleted":
        raise Conflict("remark.deleted")
    if OwnerState(talk.owner) is not OwnerState.HUMAN or talk.owner_member_id != member_id:
        raise Refused(
            "chat.take_first" if OwnerState(talk.owner) is not OwnerState.HUMAN else "chat.anothers"
        )
    return row


def check_comment_answer(
    scope: Scope, remark_id: UUID, member_id: UUID, text: str, *, can: Capabilities
) -> tuple[Message, ...]:
    """Return the reasons why an answer being typed could not be published; nothing is stored."""
    row = comment_rows.get_comment_row(scope, remark_id)
    words = text.strip()
    talk = conversation_rows.get_conversation(scope, row.conversation_id)
    if not words or talk.owner_member_id != member_id:
        return ()
    shown = _compose_answer(scope, talk, words[:MAX_COMMENT_ANSWER_LENGTH], can)
    by = unsent_text.load_suggested_text(scope, talk.id, member_id)
    what = Subject("draft", uuid7())
    unit = comment_rows.comment_answer_unit(
        scope,
        what,
        shown,
        row,
        language=talk.language,
        text_ai=comment_rows.answer_origin(shown, by),
    )
    decision = issuance.preview_decision(scope, unit, author=f"member:{member_id}")
    return () if decision.is_allowed else explain_decision(decision)


@dataclass(frozen=True)
class CommentAnswer:
    """A published answer, with its draft and sequence number. `gone` is True if it was removed."""

    draft_id: UUID
    seq: int
    gone: bool


def list_comment_answers(
    scope: Scope, conversation_id: UUID, *, most: int = 20
) -> list[CommentAnswer]:
    """Return the answers in a conversation, newest first."""
    rows = scope.run(
        "SELECT m.draft_id, m.seq FROM messages m JOIN drafts d ON d.tenant_id = m.tenant_id AND "
        "d.id = m.draft_id"
        " WHERE m.tenant_id = :tenant AND m.conversation_id = :talk AND d.remark_id IS NOT NULL"
        " ORDER BY m.seq DESC LIMIT :most",
        tenant=scope.tenant_id,
        talk=conversation_id,
        most=most,
    ).all()
    return [
        CommentAnswer(row.draft_id, row.seq, not _list_live_copies(scope, row.draft_id))
        for row in rows
    ]


def _list_live_copies(scope: Scope, draft_id: UUID) -> list[LiveCopy]:
    return [
        copy
        for copy in live_copies.list_copies(scope, Subject("draft", draft_id))
        if copy.removed_at is None
    ]


def request_answer_removal(scope: Scope, draft_id: UUID) -> None:
    """Request the removal of an answer; workers retry until the removal is proven. Raises NotFound,
    or Conflict if no copy is live."""
    row = outgoing_messages.get_draft(scope, draft_id)
    left = _list_live_copies(scope, draft_id)
    if row.remark_id is None or not left:
        raise Conflict("remark.no_answer_stands")
    for copy in left:
        removal.request_removal(scope, copy)
    audit.record(scope, "remark.take_back", f"draft:{draft_id}")


def request_moderation(scope: Scope, remark_id: UUID, act: str, *, can: Capabilities) -> None:
    """Request an action on a comment; workers apply it within seconds.

    Raises NotFound, Refused if the platform does not support the action, and Conflict if the
    comment was deleted.
    """
    row = comment_rows.get_comment_row(scope, remark_id)
    if act not in can.moderates:
        raise Refused("remark.no_such_act", account=queries.get_channel(scope, row.channel_id).name)
    if row.state == "deleted":
        raise Conflict("remark.deleted")
    event = CommentModerationDue(scope.tenant_id, remark_id, act, scope.actor)
    outbox.put(scope, event, lane=f"remark:{remark_id}", dedupe=f"remark:{remark_id}:{act}")


def close_comments(scope: Scope, conversation_id: UUID) -> None:
    """Mark all open comments of a conversation as done; an answer in progress is still published.
    Raises NotFound."""
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    scope.run(
        "UPDATE remarks SET state = 'done', updated_at = house_now() WHERE tenant_id = :tenant"
        " AND conversation_id = :talk AND state = 'open'",
        tenant=scope.tenant_id,
        talk=conversation_id,
    )
    talk.snoozed_until = None
    scope.add(talk)
    comment_rows.update_public_conversation(scope, talk)


def moderate_comment(
    event: CommentModerationDue, *, tenant: OpenScope, act_on: ModerateComment
) -> None:
    """Apply a member's action to a comment; notify members if the platform refuses it."""
    act = cast(ModerationAction, event.act)
    with tenant(event.tenant_id, event.by) as scope:
        row = comment_rows.get_comment_row(scope, event.subject_id)
        fan = directory.get_fan_identity(
            scope,
            conversation_rows.get_conversation(scope, row.conversation_id).fan_id,
            row.channel_id,
        )
        channel_id = row.channel_id
        native_id = row.native_id
    if fan.status == "erased" or row.state == "deleted":
        return
    outcome = act_on(event.tenant_id, channel_id, native_id, fan.native_id, act)
    if isinstance(outcome, Retry):
        raise outbox.RetryLater(max(outcome.after, AGAIN))
    with tenant(event.tenant_id, event.by) as scope:
        _settle_action(scope, event.subject_id, act, outcome)


def _settle_action(scope: Scope, remark_id: UUID, act: ModerationAction, outcome: Outcome) -> None:
    talk = conversation_rows.lock_conversation(
        scope, comment_rows.get_comment_row(scope, remark_id).conversation_id
    )
    row = comment_rows.get_comment_row(scope, remark_id, lock=True)
    cause = f"remark:{remark_id}:{act}"
    match outcome:
        case Published():
            audit.record(scope, f"remark.{act}", f"remark:{remark_id}")
            notices.close(scope, cause)
            row.liked = LIKES.get(act, row.liked)
            comment_rows.settle_comment(scope, talk, row, DONE.get(act, row.state))
        case Rejected(reason=reason) | Reauthorize(reason=reason) | Disconnected(reason=reason):
            notices.put(scope, reason, cause=cause, creator_id=row.creator_id)
        case _:
            raise TypeError(f"{act} of a remark ends in {type(outcome).__name__}")
