"""What people see of posts that were missed together: for each account what left, what leaves when, what is held."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlmodel import col, select

from channels import reads as channel_reads
from foundation.database import Scope
from foundation.errors import NotFound
from schedules.downtimes import Count, count
from schedules.models import Delivery, DowntimeRow, Post
from schedules.reads import Entry, entry_of
from schedules.states import DeliveryState, DowntimeState

S = DeliveryState
STANDS = (str(S.SCHEDULED), str(S.HELD))


@dataclass(frozen=True)
class Account:
    """An account and what it missed, in the order of their turns; what is held comes last."""

    id: UUID
    name: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Downtime:
    """Posts that were missed together, as far as somebody may see them; `since` is when the first was due.

    `others_too`: it also touches creators they do not work for.
    """

    id: UUID
    state: DowntimeState
    since: datetime
    accounts: tuple[Account, ...]
    others_too: bool

    @property
    def entries(self) -> list[Entry]:
        """All of it, account by account."""
        return [entry for account in self.accounts for entry in account.entries]

    @property
    def count(self) -> Count:
        """How far it is."""
        return count(entry.state for entry in self.entries)


def standing(scope: Scope, creators: Collection[UUID]) -> list[Downtime]:
    """What was missed and still waits for its turn or for a person, the newest first; of these creators alone."""
    waits = select(Delivery.downtime_id).where(
        Delivery.tenant_id == scope.tenant_id,
        col(Delivery.downtime_id).is_not(None),
        col(Delivery.state).in_(STANDS),
        col(Delivery.creator_id).in_(list(creators)),
    )
    rows = scope.session.exec(
        select(DowntimeRow)
        .where(DowntimeRow.tenant_id == scope.tenant_id, col(DowntimeRow.id).in_(waits))
        .order_by(col(DowntimeRow.id).desc())
    )
    names = channel_reads.names(scope)
    return [_downtime(scope, row, frozenset(creators), names) for row in rows.all()]


def one(scope: Scope, creators: Collection[UUID], downtime_id: UUID) -> Downtime:
    """One of them, also once nothing of it waits. Raises NotFound, in the same words for another tenant's and for one
    that touches none of these creators."""
    row = scope.session.get(DowntimeRow, (scope.tenant_id, downtime_id), populate_existing=True)
    found = None if row is None else _downtime(scope, row, frozenset(creators), channel_reads.names(scope))
    if found is None or not found.accounts:
        raise NotFound("downtime.unknown")
    return found


def _downtime(scope: Scope, row: DowntimeRow, creators: frozenset[UUID], names: dict[UUID, str]) -> Downtime:
    found = scope.session.execute(
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(Delivery.tenant_id == scope.tenant_id, Delivery.downtime_id == row.id)
        .order_by(col(Delivery.channel_id), col(Delivery.priority), col(Delivery.due_at), col(Delivery.id))
        .execution_options(populate_existing=True)
    ).all()
    every = [entry_of(one, owner, names) for one, owner in found]
    mine = [entry for entry in every if entry.creator_id in creators]
    by_account = groupby(mine, key=lambda entry: entry.channel_id)
    accounts = tuple(Account(key, names.get(key, "?"), tuple(sorted(own, key=_turn))) for key, own in by_account)
    since = min((entry.due_at for entry in mine), default=scope.now)
    return Downtime(row.id, DowntimeState(row.state), since, accounts, len(mine) < len(every))


def _turn(entry: Entry) -> tuple[bool, datetime]:
    return entry.state is S.HELD, entry.not_before or entry.due_at
