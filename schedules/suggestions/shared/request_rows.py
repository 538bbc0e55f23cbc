"""Read, lock and write the rows of requests for suggestions."""

from collections.abc import Collection, Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.db.tables import CreatorOwnedRow
from foundation.errors import NotFound
from foundation.outbox import outbox
from foundation.outbox.outbox import Event
from schedules.suggestions.models import IdeaRound, TextKit, WeekPlan

Row = TypeVar("Row", bound=CreatorOwnedRow)
WrittenRow = TypeVar("WrittenRow", TextKit, IdeaRound, WeekPlan)
"""A request that is created once per key and written once."""


def put_request(
    scope: Scope, row: CreatorOwnedRow, due: Event, *, group: str | None = None
) -> UUID:
    """Store a request with the event that triggers its generation. Return the request's ID."""
    scope.add(row)
    outbox.put(scope, due, at=scope.now, group=group)
    return row.id


def find_by_key(scope: Scope, table: type[WrittenRow], key: UUID) -> UUID | None:
    """Return the ID of the request that was created with this key, or None."""
    return scope.session.exec(
        select(table.id).where(table.tenant_id == scope.tenant_id, table.key == str(key))
    ).first()


def count_unwritten(scope: Scope, table: type[WrittenRow], creator_id: UUID, *, limit: int) -> int:
    """Count the requests of a creator that are not written yet, up to `limit`."""
    unwritten = (
        select(table.id)
        .where(
            table.tenant_id == scope.tenant_id,
            table.creator_id == creator_id,
            col(table.written_at).is_(None),
        )
        .limit(limit)
    )
    return len(scope.session.exec(unwritten).all())


def get_row(scope: Scope, table: type[Row], row_id: UUID) -> Row | None:
    """Return the current state of a row, or None."""
    return scope.session.get(table, (scope.tenant_id, row_id), populate_existing=True)


def get_row_of(
    scope: Scope, table: type[Row], creators: Collection[UUID], row_id: UUID, *, unknown: str
) -> Row:
    """Return a row of one of these creators.

    Raises NotFound with the code `unknown`, also for rows of other creators.
    """
    row = get_row(scope, table, row_id)
    if row is None or row.creator_id not in creators:
        raise NotFound(unknown)
    return row


def list_latest(
    scope: Scope,
    table: type[Row],
    creator_id: UUID,
    *conditions: ColumnElement[bool] | bool,
    limit: int = 1,
) -> Sequence[Row]:
    """Return the rows of a creator that meet the conditions, newest first."""
    return scope.session.exec(
        select(table)
        .where(table.tenant_id == scope.tenant_id, table.creator_id == creator_id, *conditions)
        .order_by(col(table.created_at).desc(), col(table.id).desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    ).all()


def get_unwritten(scope: Scope, table: type[WrittenRow], row_id: UUID) -> WrittenRow | None:
    """Return a request that is not written yet, or None if it is written or unknown."""
    row = get_row(scope, table, row_id)
    return row if row is not None and row.written_at is None else None


def lock_row(scope: Scope, table: type[Row], row_id: UUID) -> Row | None:
    """Lock a row until the transaction ends and return its current state, or None."""
    return scope.session.exec(
        select(table)
        .where(table.tenant_id == scope.tenant_id, table.id == row_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def lock_unwritten(scope: Scope, table: type[WrittenRow], row_id: UUID) -> WrittenRow | None:
    """Lock a request to write it. Return None if it is written or unknown: the first run wins."""
    row = lock_row(scope, table, row_id)
    return row if row is not None and row.written_at is None else None
