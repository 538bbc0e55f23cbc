"""Outgoing messages before they are sent: created, scheduled, approved, rejected and cancelled."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.errors import NotFound
from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.contract.units import Button, Invoice, Medium
from subscribers.conversations import conversation_rows
from subscribers.conversations.edit_distance import edit_percent
from subscribers.conversations.events import ChatSend
from subscribers.conversations.models import Conversation, Draft
from subscribers.conversations.states import DRAFT_STATES, DraftState

DRAFT_LIFETIME = timedelta(minutes=30)
"""Time after which an unsent chat message is outdated."""

LIFE_OF_SERVICE = timedelta(days=7)
"""Lifetime of automated messages, so that a receipt survives an outage of the platform overnight.
"""

LASTING = frozenset({"invoice", "pack", "locked", "remark"})
"""Kinds of drafts with the lifetime of automated messages."""

PAYMENT_SEND_PRIORITY = 3
SECOND = 4
"""Priority of automated messages in a chat's lane: after payments (3), before replies of a model
(5)."""


def create_draft(
    scope: Scope,
    talk: Conversation,
    *,
    origin: str,
    kind: str,
    state: DraftState,
    text: str = "",
    service: str = "",
    buttons: Sequence[Button] = (),
    media: Sequence[Medium] = (),
    invoice: Invoice | None = None,
    offer_id: UUID | None = None,
    order_id: UUID | None = None,
    remark_id: UUID | None = None,
    draft_id: UUID | None = None,
) -> Draft:
    """Create a draft of the conversation's current epoch. It is not scheduled yet."""
    row = Draft(
        tenant_id=scope.tenant_id,
        id=draft_id or uuid7(),
        creator_id=talk.creator_id,
        conversation_id=talk.id,
        channel_id=talk.channel_id,
        epoch=talk.epoch,
        in_reply_to_seq=talk.last_in_seq,
        origin=origin,
        kind=kind,
        state=str(state),
        text=text,
        service=service,
        buttons=[asdict(button) for button in buttons],
        media=[asdict(medium) for medium in media],
        invoice=asdict(invoice) if invoice is not None else None,
        offer_id=offer_id,
        order_id=order_id,
        remark_id=remark_id,
        language=talk.language,
        expires_at=scope.now + (LIFE_OF_SERVICE if service or kind in LASTING else DRAFT_LIFETIME),
    )
    scope.add(row)
    return row


def schedule_message_draft(
    scope: Scope, draft: Draft, *, at: datetime | None = None, priority: int = 5
) -> None:
    """Schedule an approved message to be sent in its lane, not before `at`."""
    outbox.put(
        scope,
        ChatSend(scope.tenant_id, draft.id),
        at=at,
        lane=conversation_rows.chat_lane(draft.conversation_id),
        holds_lane=True,
        priority=priority,
    )


def release_held_drafts(scope: Scope, conversation_id: UUID) -> None:
    """Schedule the bot's drafts that waited for the AI disclosure to arrive."""
    waiting = scope.session.exec(
        select(Draft)
        .where(
            Draft.tenant_id == scope.tenant_id,
            Draft.conversation_id == conversation_id,
            Draft.origin == "bot",
            col(Draft.state).in_((DraftState.APPROVED, DraftState.AUTO)),
        )
        .order_by(col(Draft.id))
    )
    for draft in waiting:
        schedule_message_draft(scope, draft)


def send_automated_message(
    scope: Scope,
    talk: Conversation,
    sentence: Message,
    *,
    kind: str = "service",
    buttons: Sequence[Button] = (),
    draft_id: UUID | None = None,
) -> UUID:
    """Send a catalogue message in the fan's language. It needs no owner, no model and
    no approval."""
    draft = create_draft(
        scope,
        talk,
        origin="auto",
        kind=kind,
        state=DraftState.AUTO,
        text=render_message(sentence, talk.language),
        service=sentence.code,
        buttons=buttons,
        draft_id=draft_id,
    )
    schedule_message_draft(scope, draft, priority=SECOND)
    return draft.id


def template_value(value: str) -> str:
    """Return a name or title for use in an automated message: one line of at most 64 characters
    without markup or addresses."""
    return " ".join(re.sub(r"[\n<>{}@/\\]", " ", value).split())[:64] or "…"


def owned_packs_button(language: str, pack_id: UUID) -> Button:
    """Return the button of a receipt that sends the bought pack."""
    return Button(
        label=render_message(Message("service.button.purchases"), language),
        action="purchases",
        ref=str(pack_id),
    )


def owned_pack_button(language: str, title: str, pack_id: UUID) -> Button:
    """Return the button of one pack in the list of a fan's packs."""
    label = render_message(
        Message("service.button.pack", {"title": template_value(title)}), language
    )
    return Button(label=label, action="purchases", ref=str(pack_id))


def get_draft(scope: Scope, draft_id: UUID, *, lock: bool = False) -> Draft:
    """Return the current state of a draft. Raises NotFound."""
    statement = select(Draft).where(Draft.tenant_id == scope.tenant_id, Draft.id == draft_id)
    statement = statement.with_for_update() if lock else statement
    row = scope.session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound("draft.unknown")
    return row


def has_draft(scope: Scope, draft_id: UUID) -> bool:
    """Return True if a draft with this ID exists, so that a repeated click is ignored."""
    try:
        get_draft(scope, draft_id)
    except NotFound:
        return False
    return True


def transition_draft(
    scope: Scope, row: Draft, after: DraftState, reason: Message | None = None
) -> None:
    """Change the state of a draft that this transaction has locked. Raises Conflict for a
    transition that is not allowed."""
    DRAFT_STATES.check(DraftState(row.state), after)
    row.state = str(after)
    row.reason = stored_message(reason)
    scope.add(row)


def approve_waiting_draft(scope: Scope, draft_id: UUID, *, text: str | None = None) -> None:
    """Approve and schedule a pending draft, with the member's `text` if they rewrote it. Raises
    NotFound, Conflict."""
    row = get_draft(scope, draft_id, lock=True)
    transition_draft(scope, row, DraftState.APPROVED)
    row.edit_percent = edit_percent(
        row.original_text or row.text, row.text if text is None else text
    )
    if text is not None and text != row.text:
        row.original_text = row.text
        row.text = text
        row.written_by = scope.actor
    row.approved_by = scope.actor
    row.expires_at = scope.now + DRAFT_LIFETIME
    scope.add(row)
    schedule_message_draft(scope, row)


def reject_waiting_draft(scope: Scope, draft_id: UUID, reason: Message) -> None:
    """Reject a pending draft. Raises NotFound, Conflict."""
    transition_draft(scope, get_draft(scope, draft_id, lock=True), DraftState.REJECTED, reason)


def cancel_order_drafts(scope: Scope, order_id: UUID, reason: Message) -> None:
    """Cancel the unsent messages about an order, except automated ones."""
    scope.run(
        "UPDATE drafts SET state = 'cancelled', reason = jsonb_build_object('code', CAST(:code AS "
        "text)),"
        " updated_at = house_now() WHERE tenant_id = :tenant AND order_id = :order AND service = ''"
        " AND state IN ('pending', 'draft', 'approved', 'auto')",
        tenant=scope.tenant_id,
        order=order_id,
        code=reason.code,
    )
