"""Blocks of an account: its state, rate limits of the platform, and the brake while the platform is
unavailable."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.limits import app_limits, request_costs, shared_quota
from channels.sending.events import BrakeProbeDue
from connectors.contract.connector import Response, StepAnswerLost, StepNotSent, StepResult
from connectors.shared.http_responses import (
    CONNECT_ERRORS,
    is_app_wide_limit,
    is_chat_limit,
    is_endpoint_limit,
    stated_status,
)
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops.clock import monotonic
from foundation.outbox import outbox
from gate.contract.units import Subject

BLOCK_RECHECK = timedelta(seconds=60)
"""Delay before an account that waits for a member is checked again."""

RENEWED_IN = timedelta(seconds=2)
"""Delay before an account whose token is being renewed is checked again."""

BRAKE_DELAYS = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 10, 20, 30))
"""Delays from a failure to the next probe, by consecutive failures; `next_probe_delay` continues
them."""

PROBE_AFTER = timedelta(minutes=2)
"""Maximum delay between two probes."""

MIN_WRITE_DELAY = timedelta(seconds=30)
MAX_WRITE_DELAY = timedelta(minutes=5)
"""Initial and maximum delay before the next write after consecutive failed writes, although reads
succeeded; it doubles with each failure. A successful read shows that a platform is available, not
that it accepts posts."""

PLATFORM_DOWN = Message("channel.platform_down")
"""Reason of a block by the brake."""

_LIMIT = """
SELECT c.id, b.kept_until, b.blocked_until, b.braked_until, b.failures, b.writes_after,
  a.blocked_until AS app_blocked, a.braked_until AS app_braked
FROM channels c LEFT JOIN rate_buckets b ON b.tenant_id = c.tenant_id AND b.channel_id = c.id
  LEFT JOIN app_limits a ON a.tenant_id = :house AND a.id = c.app_key
WHERE c.tenant_id = :tenant AND c.id = """

_REFUSED = """
INSERT INTO rate_buckets (tenant_id, id, channel_id, refusals, failures) VALUES (:tenant, :id,
:channel, 1, 0)
ON CONFLICT (tenant_id, channel_id) DO UPDATE SET refusals = rate_buckets.refusals + 1,
updated_at = house_now()
RETURNING refusals
"""

_FAILED_CREATING = """
INSERT INTO rate_buckets (tenant_id, id, channel_id, refusals, failures, failed_at,
write_failures) VALUES (:tenant, :id, :channel, 0, 1, :now, :writes)
ON CONFLICT (tenant_id, channel_id) DO UPDATE SET failures = rate_buckets.failures + 1,
failed_at = :now, write_failures = rate_buckets.write_failures + :writes, updated_at = house_now()
RETURNING failures, write_failures
"""

_FAILED_READING = """
UPDATE rate_buckets SET failures = failures + 1, failed_at = :now, updated_at = house_now()
WHERE tenant_id = :tenant AND channel_id = :channel AND failures > 0
RETURNING failures, write_failures
"""

POST = "delivery"
"""Subject kind of a post on an account."""

ASKED_AGAIN = timedelta(minutes=5)
"""Interval at which posts that wait for a share of a quota check it again."""

OF_THE_ACCOUNT = 2
"""Number of consecutive refusals in chats with separate limits that count as a limit of the
account."""

OK_EVERY = timedelta(seconds=5)
"""Minimum time between two writes of `last_ok_at`, so that a busy chat does not lock the row of its
account for each response."""


@dataclass(frozen=True)
class SendingBlock:
    """A block of an account until `until`, after which it is worth checking again."""

    until: datetime
    reason: Message

    def wait_from(self, now: datetime) -> timedelta:
        """Return the delay before the next check.

        It is shorter than the block if other agencies may leave units unused, or the cap may be
        raised.
        """
        left = self.until - now
        sooner = (
            self.reason in (shared_quota.QUOTA_RESERVED, shared_quota.QUOTA_SHARED_OUT)
            or self.reason.code == request_costs.COST_CAP_REACHED
        )
        return min(left, ASKED_AGAIN) if sooner else left


def claim_send_slot(scope: Scope, channel: Channel, *, posts: bool = False) -> SendingBlock | None:
    """Lock the channel for a claim, and return the block if it may not send now.

    `posts` includes the limits of posts, from which replies and removals are exempt. Called after
    the epochs of the gate are locked and before the subject is (lock order of the system). The
    brake remains on until a harmless read succeeds, so that an unavailable platform costs one
    uncertain delivery, not all of them. Raises NotFound.
    """
    row = scope.run(
        "SELECT state, paused_until FROM channels WHERE tenant_id = :tenant AND id = :id FOR NO "
        "KEY UPDATE",
        tenant=scope.tenant_id,
        id=channel.id,
    ).one_or_none()
    if row is None:
        raise NotFound("channel.unknown")
    blocked = _state_block(scope, channel, ChannelState(row.state), row.paused_until)
    if blocked is None and channel.awaits_renewal(scope.now):
        blocked = SendingBlock(scope.now + RENEWED_IN, Message("channel.renewing"))
    if blocked is not None:
        return blocked
    return post_block(scope, channel) if posts else send_block(scope, channel.id, brake=True)


def post_block(scope: Scope, channel: Channel) -> SendingBlock | None:
    """Return the block of the posts of an account: a block of everything, or a used-up reserve or
    share."""
    held = send_block(scope, channel.id, brake=True, posts=True)
    if held is not None:
        return held
    short = shared_quota.quota_wait(scope, channel)
    return SendingBlock(*short) if short is not None else None


def expected_block(channel: Channel, held: SendingBlock | None, at: datetime) -> Message | None:
    """Return the reason why an account could not send at a time, as far as it is known now; `held`
    is its `send_block`, including the brake. Pure."""
    back = channel.paused_until is not None and channel.paused_until <= at
    if channel.state != ChannelState.ACTIVE and not back:
        return Message(f"channel.is_{channel.state}", {"account": channel.name})
    return held.reason if held is not None and held.until > at else None


def send_block(
    scope: Scope, channel_id: UUID, *, brake: bool, posts: bool = False, writes: bool = True
) -> SendingBlock | None:
    """Return the block of the account, or of its whole application: the delay requested by the
    platform and, with `brake`, our brake.

    Reads ignore the brake, or at least that of writes (`writes` False), which reads do not release.
    The reserve for replies and removals blocks `posts` only.
    """
    row = scope.run(
        f"{_LIMIT}:id", house=INSTALLATION_ID, tenant=scope.tenant_id, id=channel_id
    ).one_or_none()
    return (
        _find_block(scope, row, brake=brake, posts=posts, writes=writes)
        if row is not None
        else None
    )


def send_blocks(
    scope: Scope, channels: Collection[UUID], *, brake: bool, posts: bool = False
) -> dict[UUID, SendingBlock]:
    """Return the blocks of several accounts in one statement. Accounts without a block are
    absent."""
    rows = (
        scope.run(
            f"{_LIMIT}ANY(:ids)", house=INSTALLATION_ID, tenant=scope.tenant_id, ids=list(channels)
        )
        if channels
        else ()
    )
    found = {row.id: _find_block(scope, row, brake=brake, posts=posts) for row in rows}
    return {channel_id: held for channel_id, held in found.items() if held is not None}


def _find_block(
    scope: Scope, row: Any, *, brake: bool, posts: bool, writes: bool = True
) -> SendingBlock | None:
    if row.app_blocked is not None and row.app_blocked > max(
        scope.now, row.blocked_until or scope.now
    ):
        return SendingBlock(row.app_blocked, Message("channel.app_limited"))
    if row.blocked_until is not None and row.blocked_until > scope.now:
        return SendingBlock(row.blocked_until, Message("channel.rate_limited"))
    if brake and row.failures:
        return SendingBlock(max(row.braked_until, scope.now + BRAKE_DELAYS[0]), PLATFORM_DOWN)
    if brake and row.app_braked is not None and row.app_braked > scope.now:
        return SendingBlock(scope.now + BRAKE_DELAYS[0], PLATFORM_DOWN)
    if brake and writes and row.writes_after is not None and row.writes_after > scope.now:
        return SendingBlock(row.writes_after, PLATFORM_DOWN)
    if posts and row.kept_until is not None and row.kept_until > scope.now:
        return SendingBlock(row.kept_until, shared_quota.QUOTA_RESERVED)
    return None


def record_answer(
    scope: Scope,
    channel_id: UUID,
    answer: StepResult,
    *,
    creates: bool,
    of: Subject | None = None,
    in_chat: bool = False,
    words: str = "",
) -> None:
    """Update the limits of an account after a response: a 429 blocks, an uncertain creating request
    brakes, and a success releases the brake if its request was sent after the last failure. Quotas
    and costs are recorded too.

    Args:
        creates: the request creates visible content, or was to precede one that does and was not
        sent.
        of: the subject; the units of a post were taken at its claim.
        in_chat: the request was for one viewer, whose lane waits. If the platform limits each chat
        separately, the account is blocked only after another refusal without a success in between.
        Limits of a single endpoint do not block the account.
        words: the text, which determines the price.

    An unreachable host brakes like a missing response; other requests that were not sent have no
    effect.
    """
    place = _apply_answer(scope, channel_id, answer, creates=creates, in_chat=in_chat)
    platform = shared_quota.record_quota_use(
        scope, channel_id, answer, post=of is not None and of.kind == POST, place=place
    )
    request_costs.record_costs(scope, channel_id, platform, answer, words)


def _apply_answer(
    scope: Scope, channel_id: UUID, answer: StepResult, *, creates: bool, in_chat: bool
) -> shared_quota.AppAccount | None:
    """Apply a response to the limits. Return the application of the account if it was read here."""
    if isinstance(answer, Response) and is_app_wide_limit(answer):
        app_limits.record_app_refusal(scope, channel_id, answer)
    match answer, stated_status(answer) if isinstance(answer, Response) else 0:
        case StepNotSent(detail=detail), _:
            if detail in CONNECT_ERRORS:
                _record_failure(scope, channel_id, creates=creates, sent=False)
        case Response(), 429 if is_endpoint_limit(answer):
            pass  # The caller waits; other uses of the account have separate limits.
        case Response(), 429:
            _record_rate_refusal(scope, channel_id, answer, alone=in_chat and is_chat_limit(answer))
        case Response(), status if answer.is_success and status < 400:
            asked_at = _request_time(scope, answer)
            return _clear_brake(scope, channel_id, asked_at=asked_at, creates=creates)
        case StepAnswerLost(), _:
            _record_failure(scope, channel_id, creates=creates)
        case Response(), status if status >= 500 or status == 408:
            _record_failure(scope, channel_id, creates=creates)
        case Response(), status if status >= 400 and not creates:
            # A refusal is a response: the platform is available.
            release_brake(scope, channel_id, asked_at=_request_time(scope, answer))
        case _:
            # A refusal concerns the content or the token; an unreadable success proves nothing.
            pass
    return None


def next_probe_delay(failures: int) -> timedelta:
    """Return the delay from a failure to the next probe.

    After some minutes it is about an eighth of the duration of the outage.
    """
    grown = 1.1 ** min(max(failures - 2 * len(BRAKE_DELAYS), 0), 20)
    return min(BRAKE_DELAYS[min(failures, len(BRAKE_DELAYS)) - 1] * grown, PROBE_AFTER)


def next_write_delay(failures: int) -> timedelta | None:
    """Return the delay after consecutive failed writes before the next one, or None if a read
    decides."""
    if failures < 2:
        return None
    return min(MIN_WRITE_DELAY * 2.0 ** min(failures - 2, 10), MAX_WRITE_DELAY)


def release_brake(scope: Scope, channel_id: UUID, *, asked_at: datetime | None = None) -> None:
    """Release the brake: unconditionally for platforms without a harmless read, or after a response
    to a request sent at `asked_at` (UTC-aware), if that is later than the last failure."""
    scope.run(
        "UPDATE rate_buckets SET failures = 0, braked_until = NULL, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND channel_id = :channel"
        " AND (CAST(:asked AS timestamptz) IS NULL OR failed_at IS NULL OR failed_at <= :asked)",
        tenant=scope.tenant_id,
        channel=channel_id,
        asked=asked_at,
    )


def release_write_brake(scope: Scope, channel_id: UUID) -> None:
    """Release the brake of writes, because one of the failed writes was accepted after all."""
    scope.run(
        "UPDATE rate_buckets SET write_failures = 0, writes_after = NULL, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND channel_id = :channel AND write_failures > 0",
        tenant=scope.tenant_id,
        channel=channel_id,
    )


def _request_time(scope: Scope, answer: Response) -> datetime:
    """Return the time at which a request was sent, by the system clock; now for a stored
    response."""
    if answer.started is None:
        return scope.now
    return scope.now - timedelta(seconds=max(monotonic() - answer.started, 0.0))


def _state_block(
    scope: Scope, channel: Channel, state: ChannelState, until: datetime | None
) -> SendingBlock | None:
    if state == ChannelState.ACTIVE:
        return None
    if state == ChannelState.PAUSED and until is not None and until <= scope.now:
        scope.run(
            "UPDATE channels SET state = 'active', reason = NULL, paused_until = NULL, updated_at "
            "= house_now()"
            " WHERE tenant_id = :tenant AND id = :id",
            tenant=scope.tenant_id,
            id=channel.id,
        )
        return None
    again = (
        until if state == ChannelState.PAUSED and until is not None else scope.now + BLOCK_RECHECK
    )
    return SendingBlock(again, Message(f"channel.is_{state}", {"account": channel.name}))


def _record_rate_refusal(scope: Scope, channel_id: UUID, answer: Response, *, alone: bool) -> None:
    refusals = scope.run(
        _REFUSED, tenant=scope.tenant_id, id=uuid7(), channel=channel_id
    ).scalar_one()
    # The first refusal in a chat blocks only that chat, whose lane waits.
    if alone and refusals < OF_THE_ACCOUNT:
        return
    scope.run(
        "UPDATE rate_buckets SET blocked_until = greatest(blocked_until, :until)"
        " WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
        until=scope.now + app_limits.refusal_wait(answer, refusals),
    )


def _record_failure(scope: Scope, channel_id: UUID, *, creates: bool, sent: bool = True) -> None:
    """Turn the brake on and schedule its probe after an uncertain creating request; a failed read
    only extends it. Only requests that were `sent` count as failed writes."""
    statement = _FAILED_CREATING if creates else _FAILED_READING
    ids = {"tenant": scope.tenant_id, "channel": channel_id, "now": scope.now}
    row = scope.run(
        statement, **ids, **({"id": uuid7(), "writes": int(sent)} if creates else {})
    ).one_or_none()
    if row is None:
        return
    failures = row.failures
    until = scope.now + next_probe_delay(failures)
    writes = next_write_delay(row.write_failures) if creates else None
    scope.run(
        "UPDATE rate_buckets SET braked_until = :until, writes_after = greatest(writes_after, "
        "CAST(:writes AS timestamptz)) WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
        until=until,
        writes=scope.now + writes if writes is not None else None,
    )
    # No dedupe: the probe that just released the brake may still count as running.
    if failures == 1:
        outbox.put(
            scope, BrakeProbeDue(scope.tenant_id, channel_id), at=until, instead_of=BrakeProbeDue
        )
    app_limits.record_app_failure(scope, channel_id, creates=creates, probed_at=until)


_LET_GO = """
WITH fresh AS (UPDATE channels SET last_ok_at = :now WHERE tenant_id = :tenant AND id = :channel
  AND (last_ok_at IS NULL OR last_ok_at < :stale) RETURNING id), told AS (SELECT count(*) FROM
  fresh),
freed AS (UPDATE rate_buckets SET failures = 0, refusals = 0, braked_until = NULL,
  write_failures = CASE WHEN :creates THEN 0 ELSE write_failures END,
  writes_after = CASE WHEN :creates THEN NULL ELSE writes_after END, updated_at = house_now()
  FROM told
  WHERE tenant_id = :tenant AND channel_id = :channel AND (failures > 0 OR refusals > 0
    OR :creates AND write_failures > 0) AND (failed_at IS NULL OR failed_at <= :asked))
SELECT c.platform, c.app_key, a.id AS held FROM channels c LEFT JOIN app_limits a ON a.tenant_id
= :house
  AND a.id = c.app_key AND (a.braked_until IS NOT NULL OR a.blocked_until <= :now)
WHERE c.tenant_id = :tenant AND c.id = :channel
"""
"""Lock the account before its bucket, as everywhere: the bucket is joined with the result for the
account."""


def _clear_brake(
    scope: Scope, channel_id: UUID, *, asked_at: datetime, creates: bool
) -> shared_quota.AppAccount:
    ours = {"house": INSTALLATION_ID, "tenant": scope.tenant_id, "channel": channel_id}
    asked = {"asked": asked_at, "creates": creates}
    row = scope.run(_LET_GO, **ours, **asked, now=scope.now, stale=scope.now - OK_EVERY).one()
    if row.held is not None:
        app_limits.release_app_brake(scope, row.held, asked_at=asked_at)
    return shared_quota.AppAccount(row.platform, row.app_key)
