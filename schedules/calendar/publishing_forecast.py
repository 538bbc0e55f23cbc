"""Forecast of the coming days: posts that would be published, blocked or too close, and expiries
that affect posts.

The forecast is read-only, takes no locks and sends no requests. All checks use the current state.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.limits import request_costs, send_limits
from channels.limits.send_limits import SendingBlock
from connectors.contract.connector import Connector
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from gate.consent import expiry
from schedules.availability import enforced_interval, minimum_interval
from schedules.posts import dry_run_state
from schedules.posts.dry_run_state import IsDryRun
from schedules.posts.models import Delivery, Post
from schedules.posts.states import PENDING_STATES
from schedules.publishing import preflight

Rows = Sequence[tuple[Delivery, Post]]
Turns = dict[UUID, datetime | None]
MAX_FORECAST_POSTS = 500
"""Maximum number of posts that are checked; further posts are only counted."""

MAX_FORECAST_DAYS = 90
SHOWN = 80
"""Number of characters of a post's text that the forecast shows to identify it."""


@dataclass(frozen=True)
class ForecastEntry:
    """A post on one account with its due time (UTC-aware) and the first problem that would block it
    now."""

    delivery_id: UUID
    creator_id: UUID
    channel_id: UUID
    account: str
    words: str
    due_at: datetime
    zone: str
    dry: bool
    """True for a dry run, which is never sent."""
    trouble: Message | None
    also: Sequence[Message] = ()
    """Problems after the first."""
    leaves: datetime | None = None
    """The expected publishing time if the minimum interval of the account delays the post."""


@dataclass(frozen=True)
class IntervalConflict:
    """Two posts of an account that are closer than its minimum interval."""

    account: str
    first: UUID
    second: UUID
    apart: timedelta
    wanted: timedelta


@dataclass(frozen=True)
class AccountBacklog:
    """The number of planned posts of an account, and the limit that prevents it from
    sending now."""

    account: str
    ahead: int
    until: datetime | None
    why: Message | None


@dataclass(frozen=True)
class UpcomingExpiry:
    """An expiry within the forecast: of an account's credentials, of an approval or of a person's
    document.

    `posts` counts the planned posts of that account, or of that post, that are due after it.
    """

    what: Message
    at: datetime
    posts: int


@dataclass(frozen=True)
class PublishingForecast:
    """The forecast of the coming days."""

    now: datetime
    days: int
    ahead: Sequence[ForecastEntry]
    more: int
    """Number of posts that were not checked."""
    collisions: Sequence[IntervalConflict]
    budgets: Sequence[AccountBacklog]
    endings: Sequence[UpcomingExpiry]

    @property
    def publishing_entries(self) -> Sequence[ForecastEntry]:
        """The posts that would be published."""
        return [one for one in self.ahead if one.trouble is None and not one.dry]


def forecast_publishing(
    scope: Scope,
    creators: Collection[UUID],
    *,
    days: int,
    connectors: Mapping[str, Connector],
    most: int = MAX_FORECAST_POSTS,
) -> PublishingForecast:
    """Forecast the next `days` days of some creators. Raises BadInput for an invalid number of
    days."""
    if not 1 <= days <= MAX_FORECAST_DAYS:
        raise BadInput("rehearsal.days", most=MAX_FORECAST_DAYS)
    until = scope.now + timedelta(days=days)
    rows = _load_upcoming_rows(scope, creators, until)
    accounts = {one.id: one for one in queries.list_channels(scope)}
    dry = dry_run_state.load_dry_run_check(scope)
    turns = _forecast_turns_by_delivery(scope, rows, accounts, until)
    ahead = [
        _build_forecast_entry(
            row,
            owner,
            accounts[row.channel_id].name,
            _find_delivery_troubles(scope, row, connectors, turns),
            dry=dry,
        )
        for row, owner in rows[:most]
    ]
    return PublishingForecast(
        now=scope.now,
        days=days,
        ahead=[_apply_delayed_time(one, turns.get(one.delivery_id)) for one in ahead],
        more=max(len(rows) - most, 0),
        collisions=_find_interval_conflicts([row for row, _ in rows], accounts),
        budgets=_find_account_backlogs(scope, [row for row, _ in rows], accounts),
        endings=_list_upcoming_expiries(scope, rows, accounts, until),
    )


def _load_upcoming_rows(
    scope: Scope, creators: Collection[UUID], until: datetime
) -> list[tuple[Delivery, Post]]:
    found = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.creator_id).in_(list(creators)),
            col(Delivery.state).in_([str(one) for one in PENDING_STATES]),
            col(Delivery.due_at) < until,
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .execution_options(populate_existing=True)
    )
    return [(row, owner) for row, owner in found]


def _forecast_turns_by_delivery(
    scope: Scope, rows: Rows, accounts: Mapping[UUID, Channel], until: datetime
) -> Turns:
    """Return the expected publishing times on accounts with an enforced minimum interval."""
    found: Turns = {}
    for channel_id in sorted({row.channel_id for row, _ in rows}):
        found |= enforced_interval.forecast_turns(scope, accounts[channel_id], until)
    return found


def _find_delivery_troubles(
    scope: Scope, row: Delivery, connectors: Mapping[str, Connector], turns: Turns
) -> list[Message]:
    found = preflight.find_troubles(scope, row, connectors)
    if turns.get(row.id, row.due_at) is None:
        channel = queries.get_channel(scope, row.channel_id)
        found.append(enforced_interval.too_late_reason(channel, channel.min_interval))
    return found


def _apply_delayed_time(one: ForecastEntry, leaves: datetime | None) -> ForecastEntry:
    return replace(one, leaves=leaves) if leaves is not None and leaves > one.due_at else one


def _build_forecast_entry(
    row: Delivery, owner: Post, account: str, stopped: Sequence[Message], *, dry: IsDryRun
) -> ForecastEntry:
    return ForecastEntry(
        delivery_id=row.id,
        creator_id=row.creator_id,
        channel_id=row.channel_id,
        account=account,
        words=(owner.title or owner.body)[:SHOWN],
        due_at=row.due_at,
        zone=row.zone,
        dry=row.dry_run or dry(row.post_id, row.channel_id),
        trouble=stopped[0] if stopped else None,
        also=list(stopped[1:]),
    )


def _find_interval_conflicts(
    rows: Sequence[Delivery], accounts: Mapping[UUID, Channel]
) -> list[IntervalConflict]:
    by_account: dict[UUID, list[Delivery]] = defaultdict(list)
    for row in rows:
        by_account[row.channel_id].append(row)
    found = []
    for channel_id, theirs in by_account.items():
        wanted = minimum_interval.minimum_interval_of(accounts[channel_id])
        for first, second in pairwise(theirs):
            if second.due_at - first.due_at < wanted:
                apart = second.due_at - first.due_at
                found.append(
                    IntervalConflict(accounts[channel_id].name, first.id, second.id, apart, wanted)
                )
    return found


def _find_account_backlogs(
    scope: Scope, rows: Sequence[Delivery], accounts: Mapping[UUID, Channel]
) -> list[AccountBacklog]:
    ahead: dict[UUID, int] = defaultdict(int)
    for row in rows:
        ahead[row.channel_id] += 1
    found = []
    holding = send_limits.send_blocks(scope, ahead, brake=True, posts=True)
    for one, count in ahead.items():
        held = holding.get(one) or _find_cost_cap_block(scope, accounts[one])
        until, why = (held.until, held.reason) if held is not None else (None, None)
        found.append(AccountBacklog(accounts[one].name, count, until, why))
    return sorted(found, key=lambda one: one.account)


def _find_cost_cap_block(scope: Scope, channel: Channel) -> SendingBlock | None:
    short = request_costs.cap_wait(scope, channel.platform, "")
    return SendingBlock(*short) if short is not None else None


_YESES = """
SELECT a.post_id, max(a.expires_at) AS at FROM approvals a
JOIN posts p ON p.tenant_id = a.tenant_id AND p.id = a.post_id AND p.digest = a.digest
WHERE a.tenant_id = :tenant AND a.post_id = ANY(:posts) AND a.verdict = 'yes' AND a.expires_at >
:now
GROUP BY a.post_id, a.tier
"""


def _list_upcoming_expiries(
    scope: Scope,
    rows: Sequence[tuple[Delivery, Post]],
    accounts: Mapping[UUID, Channel],
    until: datetime,
) -> list[UpcomingExpiry]:
    """Return upcoming expiries, earliest first, without credentials that are renewed
    automatically."""
    found = []
    for one in {row.channel_id for row, _ in rows}:
        at = accounts[one].expires_at
        if at is not None and at < until and accounts[one].refresh is None:
            after = sum(row.channel_id == one and row.due_at >= at for row, _ in rows)
            found.append(
                UpcomingExpiry(
                    Message("rehearsal.key_ends", {"account": accounts[one].name}), at, after
                )
            )
    posts = {owner.id: owner for _, owner in rows}
    for post_id, at in scope.run(_YESES, tenant=scope.tenant_id, posts=list(posts), now=scope.now):
        after = sum(owner.id == post_id and row.due_at >= at for row, owner in rows)
        if after:
            words = (posts[post_id].title or posts[post_id].body)[:SHOWN]
            found.append(UpcomingExpiry(Message("rehearsal.yes_ends", {"post": words}), at, after))
    for paper in expiry.list_expiring(scope):
        if scope.now <= paper.at < until:
            code = "person.age_ends" if paper.what == expiry.AGE_PROOF else "person.permission_ends"
            said = Message(code, {"name": paper.name, "day": paper.at.date().isoformat()})
            found.append(UpcomingExpiry(said, paper.at, 0))
    return sorted(found, key=lambda one: (one.at, str(one.what)))
