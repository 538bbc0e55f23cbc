"""Tokens of Meta's networks: one that somebody pasted or gave by a yes, and the one that follows
it. Pure.

Each holds for sixty days and is renewed by showing it, once it is a day old and as long as it
works; the one before stays good, so a renewal may be asked for again and again. A yes gives one of
an hour first. Both stand in the address of the request that asks for the next: Meta takes them no
other way. Source:
https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login,
https://developers.facebook.com/docs/instagram-platform/reference/refresh_access_token,
https://developers.facebook.com/docs/threads/get-started/get-access-tokens-and-permissions,
https://developers.facebook.com/docs/threads/get-started/long-lived-tokens
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from connectors.contract.account_setup import CLIENT_ID, CLIENT_SECRET, OAuthVisit
from connectors.contract.connector import (
    RefreshGrant,
    RenewedTokens,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import Outcome, Reauthorize, Rejected, Retry
from connectors.platforms.meta.errors import DAILY_WAIT
from connectors.shared import http_responses, oauth
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

ME = "me"
LONG = "long"
RENEWAL = "renewal"
MAX_REQUESTED = 3
"""How often one of sixty days is asked for by one of an hour, where no answer comes: the code is
used up by then."""

WRAPPED = f"data.0.{oauth.ACCESS_TOKEN_FIELD}"
"""Instagram's answer to a code is a list of one, as they describe it; others saw it bare."""

TRIED = timedelta(days=3)
"""How long a token counts whose end nobody told: at 80 % of that, old enough by then, it is renewed
and its end known. It may have less left than this, if it was pasted in its last days; then a person
must connect the account again."""

TOKEN_LIFETIME = timedelta(days=60)
"""A token that was renewed works on to its own end."""


@dataclass(frozen=True)
class TokenNetwork:
    """One of Meta's networks whose accounts have tokens of their own, and what is different
    there."""

    grants: str
    """What the names of its grants begin with."""
    who: str
    """The path under which a token says whose it is."""
    scopes: tuple[str, ...]
    needed: str
    """Without this one an account is of no use."""
    unknown: str
    """The sentence for a pasted token that is none."""
    meaning: Callable[[StepResult], Outcome]
    """What an answer to a harmless request meant that is no success."""


def tokens_from_paste(token: Sealed) -> RenewedTokens:
    """A token as somebody pasted it: what renews it is itself."""
    return RenewedTokens(token, token, TRIED)


def whoami_step(network: TokenNetwork) -> WireStep:
    """The question whose a token is."""
    return WireStep(ME, StepKind.AUTH, "GET", network.who)


def token_turn(
    network: TokenNetwork, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | OAuthVisit | Outcome | RenewedTokens:
    """The way to the token of an account, pasted or by a yes; the token, once the last answer says
    whose it is."""
    typed = form.get(oauth.ACCESS_TOKEN_FIELD)
    if isinstance(typed, Sealed):
        if not answers:
            return Send(whoami_step(network))
        return _verify_token_owner(
            network, answers[-1], tokens_from_paste(typed), Message(network.unknown)
        )
    client = oauth.client_from_form(form)
    if not client.client_id or client.secret is None:
        return Rejected(Message("meta.no_client"), permanent=False)
    if "code" not in form:
        asked = {
            "response_type": "code",
            CLIENT_ID: client.client_id,
            "scope": ",".join(network.scopes),
        }
        return OAuthVisit("/oauth/authorize", asked)
    if not answers:
        step = oauth.code_exchange_step("/oauth/access_token", form, basic=False)
        return Send(replace(step, secret_fields=(oauth.ACCESS_TOKEN_FIELD, WRAPPED)))
    return _exchange_short_token(network, client.secret, answers)


def _exchange_short_token(
    network: TokenNetwork, secret: Sealed, answers: tuple[StepResult, ...]
) -> Send | Outcome | RenewedTokens:
    """After a code was shown: its token of an hour is changed at once, and may be shown again where
    no answer came."""
    short = _parse_short_token(answers[0])
    last = answers[-1]
    if short is None:
        return _refusal_outcome(answers[0])
    if not _has_needed_scope(network, answers[0]):
        return Rejected(Message("oauth.scopes"), permanent=False)
    if last.step == ME:
        again = Message("oauth.again")
        found = _parse_long_token(answers[-2])
        return (
            _verify_token_owner(network, last, found, again)
            if found is not None
            else Rejected(again, permanent=False)
        )
    if _parse_long_token(last) and last.step == LONG:
        return Send(whoami_step(network))
    tries = sum(answer.step == LONG for answer in answers)
    if tries == MAX_REQUESTED or (tries and not isinstance(network.meaning(last), Retry)):
        return _refusal_outcome(last)
    said = {
        "grant_type": f"{network.grants}_exchange_token",
        CLIENT_SECRET: secret,
        oauth.ACCESS_TOKEN_FIELD: short,
    }
    return Send(_build_token_step(LONG, "/access_token", said))


def _verify_token_owner(
    network: TokenNetwork, answer: StepResult, token: RenewedTokens, otherwise: Message
) -> Outcome | RenewedTokens:
    """A token, where the answer to the question whose it is says so."""
    if isinstance(answer, Response) and answer.is_success:
        return token
    refused = network.meaning(answer)
    return Rejected(otherwise, permanent=False) if isinstance(refused, Reauthorize) else refused


def _parse_short_token(answer: StepResult) -> Sealed | None:
    """The token that a code gave."""
    told = answer.sealed if isinstance(answer, Response) and answer.is_success else {}
    return told.get(oauth.ACCESS_TOKEN_FIELD) or told.get(WRAPPED)


def _parse_long_token(answer: StepResult) -> RenewedTokens | None:
    """The token of sixty days that an answer gave: what renews it is itself."""
    found = oauth.parse_tokens(answer)
    return (
        RenewedTokens(found.token, found.token, found.lifetime or TRIED)
        if found is not None
        else None
    )


def _has_needed_scope(network: TokenNetwork, answer: StepResult) -> bool:
    """Whether the person left ticked what an account is of no use without; where nothing tells, it
    is seen later."""
    body = http_responses.json_body(answer)
    listed = body.get("data")
    first = listed[0] if isinstance(listed, list) and listed else body
    told = first.get("permissions") if isinstance(first, dict) else None
    given = told.split(",") if isinstance(told, str) and told else told
    return not isinstance(given, list) or not given or network.needed in given


def _refusal_outcome(answer: StepResult) -> Outcome:
    """Why there is no token: the application's fault, or the code is used up."""
    body = http_responses.json_body(answer)
    error = body.get("error")
    said = str(
        body.get("error_message") or (error.get("message") if isinstance(error, dict) else "")
    ).lower()
    if "client secret" in said or "platform app" in said:
        return Rejected(Message("oauth.client_refused"), permanent=False)
    return oauth.code_refusal_outcome(answer, again=Message("oauth.again"))


def refresh_tokens(
    network: TokenNetwork, grant: RefreshGrant, answers: tuple[StepResult, ...]
) -> Send | RenewedTokens | Outcome:
    """The token that follows; the same one for some days more, where it works and is not renewed
    just now.

    They do not say how they refuse one that is too young, and refuse dead ones in several ways; so
    whether it is dead is asked of the token itself, and nobody reconnects an account that works.
    """
    if not answers:
        said = {
            "grant_type": f"{network.grants}_refresh_token",
            oauth.ACCESS_TOKEN_FIELD: grant.refresh,
        }
        return Send(_build_token_step(RENEWAL, "/refresh_access_token", said))
    if found := _parse_long_token(answers[0]):
        return found
    if len(answers) == 1:
        refused = network.meaning(answers[0])
        return refused if isinstance(refused, Retry) else Send(whoami_step(network))
    last = answers[-1]
    if isinstance(last, Response) and last.is_success:
        return tokens_from_paste(grant.refresh)
    outcome = network.meaning(last)
    if isinstance(outcome, Rejected):
        return Retry(DAILY_WAIT, "account", outcome.reason)
    return outcome


def _build_token_step(name: str, path: str, said: Mapping[str, Any]) -> WireStep:
    """A request for a token; its address has no version."""
    return WireStep(
        name,
        StepKind.AUTH,
        "GET",
        path,
        said,
        token="none",
        secret_fields=(oauth.ACCESS_TOKEN_FIELD,),
        deadline=20.0,
        encoding="query",
        host="origin",
    )
