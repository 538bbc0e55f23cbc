"""Seeing what the place an account posts to is set to: just before something goes there that not
everybody may see, just after, and every hour while it stands there.

What surely is not as the policy asks takes away what stands there; what nobody could see takes
nothing away.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.attempts import request_loop
from channels.connections import token_renewal
from channels.connections.events import DestinationCheckDue, DestinationChecked
from channels.limits import send_limits
from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.destination import Destination, DestinationReport, SupportsDestinationCheck
from connectors.contract.outcomes import Disconnected, Outcome, Reauthorize, Retry
from connectors.transport.transport import Transport
from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.permit import ControlOrder
from gate.permits import watched_copies
from gate.permits.events import PlaceProbeDue
from gate.viewers import age_assurance
from tenants.notices import notices

MAX_REQUESTS = 80
"""Requests of one look: where a platform tells no members, readers are asked after one by one."""

PATIENCE = timedelta(seconds=60)
"""So long nobody is told that a place cannot be seen."""

SEEN_IN = timedelta(seconds=2)
"""How soon a look has usually been made."""

SOON = timedelta(seconds=10)
AT_LAST = timedelta(hours=1)
"""Between two tries to see a place: growing with how long nobody could."""


def request_destination_check(scope: Scope, channel_id: UUID) -> bool:
    """Have the place looked at now; False where the platform does not tell. Raises NotFound."""
    if not queries.get_channel(scope, channel_id).can_check_destination:
        return False
    outbox.put(
        scope,
        DestinationCheckDue(scope.tenant_id, channel_id),
        priority=1,
        dedupe=f"look:{channel_id}",
    )
    return True


def destination_check_wait(scope: Scope, channel_id: UUID) -> timedelta | None:
    """How soon the place may have been seen; None when nobody could see it for a while: `PlaceSeen`
    tells the end.

    The account is locked until the transaction ends: what is written down for this cannot miss the
    end of it.
    """
    since = scope.run(
        "SELECT options ->> 'blind' FROM channels WHERE tenant_id = :tenant AND id = :id FOR NO "
        "KEY UPDATE",
        tenant=scope.tenant_id,
        id=channel_id,
    ).scalar()
    if since is None:
        return SEEN_IN
    return SOON if scope.now - datetime.fromisoformat(since) < PATIENCE else None


def plan_destination_checks(event: PlaceProbeDue, *, tenant: OpenScope) -> None:
    """Have every place looked at where something above General stands."""
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        for channel_id in watched_copies.list_watched_channels(scope):
            request_destination_check(scope, channel_id)


def check_destination(
    event: DestinationCheckDue,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> None:
    """Look and remember it with the time; a dead token or a lost account is told. Raises
    `outbox.RetryLater`."""
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, event.subject_id)
        waits = send_limits.send_block(scope, channel.id, brake=False)
        now = scope.now
        place = _build_destination(scope, channel)
    if waits is not None:  # nor does anything leave that would wait for it
        raise outbox.RetryLater(waits.until - now)
    connector = account_connectors.connector_for(connectors, channel)
    if not isinstance(connector, SupportsDestinationCheck):
        return

    def question(answers: tuple[StepResult, ...]) -> Send | DestinationReport | Outcome:
        return connector.inspect_destination(place, answers)

    def order(action: str) -> ControlOrder:
        return ControlOrder(event.tenant_id, channel.id, action)

    end = question(
        request_loop.run_requests(
            channel, question, order, tenant=tenant, transport=transport, most=MAX_REQUESTS
        )
    )
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        again = _record_check_outcome(scope, channel, end)
    if again is not None:
        raise outbox.RetryLater(again)


def _build_destination(scope: Scope, channel: Channel) -> Destination:
    adults = tuple(age_assurance.list_verified_adults(scope, channel.platform))
    said = channel.options.get("register") or {}
    return Destination(
        channel.account, channel.destination_id, channel.is_by_request(scope.now), adults, said
    )


def _record_check_outcome(
    scope: Scope, channel: Channel, end: Send | DestinationReport | Outcome
) -> timedelta | None:
    """Write down what was seen, or that nobody could; when to look again."""
    if isinstance(end, DestinationReport):
        _record_destination_report(scope, channel, end)
        return None
    since = _note_blind(scope, channel.id)
    if not isinstance(end, Send):
        end = token_renewal.apply_outcome_to_account(scope, channel, end, shown=channel.generation)
    if isinstance(end, Reauthorize | Disconnected):
        return None
    asked = end.after if isinstance(end, Retry) else SOON
    return max(asked, min(max(scope.now - since, SOON), AT_LAST))


def _note_blind(scope: Scope, channel_id: UUID) -> datetime:
    """Since when nobody can see the place."""
    since = scope.run(
        "UPDATE channels SET options = jsonb_build_object('blind', CAST(:now AS text)) || options,"
        " updated_at = house_now() WHERE tenant_id = :tenant AND id = :id RETURNING options ->> "
        "'blind'",
        tenant=scope.tenant_id,
        id=channel_id,
        now=scope.now.isoformat(),
    ).scalar_one()
    return datetime.fromisoformat(since)


def _record_destination_report(scope: Scope, channel: Channel, seen: DestinationReport) -> None:
    """Keep it; what waited for it goes on, and what may not stand there any more goes."""
    was_blind = scope.run(
        "UPDATE channels c SET options = jsonb_set(c.options - 'blind', '{seen}', CAST(:seen AS "
        "jsonb)),"
        " updated_at = house_now() FROM (SELECT tenant_id, id, options ? 'blind' AS blind FROM "
        "channels"
        "   WHERE tenant_id = :tenant AND id = :id FOR NO KEY UPDATE) was"
        " WHERE c.tenant_id = was.tenant_id AND c.id = was.id RETURNING was.blind",
        tenant=scope.tenant_id,
        id=channel.id,
        seen=canonical_json({"at": scope.now.isoformat(), "what": list(seen.holds)}).decode(),
    ).scalar_one()
    if was_blind:
        outbox.put(scope, DestinationChecked(scope.tenant_id, channel.id))
    gone = watched_copies.recall_from_place(scope, channel.id, seen.fails)
    if gone:
        told = Message("copy.place_changed", {"account": channel.name, "count": len(gone)})
        cause = f"place:{channel.id}:{gone[0]}"
        notices.put(scope, told, cause=cause, urgent=True, creator_id=channel.creator_id)
