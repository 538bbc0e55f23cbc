"""Views of downtimes: the posts of each account that were published, wait for their turn or are on
hold."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import NotFound
from schedules.downtime.missed_posts import DowntimeProgress, count_progress
from schedules.downtime.models import Downtime
from schedules.downtime.states import DowntimeState
from schedules.posts.models import Delivery, Post
from schedules.posts.queries import DeliveryEntry, build_entry
from schedules.posts.states import DeliveryState

STANDS = (str(DeliveryState.SCHEDULED), str(DeliveryState.HELD))


@dataclass(frozen=True)
class MissedOnAccount:
    """The missed posts of an account in the order of their turns; posts on hold come last."""

    id: UUID
    name: str
    entries: tuple[DeliveryEntry, ...]


@dataclass(frozen=True)
class DowntimeView:
    """A downtime as a member sees it; `since` is the due time of the first missed post.

    `others_too` is True if it includes posts of creators that the member does not work for.
    """

    id: UUID
    state: DowntimeState
    since: datetime
    accounts: tuple[MissedOnAccount, ...]
    others_too: bool

    @property
    def entries(self) -> list[DeliveryEntry]:
        """All missed posts, account by account."""
        return [entry for account in self.accounts for entry in account.entries]

    @property
    def count(self) -> DowntimeProgress:
        """The progress of these posts."""
        return count_progress(entry.state for entry in self.entries)


@dataclass(frozen=True)
class DowntimeShare:
    """The part of a downtime that belongs to some creators: posts, accounts and progress.

    `others_too` is True if it includes posts of other creators.
    """

    missed: int
    accounts: int
    count: DowntimeProgress
    others_too: bool

    @property
    def needs_decision(self) -> bool:
        """True if these creators' members must decide; in a shared downtime only while one of their
        posts waits."""
        return not self.others_too or self.count.waiting > 0


def load_downtime_shares(
    scope: Scope, creators: Collection[UUID], downtime_ids: Collection[UUID]
) -> dict[UUID, DowntimeShare]:
    """Return the shares of some creators in these downtimes, excluding downtimes that do not affect
    them.

    Runs at most one statement.
    """
    if not downtime_ids:
        return {}
    found = scope.session.execute(
        select(Delivery.downtime_id, Delivery.creator_id, Delivery.channel_id, Delivery.state)
        .where(
            Delivery.tenant_id == scope.tenant_id, col(Delivery.downtime_id).in_(list(downtime_ids))
        )
        .order_by(col(Delivery.downtime_id))
    ).all()
    told = {}
    for downtime_id, group in groupby(found, key=lambda row: row.downtime_id):
        rows = list(group)
        mine = [row for row in rows if row.creator_id in creators]
        if mine:
            accounts = len({row.channel_id for row in mine})
            stand = count_progress(row.state for row in mine)
            told[downtime_id] = DowntimeShare(len(mine), accounts, stand, len(mine) < len(rows))
    return told


def list_open_downtimes(scope: Scope, creators: Collection[UUID]) -> list[DowntimeView]:
    """Return downtimes with posts of these creators that wait or are on hold, newest first."""
    waits = select(Delivery.downtime_id).where(
        Delivery.tenant_id == scope.tenant_id,
        col(Delivery.downtime_id).is_not(None),
        col(Delivery.state).in_(STANDS),
        col(Delivery.creator_id).in_(list(creators)),
    )
    rows = scope.session.exec(
        select(Downtime)
        .where(Downtime.tenant_id == scope.tenant_id, col(Downtime.id).in_(waits))
        .order_by(col(Downtime.id).desc())
    )
    names = queries.channel_names(scope)
    return [_build_downtime_view(scope, row, frozenset(creators), names) for row in rows.all()]


def get_downtime(scope: Scope, creators: Collection[UUID], downtime_id: UUID) -> DowntimeView:
    """Return one downtime, also a finished one.

    Raises NotFound, also for downtimes of other tenants and those that do not affect these
    creators.
    """
    row = scope.session.get(Downtime, (scope.tenant_id, downtime_id), populate_existing=True)
    found = (
        None
        if row is None
        else _build_downtime_view(scope, row, frozenset(creators), queries.channel_names(scope))
    )
    if found is None or not found.accounts:
        raise NotFound("downtime.unknown")
    return found


def _build_downtime_view(
    scope: Scope, row: Downtime, creators: frozenset[UUID], names: dict[UUID, str]
) -> DowntimeView:
    found = scope.session.execute(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(Delivery.tenant_id == scope.tenant_id, Delivery.downtime_id == row.id)
        .order_by(
            col(Delivery.channel_id), col(Delivery.priority), col(Delivery.due_at), col(Delivery.id)
        )
        .execution_options(populate_existing=True)
    ).all()
    every = [build_entry(one, owner, names) for one, owner in found]
    mine = [entry for entry in every if entry.creator_id in creators]
    by_account = groupby(mine, key=lambda entry: entry.channel_id)
    accounts = tuple(
        MissedOnAccount(key, names.get(key, "?"), tuple(sorted(own, key=_sort_key)))
        for key, own in by_account
    )
    since = min((entry.due_at for entry in mine), default=scope.now)
    return DowntimeView(row.id, DowntimeState(row.state), since, accounts, len(mine) < len(every))


def _sort_key(entry: DeliveryEntry) -> tuple[bool, datetime]:
    return entry.state is DeliveryState.HELD, entry.not_before or entry.due_at
