"""Other words for posts that stand outside, as rows: the one way they change state, and what wakes them."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation import outbox
from foundation.database import Scope
from foundation.errors import Conflict, NotFound
from foundation.words import Message
from schedules.events import EditDue
from schedules.models import Delivery, Edit, Post
from schedules.states import EDIT_STATES, EDITS_NEED_A_PERSON, EDITS_OPEN, EditState
from tenants import notices

E = EditState
LIFE = timedelta(days=1)
"""How long it is tried, from the last yes on."""

TAKEN_AWAY = Message("edit.taken_away")
OPEN = tuple(map(str, EDITS_OPEN))


def edit(scope: Scope, edit_id: UUID, *, held: bool = False) -> Edit:
    """An edit as it stands in the database now; `held` until the transaction ends, taken after its delivery.

    Raises NotFound; another tenant's looks the same.
    """
    query = select(Edit).where(Edit.tenant_id == scope.tenant_id, Edit.id == edit_id)
    query = query.with_for_update(key_share=True) if held else query
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("edit.unknown")
    return row


def open_of(scope: Scope, deliveries: Collection[UUID]) -> dict[UUID, Edit]:
    """The open edit of each of these deliveries that has one, by delivery; held until the transaction ends."""
    query = (
        select(Edit)
        .where(
            Edit.tenant_id == scope.tenant_id,
            col(Edit.delivery_id).in_(list(deliveries)),
            col(Edit.state).in_(OPEN),
        )
        .order_by(col(Edit.id))
        .with_for_update(key_share=True)
    )
    return {row.delivery_id: row for row in scope.session.exec(query.execution_options(populate_existing=True))}


def waiting(scope: Scope) -> Any:
    """A query for the deliveries whose new words wait for a yes."""
    return select(Edit.delivery_id).where(Edit.tenant_id == scope.tenant_id, Edit.state == str(E.WAITING))


def begin(scope: Scope, row: Delivery, owner: Post, *, words: tuple[dict[str, str], dict[str, str]]) -> Edit:
    """Write down that a delivery is to say what its post says now; `words` are those before and those after."""
    before, after = words
    made = Edit(
        tenant_id=scope.tenant_id,
        creator_id=row.creator_id,
        post_id=owner.id,
        delivery_id=row.id,
        channel_id=row.channel_id,
        digest=owner.digest,
        before=before,
        after=after,
        by=scope.actor,
        until=scope.now + LIFE,
    )
    scope.add(made)
    return made


def move(scope: Scope, row: Edit, after: EditState, *, reason: Message | None = None, **changes: Any) -> None:
    """Bring an edit to `after`, with further columns; the members are told of one that waits for them.

    The row is held by who read it. Raises Conflict when the graph has no such edge.
    """
    EDIT_STATES.check(EditState(row.state), after)
    row.state, row.reason, row.version = str(after), reason.to_json() if reason is not None else None, row.version + 1
    for name, value in changes.items():
        setattr(row, name, value)
    scope.add(row)
    cause = f"edit:{row.delivery_id}"
    if after in EDITS_NEED_A_PERSON:
        told = Message(f"edit.told_{after}")
        notices.put(scope, told, cause=cause, urgent=True, creator_id=row.creator_id)
    else:
        notices.settle(scope, cause)
    if after not in (E.DUE, E.SENDING):
        outbox.cancel(scope, EditDue.kind, row.id)


def wake(scope: Scope, row: Edit) -> None:
    """Have it leave as soon as it may, in turn with what else leaves the account."""
    outbox.cancel(scope, EditDue.kind, row.id)
    outbox.put(scope, EditDue(scope.tenant_id, row.id), lane=f"channel:{row.channel_id}", priority=1)


def sweep(scope: Scope) -> int:
    """Wake what no row would wake any more: there should be none; how many."""
    query = select(Edit).where(Edit.tenant_id == scope.tenant_id, col(Edit.state).in_([str(E.DUE), str(E.SENDING)]))
    forgotten = [row for row in scope.session.exec(query).all() if not outbox.awaited(scope, row.id, EditDue.kind)]
    for row in forgotten:
        wake(scope, row)
    return len(forgotten)


def released(scope: Scope, owner: Post) -> None:
    """Nobody's yes is missing (any more): what waited for it leaves."""
    for row in _of(scope, owner, E.WAITING):
        move(scope, row, E.DUE, until=scope.now + LIFE)
        wake(scope, row)


def kept_back(scope: Scope, owner: Post) -> frozenset[UUID]:
    """A yes is missing again: what has not left waits for it; the deliveries that are to be changed."""
    rows = _of(scope, owner, E.DUE)
    for row in rows:
        move(scope, row, E.WAITING)
    return frozenset(row.delivery_id for row in rows)


def drop(scope: Scope, delivery_id: UUID, reason: Message) -> None:
    """Nothing is changed any more at a delivery that goes away. One on its way ends by itself."""
    row = open_of(scope, [delivery_id]).get(delivery_id)
    if row is not None and row.state != E.SENDING:
        move(scope, row, E.DROPPED, reason=reason, settled_at=scope.now)


def _of(scope: Scope, owner: Post, state: EditState) -> list[Edit]:
    query = select(Edit).where(
        Edit.tenant_id == scope.tenant_id,
        Edit.post_id == owner.id,
        Edit.digest == owner.digest,
        Edit.state == str(state),
    )
    held = query.order_by(col(Edit.id)).with_for_update(key_share=True)
    return list(scope.session.exec(held.execution_options(populate_existing=True)))


def under_way(row: Edit) -> None:
    """Raise Conflict while its request is out: what came of it is known in a moment."""
    if row.state == E.SENDING:
        raise Conflict("edit.under_way")
