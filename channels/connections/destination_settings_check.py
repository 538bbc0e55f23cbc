"""Destination checks: read the settings of an account's destination just before content above
General is published there, just after, and every hour while it is live.

A failed check recalls the live content; an impossible check recalls nothing.
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
"""Maximum number of requests of one check: if a platform does not list members, viewers are looked
up one by one."""

PATIENCE = timedelta(seconds=60)
"""Time before members are notified that a destination cannot be checked."""

SEEN_IN = timedelta(seconds=2)
"""Usual duration of a check."""

SOON = timedelta(seconds=10)
AT_LAST = timedelta(hours=1)
"""Minimum and maximum delay between two attempts of a check; it grows with the time since the last
success."""


def request_destination_check(scope: Scope, channel_id: UUID) -> bool:
    """Request a destination check now.

    Return False if the platform does not support it. Raises NotFound.
    """
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
    """Return the delay after which a check is probably done, or None if checks have been impossible
    for a while. `DestinationChecked` is then published once they are possible again.

    The account is locked until the transaction ends, so that rows written because of the result
    cannot miss that event.
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
    """Request checks of all destinations with live content above General."""
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
    """Check a destination and store the result with its time; a lost account is recorded. Raises
    `outbox.RetryLater`."""
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, event.subject_id)
        waits = send_limits.send_block(scope, channel.id, brake=False)
        now = scope.now
        place = _build_destination(scope, channel)
    if waits is not None:  # The posts that need the check are blocked too.
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
    """Store the result, or that the check was impossible. Return the delay before the next try."""
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
    """Return the time at which the destination could not be checked for the first time since the
    last success."""
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
    """Store the result, notify posts that wait for it, and recall content that is no longer allowed
    there."""
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
    # Posts may have been held while the destination could not be checked.
    if was_blind:
        outbox.put(scope, DestinationChecked(scope.tenant_id, channel.id))
    gone = watched_copies.recall_from_place(scope, channel.id, seen.fails)
    if gone:
        told = Message("copy.place_changed", {"account": channel.name, "count": len(gone)})
        cause = f"place:{channel.id}:{gone[0]}"
        notices.put(scope, told, cause=cause, urgent=True, creator_id=channel.creator_id)
