"""Renewing tokens ahead of their end, or after a refusal: one renewal at a time, its pair stored before it is used."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from channels import abilities, asking, budgets, connecting, measuring, oauth_clients, reads, tokens
from channels.events import TokenRefresh
from channels.reads import Channel
from channels.states import ChannelState
from channels.tokens import Claim
from connectors import varying
from connectors.answers import SHORT_WAIT
from connectors.contract import Answer, Connector, Grant, OAuthClient, Refreshable, Renewed, Send
from connectors.outcomes import Disconnected, Outcome, Processing, Published, Reauthorize, Rejected, Retry, Uncertain
from connectors.transport import Account, Transport
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.words import Message
from gate.permit import AuthOrder

MOST_STEPS = 4
AGAIN, AGAIN_AHEAD = timedelta(seconds=10), timedelta(seconds=60)
"""After a renewal that made nothing: while posts wait for it, and while the old token still works."""


def weigh(scope: Scope, channel: Channel, outcome: Outcome, *, shown: int | None = None) -> Outcome:
    """What an outcome means for the account, before its subject is locked.

    A refused token is renewed where it can be, once, and nothing is lost: the outcome becomes Retry. Else it stops the
    channel, as a lost account does. A limit that is another one than we knew is read again. `shown` is the generation
    of the token the request showed, None when unknown.
    """
    match outcome:
        case Reauthorize(reason=reason):
            verdict = tokens.refuse(scope, channel.id, shown=shown)
            if verdict == "dead":
                connecting.reauthorize(scope, channel.id, reason)
                return outcome
            if verdict == "renew":
                tokens.renew_now(scope, channel.id)
            return Retry(SHORT_WAIT, "account", Message("channel.renewing"))
        case Disconnected(reason=reason):
            if shown is not None and tokens.is_over(scope, channel.id, shown):  # of before it was connected again
                return Retry(SHORT_WAIT, "account", Message("channel.renewing"))
            connecting.gone(scope, channel.id, reason)
            return outcome
        case Rejected(reason=Message(code=varying.OTHER)):
            measuring.ask(scope, channel.id)
            return outcome
        case _:
            return outcome


def renew(
    event: TokenRefresh,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    addresses: Mapping[str, str],
) -> None:
    """Get a new pair of tokens for an account, if one is due and nobody else is at it.

    `addresses` are those of the platforms; where tokens are given elsewhere than at the account, `<platform>_auth`. No
    transaction is open while the platform is asked. Raises `outbox.Later` where it must be tried again.
    """
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        waits, now = budgets.limit(scope, event.subject_id, brake=False), scope.now
        claim = tokens.claim(scope, event.subject_id, outlive=event.outlive) if waits is None else None
        until = waits.until if waits is not None else tokens.asked_until(scope, event.subject_id)
        channel, client = reads.channel(scope, event.subject_id), oauth_clients.of_channel(scope, event.subject_id)
    if claim is None:
        if until is not None:
            raise outbox.Later(until - now)
        return
    connector, end = abilities.of(connectors, channel), _Asked(Reauthorize(Message("channel.renewal_lost")))
    usable = channel.state in (ChannelState.ACTIVE, ChannelState.PAUSED)
    if usable and isinstance(connector, Refreshable) and claim.may_ask(connector.refresh_grace):
        account = replace(reads.account(channel), auth_url=addresses.get(f"{channel.platform}_auth", ""))
        end = _ask(account, client, connector, transport)
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        again = _settle(scope, channel, claim, end)
    if again is not None:
        raise outbox.Later(again)


@dataclass(frozen=True)
class _Asked:
    """What a renewal came to, by which answers; `grace` is the platform's for a refresh token that was used."""

    end: Renewed | Outcome
    answers: tuple[Answer, ...] = ()
    grace: timedelta = timedelta(0)


def _ask(account: Account, client: OAuthClient | None, connector: Refreshable, transport: Transport) -> _Asked:
    order, grace = AuthOrder(account.tenant_id, account.channel_id), connector.refresh_grace
    if account.refresh is None:  # no claim is made without one
        return _Asked(Reauthorize(Message("channel.renewal_lost")))
    grant = Grant(account.account, account.refresh, client)
    answers: tuple[Answer, ...] = ()
    for _ in range(MOST_STEPS):
        turn = connector.refresh(grant, answers)
        if not isinstance(turn, Send):
            return _Asked(turn, answers, grace)
        answers = (*answers, transport.send(turn.step, order, account=account))
    return _Asked(Uncertain(Message("enrolment.endless")), answers, grace)


def _settle(scope: Scope, channel: Channel, claim: Claim, asked: _Asked) -> timedelta | None:
    """Write what came of it, the account before its tokens; when to try again, None when there is nothing to."""
    tokens.lock(scope, channel.id)
    if asked.answers:
        budgets.note(scope, channel.id, asked.answers[-1], creates=False)
    match end := asked.end:
        case Renewed():
            tokens.store(scope, claim, end)
            return None
        case Retry(after=after):
            tokens.let_go(scope, claim, doubtful=False)
            return max(after, AGAIN if channel.awaits_renewal(scope.now) else AGAIN_AHEAD)
        case Uncertain():
            stands = tokens.let_go(scope, claim, doubtful=True)
            if stands is None:
                return None
            if stands.may_ask(asked.grace):
                return AGAIN
            connecting.reauthorize(scope, channel.id, Message("channel.renewal_lost"))
            return None
        case Reauthorize(reason=reason) | Rejected(reason=reason) | Disconnected(reason=reason):
            if tokens.let_go(scope, claim, doubtful=False) is None:
                return None  # another pair came meanwhile: that one is asked, not this
            stop = connecting.gone if isinstance(end, Disconnected) else connecting.reauthorize
            stop(scope, channel.id, reason)
            return None
        case Published() | Processing():
            raise TypeError("a renewal publishes nothing")
        case _:
            assert_never(end)
