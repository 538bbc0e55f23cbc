"""AI suggestions for public answers: generated at a member's request, stored as their unsent text,
and never sent automatically."""

from uuid import UUID
from zoneinfo import ZoneInfo

from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict, Refused
from foundation.i18n import language_detection
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.contract.units import Rating
from studio.costs.text_requests import FREE_BILLING, TextBilling, TextPurpose, TextSession
from subscribers.comments.events import CommentAnswerDue
from subscribers.conversations import comment_rows, conversation_rows, unsent_text
from subscribers.conversations.states import OwnerState
from subscribers.replies import persona, reply_generation
from subscribers.replies.prompt import TurnInputs
from subscribers.replies.reply_generation import RATING_CEILINGS, ReplyTurn, TurnResult, WriteText
from tenants.agencies import queries
from tenants.notices import notices

SUGGESTING = "system:chat"


def request_answer_suggestion(scope: Scope, remark_id: UUID, member_id: UUID, *, most: int) -> None:
    """Request a suggestion of at most `most` characters for an answer to a comment.

    Raises NotFound, Conflict if the comment was deleted, and Refused if the member does not own the
    conversation.
    """
    row = comment_rows.get_comment_row(scope, remark_id)
    talk = conversation_rows.get_conversation(scope, row.conversation_id)
    if row.state == "deleted":
        raise Conflict("remark.deleted")
    if OwnerState(talk.owner) is not OwnerState.HUMAN or talk.owner_member_id != member_id:
        raise Refused("chat.take_first")
    event = CommentAnswerDue(scope.tenant_id, remark_id, member_id, most)
    outbox.put(scope, event, dedupe=f"suggest:{remark_id}:{member_id}")


def suggest_answer(
    event: CommentAnswerDue,
    *,
    tenant: OpenScope,
    write: WriteText,
    billing: TextBilling = FREE_BILLING,
) -> None:
    """Call the model outside any transaction, and store its text as the member's unsent text if
    that is still empty.

    `billing` contains the prices of models.
    """
    with tenant(event.tenant_id, SUGGESTING) as scope:
        begun = _prepare_turn(scope, event)
    if begun is None:
        return
    sitting = TextSession(
        tenant, event.tenant_id, begun.creator_id, TextPurpose.CHAT, begun.conversation_id, billing
    )
    spoken = reply_generation.request_reply(begun, sitting.counted_writer(write))
    with tenant(event.tenant_id, SUGGESTING) as scope:
        if _apply_reply(scope, event, spoken):
            sitting.mark_used(scope)


def _prepare_turn(scope: Scope, event: CommentAnswerDue) -> ReplyTurn | None:
    row = comment_rows.get_comment_row(scope, event.subject_id)
    talk = conversation_rows.get_conversation(scope, row.conversation_id)
    speaker = persona.active_persona(scope, row.creator_id)
    if speaker is None:
        _notify_failure(scope, event, Message("chat.no_persona"))
        return None
    creator = queries.get_creator(scope, row.creator_id)
    said = comment_rows.comment_text(scope, row)
    inputs = TurnInputs(
        persona=speaker,
        language=talk.language,
        ceiling=RATING_CEILINGS[Rating.G],
        local_time=scope.now.astimezone(ZoneInfo(creator.zone)).strftime("%H:%M"),
        now=(said,),
        foreign=language_detection.is_other_language(said),
        turn=1,
        facts=(
            f"They wrote this under a post, everybody reads the answer; at most {event.most} "
            "characters.",
        ),
    )
    return ReplyTurn(
        uuid7(), row.creator_id, talk.id, talk.epoch, inputs, (), "", speaker.level, first=True
    )


def _apply_reply(scope: Scope, event: CommentAnswerDue, spoken: TurnResult) -> bool:
    """Store the suggestion. Return True if it is used."""
    talk = conversation_rows.lock_conversation(
        scope, comment_rows.get_comment_row(scope, event.subject_id).conversation_id
    )
    if (
        spoken.reply is None
        or spoken.trouble not in (None, "unsure")
        or len(spoken.reply.text) > event.most
    ):
        _notify_failure(scope, event, Message("remark.no_suggestion"))
    elif not unsent_text.load_unsent_text(scope, talk.id, event.member_id):
        unsent_text.store_suggested_text(scope, talk, event.member_id, spoken.reply.text)
        return True
    return False


def _notify_failure(scope: Scope, event: CommentAnswerDue, told: Message) -> None:
    row = comment_rows.get_comment_row(scope, event.subject_id)
    notices.put(scope, told, cause=f"suggest:{event.subject_id}", creator_id=row.creator_id)
