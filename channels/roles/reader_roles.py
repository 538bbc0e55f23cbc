"""The role that readers bear on a platform, of proven age or subscribed: who should, who does, and
making the one the other. Where people ask to be let in, being inside is such a role.

It opens nothing with us. A row says what is wanted of one reader; it is unknown whether they bear
the role from just before it is asked for until an answer came, so a crash or a lost answer is
followed by the same harmless request.
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
from connectors.contract.reader_roles import READER_NOT_THERE, SupportsReaderRoles
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
"""Between two tries while the platform does not answer: growing with how long it did not."""


@dataclass(frozen=True)
class RoleGiver:
    """An account that gives `role` to readers with a right to it ("": none any more), and those it
    hears them with."""

    channel_id: UUID
    platform: str
    role: str
    inbox: tuple[UUID, ...]
    paying: bool = False
    """Whether it is given to those who pay for a subscription on the account."""
    adult: bool = True
    """Whether their age must be proven."""


@dataclass(frozen=True)
class RoleStatus:
    """How many bear an account's role, how many will once they are there, and what stands in the
    way of any other."""

    borne: int
    away: int
    refused: Message | None


NO_ROLE_STATUS = RoleStatus(0, 0, None)

_INBOX = """
SELECT o.id FROM channels o JOIN channels c ON c.tenant_id = o.tenant_id AND (c.id = o.id OR
c.app_key = o.app_key)
WHERE o.tenant_id = :tenant AND c.id = """
"""The accounts of one application: who writes to it is heard by one of them."""

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
    """The accounts that give a role, or gave one that is still to be taken."""
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
"""Of whom nothing is wanted and who surely bears nothing."""

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
"""Where the platform refuses, one of them tries again for all."""


def set_eligible_readers(
    scope: Scope, giver: RoleGiver, readers: Collection[str], *, only: str = ""
) -> None:
    """Have these readers, and nobody else, bear the role of an account; `only` one of them is
    looked at, "" for all.

    What is so already is left alone; who was refused is tried again, one for all.
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
    """Take the role, by whichever account, from a reader that this account heard: they are to be
    forgotten."""
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
    """Want nothing any more of anybody but these readers, or of this one reader; then have done
    what is due."""
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
    """A reader showed up in the chat of an account: who was not there may be now. `anyway`: also
    who has the role, as far as we know; somebody who left and came back lost it. Whether there is
    something to give them."""
    asked = {"tenant": scope.tenant_id, "channel": channel_id, "user": user_id}
    found = scope.run(_AGAIN, anyway=anyway, away=READER_NOT_THERE, **asked).scalars().all()
    for each in dict.fromkeys(found):
        _enqueue_due_roles(scope, each, only=user_id)
    return bool(found)


def deny_role(scope: Scope, giver: RoleGiver, user_id: str) -> None:
    """Somebody asks for the role of an account who may never bear it: what they ask for is refused,
    what they bear taken."""
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
    """Give one reader the role, or take it, as is wanted now. Raises `outbox.RetryLater` where it
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
        if waits is None:
            _record_role_state(scope, row, None, None)  # from here on it may be either way
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
        return ControlOrder(event.tenant_id, channel.id, action)

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
    """Nobody is given anything by an account that rests; taking back knows no rest."""
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
    """Write what came of it; when to come back, None where there is nothing to come back for."""
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
            return timedelta(0)  # they showed up while the platform was asked
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
            return None  # the account is told of; once it is connected again, so is this
        case _:
            raise TypeError(f"a role ends in {type(end).__name__}")
    return timedelta(0) if row.wanted is not give else None


def _record_role_state(
    scope: Scope, row: ReaderRoleRow, stands: bool | None, reason: Message | None
) -> None:
    """A row that wants nothing any more and has nothing left to take goes."""
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
    """The platform does it again: so it does for those it refused."""
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
    """A row as it stands, nobody else changes it until the transaction ends."""
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
    """How the roles of every account stand."""
    rows = scope.run(_BEARING, tenant=scope.tenant_id, away=READER_NOT_THERE)
    return {
        row.channel_id: RoleStatus(
            row.borne, row.away, Message.from_json(row.refused) if row.refused else None
        )
        for row in rows
    }


def roles_of_reader(scope: Scope, channel_id: UUID, user_id: str) -> list[dict[str, object]]:
    """What is kept of a reader's roles, for the reader."""
    rows = scope.run(
        "SELECT r.role, r.wanted, r.stands, r.since FROM fan_roles r"  # noqa: S608  a constant
        " WHERE r.tenant_id = :tenant AND r.user_id = :user"
        f" AND r.channel_id IN ({_INBOX}:channel) ORDER BY r.since",
        tenant=scope.tenant_id,
        channel=channel_id,
        user=user_id,
    )
    return [dict(row) for row in rows.mappings()]
