"""Transitions of edits and the outbox rows that send them."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from schedules.edits.events import EditDue
from schedules.edits.models import PostEdit
from schedules.edits.states import EDIT_STATES, EDITS_NEEDING_DECISION, OPEN_EDITS, EditState
from schedules.posts.models import Delivery, Post
from tenants.notices import notices

EDIT_LIFETIME = timedelta(days=1)
"""Time after the last approval during which an edit is attempted."""

EDITED_POST_REMOVED = Message("edit.taken_away")
OPEN_EDIT_STATES = tuple(map(str, OPEN_EDITS))


def get_edit(scope: Scope, edit_id: UUID, *, held: bool = False) -> PostEdit:
    """Return an edit as it is in the database now.

    With `held` the edit is locked until the transaction ends; the delivery must be locked first.
    Raises NotFound, also for an edit of another tenant.
    """
    query = select(PostEdit).where(PostEdit.tenant_id == scope.tenant_id, PostEdit.id == edit_id)
    # FOR NO KEY UPDATE: inserts of rows that refer to the edit do not wait.
    query = query.with_for_update(key_share=True) if held else query
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("edit.unknown")
    return row


def open_edits_of_deliveries(scope: Scope, deliveries: Collection[UUID]) -> dict[UUID, PostEdit]:
    """Lock and return the open edits of these deliveries, by delivery."""
    query = (
        select(PostEdit)
        .where(
            PostEdit.tenant_id == scope.tenant_id,
            col(PostEdit.delivery_id).in_(list(deliveries)),
            col(PostEdit.state).in_(OPEN_EDIT_STATES),
        )
        .order_by(col(PostEdit.id))
        .with_for_update(key_share=True)
    )
    return {
        row.delivery_id: row
        for row in scope.session.exec(query.execution_options(populate_existing=True))
    }


def edits_awaiting_approval_query(scope: Scope) -> Any:
    """Return a subquery of the deliveries whose edit is pending approval."""
    return select(PostEdit.delivery_id).where(
        PostEdit.tenant_id == scope.tenant_id, PostEdit.state == str(EditState.WAITING)
    )


def create_edit(
    scope: Scope, row: Delivery, owner: Post, *, words: tuple[dict[str, str], dict[str, str]]
) -> PostEdit:
    """Create an edit of a delivery to the post's current text; `words` are the texts before and
    after."""
    before, after = words
    made = PostEdit(
        tenant_id=scope.tenant_id,
        creator_id=row.creator_id,
        post_id=owner.id,
        delivery_id=row.id,
        channel_id=row.channel_id,
        digest=owner.digest,
        before=before,
        after=after,
        by=scope.actor,
        until=scope.now + EDIT_LIFETIME,
    )
    scope.add(made)
    return made


def transition_edit(
    scope: Scope, row: PostEdit, after: EditState, *, reason: Message | None = None, **changes: Any
) -> None:
    """Move an edit to state `after`, set further columns, and notify members if they must decide.

    The caller must lock the edit. Raises Conflict if the state graph has no such edge.
    """
    EDIT_STATES.check(EditState(row.state), after)
    row.state = str(after)
    row.reason = reason.to_json() if reason is not None else None
    row.version = row.version + 1
    for name, value in changes.items():
        setattr(row, name, value)
    scope.add(row)
    cause = f"edit:{row.delivery_id}"
    if after in EDITS_NEEDING_DECISION:
        told = Message(f"edit.told_{after}")
        notices.put(scope, told, cause=cause, urgent=True, creator_id=row.creator_id)
    else:
        notices.close(scope, cause)
    # Only these states have an outbox row.
    if after not in (EditState.DUE, EditState.SENDING):
        outbox.cancel(scope, EditDue.kind, row.id)


def schedule_edit(scope: Scope, row: PostEdit) -> None:
    """Schedule an edit as soon as possible, in the lane of its account."""
    outbox.cancel(scope, EditDue.kind, row.id)
    outbox.put(
        scope, EditDue(scope.tenant_id, row.id), lane=f"channel:{row.channel_id}", priority=1
    )


def wake_stalled_edits(scope: Scope) -> int:
    """Requeue edits without an outbox row and return their number. There should be none."""
    query = select(PostEdit).where(
        PostEdit.tenant_id == scope.tenant_id,
        col(PostEdit.state).in_([str(EditState.DUE), str(EditState.SENDING)]),
    )
    forgotten = [
        row
        for row in scope.session.exec(query).all()
        if not outbox.is_pending(scope, row.id, EditDue.kind)
    ]
    for row in forgotten:
        schedule_edit(scope, row)
    return len(forgotten)


def release_edits(scope: Scope, owner: Post) -> None:
    """Schedule the edits of a post that were pending approval."""
    for row in _lock_edits_in_state(scope, owner, EditState.WAITING):
        transition_edit(scope, row, EditState.DUE, until=scope.now + EDIT_LIFETIME)
        schedule_edit(scope, row)


def hold_edits(scope: Scope, owner: Post) -> frozenset[UUID]:
    """Move due edits of a post back to pending approval, and return their deliveries."""
    rows = _lock_edits_in_state(scope, owner, EditState.DUE)
    for row in rows:
        transition_edit(scope, row, EditState.WAITING)
    return frozenset(row.delivery_id for row in rows)


def drop_edit(scope: Scope, delivery_id: UUID, reason: Message) -> None:
    """Drop the open edit of a delivery that is removed; an edit that is being sent ends on
    completion."""
    row = open_edits_of_deliveries(scope, [delivery_id]).get(delivery_id)
    if row is not None and row.state != EditState.SENDING:
        transition_edit(scope, row, EditState.DROPPED, reason=reason, settled_at=scope.now)


def _lock_edits_in_state(scope: Scope, owner: Post, state: EditState) -> list[PostEdit]:
    query = select(PostEdit).where(
        PostEdit.tenant_id == scope.tenant_id,
        PostEdit.post_id == owner.id,
        PostEdit.digest == owner.digest,
        PostEdit.state == str(state),
    )
    held = query.order_by(col(PostEdit.id)).with_for_update(key_share=True)
    return list(scope.session.exec(held.execution_options(populate_existing=True)))


def require_not_sending(row: PostEdit) -> None:
    """Raise Conflict while the request of an edit is being sent."""
    if row.state == EditState.SENDING:
        raise Conflict("edit.under_way")
