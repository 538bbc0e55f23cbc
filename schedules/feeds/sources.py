"""Feeds of creators: add, pause and delete them, and create drafts from new entries.

Entries found on the first reading are skipped. The number of drafts per day is limited, and no
entry becomes a draft twice.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from foundation.db.bulk_insert import insert_rows
from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from schedules.availability.usual_hours import find_next_usual_time
from schedules.feeds.events import FeedReadDue
from schedules.feeds.models import Feed, FeedEntry
from schedules.feeds.rss_atom import ParsedEntry, ParsedFeed
from schedules.posts import deliveries
from tenants import audit
from tenants.agencies.queries import get_creator
from tenants.notices import notices

ORIGIN = "rss"
FEED_AUTHOR = "system:feeds"
PACE = timedelta(minutes=30)
SLOWEST = timedelta(hours=24)
MAX_DRAFTS_PER_DAY = 5
"""Maximum number of drafts from one feed on one local day of its creator."""

MAX_FEEDS = 30
"""Maximum number of feeds of one creator."""

MAX_FEED_URL_LENGTH = 2_000
TOLD_AFTER = 3
"""Number of consecutive failures after which members are notified."""


@dataclass(frozen=True)
class FeedView:
    """A feed for display; instants are UTC-aware, `reason` states why the last reading failed."""

    id: UUID
    creator_id: UUID
    url: str
    title: str
    channels: tuple[UUID, ...]
    paused: bool
    last_read_at: datetime | None
    next_read_at: datetime
    reason: Message | None
    total: int


@dataclass(frozen=True)
class FeedReading:
    """The address and the cache validators for the next download of a feed."""

    url: str
    etag: str
    modified: str


def add_feed(scope: Scope, creator_id: UUID, url: str, channels: Sequence[UUID]) -> UUID:
    """Add a feed for some accounts of a creator and schedule its first reading immediately.

    If the feed exists, the accounts are added to it. Raises BadInput for an invalid address or too
    many feeds, NotFound for an account of another creator.
    """
    address = _validate_feed_url(url)
    if not channels:
        raise BadInput("feed.no_account").about("channels")
    hers = {one.id for one in queries.list_creator_channels(scope, creator_id)}
    if not hers >= set(channels):
        raise NotFound("channel.unknown", channel=str(next(iter(set(channels) - hers))))
    # Without the lock, concurrent additions could exceed MAX_FEEDS.
    scope.lock(f"{scope.tenant_id}:feeds:{creator_id}")
    known = scope.session.exec(
        select(Feed).where(Feed.tenant_id == scope.tenant_id, Feed.creator_id == creator_id)
    ).all()
    same = next((one for one in known if one.url == address), None)
    if same is not None:
        same.channels = [*dict.fromkeys([*same.channels, *map(str, channels)])]
        scope.add(same)
        return same.id
    if len(known) >= MAX_FEEDS:
        raise BadInput("feed.too_many", most=MAX_FEEDS)
    row = Feed(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        url=address,
        channels=[str(one) for one in dict.fromkeys(channels)],
        next_read_at=scope.now,
    )
    scope.add(row)
    outbox.put(scope, FeedReadDue(scope.tenant_id, row.id))
    audit.record(scope, "feed.added", f"feed:{row.id}")
    return row.id


def _validate_feed_url(typed: str) -> str:
    wanted = typed.strip()
    try:
        parts = urlsplit(wanted)
        well = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and not (parts.username or parts.password)
        )
        well = well and (parts.port is None or parts.port > 0)
    except ValueError:
        well = False
    if (
        not well
        or len(wanted) > MAX_FEED_URL_LENGTH
        or not wanted.isascii()
        or not wanted.isprintable()
        or " " in wanted
    ):
        raise BadInput("feed.no_address").about("url")
    return parts._replace(fragment="").geturl()


def _get_locked_feed(scope: Scope, creator_id: UUID, feed_id: UUID) -> Feed:
    row = _lock_feed(scope, feed_id)
    if row is None or row.creator_id != creator_id:
        raise NotFound("feed.unknown")
    return row


def _lock_feed(scope: Scope, feed_id: UUID) -> Feed | None:
    return scope.session.exec(
        select(Feed)
        .where(Feed.tenant_id == scope.tenant_id, Feed.id == feed_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def pause_feed(scope: Scope, creator_id: UUID, feed_id: UUID) -> None:
    """Stop reading a feed until `resume_feed`. Raises NotFound."""
    row = _get_locked_feed(scope, creator_id, feed_id)
    row.paused = True
    scope.add(row)
    outbox.cancel(scope, FeedReadDue.kind, feed_id)
    notices.close(scope, _feed_notice_cause(feed_id))


def resume_feed(scope: Scope, creator_id: UUID, feed_id: UUID) -> None:
    """Resume a paused feed and schedule a reading immediately. Raises NotFound."""
    row = _get_locked_feed(scope, creator_id, feed_id)
    row.paused = False
    row.next_read_at = scope.now
    row.failures = 0
    scope.add(row)
    outbox.put(scope, FeedReadDue(scope.tenant_id, feed_id), instead_of=FeedReadDue)


def delete_feed(scope: Scope, creator_id: UUID, feed_id: UUID) -> None:
    """Delete a feed; its drafts stay. Raises NotFound."""
    row = _get_locked_feed(scope, creator_id, feed_id)
    outbox.cancel(scope, FeedReadDue.kind, feed_id)
    notices.close(scope, _feed_notice_cause(feed_id))
    scope.run(
        "DELETE FROM feed_entries WHERE tenant_id = :tenant AND feed_id = :feed",
        tenant=scope.tenant_id,
        feed=feed_id,
    )
    scope.session.delete(row)
    audit.record(scope, "feed.removed", f"feed:{feed_id}")


def list_feeds(scope: Scope, creator_id: UUID) -> list[FeedView]:
    """Return the feeds of a creator, by address."""
    rows = scope.session.exec(
        select(Feed)
        .where(Feed.tenant_id == scope.tenant_id, Feed.creator_id == creator_id)
        .order_by(col(Feed.url))
        .execution_options(populate_existing=True)
    )
    return [_feed_view_from_row(row) for row in rows]


def get_feed(scope: Scope, creators: Collection[UUID], feed_id: UUID) -> FeedView:
    """Return a feed of these creators.

    Raises NotFound, also for a feed of another tenant.
    """
    row = scope.session.get(Feed, (scope.tenant_id, feed_id), populate_existing=True)
    if row is None or row.creator_id not in creators:
        raise NotFound("feed.unknown")
    return _feed_view_from_row(row)


def _feed_view_from_row(row: Feed) -> FeedView:
    return FeedView(
        row.id,
        row.creator_id,
        row.url,
        row.title,
        tuple(map(UUID, row.channels)),
        row.paused,
        row.last_read_at,
        row.next_read_at,
        Message.from_json(row.reason) if row.reason else None,
        row.total,
    )


def begin_feed_reading(scope: Scope, feed_id: UUID) -> FeedReading | None:
    """Return the address and validators of a feed, or None if it is deleted, paused or not due."""
    row = scope.session.get(Feed, (scope.tenant_id, feed_id))
    if row is None or row.paused or row.next_read_at > scope.now:
        return None
    return FeedReading(row.url, row.etag, row.modified)


def _find_due_feed(scope: Scope, feed_id: UUID) -> Feed | None:
    row = _lock_feed(scope, feed_id)
    return None if row is None or row.paused or row.next_read_at > scope.now else row


def record_unchanged_feed(scope: Scope, feed_id: UUID) -> None:
    """Record a reading without changes."""
    row = _find_due_feed(scope, feed_id)
    if row is not None:
        _record_successful_reading(scope, row)


def record_feed_failure(scope: Scope, feed_id: UUID, reason: Message) -> None:
    """Record a failed reading and schedule the next one, with growing intervals.

    Members are notified after `TOLD_AFTER` consecutive failures.
    """
    row = _find_due_feed(scope, feed_id)
    if row is None:
        return
    row.failures = row.failures + 1
    row.reason = stored_message(reason)
    row.etag = row.modified = ""  # The content of the last response may not have been processed.
    # Members are notified once for each run of failures.
    if row.failures == TOLD_AFTER:
        told = Message("feed.fails", {"feed": row.title or row.url[:80]})
        notices.put(scope, told, cause=_feed_notice_cause(feed_id), creator_id=row.creator_id)
    _schedule_next_reading(scope, row, min(PACE * 2 ** min(row.failures - 1, 10), SLOWEST))


def create_drafts_from_feed(
    scope: Scope, feed_id: UUID, document: ParsedFeed, *, etag: str, modified: str
) -> int:
    """Create drafts from new entries, oldest first, and return their number. The first reading
    creates none.

    Entries above the daily limit wait for the next day: the feed is then downloaded again without
    validators.
    """
    row = _find_due_feed(scope, feed_id)
    if row is None:
        return 0
    accounts = _list_connected_accounts(scope, row)
    if not accounts:
        record_feed_failure(scope, feed_id, Message("feed.accounts_gone"))
        return 0
    known = set(
        scope.session.exec(
            select(FeedEntry.guid).where(
                FeedEntry.tenant_id == scope.tenant_id, FeedEntry.feed_id == feed_id
            )
        )
    )
    fresh = [entry for entry in reversed(document.entries) if entry.guid not in known]
    creator = get_creator(scope, row.creator_id)
    day = str(local_day(scope.now, creator.zone))
    room = MAX_DRAFTS_PER_DAY - (row.today if row.day == day else 0)
    wanted = fresh[:room] if row.seeded else []
    # Entries above the limit of the day stay unknown, so that the next reading finds them.
    seen = wanted if row.seeded else fresh
    insert_rows(
        scope,
        FeedEntry,
        [
            {
                "id": derived_uuid(feed_id, entry.guid),
                "creator_id": row.creator_id,
                "feed_id": feed_id,
            }
            | {"guid": entry.guid}
            for entry in seen
        ],
    )
    for entry in wanted:
        _create_entry_draft(scope, row, entry, accounts, creator.zone)
    row.today = MAX_DRAFTS_PER_DAY - room + len(wanted)
    row.day = day
    row.total += len(wanted)
    row.seeded = True
    row.title = document.title or row.title
    whole = len(seen) == len(fresh)
    row.etag, row.modified = (etag, modified) if whole else ("", "")
    _record_successful_reading(scope, row)
    return len(wanted)


def _list_connected_accounts(scope: Scope, row: Feed) -> list[UUID]:
    """Return the accounts of a feed that are still connected."""
    here = {
        one.id
        for one in queries.list_creator_channels(scope, row.creator_id)
        if not one.is_disconnected
    }
    return [one for one in map(UUID, row.channels) if one in here]


def _create_entry_draft(
    scope: Scope, row: Feed, entry: ParsedEntry, accounts: Sequence[UUID], zone: str
) -> None:
    """Create a draft at the next usual time, which is not published without an approval."""
    post_id = deliveries.create_post(
        scope,
        creator_id=row.creator_id,
        title="",
        body=entry.text,
        media=(),
        origin=ORIGIN,
        origin_key=f"{row.id}:{entry.guid}",
        author=FEED_AUTHOR,
    )
    at = find_next_usual_time(scope, row.creator_id, zone, channels=accounts)
    for channel_id in accounts:
        deliveries.create_delivery(scope, post_id, channel_id, at=at)


def _record_successful_reading(scope: Scope, row: Feed) -> None:
    row.last_read_at = scope.now
    row.failures = 0
    row.reason = None
    notices.close(scope, _feed_notice_cause(row.id))
    _schedule_next_reading(scope, row, PACE)


def _schedule_next_reading(scope: Scope, row: Feed, after: timedelta) -> None:
    row.next_read_at = scope.now + after
    scope.add(row)
    outbox.put(
        scope, FeedReadDue(scope.tenant_id, row.id), at=row.next_read_at, instead_of=FeedReadDue
    )


def _feed_notice_cause(feed_id: UUID) -> str:
    return f"feed:{feed_id}"
