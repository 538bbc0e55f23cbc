"""OAuth 2: sign-in with a registered client, token refresh and revocation.

Sources: RFC 6749, 4.1.3 and 6; RFC 7009. The PKCE challenge is created by
`channels.connections.oauth_flow`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from connectors.contract.account_setup import CLIENT_ID, CLIENT_SECRET, OAuthVisit
from connectors.contract.connector import (
    OAuthClient,
    RefreshGrant,
    RenewedTokens,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import Outcome, Published, Reauthorize, Rejected, Retry, Uncertain
from connectors.shared import http_responses
from connectors.shared.http_responses import platform_error_code
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

TOKEN_STEP = "token"
ACCESS_TOKEN_FIELD = "access_token"
REFRESH_TOKEN_FIELD = "refresh_token"
MAX_TOKEN_LIFETIME = timedelta(days=400)
GRANT_ENDED = "invalid_grant"
"""The error code for a refresh token that is invalid, expired, revoked or used (RFC 6749, 5.2)."""

OTHER_GRANT_ENDS: Mapping[str, tuple[str | int, str, str]] = {
    "x": ("invalid_request", "error_description", "value passed for the token was invalid."),
    "reddit": (400, "message", "bad request"),
}
"""Other answers of a platform for an ended grant: the `error`, and a field with its text in lower
case. X uses the same error for mistakes of the request, and Reddit states no other reason."""

CLIENT_REFUSED = "oauth.client_refused"
"""Message code of an application whose own credentials the platform refuses."""

REFUSED_CLIENT = frozenset({"invalid_client", "unauthorized_client"})
"""Error codes for the application itself. They prove nothing about the grant."""


def client_from_form(form: Mapping[str, str | Sealed]) -> OAuthClient:
    """Return the OAuth client of a form."""
    secret = form.get(CLIENT_SECRET)
    return OAuthClient(str(form.get(CLIENT_ID, "")), secret if isinstance(secret, Sealed) else None)


def oauth_turn(
    form: Mapping[str, str | Sealed],
    answers: tuple[StepResult, ...],
    *,
    page: OAuthVisit,
    path: str,
    me: WireStep,
    named: str = CLIENT_ID,
) -> Send | OAuthVisit | Outcome | None:
    """Return the next turn of an OAuth sign-in: the consent page, the token request at `path`, and
    then `me`, the request for the account's identity.

    Return None after the answer to `me`. The client's ID is added to `page` as the parameter
    `named`.
    """
    client = client_from_form(form)
    if not client.client_id:
        return Rejected(Message("oauth.no_client"), permanent=False)
    if "code" not in form:
        return replace(page, asked={"response_type": "code", named: client.client_id, **page.asked})
    if not answers:
        return Send(code_exchange_step(path, form, named))
    if answers[-1].step != TOKEN_STEP:
        return None
    return (
        Send(me)
        if parse_tokens(answers[-1])
        else code_refusal_outcome(answers[-1], again=Message("oauth.again"))
    )


def code_exchange_step(
    path: str, form: Mapping[str, str | Sealed], named: str = CLIENT_ID, *, basic: bool = True
) -> WireStep:
    """Return the request that exchanges the code for tokens.

    With `basic`, a client with a secret authenticates by HTTP Basic if its ID parameter is
    `client_id`.
    """
    said = {
        "grant_type": "authorization_code",
        "code": form["code"],
        "redirect_uri": form["redirect_uri"],
        "code_verifier": form["verifier"],
    }
    return _build_token_step(path, said, client_from_form(form), named, basic=basic)


def token_renewal_step(path: str, grant: RefreshGrant, named: str = CLIENT_ID) -> WireStep:
    """Return the request that exchanges a refresh token for new tokens."""
    client = grant.client or OAuthClient("")
    return _build_token_step(
        path, {"grant_type": REFRESH_TOKEN_FIELD, REFRESH_TOKEN_FIELD: grant.refresh}, client, named
    )


def client_auth_step(
    path: str, said: Mapping[str, Any], client: OAuthClient, named: str = CLIENT_ID
) -> WireStep:
    """Return a request to the token server, with the same client authentication as a refresh."""
    return _build_token_step(path, said, client, named)


def _build_token_step(
    path: str, said: Mapping[str, Any], client: OAuthClient, named: str, *, basic: bool = True
) -> WireStep:
    """Return a request to the token server.

    A client with a secret authenticates by HTTP Basic; one without a secret sends only its ID. If
    the ID parameter has another name, or Basic is unsupported, ID and secret are form fields (RFC
    6749, 2.3.1).
    """
    shown = client if client.secret is not None and named == CLIENT_ID and basic else None
    secret = {CLIENT_SECRET: client.secret} if client.secret is not None and shown is None else {}
    return WireStep(
        TOKEN_STEP,
        StepKind.AUTH,
        "POST",
        path,
        said if shown else {**said, named: client.client_id, **secret},
        token="none",
        secret_fields=(ACCESS_TOKEN_FIELD, REFRESH_TOKEN_FIELD),
        deadline=20.0,
        encoding="form",
        client=shown,
        host="auth",
    )


def parse_tokens(answer: StepResult) -> RenewedTokens | None:
    """Return the tokens in a response, or None."""
    if (
        not isinstance(answer, Response)
        or not answer.is_success
        or ACCESS_TOKEN_FIELD not in answer.sealed
    ):
        return None
    return RenewedTokens(
        answer.sealed[ACCESS_TOKEN_FIELD],
        answer.sealed.get(REFRESH_TOKEN_FIELD),
        _parse_lifetime(http_responses.json_body(answer)),
    )


def _parse_lifetime(body: Mapping[str, Any]) -> timedelta | None:
    seconds = body.get("expires_in")
    if not isinstance(seconds, int) or seconds <= 0:
        return None
    return min(timedelta(seconds=min(seconds, 10**9)), MAX_TOKEN_LIFETIME)


def code_refusal_outcome(answer: StepResult, *, again: Message) -> Outcome:
    """Return the outcome of a failed code exchange. A code works only once, so after an unclear
    answer it is Rejected with the message `again`, which asks the user to consent again."""
    if isinstance(answer, Response) and platform_error_code(answer) in REFUSED_CLIENT:
        return Rejected(Message(CLIENT_REFUSED), permanent=False)
    if isinstance(answer, StepNotSent) or (isinstance(answer, Response) and answer.status == 429):
        return http_responses.outcome_of_status(answer, creates=False)
    return Rejected(again, permanent=False)


def renewal_outcome(answer: StepResult, platform: str) -> RenewedTokens | Outcome:
    """Return the new tokens, or the failure: Reauthorize only if the grant is invalid, Uncertain if
    the refresh token may be used up, else Retry."""
    if found := parse_tokens(answer):
        return found
    if is_grant_ended(answer, platform):
        return Reauthorize(Message("connectors.token_refused"))
    if isinstance(answer, StepAnswerLost) or (
        isinstance(answer, Response) and not 400 <= http_responses.stated_status(answer) < 500
    ):
        detail = answer.detail if isinstance(answer, StepAnswerLost) else f"http_{answer.status}"
        return Uncertain(Message("connectors.answer_lost", {"detail": detail}))
    outcome = http_responses.outcome_of_status(answer, creates=False)
    if isinstance(outcome, Retry) or not isinstance(answer, Response):
        return outcome
    refused = platform_error_code(answer) in REFUSED_CLIENT
    reason = Message("connectors.unclear_answer", {"status": answer.status})
    return Retry(
        http_responses.RATE_WINDOW,
        "account",
        Message(CLIENT_REFUSED) if refused else reason,
    )


def is_grant_ended(answer: StepResult, platform: str) -> bool:
    """Return True if an answer to a token renewal states that the grant is invalid. Nothing else
    ends a connection: not a status, a page, or an error of the request or the application."""
    if not isinstance(answer, Response) or answer.status not in (200, 400, 401, 403):
        return False
    body = http_responses.json_body(answer)
    if body.get("error") == GRANT_ENDED:
        return True
    error, field, text = OTHER_GRANT_ENDS.get(platform, (GRANT_ENDED, "error", GRANT_ENDED))
    return body.get("error") == error and str(body.get(field, "")).lower() == text


REVOKE_STEP = "revoke"


@dataclass(frozen=True)
class HeldCredentials:
    """The stored credentials of an account: sealed tokens, and the client used to connect it, if
    any."""

    account: str
    token: Sealed
    refresh: Sealed | None = None
    client: OAuthClient | None = None


@runtime_checkable
class SupportsRevocation(Protocol):
    """A platform with a documented way to revoke tokens. Revocation is idempotent."""

    def revoke_tokens(
        self, held: HeldCredentials, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Return the next request (kind auth), or the outcome; `Published` if no stored token is
        valid any more."""
        ...


def revocation_request(
    path: str,
    held: HeldCredentials,
    token: Sealed,
    *,
    named: str = CLIENT_ID,
    headers: Mapping[str, str] | None = None,
) -> Send:
    """Return the request that revokes a token (RFC 7009). `named` is the parameter for the client's
    ID."""
    step = client_auth_step(path, {"token": token}, held.client or OAuthClient(""), named)
    return Send(replace(step, name=REVOKE_STEP, secret_fields=(), headers=dict(headers or {})))


def revocation_outcome(answer: StepResult, account: str) -> Outcome:
    """Return the outcome by the status alone; the body has no meaning (RFC 7009, 2.2)."""
    if isinstance(answer, Response) and 200 <= answer.status < 300:
        return Published(account)
    if isinstance(answer, Response) and 400 <= answer.status < 500:
        said: dict[str, str | int] = {"status": answer.status, "word": platform_error_code(answer)}
        return Rejected(Message("connectors.refused", said), permanent=False)
    return Uncertain(Message("attempt.no_answer"))
