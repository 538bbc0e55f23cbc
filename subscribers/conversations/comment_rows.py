"""Comments as rows: reads, state changes, and answers as units for the gate. Nothing here sends or
receives a comment."""

from dataclasses import replace
from typing import Literal
from uuid import UUID

from sqlmodel import select

from channels.accounts import queries
from channels.sending import step_runner
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message, render_message
from gate.contract.units import COMMENT_REFERENCE, Reference, Subject, Text, Unit
from gate.permits import issuance
from subscribers.conversations import conversation_rows
from subscribers.conversations.models import Conversation, Draft, PublicComment
from subscribers.conversations.states import OwnerState

PUBLIC_CONVERSATION: Literal["public"] = "public"
COMMENT_KIND = "remark"
"""The kind of messages and drafts in a public conversation."""


def get_comment_row(scope: Scope, remark_id: UUID, *, lock: bool = False) -> PublicComment:
    """Return the current state of a comment, locked if `lock`. Raises NotFound, also for another
    tenant's comment."""
    statement = select(PublicComment).where(
        PublicComment.tenant_id == scope.tenant_id, PublicComment.id == remark_id
    )
    statement = statement.with_for_update() if lock else statement
    row = scope.session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound("remark.unknown")
    return row


def settle_comment(scope: Scope, talk: Conversation, row: PublicComment, state: str) -> None:
    """Set the state of a comment and update its conversation."""
    row.state = state
    scope.add(row)
    update_public_conversation(scope, talk)


def update_public_conversation(scope: Scope, talk: Conversation) -> None:
    """Close a public conversation without open comments or unfinished answers, and reopen one with
    open comments."""
    scope.session.flush()
    left = scope.run(
        "SELECT EXISTS (SELECT FROM remarks WHERE tenant_id = :tenant AND conversation_id = :talk "
        "AND state = 'open')"
        " AS open, EXISTS (SELECT FROM drafts WHERE tenant_id = :tenant AND conversation_id = :talk"
        "   AND state IN ('draft', 'approved', 'sending', 'uncertain')) AS leaving",
        tenant=scope.tenant_id,
        talk=talk.id,
    ).one()
    closed = OwnerState(talk.owner) is OwnerState.CLOSED
    if closed and left.open:
        conversation_rows.change_owner(scope, talk, OwnerState.PENDING_HUMAN, None)
    elif not closed and not left.open and not left.leaving:
        conversation_rows.change_owner(scope, talk, OwnerState.CLOSED, Message("chat.remarks_done"))


def comment_text(scope: Scope, row: PublicComment) -> str:
    """Return the text of a comment."""
    found = scope.run(
        "SELECT body FROM messages WHERE tenant_id = :tenant AND conversation_id = :talk AND seq "
        "= :seq",
        tenant=scope.tenant_id,
        talk=row.conversation_id,
        seq=row.seq,
    ).scalar()
    return str(found or "")


def answer_origin(text: str, suggested: str) -> str:
    """Return the part a model had in an answer: none, generated, or assisted."""
    if not suggested:
        return "none"
    return "generated" if text.endswith(suggested) else "assisted"


def comment_answer_unit(
    scope: Scope,
    what: Subject,
    text: str,
    row: PublicComment,
    *,
    language: str,
    text_ai: str = "none",
) -> Unit:
    """Return the public answer to a comment as a unit for the gate. Raises NotFound."""
    channel = queries.get_channel(scope, row.channel_id)
    unit = Unit(
        tenant_id=scope.tenant_id,
        creator_id=row.creator_id,
        subject=what,
        platform=channel.platform,
        surface=channel.surface,
        channel_id=channel.id,
        account=channel.account,
        audience="public",
        texts=(Text("body", text),),
        destination=channel.destination_id,
        text_ai=text_ai,
        references=(Reference(COMMENT_REFERENCE, row.native_id),),
    )
    marked = issuance.with_required_marks(
        scope, unit, line=lambda: render_message(Message("chat.made_with_ai"), language)
    )
    return replace(marked, native_key=step_runner.native_key_of(what))


def mark_comments_answered(scope: Scope, talk: Conversation, draft: Draft) -> None:
    """Mark the comment that a sent draft answers as answered."""
    if draft.remark_id is not None:
        row = get_comment_row(scope, draft.remark_id, lock=True)
        settle_comment(scope, talk, row, "answered" if row.state in ("open", "done") else row.state)
