"""Accounts on X: sign-in through a registered application, token refresh, and the meaning of
errors.

Source: https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code,
https://docs.x.com/x-api/fundamentals/response-codes-and-errors
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.contract import metrics
from connectors.contract.account_setup import (
    WANTED_FIELD,
    WANTED_MESSAGES,
    WANTED_POSTS,
    ConnectedAccount,
    ConnectForm,
    FormField,
    OAuthVisit,
)
from connectors.contract.connector import (
    RefreshGrant,
    RenewedTokens,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.platforms.x import requests
from connectors.shared import http_responses, oauth
from connectors.shared.oauth import HeldCredentials, revocation_outcome, revocation_request
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

SURFACE = "x.post"
CHAT_SURFACE = "x.message"
EXCHANGE = "/2/oauth2/token"
SIGN_IN = WireStep("me", StepKind.AUTH, "GET", "/2/users/me")
SCOPES = "tweet.read tweet.write tweet.moderate.write users.read media.write offline.access"
"""The requested scopes. Accounts connected before `tweet.moderate.write` was added cannot hide
replies."""

RIGHTS = "dm.read dm.write"
"""Additional scopes, requested only if the agency reads and answers messages."""

FORM = ConnectForm(
    fields=(FormField(WANTED_FIELD, optional=True, choices=(WANTED_POSTS, WANTED_MESSAGES)),),
    credential=oauth.ACCESS_TOKEN_FIELD,
    minutes=20,
    registered=True,
)
ONCE = timedelta(0)
"""Time for which a used refresh token still works: it works only once."""

CREDITS = timedelta(minutes=5)
"""Pause of an application without credits, after which it tries again. The agency must buy some."""

DUPLICATE = "duplicate content"
_GONE = re.compile(r"\b(?:suspended|locked|deactivated)\b")
_CLIENT = ("unsupported-authentication", "client-forbidden", "client-not-enrolled")
_ID = re.compile(r"\d{1,19}", re.ASCII)
_NAME = re.compile(r"\w{1,50}", re.ASCII)


def unwrap_success(answer: StepResult) -> dict[str, Any]:
    """Return the `data` object of a successful response, or an empty one."""
    told = http_responses.success_body(answer).get("data")
    return told if isinstance(told, dict) else {}


def id_from_answer(answer: StepResult) -> str:
    """Return the ID in a successful response, or ""."""
    told = unwrap_success(answer).get("id")
    return told if isinstance(told, str) and _ID.fullmatch(told) else ""


def refusal_text(answer: StepResult) -> str:
    """Return all texts of an error response in lower case: titles, types and details."""
    body = http_responses.json_body(answer)
    parts = [body, *(one for one in _list_or_empty(body.get("errors")) if isinstance(one, dict))]
    found = (
        part.get(name)
        for part in parts
        for name in ("title", "detail", "type", "reason", "message")
    )
    return " ".join(word for word in found if isinstance(word, str)).lower()


def _list_or_empty(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def outcome_of_failure(answer: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of an answer that is not a success."""
    if not isinstance(answer, Response) or answer.status not in (402, 403):
        return http_responses.outcome_of_status(answer, creates=creates)
    if answer.status == 402:
        return Retry(CREDITS, "app", Message("x.credits"))
    told = refusal_text(answer)
    if DUPLICATE in told:
        return (
            Uncertain(Message("x.duplicate"), stands=True)
            if creates
            else Rejected(Message("x.duplicate"), False)
        )
    if any(word in told for word in _CLIENT):
        return Reauthorize(Message("oauth.client_refused"))
    if _GONE.search(told):
        return Disconnected(Message("connectors.account_gone", {"word": "http_403"}))
    return http_responses.outcome_of_status(answer, creates=creates)


def connect(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | OAuthVisit | ConnectedAccount | Outcome:
    """Return the consent page, exchange the code for tokens, and read the account's identity."""
    chats = form.get(WANTED_FIELD) == WANTED_MESSAGES
    scopes = f"{SCOPES} {RIGHTS}" if chats else SCOPES
    page = OAuthVisit("/i/oauth2/authorize", {"scope": scopes})
    turn = oauth.oauth_turn(form, answers, page=page, path=EXCHANGE, me=SIGN_IN)
    if turn is not None:
        return turn
    last = answers[-1]
    number = id_from_answer(last)
    name = unwrap_success(last).get("username")
    if not number or not isinstance(name, str) or not _NAME.fullmatch(name):
        return _sign_in_failure_outcome(last)
    given = oauth.parse_tokens(answers[0])
    if given is None:
        return Rejected(Message("oauth.again"), permanent=False)
    return ConnectedAccount(
        account=number,
        name=f"@{name}",
        surface=SURFACE,
        chat_surface=CHAT_SURFACE if chats else "",
        token=given.token,
        refresh=given.refresh,
        lifetime=given.lifetime,
    )


def _sign_in_failure_outcome(answer: StepResult) -> Outcome:
    outcome = outcome_of_failure(answer, creates=False)
    if isinstance(outcome, Reauthorize):
        return Rejected(Message("oauth.client_refused"), permanent=False)
    readable = isinstance(answer, Response) and answer.is_success
    return Rejected(Message("connectors.unreadable"), permanent=True) if readable else outcome


def verify_account(account: str, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
    """Check that the token belongs to this account."""
    if not answers:
        return requests.read_owner(requests.VERIFY)
    if not id_from_answer(answers[-1]):
        return outcome_of_failure(answers[-1], creates=False)
    return (
        None
        if id_from_answer(answers[-1]) == account
        else Reauthorize(Message("connectors.token_refused"))
    )


def count_followers(answers: tuple[StepResult, ...]) -> Send | int | None:
    """Return the next request, or the number of followers of the token's account."""
    if not answers:
        return requests.read_owner(requests.FOLLOWERS, ["public_metrics"])
    told = unwrap_success(answers[-1]).get("public_metrics")
    return metrics.parse_count(told.get("followers_count")) if isinstance(told, dict) else None


def revoke_tokens(held: HeldCredentials, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Revoke both tokens one by one, because revoking one is not documented to revoke the other.

    Source: https://docs.x.com/fundamentals/authentication/oauth-2-0/user-access-token
    """
    last = revocation_outcome(answers[-1], held.account) if answers else None
    tokens = [token for token in (held.refresh, held.token) if token is not None]
    if last is None or (isinstance(last, Published) and len(answers) < len(tokens)):
        return revocation_request("/2/oauth2/revoke", held, tokens[len(answers)])
    return last


def refresh(grant: RefreshGrant, answers: tuple[StepResult, ...]) -> Send | RenewedTokens | Outcome:
    """Return the next request or the new tokens. The old refresh token becomes invalid."""
    return (
        oauth.renewal_outcome(answers[-1], "x")
        if answers
        else requests.build_renewal_request(grant, EXCHANGE)
    )
