"""Tokens of accounts: the current pair, the claim of its renewal, and the number of renewals
without a usable response.

A renewal is claimed by compare-and-set and recorded before any request is sent. If the process
dies, another worker takes the claim over when its lease expires and counts the earlier try as
failed. The refresh token is then used again, although the platform may have consumed it: only the
platform's answer proves that, and without the lost successor nothing is left to protect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from channels.connections.events import TokenRenewalDue
from connectors.contract.connector import RenewedTokens
from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.sealed import Sealed

MIN_TOKEN_AGE = timedelta(minutes=5)
"""Age below which a refused pair cannot have expired. Platforms sometimes refuse valid tokens, so
the pair is renewed or tried again; if it is refused again within this time, it is invalid."""

MIN_REFUSAL_INTERVAL = timedelta(seconds=1)
"""Minimum time between two refusals that count separately; closer ones may answer concurrent
requests."""

RENEWAL_LEASE = timedelta(seconds=45)
"""Time after which another worker may take over a renewal; longer than the deadline of its request.
"""

_DUE = (
    "(t.refused = t.generation"
    " OR t.expires_at - (t.expires_at - coalesce(t.since, t.expires_at - interval '1 hour')) * "
    "0.2 <= :now)"
)
"""SQL condition: the platform refused the token, or 80 % of its lifetime has passed."""

_FREE = "(t.refresh_state = 'idle' OR t.refresh_until <= :now)"

_KEEP = """
INSERT INTO tokens (tenant_id, id, channel_id, box, refresh_box, expires_at, since, generation,
refresh_state)
SELECT :tenant, :id, :channel, :box, :refresh, :expires, :now, coalesce(CAST(options ->> 'forgot'
AS int), 0) + 1,
  'idle'
FROM channels WHERE tenant_id = :tenant AND id = :channel
ON CONFLICT (tenant_id, channel_id) DO UPDATE SET box = EXCLUDED.box, refresh_box =
EXCLUDED.refresh_box,
  expires_at = EXCLUDED.expires_at, since = EXCLUDED.since, generation = tokens.generation + 1,
  refresh_state = 'idle', refresh_until = NULL, refused = 0, refused_at = NULL, doubts = 0,
  doubted_at = NULL, updated_at = house_now()
"""

_FORGET = """
WITH ended AS (DELETE FROM tokens WHERE tenant_id = :tenant AND channel_id = :channel RETURNING
generation)
UPDATE channels SET options = options || jsonb_build_object('forgot', ended.generation),
updated_at = house_now()
FROM ended WHERE tenant_id = :tenant AND id = :channel
"""
"""The generation of the deleted pair is retained, because responses to requests with it may still
arrive after the next pair."""

_CLAIM = f"""
UPDATE tokens t SET refresh_state = 'asking', refresh_until = :until,
  doubts = t.doubts + CASE WHEN t.refresh_state = 'asking' THEN 1 ELSE 0 END,
  doubted_at = CASE WHEN t.refresh_state = 'asking' THEN coalesce(t.doubted_at, t.refresh_until)
  ELSE t.doubted_at END
WHERE t.tenant_id = :tenant AND t.channel_id = :channel AND t.refresh_box IS NOT NULL
  AND ({_DUE} OR t.expires_at < CAST(:outlive AS timestamptz)) AND {_FREE}
RETURNING t.generation, t.doubts
"""  # noqa: S608  our own conditions

_WANTED = f"""
SELECT t.channel_id FROM tokens t JOIN channels c ON c.tenant_id = t.tenant_id AND c.id =
t.channel_id
WHERE t.tenant_id = :tenant AND t.refresh_box IS NOT NULL AND c.state IN ('active', 'paused') AND
{_DUE} AND {_FREE}
ORDER BY t.channel_id
"""  # noqa: S608  our own conditions

_STORE = """
UPDATE tokens SET box = :box, refresh_box = coalesce(:refresh, refresh_box), expires_at =
:expires, since = :now,
  generation = generation + 1, refresh_state = 'idle', refresh_until = NULL, doubts = 0,
  doubted_at = NULL, updated_at = house_now()
WHERE tenant_id = :tenant AND channel_id = :channel AND generation = :generation
"""

_LET_GO = """
UPDATE tokens SET refresh_state = 'idle', refresh_until = NULL, doubts = doubts + 1,
  doubted_at = coalesce(doubted_at, :now)
WHERE tenant_id = :tenant AND channel_id = :channel AND generation = :generation
RETURNING doubts
"""


@dataclass(frozen=True)
class RenewalClaim:
    """A claimed renewal. `failures` counts the consecutive earlier ones without new tokens."""

    channel_id: UUID
    generation: int
    failures: int
    asked_at: datetime


def store_credentials(
    scope: Scope,
    channel_id: UUID,
    token: Sealed,
    refresh: Sealed | None,
    expires_at: datetime | None,
) -> None:
    """Store the credentials of a new connection in place of the old ones. `expires_at` is
    UTC-aware."""
    scope.run(
        _KEEP,
        tenant=scope.tenant_id,
        id=uuid7(),
        channel=channel_id,
        box=token.box,
        refresh=refresh.box if refresh is not None else None,
        expires=expires_at,
        now=scope.now,
    )


def delete_credentials(scope: Scope, channel_id: UUID) -> None:
    """Delete the credentials of an account, and mark its webhook subscription as off, so that the
    next connection subscribes again."""
    mine = {"tenant": scope.tenant_id, "channel": channel_id}
    scope.run(_FORGET, **mine)
    scope.run(
        "UPDATE call_subscriptions SET state = 'off', generation = 0, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND channel_id = :channel",
        **mine,
    )


def schedule_due_renewals(scope: Scope) -> int:
    """Schedule the renewal of all tokens of the tenant that are due now; return their number."""
    due: Sequence[UUID] = scope.run(_WANTED, tenant=scope.tenant_id, now=scope.now).scalars().all()
    for channel_id in due:
        outbox.put(
            scope,
            TokenRenewalDue(scope.tenant_id, channel_id),
            priority=1,
            dedupe=f"refresh:{channel_id}",
        )
    return len(due)


def schedule_renewal_now(scope: Scope, channel_id: UUID) -> None:
    """Schedule the renewal of the tokens of an account at once, in place of a later one."""
    outbox.put(
        scope, TokenRenewalDue(scope.tenant_id, channel_id), priority=1, instead_of=TokenRenewalDue
    )


def schedule_renewal_before(scope: Scope, channel_id: UUID, until: datetime) -> None:
    """Schedule the renewal of the tokens of an account if they expire before `until`, because a
    post will need them."""
    event = TokenRenewalDue(scope.tenant_id, channel_id, until)
    outbox.put(scope, event, priority=1, dedupe=f"refresh:{channel_id}")


def lock_account(scope: Scope, channel_id: UUID) -> None:
    """Lock the account before its tokens, in the same order as connecting it does."""
    scope.run(
        "SELECT 1 FROM channels WHERE tenant_id = :tenant AND id = :id FOR NO KEY UPDATE",
        tenant=scope.tenant_id,
        id=channel_id,
    )


def claim_renewal(
    scope: Scope, channel_id: UUID, *, outlive: datetime | None = None
) -> RenewalClaim | None:
    """Claim the renewal of an account.

    Return None if it is not due, or another worker has claimed it. A token that expires before
    `outlive` is due at any age, because a post will need it.
    """
    row = scope.run(
        _CLAIM,
        tenant=scope.tenant_id,
        channel=channel_id,
        now=scope.now,
        until=scope.now + RENEWAL_LEASE,
        outlive=outlive,
    ).one_or_none()
    return (
        RenewalClaim(channel_id, row.generation, row.doubts, scope.now) if row is not None else None
    )


def renewal_claimed_until(scope: Scope, channel_id: UUID) -> datetime | None:
    """Return the end of another worker's claim on the renewal, or None."""
    until: datetime | None = scope.run(
        "SELECT refresh_until FROM tokens WHERE tenant_id = :tenant AND channel_id = :channel"
        " AND refresh_state = 'asking' AND refresh_until > :now",
        tenant=scope.tenant_id,
        channel=channel_id,
        now=scope.now,
    ).scalar()
    return until


def store_renewed_tokens(scope: Scope, claim: RenewalClaim, pair: RenewedTokens) -> bool:
    """Store the new pair.

    Return False if the pair was replaced since the claim. Without a new refresh token, the old one
    remains.
    """
    done = scope.run(
        _STORE,
        tenant=scope.tenant_id,
        channel=claim.channel_id,
        generation=claim.generation,
        box=pair.token.box,
        refresh=pair.refresh.box if pair.refresh is not None and pair.refresh.box else None,
        expires=claim.asked_at + pair.lifetime if pair.lifetime is not None else None,
        now=scope.now,
    )
    return bool(done.rowcount)


def release_renewal(scope: Scope, claim: RenewalClaim) -> int | None:
    """End a claim without a new pair.

    Return the number of consecutive failed renewals, or None if the pair was replaced since.
    """
    failures: int | None = scope.run(
        _LET_GO,
        tenant=scope.tenant_id,
        channel=claim.channel_id,
        generation=claim.generation,
        now=scope.now,
    ).scalar()
    return failures


def is_token_superseded(scope: Scope, channel_id: UUID, shown: int) -> bool:
    """Return True if the account has a newer pair than generation `shown`. The pair cannot change
    until the transaction ends."""
    lock_account(scope, channel_id)
    found = scope.run(
        "SELECT generation FROM tokens WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
    ).scalar()
    return found is not None and found > shown


def record_token_refusal(
    scope: Scope, channel_id: UUID, *, shown: int | None, repeated: bool = False
) -> Literal["renew", "again", "dead"]:
    """Record that the platform refused the token of generation `shown` (None if unknown).

    Return `renew` if its renewal is now due; `again` if another pair exists or is being requested,
    or if the token cannot be renewed and should be tried again (unless `repeated`); `dead` if
    neither helped and the account must be connected again.
    """
    lock_account(scope, channel_id)
    row = scope.run(
        "SELECT generation, refused, refused_at, since, refresh_box IS NOT NULL AS renewable"
        " FROM tokens WHERE tenant_id = :tenant AND channel_id = :channel FOR UPDATE",
        tenant=scope.tenant_id,
        channel=channel_id,
    ).one_or_none()
    if row is None:
        return "dead"
    # Without a generation, a young pair counts as newer than the refused one.
    young = row.since is not None and scope.now < row.since + MIN_TOKEN_AGE
    if row.generation > shown if shown is not None else young:
        return "again"
    recent = row.refused_at is not None and scope.now < row.refused_at + MIN_TOKEN_AGE
    if repeated and not row.renewable:
        return "dead"
    if row.refused == row.generation and (row.renewable or recent):
        at_once = recent and scope.now < row.refused_at + MIN_REFUSAL_INTERVAL
        return "again" if row.renewable or at_once else "dead"
    if row.renewable and young and recent and row.refused == row.generation - 1:
        return "dead"
    scope.run(
        "UPDATE tokens SET refused = generation, refused_at = :now"
        " WHERE tenant_id = :tenant AND channel_id = :channel",
        tenant=scope.tenant_id,
        channel=channel_id,
        now=scope.now,
    )
    return "renew" if row.renewable else "again"
