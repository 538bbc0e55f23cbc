"""Token renewal before expiry or after a refusal: one renewal at a time, and the new pair is stored
before it is used."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from channels.accounts import account_connectors, credentials, lifecycle, oauth_clients, queries
from channels.accounts.credentials import RenewalClaim
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.attempts import request_loop
from channels.connections import platform_limits
from channels.connections.events import AccountTestRequested, TokenRenewalDue
from channels.limits import send_limits
from connectors.contract import capability_overrides
from connectors.contract.connector import (
    Connector,
    OAuthClient,
    RefreshGrant,
    RenewedTokens,
    Send,
    StepResult,
    SupportsTokenRefresh,
)
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.shared.http_responses import SHORT_RETRY
from connectors.shared.oauth import CLIENT_REFUSED
from connectors.transport.transport import AccountTarget, Transport
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.permit import AuthOrder

MAX_STEPS = 4
VERIFIED_FOR = timedelta(minutes=5)
"""Time after the last successful request of an account within which the refusal of a secondary
request does not indicate that the account is lost."""

MISSING_SCOPES = "oauth.scopes"
"""Message code of a token without a required scope. No check of the account can prove otherwise:
only its owner can grant the scope."""

VERIFICATION_WAIT = timedelta(seconds=60)
"""Delay before a refused request is repeated, so that the account can be verified first."""
AGAIN = timedelta(seconds=10)
AGAIN_AHEAD = timedelta(seconds=60)
"""Delays after the first failed renewal: while posts wait for it, and while the old token is still
valid. They double with each further failure."""

MAX_RENEWAL_DELAY = timedelta(minutes=5)
"""Maximum delay between failed renewals, however long the platform is unavailable."""


def apply_outcome_to_account(
    scope: Scope,
    channel: Channel,
    outcome: Outcome,
    *,
    shown: int | None = None,
    secondary: bool = False,
    repeated: bool = False,
) -> Outcome:
    """Apply an outcome to the account, before its subject is locked. Return the outcome for the
    subject.

    A refused token is renewed if possible, once, and the request repeated: the outcome becomes
    Retry. If the token is refused again, the account must be reauthorized; a lost account is
    recorded as gone. If a limit differs from the known one, the limits are read again.

    Args:
        shown: generation of the token that was used, or None if unknown.
        secondary: the request is neither a post nor a check of the account. Its outcome proves
        nothing about the account, so the account is verified first.
        repeated: the request was made twice in a row and refused both times.
    """
    match outcome:
        case Reauthorize(reason=reason):
            verdict = credentials.record_token_refusal(
                scope, channel.id, shown=shown, repeated=repeated
            )
            if verdict == "dead" and secondary and reason.code != MISSING_SCOPES:
                return _verify_before_stopping(scope, channel, reason)
            if verdict == "dead":
                lifecycle.require_reauthorization(scope, channel.id, reason)
                return outcome
            if verdict == "renew":
                credentials.schedule_renewal_now(scope, channel.id)
            return Retry(SHORT_RETRY, "account", Message("channel.renewing"))
        case Disconnected(reason=reason):
            if shown is not None and credentials.is_token_superseded(
                scope, channel.id, shown
            ):  # the refusal of a token from before the account was reconnected
                return Retry(SHORT_RETRY, "account", Message("channel.renewing"))
            if secondary:
                return _verify_before_stopping(scope, channel, reason)
            lifecycle.mark_gone(scope, channel.id, reason)
            return outcome
        case Rejected(reason=Message(code=capability_overrides.LIMIT_CHANGED)):
            platform_limits.request_limits(scope, channel.id)
            return outcome
        case _:
            return outcome


def _verify_before_stopping(scope: Scope, channel: Channel, reason: Message) -> Outcome:
    """Request a verification of the account. The request waits for it; if the account worked a
    moment ago, the refusal concerns only the request."""
    outbox.put(
        scope,
        AccountTestRequested(scope.tenant_id, channel.id),
        priority=1,
        dedupe=f"verify:{channel.id}",
    )
    verified_at = queries.get_channel(scope, channel.id).last_ok_at
    if verified_at is not None and scope.now - verified_at < VERIFIED_FOR:
        return Rejected(reason, permanent=False)
    return Retry(VERIFICATION_WAIT, "account", reason)


def renew_tokens(
    event: TokenRenewalDue,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    addresses: Mapping[str, str],
) -> None:
    """Get a new pair of tokens for an account, if one is due and no other worker has claimed the
    renewal.

    `addresses` are the base URLs of the platforms; `<platform>_auth` is that of a separate token
    server. No transaction is open during requests. Raises `outbox.RetryLater` if it must be tried
    again.
    """
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        waits = send_limits.send_block(scope, event.subject_id, brake=False)
        now = scope.now
        claim = (
            credentials.claim_renewal(scope, event.subject_id, outlive=event.outlive)
            if waits is None
            else None
        )
        until = (
            waits.until
            if waits is not None
            else credentials.renewal_claimed_until(scope, event.subject_id)
        )
        channel = queries.get_channel(scope, event.subject_id)
        client = oauth_clients.oauth_client_of_channel(scope, event.subject_id)
    if claim is None:
        if until is not None:
            raise outbox.RetryLater(until - now)
        return
    connector = account_connectors.connector_for(connectors, channel)
    end = _RenewalResult(Reauthorize(Message("channel.renewal_lost")))
    usable = channel.state in (ChannelState.ACTIVE, ChannelState.PAUSED)
    if usable and isinstance(connector, SupportsTokenRefresh):
        account = replace(
            queries.transport_account(channel),
            auth_url=addresses.get(f"{channel.platform}_auth", ""),
        )
        end = _request_renewal(account, client, connector, transport)
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        again = _record_renewal(scope, channel, claim, end)
    if again is not None:
        raise outbox.RetryLater(again)


@dataclass(frozen=True)
class _RenewalResult:
    """The result of a renewal with its responses."""

    end: RenewedTokens | Outcome
    answers: tuple[StepResult, ...] = ()


def _request_renewal(
    account: AccountTarget,
    client: OAuthClient | None,
    connector: SupportsTokenRefresh,
    transport: Transport,
) -> _RenewalResult:
    order = AuthOrder(account.tenant_id, account.channel_id)
    if account.refresh is None:  # A claim requires a refresh token.
        return _RenewalResult(Reauthorize(Message("channel.renewal_lost")))
    grant = RefreshGrant(account.account, account.refresh, client)
    answers: tuple[StepResult, ...] = ()
    for _ in range(MAX_STEPS):
        turn = connector.refresh(grant, answers)
        if not isinstance(turn, Send):
            return _RenewalResult(turn, answers)
        answers = (*answers, transport.send(turn.step, order, account=account))
    return _RenewalResult(Uncertain(Message("enrolment.endless")), answers)


def next_renewal_delay(failures: int, *, awaited: bool) -> timedelta:
    """Return the delay after consecutive failed renewals; shorter if posts wait for the tokens."""
    first = AGAIN if awaited else AGAIN_AHEAD
    return min(first * 2.0 ** min(failures - 1, 10), MAX_RENEWAL_DELAY)


def _record_renewal(
    scope: Scope, channel: Channel, claim: RenewalClaim, asked: _RenewalResult
) -> timedelta | None:
    """Record the result, with the account locked before its tokens. Return the delay before the
    next try, or None.

    Only a platform's statement that the grant is invalid or the account is gone ends the
    connection. Everything else is repeated, with growing delays, for as long as it lasts.
    """
    credentials.lock_account(scope, channel.id)
    if asked.answers:
        send_limits.record_answer(scope, channel.id, asked.answers[-1], creates=False)
    match end := asked.end:
        case RenewedTokens():
            credentials.store_renewed_tokens(scope, claim, end)
            lifecycle.settle_refused_client(scope, channel.id)
            return None
        case Retry() | Uncertain() | Rejected():
            failures = credentials.release_renewal(scope, claim)
            if failures is None:
                return None  # The pair was replaced since.
            if end.reason.code == CLIENT_REFUSED:
                lifecycle.report_refused_client(scope, channel)
            # After a lost answer, the successor may be available only for a short grace period.
            awaited = isinstance(end, Uncertain) or channel.awaits_renewal(scope.now)
            delay = next_renewal_delay(failures, awaited=awaited)
            return max(end.after, delay) if isinstance(end, Retry) else delay
        case Reauthorize(reason=reason) | Disconnected(reason=reason):
            if credentials.release_renewal(scope, claim) is None:
                return None  # The pair was replaced since; this refusal concerns the old one.
            stop = (
                lifecycle.mark_gone
                if isinstance(end, Disconnected)
                else lifecycle.require_reauthorization
            )
            stop(scope, channel.id, reason)
            return None
        case Published() | Processing():
            raise TypeError("a renewal publishes nothing")
        case _:
            assert_never(end)
