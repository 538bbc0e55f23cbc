"""Tokens of Instagram and Threads, pasted or through OAuth, and their refresh.

A token is valid for sixty days. It can be refreshed with itself from the age of one day while it is
valid. The old token remains valid, so refreshes can be repeated. OAuth first returns a token for
one hour. Meta requires both in the URL of the next request. Source:
`instagram-api-with-instagram-login/business-login` and `reference/refresh_access_token` of
https://developers.facebook.com/docs/instagram-platform/,
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
from connectors.platforms.meta.errors import DAILY_WAIT, error_codes
from connectors.shared import http_responses, oauth
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

ME = "me"
LONG = "long"
RENEWAL = "renewal"
MAX_REQUESTED = 3
"""Maximum number of attempts to get the long-lived token. The request is repeated because the code
cannot be exchanged a second time."""

WRAPPED = f"data.0.{oauth.ACCESS_TOKEN_FIELD}"
"""The token's path in Instagram's answer to a code. It is documented as a list with one entry;
others received the object alone."""

TRIED = timedelta(days=3)
"""Assumed lifetime of a token whose expiry is unknown. The token is refreshed after 80 % of this
time, when it is old enough, and its expiry is known afterwards. A token that was pasted in its last
days may expire earlier; a member must then reconnect the account."""

TOKEN_LIFETIME = timedelta(days=60)
"""Time for which a refreshed token remains valid."""


@dataclass(frozen=True)
class TokenNetwork:
    """A network of Meta that issues tokens to accounts, and its differences."""

    grants: str
    """The prefix of the network's grant names."""
    who: str
    """The path that returns the token's account."""
    scopes: tuple[str, ...]
    needed: str
    """The scope without which the account cannot be used."""
    unknown: str
    """The message code for a pasted token that is invalid."""
    meaning: Callable[[StepResult], Outcome]
    """Returns the outcome of a failed read request."""


def tokens_from_paste(token: Sealed) -> RenewedTokens:
    """Return a pasted token, which is also its refresh token."""
    return RenewedTokens(token, token, TRIED)


def whoami_step(network: TokenNetwork) -> WireStep:
    """Request the account of a token."""
    return WireStep(ME, StepKind.AUTH, "GET", network.who)


def token_turn(
    network: TokenNetwork, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | OAuthVisit | Outcome | RenewedTokens:
    """Return the next step to an account's token, pasted or through OAuth. Return the token after
    its account is identified."""
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
    """Exchange the code's token of one hour for a long-lived one. The request is repeated if it was
    not answered."""
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
    """Return the token if the request for its account succeeded."""
    if isinstance(answer, Response) and answer.is_success:
        return token
    refused = network.meaning(answer)
    return Rejected(otherwise, permanent=False) if isinstance(refused, Reauthorize) else refused


def _parse_short_token(answer: StepResult) -> Sealed | None:
    """Return the token in the answer to a code."""
    told = answer.sealed if isinstance(answer, Response) and answer.is_success else {}
    return told.get(oauth.ACCESS_TOKEN_FIELD) or told.get(WRAPPED)


def _parse_long_token(answer: StepResult) -> RenewedTokens | None:
    """Return the long-lived token in an answer. It is also its refresh token."""
    found = oauth.parse_tokens(answer)
    return (
        RenewedTokens(found.token, found.token, found.lifetime or TRIED)
        if found is not None
        else None
    )


def _has_needed_scope(network: TokenNetwork, answer: StepResult) -> bool:
    """Return True if the user granted the needed scope. If the answer does not list scopes, a
    missing one is reported later."""
    body = http_responses.json_body(answer)
    listed = body.get("data")
    first = listed[0] if isinstance(listed, list) and listed else body
    told = first.get("permissions") if isinstance(first, dict) else None
    given = told.split(",") if isinstance(told, str) and told else told
    return not isinstance(given, list) or not given or network.needed in given


def _refusal_outcome(answer: StepResult) -> Outcome:
    """Return the reason for a missing token: an error of the application, or a used code."""
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
    """Return the next request or the refreshed token. A token that works but cannot be refreshed
    yet is assumed to be valid for some more days.

    Meta does not document the error for a token that is too young and refuses expired ones with
    several errors. The token itself is therefore tested, so that a working account need not be
    reconnected.
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
    # A status without an error code of Meta proves nothing about the token.
    if isinstance(outcome, Reauthorize) and not error_codes(last)[0]:
        return Retry(http_responses.RATE_WINDOW, "account", outcome.reason)
    # The token is neither refreshed nor invalid, so try again tomorrow.
    if isinstance(outcome, Rejected):
        return Retry(DAILY_WAIT, "account", outcome.reason)
    return outcome


def _build_token_step(name: str, path: str, said: Mapping[str, Any]) -> WireStep:
    """Return a request for a token. Its URL has no version."""
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
