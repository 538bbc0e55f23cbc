"""Platform earnings of an account: read several times a day, and each movement booked once.

New movements are read first, from the end of the last reading. Those of the last weeks are then
read again, since a platform may list a movement late or change its amount; only the difference is
booked. A movement that disappears from the list remains booked, because platforms report refunds as
separate movements; it is counted and shown.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import UniqueConstraint

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from connectors.contract.earnings import Earning, Earnings, TimeSpan
from connectors.contract.outcomes import Reauthorize
from foundation.db.database import OpenScope, Scope
from foundation.db.tables import CreatorOwnedRow, table_arguments, timestamp_column
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops import telemetry
from foundation.outbox import outbox
from foundation.outbox.outbox import put_coalesced
from subscribers.checkout import unlocks
from subscribers.checkout.events import EarningsDue
from subscribers.ledger import month_close
from subscribers.statements import bookings
from subscribers.statements.file_reader import StatementMovement
from tenants.agencies.queries import get_creator
from tenants.notices import notices

READING = "system:earning"
MIN_QUERY_SPAN = timedelta(hours=1)
"""Shortest time span of a query; it is not halved further."""

HURRIED = timedelta(minutes=1)
"""Delay of the first reading after a payment or refund; events within it are combined."""
ONCE_MORE = timedelta(minutes=15)
"""Delay of the second reading, because the platform may list a payment late."""


class ReadEarnings(Protocol):
    """Read the earnings of an account in a time span, outside any transaction."""

    def __call__(
        self, tenant_id: UUID, channel_id: UUID, span: TimeSpan, /
    ) -> Earnings | Reauthorize | None: ...


class UpdateRollups(Protocol):
    """Update the daily sums of these days, in the creator's time zone."""

    def __call__(self, scope: Scope, creator_id: UUID, days: Collection[date], /) -> None: ...


log = telemetry.get_logger("subscribers.checkout.platform_earnings")


class EarningsCursor(CreatorOwnedRow, table=True):
    """The reading position of an account's earnings.

    Three counts describe what the last reading did not book: `unread` could not be interpreted,
    `left_out` falls on days imported from a file, and `gone` was booked before and is no longer
    listed.
    """

    __tablename__ = "earning_readings"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id"),
        about="creator",
        keep="while the tenant exists",
    )
    channel_id: UUID
    source: str
    begins_at: datetime = timestamp_column()
    read_until: datetime = timestamp_column()
    read_at: datetime | None = timestamp_column(optional=True)
    unread: int = 0
    left_out: int = 0
    gone: int = 0


@dataclass(frozen=True)
class EarningsPace:
    """Limits of one reading. After `rows` movements or `questions` queries it pauses for `pause`,
    because posts of the account share its rate limits."""

    first: timedelta = timedelta(days=92)
    """Period of the first reading; it never reaches into a closed month."""
    again: timedelta = timedelta(days=40)
    """Period of past movements that each full reading repeats."""
    again_at_once: timedelta = timedelta(days=10)
    """Time span of one query for past movements."""
    at_once: timedelta = timedelta(days=1)
    """Time span of one query for new movements, halved if it contains more movements than one query
    returns."""
    rows: int = 3000
    questions: int = 24
    pause: timedelta = timedelta(minutes=2)


PACE = EarningsPace()


@dataclass(frozen=True)
class EarningsAccount:
    """An account whose earnings were read. `read_at` is the time of the last complete reading."""

    source: str
    name: str
    read_at: datetime
    unread: int
    left_out: int
    gone: int


@dataclass(frozen=True)
class _Books:
    """The source name under which an account's movements are booked, and the start of the booked
    period."""

    channel: Channel
    source: str
    begins_at: datetime
    read_until: datetime


@dataclass
class _Tally:
    """Counts of one reading."""

    rows: int = 0
    questions: int = 0
    unread: int = 0
    left_out: int = 0
    gone: int = 0
    refused: bool = False
    silent: bool = False
    further: bool = False
    """True if this reading got further than the last one. Otherwise a pause would repeat the same
    queries forever."""

    def enough(self, pace: EarningsPace) -> bool:
        """Return True if the remaining movements must wait for a later reading."""
        return self.further and (self.rows >= pace.rows or self.questions >= pace.questions)


def schedule_earnings_readings(scope: Scope) -> None:
    """Schedule a reading for each active account; an account with a pending reading gets no second
    one."""
    for channel in queries.list_channels(scope):
        if channel.state == ChannelState.ACTIVE:
            outbox.put(
                scope, EarningsDue(scope.tenant_id, channel.id), dedupe=f"earnings:{channel.id}"
            )


def expedite_earnings_reading(scope: Scope, channel_id: UUID) -> None:
    """Schedule readings of new earnings after a payment or refund, however many of them there are:
    within a minute, and again 15 minutes later."""
    for gathered in (HURRIED, ONCE_MORE):
        put_coalesced(scope, EarningsDue(scope.tenant_id, channel_id, lately=True), within=gathered)


def read_earnings(
    event: EarningsDue,
    *,
    tenant: OpenScope,
    ask: ReadEarnings,
    earns: Mapping[str, str],
    summed: UpdateRollups,
    pace: EarningsPace = PACE,
) -> None:
    """Read an account's earnings and book what is new. `earns` maps the platforms with earnings to
    their names in the ledger.

    After a crash, complete query results remain booked, and the next reading continues from there.
    Raises `outbox.RetryLater` while more remains than one reading takes.
    """
    with tenant(event.tenant_id, READING) as scope:
        channel = queries.get_channel(scope, event.subject_id)
        if channel.platform not in earns:
            return
        books = _load_books(scope, channel, earns[channel.platform], pace.first)
        now = scope.now
    tally = _Tally()
    since = max(books.read_until - MIN_QUERY_SPAN, books.begins_at)
    question = _Question(books, tally, tenant, ask, summed, pace)
    whole = question.through(_split_span(since, now, pace.at_once))
    full = whole and not event.lately
    if full:
        question.through(
            reversed(_split_span(max(now - pace.again, books.begins_at), since, pace.again_at_once))
        )
    with tenant(event.tenant_id, READING) as scope:
        _record_reading(scope, books, tally, whole=full)
    if not whole and not tally.silent:
        raise outbox.RetryLater(pace.pause)


@dataclass(frozen=True)
class _Question:
    books: _Books
    tally: _Tally
    tenant: OpenScope
    ask: ReadEarnings
    summed: UpdateRollups
    pace: EarningsPace

    def through(self, spans: Iterable[TimeSpan]) -> bool:
        """Query and book one span after the other. Return True if all spans were read."""
        left = deque(spans)
        channel = self.books.channel
        while left:
            if self.tally.enough(self.pace):
                return False
            span = left.popleft()
            told = self.ask(channel.tenant_id, channel.id, span)
            if not isinstance(told, Earnings):
                self.tally.silent = True
                self.tally.refused = isinstance(told, Reauthorize)
                return False
            self.tally.questions += 1
            self.tally.rows += len(told.rows)
            if not told.whole and span.until - span.since > MIN_QUERY_SPAN:
                middle = span.since + (span.until - span.since) / 2
                left.extendleft((TimeSpan(middle, span.until), TimeSpan(span.since, middle)))
                continue
            if not told.whole:
                log.warning(
                    "earning.too_many",
                    channel=str(channel.id),
                    since=str(span.since),
                    until=str(span.until),
                )
            with self.tenant(channel.tenant_id, READING) as scope:
                days = _record_earnings(scope, self.books, span, told, self.tally)
                self.summed(scope, channel.creator_id, days)
            self.tally.further |= span.until > self.books.read_until
        return True


def _split_span(since: datetime, until: datetime, size: timedelta) -> list[TimeSpan]:
    spans = []
    while since < until:
        spans.append(TimeSpan(since, min(since + size, until)))
        since += size
    return spans


def _load_books(scope: Scope, channel: Channel, source: str, first: timedelta) -> _Books:
    """Return the reading position of the account; the first one starts after the last closed
    month."""
    shut = month_close.list_closed_months(scope, channel.creator_id)
    zone = get_creator(scope, channel.creator_id).zone
    begins = datetime.combine((scope.now - first).date(), time.min, tzinfo=UTC)
    if shut:
        begins = max(begins, month_close.month_bounds(zone, max(shut))[1])
    row = scope.run(
        "WITH made AS (INSERT INTO earning_readings (tenant_id, id, creator_id, channel_id, "
        "source, begins_at,"
        " read_until, unread, left_out, gone) VALUES (:tenant, :id, :creator, :channel, :source, "
        ":begins, :begins,"
        " 0, 0, 0) ON CONFLICT (tenant_id, channel_id) DO NOTHING RETURNING source, begins_at, "
        "read_until)"
        " SELECT * FROM made UNION ALL SELECT source, begins_at, read_until FROM earning_readings"
        " WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=channel.creator_id,
        channel=channel.id,
        source=source,
        begins=begins,
    ).one()
    return _Books(channel, row.source, row.begins_at, row.read_until)


def _record_earnings(
    scope: Scope, books: _Books, span: TimeSpan, told: Earnings, tally: _Tally
) -> set[date]:
    """Book new and changed movements. Return the days affected, in the creator's time zone."""
    creator_id = books.channel.creator_id
    bookings.lock_statements(scope, creator_id)
    rows = [row for row in told.rows if row.at >= books.begins_at]
    booked = _load_booked_sums(scope, creator_id, rows)
    paid_for = unlocks.paid_for_by_movement(scope, creator_id, rows)
    sales = unlocks.orders_of_messages(scope, books.channel.id, list(paid_for.values()))
    by_file = bookings.days_with_movements(scope, creator_id, books.source, told=False)
    keys = {row.key for row in rows}
    new = list[StatementMovement]()
    for row in rows:
        before = booked.get(row.key) or (booked.get(row.like) if row.like not in keys else None)
        if before is None and row.at.astimezone(UTC).date() in by_file:
            tally.left_out += 1
        elif (movement := _build_correction(row, before)) is not None:
            new.append(replace(movement, paid_for=paid_for.get(row.key, "")))
    counted = bookings.book_lines(
        scope,
        creator_id,
        bookings.booking_times(scope, creator_id, new),
        source=books.source,
        name=books.channel.name,
        digest=f"{books.channel.id}:{uuid7()}",
        channel_id=books.channel.id,
        fans={native_id: sale.fan_id for native_id, sale in sales.items()},
    )
    unlocks.report_listed_sales(
        scope, creator_id, sales, rows, booked={movement.paid_for for movement in new}
    )
    tally.unread += told.unread
    tally.gone += _count_missing(scope, books, span, rows) if told.whole else 0
    scope.run(
        "UPDATE earning_readings SET read_until = greatest(read_until, :until), updated_at = "
        "house_now()"
        " WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=books.channel.id,
        until=span.until,
    )
    zone = ZoneInfo(get_creator(scope, creator_id).zone)
    return {at.astimezone(zone).date() for at in counted}


@dataclass(frozen=True)
class _Before:
    """The booked sums of a movement and its number of lines, in minor units; refunds
    are negative."""

    lines: int
    gross: int
    fee: int


_SUMS = """
SELECT split_part(line_key, '+', 1) AS key, count(*) AS lines,
  sum(gross_minor * CASE kind WHEN 'sale' THEN 1 ELSE -1 END) AS gross,
  sum(fee_minor * CASE kind WHEN 'sale' THEN 1 ELSE -1 END) AS fee
FROM statement_lines WHERE tenant_id = :tenant AND creator_id = :creator AND split_part(line_key,
'+', 1) = ANY(:keys)
GROUP BY 1
"""


def _load_booked_sums(
    scope: Scope, creator_id: UUID, rows: Sequence[Earning]
) -> Mapping[str, _Before]:
    keys = sorted({key for row in rows for key in (row.key, row.like)})
    found = scope.run(_SUMS, tenant=scope.tenant_id, creator=creator_id, keys=keys)
    return {row.key: _Before(int(row.lines), int(row.gross), int(row.fee)) for row in found}


def _build_correction(row: Earning, before: _Before | None) -> StatementMovement | None:
    """Return the line that corrects the ledger to the listed amounts, or None if they agree.

    Its key contains the number of lines booked before.
    """
    if before is None:
        return StatementMovement(0, row.at, row.kind, row.reference, row.gross, row.fee, row.key)
    sign = 1 if row.kind == "sale" else -1
    gross = sign * row.gross.minor - before.gross
    fee = sign * row.fee.minor - before.fee
    if not gross and not fee:
        return None
    way = 1 if gross >= 0 else -1
    code = row.gross.currency
    key = f"{row.key}+{before.lines}"
    moved = Money(way * gross, code), Money(way * fee, code)
    return StatementMovement(0, row.at, "sale" if way > 0 else "refund", row.reference, *moved, key)


def _count_missing(scope: Scope, books: _Books, span: TimeSpan, rows: Sequence[Earning]) -> int:
    """Return the number of movements of a span that are booked from this account and no longer
    listed."""
    gone: int = scope.run(
        "SELECT count(DISTINCT split_part(l.line_key, '+', 1)) FROM statement_lines l JOIN "
        "statements s"
        " ON s.tenant_id = l.tenant_id AND s.id = l.statement_id WHERE l.tenant_id = :tenant"
        " AND l.creator_id = :creator AND s.channel_id = :channel AND l.at >= :since AND l.at < "
        ":until"
        " AND split_part(l.line_key, '+', 1) <> ALL(:keys)",
        tenant=scope.tenant_id,
        creator=books.channel.creator_id,
        channel=books.channel.id,
        since=span.since,
        until=span.until,
        keys=[key for row in rows for key in (row.key, row.like)],
    ).scalar_one()
    return gone


def _record_reading(scope: Scope, books: _Books, tally: _Tally, *, whole: bool) -> None:
    """Record the result of the reading. If the platform denies access, notify members once to
    connect the account again."""
    channel = books.channel
    cause = f"earnings:{channel.id}"
    if not whole:
        if tally.refused and not notices.has_been_notified(scope, cause):
            told = Message(
                "earning.connect_again", {"account": channel.name, "source": books.source}
            )
            notices.put(scope, told, cause=cause, creator_id=channel.creator_id)
        return
    notices.close(scope, cause)
    if tally.unread:
        log.warning("earning.unread", channel=str(channel.id), rows=tally.unread)
    scope.run(
        "UPDATE earning_readings SET read_at = :now, unread = :unread, left_out = :left_out, gone "
        "= :gone,"
        " updated_at = house_now() WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel.id,
        now=scope.now,
        unread=tally.unread,
        left_out=tally.left_out,
        gone=tally.gone,
    )


def list_earnings_accounts(scope: Scope, creator_id: UUID) -> list[EarningsAccount]:
    """Return the accounts of a creator whose earnings were read completely at least once."""
    names = queries.channel_names(scope)
    rows = scope.run(
        "SELECT channel_id, source, read_at, unread, left_out, gone FROM earning_readings WHERE "
        "tenant_id = :tenant"
        " AND creator_id = :creator AND read_at IS NOT NULL ORDER BY source, channel_id",
        tenant=scope.tenant_id,
        creator=creator_id,
    )
    return [
        EarningsAccount(
            row.source, names[row.channel_id], row.read_at, row.unread, row.left_out, row.gone
        )
        for row in rows
    ]
