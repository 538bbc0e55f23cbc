"""Costs that members enter: advertising, chatter pay, engines, platform requests and others.

They are not part of the double-entry ledger, because no rail shows them. An entry is never changed
or deleted: a wrong one is voided, and stays in the list.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.money import STARS, TEST_CURRENCY, Money, is_currency
from foundation.ops.wall_time import local_day
from subscribers.ledger.models import CostEntry
from tenants import audit
from tenants.agencies import queries

MAX_NOTE_LENGTH = 200
MAX_AMOUNT_MINOR = 10**12
"""Highest amount in minor units; anything above counts as a typing error."""

OLDEST = timedelta(days=5 * 366)
"""Maximum age of the day of a new entry."""


_OTHER_CURRENCIES = frozenset({STARS, TEST_CURRENCY})


class CostKind(StrEnum):
    """The purpose of a cost."""

    ENGINES = "engines"
    API = "api"
    CHATTERS = "chatters"
    ADS = "ads"
    OTHER = "other"


@dataclass(frozen=True)
class CostDraft:
    """A cost to enter, on a local day of the creator."""

    kind: CostKind
    money: Money
    spent_on: date
    note: str = ""


@dataclass(frozen=True)
class CostEntryView:
    """An entered cost. `by` and `voided_by` are actors; `voided_at` is None while it counts."""

    id: UUID
    creator_id: UUID
    kind: CostKind
    money: Money
    spent_on: date
    note: str
    by: str
    voided_at: datetime | None
    voided_by: str

    @property
    def version(self) -> int:
        """Return 1 for an entry that counts and 2 for a voided one."""
        return 1 if self.voided_at is None else 2


def add_cost_entry(scope: Scope, creator_id: UUID, draft: CostDraft, *, entry_id: UUID) -> UUID:
    """Enter a cost once for each `entry_id` and return that ID.

    Raises BadInput for an amount that is not positive or too high, an unknown currency, a day in
    the future or too long ago, and a note that is too long or has several lines. Raises Conflict
    if `entry_id` belongs to another entry.
    """
    creator = queries.get_creator(scope, creator_id)
    note = " ".join(draft.note.split())
    scope.lock(f"cost:{scope.tenant_id}:{entry_id}")
    known = scope.session.get(CostEntry, (scope.tenant_id, entry_id))
    if known is not None:
        same = (known.creator_id, known.kind, known.spent_on, known.note) == (
            creator_id,
            draft.kind,
            draft.spent_on,
            note,
        ) and Money(known.amount_minor, known.currency) == draft.money
        if not same:
            raise Conflict("cost.other")
        return entry_id
    _check_draft(draft, note, local_day(scope.now, creator.zone))
    scope.add(
        CostEntry(
            tenant_id=scope.tenant_id,
            id=entry_id,
            creator_id=creator_id,
            kind=draft.kind,
            amount_minor=draft.money.minor,
            currency=draft.money.currency,
            spent_on=draft.spent_on,
            note=note,
            by=scope.actor,
        )
    )
    audit.record(scope, "cost.added", f"creator:{creator_id}", amount=str(draft.money))
    return entry_id


def _check_draft(draft: CostDraft, note: str, today: date) -> None:
    if draft.money.minor <= 0:
        raise BadInput("cost.not_positive").about("amount")
    if draft.money.minor > MAX_AMOUNT_MINOR:
        raise BadInput("cost.too_high").about("amount")
    if not is_currency(draft.money.currency) and draft.money.currency not in _OTHER_CURRENCIES:
        raise BadInput("cost.unknown_currency", currency=draft.money.currency)
    if draft.spent_on > today:
        raise BadInput("cost.in_future").about("day")
    if draft.spent_on < today - OLDEST:
        raise BadInput("cost.too_old").about("day")
    if len(note) > MAX_NOTE_LENGTH or not note.isprintable():
        raise BadInput("cost.bad_note", most=MAX_NOTE_LENGTH).about("note")


def void_cost_entry(scope: Scope, creators: Collection[UUID], entry_id: UUID) -> None:
    """Void an entry, so that it no longer counts; it stays in the list. Repeating it has no effect.

    Raises NotFound for an unknown entry and for one of another creator.
    """
    row = _get_row(scope, creators, entry_id, lock=True)
    if row.voided_at is None:
        row.voided_at = scope.now
        row.voided_by = scope.actor
        scope.add(row)
        money = Money(row.amount_minor, row.currency)
        audit.record(scope, "cost.voided", f"creator:{row.creator_id}", amount=str(money))


def get_cost_entry(
    scope: Scope, creators: Collection[UUID], entry_id: UUID, *, lock: bool = False
) -> CostEntryView:
    """Return an entry. Raises NotFound for an unknown entry and for one of another creator."""
    return _view_from_row(_get_row(scope, creators, entry_id, lock=lock))


def _get_row(
    scope: Scope, creators: Collection[UUID], entry_id: UUID, *, lock: bool = False
) -> CostEntry:
    row = scope.session.get(CostEntry, (scope.tenant_id, entry_id), populate_existing=True)
    if row is None or row.creator_id not in creators:
        raise NotFound("cost.unknown")
    if lock:
        scope.session.refresh(row, with_for_update=True)
    return row


def list_cost_entries(
    scope: Scope, creators: Collection[UUID], first: date, last: date
) -> list[CostEntryView]:
    """Return the entries of local days from `first` to `last` inclusive, latest first, with the
    voided ones."""
    rows = scope.session.exec(
        select(CostEntry)
        .where(
            CostEntry.tenant_id == scope.tenant_id,
            col(CostEntry.creator_id).in_(list(creators)),
            CostEntry.spent_on >= first,
            CostEntry.spent_on <= last,
        )
        .order_by(col(CostEntry.spent_on).desc(), col(CostEntry.id).desc())
    )
    return [_view_from_row(row) for row in rows]


def _view_from_row(row: Any) -> CostEntryView:
    return CostEntryView(
        row.id,
        row.creator_id,
        CostKind(row.kind),
        Money(row.amount_minor, row.currency),
        row.spent_on,
        row.note,
        row.by,
        row.voided_at,
        row.voided_by,
    )
