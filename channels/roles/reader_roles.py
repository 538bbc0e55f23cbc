"""Roles of readers on a platform, for proven age or a subscription: the desired state, the known
state, and the requests that align them. Membership in groups with join requests counts as a role.

A role unlocks nothing in this system. The known state of a role is set to unknown just before a
request and set again after its response, so that a crash or a lost response is followed by the same
idempotent request.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.attempts import request_loop
from channels.connections import token_renewal
from channels.limits import send_limits
from channels.roles.events import ReaderRoleDue
from channels.roles.models import ReaderRoleRow
from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
)
from connectors.contract.reader_roles import READER_NOT_THERE, ROLE_ACTION, SupportsReaderRoles
from connectors.transport.transport import Transport
from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.contract.permit import ControlOrder
from tenants.notices import notices

AGAIN = timedelta(seconds=10)
AT_LAST = timedelta(hours=1)
"""Minimum and maximum delay between two attempts while the platform does not respond; it grows with
the duration."""


@dataclass(frozen=True)
class RoleGiver:
    """An account that grants `role` to eligible readers ("": none any more), and the accounts that
    receive their messages."""

    channel_id: UUID
    platform: str
    role: str
    inbox: tuple[UUID, ...]
    paying: bool = False
    """True if the role is granted to readers with a paid subscription on the account."""
    adult: bool = True
    """True if the role requires proven age."""


@dataclass(frozen=True)
class RoleStatus:
    """The number of readers with an account's role, the number who will get it when they join, and
    the reason of a refusal."""

    borne: int
    away: int
    refused: Message | None


NO_ROLE_STATUS = RoleStatus(0, 0, None)

_INBOX = """
SELECT o.id FROM channels o JOIN channels c ON c.tenant_id = o.tenant_id AND (c.id = o.id OR
c.app_key = o.app_key)
WHERE o.tenant_id = :tenant AND c.id = """
"""The accounts of one application. Messages to the application are received by one of them."""

_GIVERS = f"""
SELECT g.id, g.platform, ARRAY({_INBOX} g.id ORDER BY o.id) AS inbox,
  CASE WHEN g.options ->> 'lets_in' <> '' THEN coalesce(g.options ->> 'destination', '')
    ELSE coalesce(g.options ->> 'adult_role', '') END AS role,
  coalesce(g.options ->> 'lets_in', '') = 'subscribers' AS paying,
  coalesce(g.options ->> 'lets_in', '') <> 'subscribers' OR coalesce(g.options ->> 'by_request',
  '') = 'true' AS adult
FROM channels g WHERE g.tenant_id = :tenant AND (g.options ->> 'adult_role' <> '' OR g.options
->> 'lets_in' <> ''
  OR EXISTS (SELECT FROM fan_roles r WHERE r.tenant_id = g.tenant_id AND r.channel_id = g.id))
  ORDER BY g.id
"""  # noqa: S608  a constant


def role_givers(scope: Scope) -> list[RoleGiver]:
    """Return the accounts that grant a role, or granted one that must still be removed."""
    rows = scope.run(_GIVERS, tenant=scope.tenant_id)
    return [
        RoleGiver(row.id, row.platform, row.role, tuple(row.inbox), row.paying, row.adult)
        for row in rows
    ]


_WANT = """
INSERT INTO fan_roles AS r (tenant_id, id, channel_id, user_id, role, wanted, stands, since)
SELECT :tenant, one.id, :channel, one.reader, :role, true, false, :now
FROM unnest(CAST(:ids AS uuid[]), CAST(:readers AS text[])) AS one(id, reader)
ON CONFLICT (tenant_id, channel_id, user_id, role) DO UPDATE SET wanted = true, since =
EXCLUDED.since, reason = NULL,
  updated_at = house_now() WHERE NOT r.wanted
"""

_UNWANT = """
UPDATE fan_roles SET wanted = false, since = :now, reason = NULL, updated_at = house_now()
WHERE tenant_id = :tenant AND channel_id = ANY(:channels) AND wanted
  AND (role <> :role OR user_id <> ALL(CAST(:readers AS text[])))
  AND (CAST(:only AS text) = '' OR user_id = :only)
"""

_DONE = """
DELETE FROM fan_roles WHERE tenant_id = :tenant AND channel_id = ANY(:channels) AND NOT wanted
AND NOT stands
"""
"""Rows that are not wanted and whose role is certainly absent."""

_DUE = """
SELECT id, wanted FROM (
  SELECT id, wanted, reason, row_number() OVER (PARTITION BY reason IS NULL ORDER BY wanted,
  updated_at, id) AS place
  FROM fan_roles WHERE tenant_id = :tenant AND channel_id = :channel AND stands IS DISTINCT FROM
  wanted
    AND (CAST(:only AS text) = '' OR user_id = :only) AND (reason IS NULL OR reason ->> 'code' <>
    :away)
) AS due WHERE reason IS NULL OR place = 1 ORDER BY wanted, id
"""
"""If the platform refuses roles, only one of the refused rows is tried again."""


def set_eligible_readers(
    scope: Scope, giver: RoleGiver, readers: Collection[str], *, only: str = ""
) -> None:
    """Set the readers who should have the role of an account, and remove it from all others. `only`
    limits this to one reader; "" means all.

    Roles in the desired state are not changed; of those refused, one is tried again.
    """
    if giver.role and readers:
        scope.run(
            _WANT,
            tenant=scope.tenant_id,
            ids=[uuid7() for _ in readers],
            channel=giver.channel_id,
            readers=list(readers),
            role=giver.role,
            now=scope.now,
        )
    _withdraw_roles(scope, [giver.channel_id], only=only, role=giver.role, readers=readers)


def remove_reader(scope: Scope, channel_id: UUID, user_id: str) -> None:
    """Remove the roles of a reader of this account before their data is erased, regardless of the
    account that granted them."""
    inbox = list(
        scope.run(f"{_INBOX}:channel", tenant=scope.tenant_id, channel=channel_id).scalars()
    )
    _withdraw_roles(scope, inbox, only=user_id)


def _withdraw_roles(
    scope: Scope,
    channels: Sequence[UUID],
    *,
    only: str,
    role: str = "",
    readers: Collection[str] = (),
) -> None:
    """Set the roles of other readers, or of one reader, as not wanted, and schedule the due
    requests."""
    of = {"tenant": scope.tenant_id, "channels": list(channels)}
    scope.run(_UNWANT, role=role, readers=list(readers), only=only, now=scope.now, **of)
    scope.run(_DONE, **of)
    for each in channels:
        _enqueue_due_roles(scope, each, only=only)


_AGAIN = f"""
UPDATE fan_roles SET stands = NULL, reason = NULL, updated_at = house_now()
WHERE tenant_id = :tenant AND user_id = :user AND channel_id IN ({_INBOX}:channel) AND wanted
  AND (CAST(:anyway AS boolean) OR reason ->> 'code' = :away) RETURNING channel_id
"""  # noqa: S608  a constant


def retry_role(scope: Scope, channel_id: UUID, user_id: str, *, anyway: bool) -> bool:
    """Grant the role of a reader who wrote to an account, because they may have joined since.

    With `anyway`, grant it even if the reader is recorded as having it, because a reader who left
    and returned has lost it. Return True if there is a role to grant.
    """
    asked = {"tenant": scope.tenant_id, "channel": channel_id, "user": user_id}
    found = scope.run(_AGAIN, anyway=anyway, away=READER_NOT_THERE, **asked).scalars().all()
    for each in dict.fromkeys(found):
        _enqueue_due_roles(scope, each, only=user_id)
    return bool(found)


def deny_role(scope: Scope, giver: RoleGiver, user_id: str) -> None:
    """Refuse the role of an account to a reader who must never have it, and remove it if they have
    it."""
    scope.run(
        "INSERT INTO fan_roles (tenant_id, id, channel_id, user_id, role, wanted, stands, since)"
        " VALUES (:tenant, :id, :channel, :user, :role, false, NULL, :now)"
        " ON CONFLICT (tenant_id, channel_id, user_id, role) DO UPDATE SET wanted = false, stands "
        "= NULL,"
        " since = EXCLUDED.since, reason = NULL, updated_at = house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        channel=giver.channel_id,
        user=user_id,
        role=giver.role,
        now=scope.now,
    )
    _enqueue_due_roles(scope, giver.channel_id, only=user_id)


def _enqueue_due_roles(scope: Scope, channel_id: UUID, *, only: str = "") -> None:
    due = scope.run(
        _DUE, tenant=scope.tenant_id, channel=channel_id, only=only, away=READER_NOT_THERE
    ).all()
    for row in due:
        outbox.put(
            scope,
            ReaderRoleDue(scope.tenant_id, row.id),
            lane=f"role:{channel_id}",
            priority=3 if row.wanted else 1,
            dedupe=f"role:{row.id}:{row.wanted}",
        )


def apply_role(
    event: ReaderRoleDue,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> None:
    """Grant or remove the role of one reader, as currently wanted. Raises `outbox.RetryLater` if it
    must be tried again."""
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        row = _lock_role_row(scope, event.subject_id)
        channel = (
            queries.get_channel(scope, row.channel_id)
            if row is not None and row.stands is not row.wanted
            else None
        )
        if row is None or channel is None or not _may_ask(channel, row):
            return
        waits = send_limits.send_block(scope, channel.id, brake=False)
        now = scope.now
        # A crash after this point leaves the state unknown, and the request is repeated.
        if waits is None:
            _record_role_state(scope, row, None, None)
            row = _lock_role_row(scope, row.id) or row
        asked_at = row.updated_at
        give = row.wanted
        user_id = row.user_id
        role = row.role
    if waits is not None:
        raise outbox.RetryLater(waits.until - now)
    connector = account_connectors.connector_for(connectors, channel)
    if not isinstance(connector, SupportsReaderRoles):
        return

    def question(answers: tuple[StepResult, ...]) -> Send | Outcome:
        return connector.set_role(channel.account, user_id, role, give, answers)

    def order(action: str) -> ControlOrder:
        act = "give" if give else "take"
        return ControlOrder(
            event.tenant_id, channel.id, action, act if action == ROLE_ACTION else ""
        )

    end = question(
        request_loop.run_requests(channel, question, order, tenant=tenant, transport=transport)
    )
    end = Retry(AGAIN, "account", Message("attempt.not_proven")) if isinstance(end, Send) else end
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        end = token_renewal.apply_outcome_to_account(
            scope, channel, end, shown=channel.generation, secondary=True
        )
        again = _record_role_outcome(
            scope, channel, event.subject_id, end, give=give, asked_at=asked_at
        )
    if again is not None:
        raise outbox.RetryLater(again)


def _may_ask(channel: Channel, row: ReaderRoleRow) -> bool:
    """Return True if the account may send the request. A paused account removes roles but grants
    none."""
    rests = channel.state == ChannelState.PAUSED and not row.wanted
    return channel.state == ChannelState.ACTIVE or rests


def _record_role_outcome(
    scope: Scope,
    channel: Channel,
    row_id: UUID,
    end: Outcome,
    *,
    give: bool,
    asked_at: datetime | None,
) -> timedelta | None:
    """Record the outcome. Return the delay before the next try, or None."""
    row = _lock_role_row(scope, row_id)
    if row is None:
        return None
    match end:
        case Published():
            _record_role_state(scope, row, give, None)
            _clear_role_refusals(scope, channel.id)
        case Rejected(reason=reason) if (
            reason.code == READER_NOT_THERE and row.updated_at != asked_at
        ):
            return timedelta(0)  # The reader joined during the request.
        case Rejected(reason=reason) if reason.code == READER_NOT_THERE:
            _record_role_state(scope, row, False, reason)
        case Rejected(reason=reason):
            _record_role_state(scope, row, None, reason)
            told = Message("role.refused" if give else "role.kept", {"account": channel.name})
            cause = f"role:{channel.id}:{'give' if give else 'take'}"
            notices.put(scope, told, cause=cause, urgent=not give, creator_id=channel.creator_id)
        case Retry(after=after):
            return max(after, min(scope.now - row.since, AT_LAST))
        case Reauthorize() | Disconnected():
            # The account has a notice; the role is tried again after it is connected again.
            return None
        case _:
            raise TypeError(f"a role ends in {type(end).__name__}")
    return timedelta(0) if row.wanted is not give else None


def _record_role_state(
    scope: Scope, row: ReaderRoleRow, stands: bool | None, reason: Message | None
) -> None:
    """Record the state of a role, and delete a row that is not wanted and certainly removed."""
    if stands is False and not row.wanted:
        scope.run(
            "DELETE FROM fan_roles WHERE tenant_id = :tenant AND id = :id",
            tenant=scope.tenant_id,
            id=row.id,
        )
        return
    scope.run(
        "UPDATE fan_roles SET stands = :stands, reason = CAST(:reason AS jsonb), updated_at = "
        "house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=row.id,
        stands=stands,
        reason=canonical_json(reason.to_json()).decode() if reason is not None else None,
    )


def _clear_role_refusals(scope: Scope, channel_id: UUID) -> None:
    """Clear the refusals of an account after a success, so that the refused rows are tried
    again."""
    for what in ("give", "take"):
        notices.close(scope, f"role:{channel_id}:{what}")
    freed = scope.run(
        "UPDATE fan_roles SET reason = NULL, updated_at = house_now() WHERE tenant_id = :tenant"
        " AND channel_id = :channel AND reason IS NOT NULL AND reason ->> 'code' <> :away",
        tenant=scope.tenant_id,
        channel=channel_id,
        away=READER_NOT_THERE,
    )
    if freed.rowcount:
        _enqueue_due_roles(scope, channel_id)


def _lock_role_row(scope: Scope, row_id: UUID) -> ReaderRoleRow | None:
    """Return a row, locked until the transaction ends."""
    return scope.session.exec(
        select(ReaderRoleRow)
        .where(ReaderRoleRow.tenant_id == scope.tenant_id, col(ReaderRoleRow.id) == row_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


_BEARING = """
SELECT channel_id, count(*) FILTER (WHERE stands) AS borne,
  count(*) FILTER (WHERE reason ->> 'code' = :away) AS away,
  (array_agg(reason ORDER BY updated_at DESC) FILTER (WHERE reason ->> 'code' <> :away))[1] AS
  refused
FROM fan_roles WHERE tenant_id = :tenant GROUP BY channel_id
"""


def role_status_by_channel(scope: Scope) -> dict[UUID, RoleStatus]:
    """Return the status of the roles of every account."""
    rows = scope.run(_BEARING, tenant=scope.tenant_id, away=READER_NOT_THERE)
    return {
        row.channel_id: RoleStatus(
            row.borne, row.away, Message.from_json(row.refused) if row.refused else None
        )
        for row in rows
    }


def roles_of_reader(scope: Scope, channel_id: UUID, user_id: str) -> list[dict[str, object]]:
    """Return the stored roles of a reader, for a data export."""
    rows = scope.run(
        "SELECT r.role, r.wanted, r.stands, r.since FROM fan_roles r"  # noqa: S608  a constant
        " WHERE r.tenant_id = :tenant AND r.user_id = :user"
        f" AND r.channel_id IN ({_INBOX}:channel) ORDER BY r.since",
        tenant=scope.tenant_id,
        channel=channel_id,
        user=user_id,
    )
    return [dict(row) for row in rows.mappings()]
