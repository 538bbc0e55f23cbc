"""What was said in public, as rows: read, answered as a unit, settled. Below everything that sends and hears."""

from dataclasses import replace
from typing import Literal
from uuid import UUID

from sqlmodel import select

from channels import carrying
from channels import reads as channel_reads
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message, say
from gate import minting
from gate.units import REMARK, Reference, Subject, Text, Unit
from subscribers import talks
from subscribers.models import Conversation, Draft, Remark
from subscribers.states import OwnerState

PUBLIC: Literal["public"] = "public"
KIND = "remark"
"""What a line, or an outgoing message, of a public conversation is."""


def read(scope: Scope, remark_id: UUID, *, lock: bool = False) -> Remark:
    """A remark as it stands now. Raises NotFound; another tenant's looks the same."""
    statement = select(Remark).where(Remark.tenant_id == scope.tenant_id, Remark.id == remark_id)
    statement = statement.with_for_update() if lock else statement
    row = scope.session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound("remark.unknown")
    return row


def settle(scope: Scope, talk: Conversation, row: Remark, state: str) -> None:
    """Something was done with a remark; its conversation follows."""
    row.state = state
    scope.add(row)
    follow(scope, talk)


def follow(scope: Scope, talk: Conversation) -> None:
    """Close a conversation in which nothing is open or under way, and open one again in which something is."""
    scope.session.flush()
    left = scope.run(
        "SELECT EXISTS (SELECT FROM remarks WHERE tenant_id = :tenant AND conversation_id = :talk AND state = 'open')"
        " AS open, EXISTS (SELECT FROM drafts WHERE tenant_id = :tenant AND conversation_id = :talk"
        "   AND state IN ('draft', 'approved', 'sending', 'uncertain')) AS leaving",
        tenant=scope.tenant_id,
        talk=talk.id,
    ).one()
    closed = OwnerState(talk.owner) is OwnerState.CLOSED
    if closed and left.open:
        talks.give(scope, talk, OwnerState.PENDING_HUMAN, None)
    elif not closed and not left.open and not left.leaving:
        talks.give(scope, talk, OwnerState.CLOSED, Message("chat.remarks_done"))


def words(scope: Scope, row: Remark) -> str:
    """What was said."""
    found = scope.run(
        "SELECT body FROM messages WHERE tenant_id = :tenant AND conversation_id = :talk AND seq = :seq",
        tenant=scope.tenant_id,
        talk=row.conversation_id,
        seq=row.seq,
    ).scalar()
    return str(found or "")


def made_by(text: str, suggested: str) -> str:
    """Whether a model wrote an answer, or helped with it."""
    if not suggested:
        return "none"
    return "generated" if text.endswith(suggested) else "assisted"


def unit_of(scope: Scope, what: Subject, text: str, row: Remark, *, language: str, text_ai: str = "none") -> Unit:
    """An answer as everybody will see it, pointing at what it answers. Raises NotFound."""
    channel = channel_reads.channel(scope, row.channel_id)
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
        destination=channel.destination,
        text_ai=text_ai,
        references=(Reference(REMARK, row.native_id),),
    )
    marked = minting.marked(scope, unit, line=lambda: say(Message("chat.made_with_ai"), language))
    return replace(marked, native_key=carrying.native_key(what))


def answered(scope: Scope, talk: Conversation, draft: Draft) -> None:
    """An answer stands there: what it answers is not open any more."""
    if draft.remark_id is not None:
        row = read(scope, draft.remark_id, lock=True)
        settle(scope, talk, row, "answered" if row.state in ("open", "done") else row.state)
