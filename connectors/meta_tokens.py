"""Tokens of Meta's networks: a pasted one, and the one that follows it. Pure.

Each holds for sixty days and is renewed by showing it, once it is a day old and as long as it works; the one before
stays good, so a renewal may be asked for again and again. It stands in the address of the request: Meta takes it no
other way.
Source: https://developers.facebook.com/docs/instagram-platform/reference/refresh_access_token,
https://developers.facebook.com/docs/threads/get-started/long-lived-tokens
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors import oauth
from connectors.contract import Answer, Grant, Renewed, Response, Send, StepKind, WireStep
from connectors.instagram_answers import A_DAY
from connectors.outcomes import Outcome, Rejected, Retry
from foundation.sealed import Sealed

ME, RENEWAL = "me", "renewal"
TRIED = timedelta(days=3)
"""How long a token counts whose end nobody told: at 80 % of that, old enough by then, it is renewed and its end known.
It may have less left than this, if it was pasted in its last days; then a person must connect the account again."""

STAYS = timedelta(days=60)
"""A token that was renewed works on to its own end."""


@dataclass(frozen=True)
class Network:
    """One of Meta's networks whose accounts have tokens of their own, and what is different there."""

    grants: str
    """What the names of its grants begin with."""
    who: str
    """The path under which a token says whose it is."""
    meaning: Callable[[Answer], Outcome]
    """What an answer to a harmless request meant that is no success."""


def pasted(token: Sealed) -> Renewed:
    """A token as somebody pasted it: what renews it is itself."""
    return Renewed(token, token, TRIED)


def me(network: Network) -> WireStep:
    """The question whose a token is."""
    return WireStep(ME, StepKind.AUTH, "GET", network.who)


def refresh(network: Network, grant: Grant, answers: tuple[Answer, ...]) -> Send | Renewed | Outcome:
    """The token that follows; the same one for some days more, where it works and is not renewed just now.

    They do not say how they refuse one that is too young, and refuse dead ones in several ways; so whether it is dead
    is asked of the token itself, and nobody reconnects an account that works.
    """
    if not answers:
        said = {"grant_type": f"{network.grants}_refresh_token", oauth.ACCESS: grant.refresh}
        return Send(_asked(RENEWAL, "/refresh_access_token", said))
    if found := oauth.tokens(answers[0]):
        return Renewed(found.token, found.token, found.lifetime or TRIED)
    if len(answers) == 1:
        refused = network.meaning(answers[0])
        return refused if isinstance(refused, Retry) else Send(me(network))
    last = answers[-1]
    if isinstance(last, Response) and last.ok:
        return pasted(grant.refresh)
    outcome = network.meaning(last)
    if isinstance(outcome, Rejected):
        return Retry(A_DAY, "account", outcome.reason)
    return outcome


def _asked(name: str, path: str, said: Mapping[str, Any]) -> WireStep:
    """A request for a token; its address has no version."""
    return WireStep(
        name,
        StepKind.AUTH,
        "GET",
        path,
        said,
        token="none",  # noqa: S106  no secret
        secret_fields=(oauth.ACCESS,),
        deadline=20.0,
        encoding="query",
        host="origin",
    )
