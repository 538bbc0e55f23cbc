"""Whether an account may send now: its state, the platform's 429, and the brake while the platform is down."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from channels.events import ChannelProbe
from channels.reads import Channel
from channels.states import ChannelState
from connectors.answers import retry_after
from connectors.contract import Answer, Response, StepAnswerLost, StepNotSent
from foundation import outbox
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.ids import uuid7
from foundation.words import Message

LOOK_AGAIN = timedelta(seconds=60)
"""When to ask again about an account that waits for a person."""

RENEWED_IN = timedelta(seconds=2)
"""When to ask again about an account whose token is being renewed."""

BRAKE = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 10, 20, 30))
"""From a failure to the next probe, by failures in a row; the last one repeats."""

REFUSED_FOR, REFUSED_AT_MOST = timedelta(seconds=60), timedelta(hours=1)
"""After a 429 that does not say how long: doubled at each one in a row, up to an hour."""

_REFUSED = """
INSERT INTO rate_buckets (tenant_id, id, channel_id, refusals, failures) VALUES (:tenant, :id, :channel, 1, 0)
ON CONFLICT (tenant_id, channel_id) DO UPDATE SET refusals = rate_buckets.refusals + 1, updated_at = house_now()
RETURNING refusals
"""

_FAILED_CREATING = """
INSERT INTO rate_buckets (tenant_id, id, channel_id, refusals, failures) VALUES (:tenant, :id, :channel, 0, 1)
ON CONFLICT (tenant_id, channel_id) DO UPDATE SET failures = rate_buckets.failures + 1, updated_at = house_now()
RETURNING failures
"""

_FAILED_READING = """
UPDATE rate_buckets SET failures = failures + 1, updated_at = house_now()
WHERE tenant_id = :tenant AND channel_id = :channel AND failures > 0
RETURNING failures
"""

OK_EVERY = timedelta(seconds=5)
"""`last_ok_at` is written at most this often: a busy chat need not lock its account's row for each answer."""


@dataclass(frozen=True)
class Blocked:
    """Nothing may leave by this account before `until`; then it is worth asking again."""

    until: datetime
    reason: Message


def take(scope: Scope, channel: Channel) -> Blocked | None:
    """Lock the channel for this claim and say whether it may send now.

    Called after the gate's epochs and before the subject is locked (lock order of the house). The brake stays on
    until a harmless read succeeds, so that a platform that is down costs one doubtful post, not all of them.
    Raises NotFound.
    """
    row = scope.run(
        "SELECT state, paused_until FROM channels WHERE tenant_id = :tenant AND id = :id FOR NO KEY UPDATE",
        tenant=scope.tenant_id,
        id=channel.id,
    ).one_or_none()
    if row is None:
        raise NotFound("channel.unknown")
    blocked = _rests(scope, channel, ChannelState(row.state), row.paused_until)
    if blocked is None and channel.awaits_renewal(scope.now):
        blocked = Blocked(scope.now + RENEWED_IN, Message("channel.renewing"))
    return blocked if blocked is not None else limit(scope, channel.id, brake=True)


def limit(scope: Scope, channel_id: UUID, *, brake: bool) -> Blocked | None:
    """What holds the account back: the platform's own wait and, where `brake` counts, ours. Reads ignore the brake."""
    row = scope.run(
        "SELECT blocked_until, braked_until, failures FROM rate_buckets WHERE tenant_id = :tenant AND channel_id = :id",
        tenant=scope.tenant_id,
        id=channel_id,
    ).one_or_none()
    if row is None:
        return None
    if row.blocked_until is not None and row.blocked_until > scope.now:
        return Blocked(row.blocked_until, Message("channel.rate_limited"))
    if brake and row.failures > 0:
        return Blocked(max(row.braked_until, scope.now + BRAKE[0]), Message("channel.platform_down"))
    return None


def note(scope: Scope, channel_id: UUID, answer: Answer, *, creates: bool) -> None:
    """Learn from an answer: a 429 waits, a doubtful creating request brakes, a success lets go.

    `creates`: the request makes something visible. What never left the house teaches nothing about the platform.
    """
    match answer:
        case StepNotSent():
            return
        case Response(status=429):
            _wait(scope, channel_id, answer)
        case Response() if answer.ok:
            _let_go(scope, channel_id)
        case StepAnswerLost():
            _fail(scope, channel_id, creates=creates)
        case Response(status=status) if status >= 500 or status == 408:
            _fail(scope, channel_id, creates=creates)
        case Response(status=status) if status >= 400 and not creates:
            release(scope, channel_id)  # a refusal is an answer: the platform is up
        case _:
            return  # a refusal is about the content or the token; an unreadable success teaches nothing


def release(scope: Scope, channel_id: UUID) -> None:
    """Let go of the brake without proof: for platforms that offer nothing harmless to read."""
    scope.run(
        "UPDATE rate_buckets SET failures = 0, braked_until = NULL, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
    )


def _rests(scope: Scope, channel: Channel, state: ChannelState, until: datetime | None) -> Blocked | None:
    if state == ChannelState.ACTIVE:
        return None
    if state == ChannelState.PAUSED and until is not None and until <= scope.now:
        scope.run(
            "UPDATE channels SET state = 'active', reason = NULL, paused_until = NULL, updated_at = house_now()"
            " WHERE tenant_id = :tenant AND id = :id",
            tenant=scope.tenant_id,
            id=channel.id,
        )
        return None
    again = until if state == ChannelState.PAUSED and until is not None else scope.now + LOOK_AGAIN
    return Blocked(again, Message(f"channel.is_{state}", {"account": channel.name}))


def _wait(scope: Scope, channel_id: UUID, answer: Response) -> None:
    """Wait as long as they ask; a 429 that says nothing doubles the wait each time."""
    nothing = timedelta(0)
    asked = retry_after(answer.headers, nothing)
    refusals = scope.run(_REFUSED, tenant=scope.tenant_id, id=uuid7(), channel=channel_id).scalar_one()
    wait = asked if asked > nothing else min(REFUSED_FOR * 2 ** min(refusals - 1, 10), REFUSED_AT_MOST)
    scope.run(
        "UPDATE rate_buckets SET blocked_until = greatest(blocked_until, :until)"
        " WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
        until=scope.now + wait,
    )


def _fail(scope: Scope, channel_id: UUID, *, creates: bool) -> None:
    """A creating request in doubt puts the brake on; a failing read only keeps it on longer."""
    statement = _FAILED_CREATING if creates else _FAILED_READING
    ids = {"tenant": scope.tenant_id, "channel": channel_id} | ({"id": uuid7()} if creates else {})
    failures = scope.run(statement, **ids).scalar_one_or_none()
    if failures is None:
        return
    until = scope.now + BRAKE[min(failures, len(BRAKE)) - 1]
    scope.run(
        "UPDATE rate_buckets SET braked_until = :until WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
        until=until,
    )
    outbox.put(scope, ChannelProbe(scope.tenant_id, channel_id), at=until, dedupe=f"probe:{channel_id}")


_LET_GO = """
WITH fresh AS (UPDATE channels SET last_ok_at = :now WHERE tenant_id = :tenant AND id = :channel
  AND (last_ok_at IS NULL OR last_ok_at < :stale) RETURNING id), told AS (SELECT count(*) FROM fresh)
UPDATE rate_buckets SET failures = 0, refusals = 0, braked_until = NULL, updated_at = house_now() FROM told
WHERE tenant_id = :tenant AND channel_id = :channel AND (failures > 0 OR refusals > 0)
"""
"""The account before its bucket, as everywhere: the bucket is joined with what the account's row gave."""


def _let_go(scope: Scope, channel_id: UUID) -> None:
    scope.run(_LET_GO, tenant=scope.tenant_id, channel=channel_id, now=scope.now, stale=scope.now - OK_EVERY)
