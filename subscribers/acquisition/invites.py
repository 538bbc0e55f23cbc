"""Discord invites of acquisition links: how many users joined by each, and by which a fan joined.

Discord counts the uses of an invite and knows when a user joined, and does not connect the two. All
invites of a server are read every few minutes, and the increases are stored. When a fan writes for
the first time, the time at which they joined is read: if only one invite was used between the two
readings around it, the fan came by this one. Otherwise no link is credited. A link gets at most as
many fans as its invite has joins in that time. Users who joined and never wrote are counted and not
stored.

Discord's list contains neither the server's vanity URL nor an invite that was created and used up
between two readings: users who join by these are not seen.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from channels.accounts.queries import get_channel
from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.outbox import outbox
from subscribers.acquisition import touches
from subscribers.acquisition.events import InvitesDue, JoinLookupDue
from subscribers.acquisition.models import InviteJoinRow

READING = "system:invites"
MARGIN = timedelta(seconds=5)
"""Maximum difference between the platform's clock and ours."""

_CHANNELS = """
SELECT DISTINCT channel_id FROM acquisition_links WHERE tenant_id = :tenant
AND destination = 'discord' AND channel_id IS NOT NULL AND archived_at IS NULL
"""


class ReadInvites(Protocol):
    """Return the uses of an account's invites by code, or None if they are unavailable. No
    transaction is open."""

    def __call__(self, tenant_id: UUID, channel_id: UUID, /) -> Mapping[str, int] | None: ...


class ReadJoinTime(Protocol):
    """Return when a user joined, or None if that is unavailable. No transaction is open."""

    def __call__(self, tenant_id: UUID, channel_id: UUID, fan: str, /) -> datetime | None: ...


def schedule_invite_readings(scope: Scope) -> None:
    """Queue a reading for each account with an active link to an invite, at most one for each."""
    for channel_id in scope.run(_CHANNELS, tenant=scope.tenant_id).scalars().all():
        due = InvitesDue(scope.tenant_id, channel_id)
        outbox.put(scope, due, dedupe=f"invites:{channel_id}")


def schedule_join_lookup(scope: Scope, channel_id: UUID, fan_id: UUID) -> None:
    """Queue the look-up of a fan's invite after the first message, for an account with an active
    link to an invite."""
    if channel_id in scope.run(_CHANNELS, tenant=scope.tenant_id).scalars().all():
        due = JoinLookupDue(scope.tenant_id, fan_id, channel_id)
        outbox.put(scope, due, dedupe=f"join:{fan_id}:{channel_id}")


def read_invites(event: InvitesDue, *, tenant: OpenScope, ask: ReadInvites) -> None:
    """Read the uses of an account's invites and store the increases since the last reading."""
    with tenant(event.tenant_id, READING) as scope:
        asked_at = scope.now
    uses = ask(event.tenant_id, event.subject_id)
    if uses is None:
        return
    with tenant(event.tenant_id, READING) as scope:
        store_invite_uses(scope, event.subject_id, uses, asked_at=asked_at)


def attribute_join(
    event: JoinLookupDue, *, tenant: OpenScope, ask: ReadInvites, find: ReadJoinTime
) -> None:
    """Record the link by which a fan joined, if only one invite was used at that time."""
    with tenant(event.tenant_id, READING) as scope:
        native_id = scope.run(
            "SELECT i.native_id FROM fan_identities i"
            " JOIN fans f ON f.tenant_id = i.tenant_id AND f.id = i.fan_id"
            " WHERE i.tenant_id = :tenant AND i.fan_id = :fan AND i.channel_id = :channel"
            " AND f.status <> 'erased'",
            tenant=scope.tenant_id,
            fan=event.subject_id,
            channel=event.channel_id,
        ).scalar()
    if native_id is None:  # the fan was erased since
        return
    joined_at = find(event.tenant_id, event.channel_id, native_id)
    if joined_at is None:
        return
    # The invite of a fan who has just joined was not read yet.
    read_invites(InvitesDue(event.tenant_id, event.channel_id), tenant=tenant, ask=ask)
    with tenant(event.tenant_id, READING) as scope:
        link_id = find_joined_link(scope, event.channel_id, joined_at)
        if link_id is not None and _hold_fan(scope, event.subject_id):
            touches.record_link_touch(scope, event.subject_id, link_id, at=joined_at)


def _hold_fan(scope: Scope, fan_id: UUID) -> bool:
    """Keep a fan from being erased until the end of the transaction; return False for one who
    was."""
    found = scope.run(
        "SELECT 1 FROM fans WHERE tenant_id = :tenant AND id = :fan AND status <> 'erased'"
        " FOR SHARE",
        tenant=scope.tenant_id,
        fan=fan_id,
    )
    return found.first() is not None


def store_invite_uses(
    scope: Scope, channel_id: UUID, uses: Mapping[str, int], *, asked_at: datetime
) -> None:
    """Store the increases of invites since the last reading, and these counts.

    `asked_at` is the time before the request. The first reading is only a basis for comparison. A
    response that is older than the stored one is ignored.
    """
    scope.lock(f"invites:{channel_id}")
    known = scope.run(
        "SELECT uses, read_at FROM invite_counts WHERE tenant_id = :tenant AND"
        " channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
    ).first()
    if known is not None and known.read_at >= asked_at:
        return
    links = _links_by_code(scope, channel_id)
    creator_id = get_channel(scope, channel_id).creator_id
    if known is not None:
        joins: Counter[UUID | None] = Counter()
        for code, count in uses.items():
            joins[links.get(code)] += max(count - int(known.uses.get(code, 0)), 0)
        # The last use of an invite with a limit deletes it; so does its end or a moderator.
        joins[None] += len(known.uses.keys() - uses.keys())
        scope.add(
            *(
                InviteJoinRow(
                    tenant_id=scope.tenant_id,
                    creator_id=creator_id,
                    channel_id=channel_id,
                    link_id=link_id,
                    joins=many,
                    after=known.read_at,
                    until=scope.now,
                )
                for link_id, many in joins.items()
                if many
            )
        )
    scope.run(
        "INSERT INTO invite_counts (tenant_id, id, creator_id, channel_id, uses, read_at)"
        " VALUES (:tenant, :id, :creator, :channel, CAST(:uses AS jsonb), :at)"
        " ON CONFLICT (tenant_id, channel_id) DO UPDATE SET uses = EXCLUDED.uses,"
        " read_at = EXCLUDED.read_at, updated_at = house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=creator_id,
        channel=channel_id,
        uses=canonical_json(dict(uses)).decode(),
        at=asked_at,
    )


def find_joined_link(scope: Scope, channel_id: UUID, at: datetime) -> UUID | None:
    """Return the link whose invite alone was used around an instant, or None. A link all of whose
    joins around it are credited to fans is not returned.

    Locks the account's invites: what is returned may be credited in this transaction.
    """
    scope.lock(f"invites:{channel_id}")
    found = scope.run(
        "SELECT link_id, sum(joins) AS joins, min(after) AS after, max(until) AS until"
        " FROM invite_joins WHERE tenant_id = :tenant AND channel_id = :channel"
        " AND after - :margin <= :at AND until + :margin >= :at GROUP BY link_id",
        tenant=scope.tenant_id,
        channel=channel_id,
        at=at,
        margin=MARGIN,
    ).all()
    if len(found) != 1 or found[0].link_id is None:
        return None
    (only,) = found
    link_id: UUID = only.link_id
    credited = scope.run(
        "SELECT count(*) FROM acquisition_touches WHERE tenant_id = :tenant AND link_id = :link"
        " AND at >= :after AND at <= :until",
        tenant=scope.tenant_id,
        link=link_id,
        after=only.after - MARGIN,
        until=only.until + MARGIN,
    ).scalar_one()
    return link_id if credited < only.joins else None


def count_joins(scope: Scope, bounds: Mapping[UUID, tuple[datetime, datetime]]) -> dict[UUID, int]:
    """Return the number of users who joined by the invite of each link, by link; `bounds` are the
    begin and end of the period of each creator (UTC-aware, end excluded)."""
    rows = scope.run(
        "SELECT j.link_id, sum(j.joins) AS joins FROM unnest(CAST(:creators AS uuid[]),"
        " CAST(:begins AS timestamptz[]), CAST(:ends AS timestamptz[])) AS b (creator_id, begin_at,"
        " end_at) JOIN invite_joins j ON j.tenant_id = :tenant AND j.creator_id = b.creator_id"
        " AND j.until >= b.begin_at AND j.until < b.end_at"
        " WHERE j.link_id IS NOT NULL GROUP BY j.link_id",
        tenant=scope.tenant_id,
        creators=list(bounds),
        begins=[begin for begin, _ in bounds.values()],
        ends=[end for _, end in bounds.values()],
    )
    return {row.link_id: int(row.joins) for row in rows}


def list_read_channels(scope: Scope, creators: Collection[UUID]) -> set[UUID]:
    """Return the accounts of these creators whose invites were read."""
    rows = scope.run(
        "SELECT channel_id FROM invite_counts WHERE tenant_id = :tenant"
        " AND creator_id = ANY(CAST(:creators AS uuid[]))",
        tenant=scope.tenant_id,
        creators=list(creators),
    )
    return set(rows.scalars())


def _links_by_code(scope: Scope, channel_id: UUID) -> dict[str, UUID]:
    """Return the oldest link of each invite, by its code."""
    rows = scope.run(
        "SELECT id, target FROM acquisition_links WHERE tenant_id = :tenant"
        " AND channel_id = :channel AND destination = 'discord' ORDER BY created_at DESC, id DESC",
        tenant=scope.tenant_id,
        channel=channel_id,
    )
    return {row.target.rpartition("/")[2]: row.id for row in rows}
