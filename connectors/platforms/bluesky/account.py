"""Accounts on Bluesky: sign-in with an app password, verification, token refresh, and the meaning
of failures."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from connectors.contract import metrics
from connectors.contract.account_setup import ConnectedAccount, ConnectForm, FormField
from connectors.contract.connector import (
    RefreshGrant,
    RenewedTokens,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.shared import http_responses
from connectors.shared.http_responses import platform_error_code
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

LIFETIME = timedelta(hours=2)
"""Lifetime of an access token (atproto `packages/pds`, account-manager). Tokens are sealed, so
their expiry cannot be read from them."""

TOKEN_GRACE = timedelta(hours=2)
"""Time for which a used refresh token still returns the same successor."""

MAX_SIGN_IN = timedelta(minutes=10)
CHAT_SURFACE = "bluesky.message"
TOKENS = ("accessJwt", "refreshJwt")
DEAD_TOKEN_CODES = frozenset({"expiredtoken", "invalidtoken", "badjwt", "authmissing"})
GONE_ACCOUNT_CODES = frozenset(
    {"accounttakedown", "accountdeactivated", "accountsuspended", "accountnotfound"}
    | {"repotakendown", "repodeactivated", "reposuspended", "reponotfound"}
)
FORM = ConnectForm(
    fields=(
        FormField("handle", example="mia.bsky.social"),
        FormField("app_password", secret=True, example="xxxx-xxxx-xxxx-xxxx"),
        FormField("server", optional=True, example="https://bsky.social"),
    ),
    credential=TOKENS[0],
    minutes=3,
    server="server",
)
DID = re.compile(r"did:[a-z]+:[\w.:%-]{1,200}")


def outcome_of_failure(answer: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of a failed request. Many servers answer an expired token with status
    400."""
    if isinstance(answer, Response) and answer.status < 500 and not answer.is_success:
        word = platform_error_code(answer)
        if word in GONE_ACCOUNT_CODES:
            return Disconnected(Message("connectors.account_gone", {"word": word}))
        if answer.status == 401 or (answer.status in {400, 403} and word in DEAD_TOKEN_CODES):
            return Reauthorize(Message("connectors.token_refused"))
    return http_responses.outcome_of_status(answer, creates=creates)


def connect(
    form: Mapping[str, str | Sealed],
    answers: tuple[StepResult, ...],
    *,
    probe: WireStep,
    is_shut: Callable[[StepResult], bool],
) -> Send | ConnectedAccount | Outcome:
    """Create a session with the app password and return the account.

    `probe` is the request that checks access to messages. If `is_shut` returns True for its answer,
    the account is connected for posts only.
    """
    if not answers:
        body = {
            "identifier": _normalize_handle(form.get("handle")),
            "password": form.get("app_password", ""),
        }
        path = "/xrpc/com.atproto.server.createSession"
        step = WireStep(
            "session", StepKind.AUTH, "POST", path, body, token="none", secret_fields=TOKENS
        )
        return Send(step)
    last = answers[0]
    if not isinstance(last, Response) or not last.is_success:
        return _sign_in_failure_outcome(last)
    pair = _parse_token_pair(last)
    told = last.body
    did = told.get("did")
    handle = told.get("handle")
    if (
        pair is None
        or not isinstance(did, str)
        or not DID.fullmatch(did)
        or not isinstance(handle, str)
    ):
        return Rejected(Message("connectors.unreadable"), permanent=True)
    if told.get("active") is False:
        return Disconnected(
            Message("connectors.account_gone", {"word": str(told.get("status") or "inactive")[:60]})
        )
    if len(answers) == 1:
        return Send(probe)
    return ConnectedAccount(
        account=did,
        name=handle,
        surface="bluesky.post",
        chat_surface="" if is_shut(answers[-1]) else CHAT_SURFACE,
        token=pair[0],
        refresh=pair[1],
        lifetime=LIFETIME,
        base_url=_parse_server_url(told.get("didDoc")),
        app_key=_parse_server_url(told.get("didDoc")),
    )


def _normalize_handle(typed: object) -> str:
    """Remove what users paste around a handle: a leading @, spaces, invisible characters, a profile
    URL."""
    kept = "".join(char for char in str(typed or "") if char.isprintable() and not char.isspace())
    return kept.removeprefix("@").removeprefix("https://bsky.app/profile/").rstrip("/").lower()


def _sign_in_failure_outcome(answer: StepResult) -> Outcome:
    word = platform_error_code(answer) if isinstance(answer, Response) else ""
    outcome = outcome_of_failure(answer, creates=False)
    if word == "authfactortokenrequired":
        return Rejected(Message("bluesky.second_factor"), permanent=True)
    if isinstance(outcome, Reauthorize):
        return Rejected(Message("bluesky.not_let_in"), permanent=True)
    if isinstance(outcome, Retry) and outcome.after > MAX_SIGN_IN:
        minutes = int(outcome.after.total_seconds() // 60) + 1
        return Rejected(Message("bluesky.too_often", {"minutes": minutes}), permanent=True)
    return outcome


def _parse_token_pair(answer: Response) -> tuple[Sealed, Sealed] | None:
    found = [answer.sealed.get(name) for name in TOKENS]
    return (found[0], found[1]) if found[0] is not None and found[1] is not None else None


def _parse_server_url(did_document: Any) -> str:
    """Return the server with the account's data according to its identity document, or ""."""
    services = did_document.get("service") if isinstance(did_document, dict) else None
    for service in services if isinstance(services, list) else ():
        match service:
            case {
                "id": str(name),
                "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": str(url),
            }:
                if name.endswith("#atproto_pds") and urlsplit(url).scheme in {"http", "https"}:
                    return url.rstrip("/")
            case _:
                continue
    return ""


def verify_account(account: str, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
    """Check that the session belongs to the account and that the account is active."""
    if not answers:
        path = "/xrpc/com.atproto.server.getSession"
        return Send(WireStep("session", StepKind.CONTROL, "GET", path, action="look"))
    last = answers[-1]
    if not isinstance(last, Response) or not last.is_success or not isinstance(last.body, dict):
        return outcome_of_failure(last, creates=False)
    if last.body.get("did") != account:
        return Reauthorize(Message("connectors.token_refused"))
    if last.body.get("active") is False:
        word = str(last.body.get("status") or "inactive")[:60]
        return Disconnected(Message("connectors.account_gone", {"word": word}))
    return None


def count_followers(answers: tuple[StepResult, ...]) -> Send | int | None:
    """Return the next request, or the number of followers in the network's view."""
    if not answers:
        return metrics.followers_request("/xrpc/app.bsky.actor.getProfile?actor={account}")
    return metrics.parse_count(http_responses.success_body(answers[-1]).get("followersCount"))


def refresh(grant: RefreshGrant, answers: tuple[StepResult, ...]) -> Send | RenewedTokens | Outcome:
    """Return the next request, or the new pair of tokens, which must belong to the account."""
    if not answers:
        path = "/xrpc/com.atproto.server.refreshSession"
        step = WireStep(
            "refresh",
            StepKind.AUTH,
            "POST",
            path,
            token="refresh",
            secret_fields=TOKENS,
            deadline=20.0,
        )
        return Send(step)
    last = answers[-1]
    if isinstance(last, Response) and last.is_success and isinstance(last.body, dict):
        pair = _parse_token_pair(last)
        same = last.body.get("did") == grant.account
        return (
            RenewedTokens(*pair, LIFETIME)
            if pair is not None and same
            else _lost_refresh_outcome(last)
        )
    if isinstance(last, StepAnswerLost) or (
        isinstance(last, Response) and 200 <= last.status < 300
    ):
        return _lost_refresh_outcome(last)
    outcome = outcome_of_failure(last, creates=False)
    ended = isinstance(last, Response) and platform_error_code(last) in DEAD_TOKEN_CODES
    if isinstance(outcome, Rejected) or (isinstance(outcome, Reauthorize) and not ended):
        return Retry(http_responses.RATE_WINDOW, "account", outcome.reason)
    return outcome


def _lost_refresh_outcome(answer: StepResult) -> Outcome:
    """Return an uncertain outcome: the old refresh token may be used up and the new one lost."""
    detail = (
        answer.detail
        if isinstance(answer, StepAnswerLost)
        else f"http_{getattr(answer, 'status', 0)}"
    )
    return Uncertain(Message("connectors.answer_lost", {"detail": detail}))
