"""Seeing what the place an account posts to is set to: just before something goes there that not everybody may see,
just after, and every hour while it stands there.

What surely is not as the policy asks takes away what stands there; what nobody could see takes nothing away.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from channels import abilities, asking, budgets, reads, refreshing
from channels.events import ChannelLook, PlaceSeen
from channels.reads import Channel
from connectors.contract import Answer, Connector, Send
from connectors.outcomes import Disconnected, Outcome, Reauthorize, Retry
from connectors.places import Destination, Seeable, Seen
from connectors.transport import Transport
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.words import Message, canonical
from gate import viewers, watching
from gate.events import CopyProbe
from gate.permit import ControlOrder
from tenants import notices

MOST_REQUESTS = 80
"""Requests of one look: where a platform tells no members, readers are asked after one by one."""

PATIENCE = timedelta(seconds=60)
"""So long nobody is told that a place cannot be seen."""

SEEN_IN = timedelta(seconds=2)
"""How soon a look has usually been made."""

SOON, AT_LAST = timedelta(seconds=10), timedelta(hours=1)
"""Between two tries to see a place: growing with how long nobody could."""


def ask(scope: Scope, channel_id: UUID) -> bool:
    """Have the place looked at now; False where the platform does not tell. Raises NotFound."""
    if not reads.channel(scope, channel_id).can_be_seen:
        return False
    outbox.put(scope, ChannelLook(scope.tenant_id, channel_id), priority=1, dedupe=f"look:{channel_id}")
    return True


def due_in(scope: Scope, channel_id: UUID) -> timedelta | None:
    """How soon the place may have been seen; None when nobody could see it for a while: `PlaceSeen` tells the end.

    The account is locked until the transaction ends: what is written down for this cannot miss the end of it.
    """
    since = scope.run(
        "SELECT options ->> 'blind' FROM channels WHERE tenant_id = :tenant AND id = :id FOR NO KEY UPDATE",
        tenant=scope.tenant_id,
        id=channel_id,
    ).scalar()
    if since is None:
        return SEEN_IN
    return SOON if scope.now - datetime.fromisoformat(since) < PATIENCE else None


def watch(event: CopyProbe, *, tenant: OpenScope) -> None:
    """Have every place looked at where something above General stands."""
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        for channel_id in watching.watched(scope):
            ask(scope, channel_id)


def look(event: ChannelLook, *, tenant: OpenScope, transport: Transport, connectors: Mapping[str, Connector]) -> None:
    """Look and remember it with the time; a dead token or a lost account is told. Raises `outbox.Later`."""
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        channel = reads.channel(scope, event.subject_id)
        waits, now = budgets.limit(scope, channel.id, brake=False), scope.now
        place = _place(scope, channel)
    if waits is not None:  # nor does anything leave that would wait for it
        raise outbox.Later(waits.until - now)
    connector = abilities.of(connectors, channel)
    if not isinstance(connector, Seeable):
        return

    def question(answers: tuple[Answer, ...]) -> Send | Seen | Outcome:
        return connector.see(place, answers)

    def order(action: str) -> ControlOrder:
        return ControlOrder(event.tenant_id, channel.id, action)

    end = question(asking.gather(channel, question, order, tenant=tenant, transport=transport, most=MOST_REQUESTS))
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        again = _settled(scope, channel, end)
    if again is not None:
        raise outbox.Later(again)


def _place(scope: Scope, channel: Channel) -> Destination:
    adults = tuple(viewers.adults(scope, channel.platform))
    said = channel.options.get("register") or {}
    return Destination(channel.account, channel.destination, channel.by_request(scope.now), adults, said)


def _settled(scope: Scope, channel: Channel, end: Send | Seen | Outcome) -> timedelta | None:
    """Write down what was seen, or that nobody could; when to look again."""
    if isinstance(end, Seen):
        _remember(scope, channel, end)
        return None
    since = _note_blind(scope, channel.id)
    if not isinstance(end, Send):
        end = refreshing.weigh(scope, channel, end, shown=channel.generation)
    if isinstance(end, Reauthorize | Disconnected):
        return None
    asked = end.after if isinstance(end, Retry) else SOON
    return max(asked, min(max(scope.now - since, SOON), AT_LAST))


def _note_blind(scope: Scope, channel_id: UUID) -> datetime:
    """Since when nobody can see the place."""
    since = scope.run(
        "UPDATE channels SET options = jsonb_build_object('blind', CAST(:now AS text)) || options,"
        " updated_at = house_now() WHERE tenant_id = :tenant AND id = :id RETURNING options ->> 'blind'",
        tenant=scope.tenant_id,
        id=channel_id,
        now=scope.now.isoformat(),
    ).scalar_one()
    return datetime.fromisoformat(since)


def _remember(scope: Scope, channel: Channel, seen: Seen) -> None:
    """Keep it; what waited for it goes on, and what may not stand there any more goes."""
    was_blind = scope.run(
        "UPDATE channels c SET options = jsonb_set(c.options - 'blind', '{seen}', CAST(:seen AS jsonb)),"
        " updated_at = house_now() FROM (SELECT tenant_id, id, options ? 'blind' AS blind FROM channels"
        "   WHERE tenant_id = :tenant AND id = :id FOR NO KEY UPDATE) was"
        " WHERE c.tenant_id = was.tenant_id AND c.id = was.id RETURNING was.blind",
        tenant=scope.tenant_id,
        id=channel.id,
        seen=canonical({"at": scope.now.isoformat(), "what": list(seen.holds)}).decode(),
    ).scalar_one()
    if was_blind:
        outbox.put(scope, PlaceSeen(scope.tenant_id, channel.id))
    gone = watching.call_back(scope, channel.id, seen.fails)
    if gone:
        told = Message("copy.place_changed", {"account": channel.name, "count": len(gone)})
        cause = f"place:{channel.id}:{gone[0]}"
        notices.put(scope, told, cause=cause, urgent=True, creator_id=channel.creator_id)
