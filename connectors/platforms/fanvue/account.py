"""Accounts on Fanvue: OAuth with a registered application, verification, token refresh and the
meaning of failures.

Source: https://api.fanvue.com/docs/authentication/overview,
https://api.fanvue.com/docs/api-reference/overview
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from connectors.contract import metrics
from connectors.contract.account_setup import ConnectedAccount, ConnectForm, OAuthVisit
from connectors.contract.connector import (
    RefreshGrant,
    RenewedTokens,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import Disconnected, Outcome, Reauthorize, Rejected, Retry
from connectors.shared import http_responses, oauth
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

SURFACE = "fanvue.post"
CHAT_SURFACE = "fanvue.message"
ME = "me"
VERSION_HEADER = {"x-fanvue-api-version": "2025-06-26"}
"""The API version of every request. Retired versions are answered with status 410."""

SCOPES = (
    "openid offline_access offline read:self read:post write:post read:media write:media "
    "read:chat write:chat read:fan"
    " read:insights"
)
FORM = ConnectForm(fields=(), credential=oauth.ACCESS_TOKEN_FIELD, minutes=20, registered=True)
NO_GRACE = timedelta(0)
"""Time for which a used refresh token still works: it works only once. A second use revokes all
tokens derived from it."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HANDLE = re.compile(r"[\w.-]{1,60}", re.ASCII)


def is_uuid(told: object) -> bool:
    """Return True if the value is an ID of Fanvue."""
    return isinstance(told, str) and _UUID.fullmatch(told) is not None


def uuid_of(answer: StepResult, name: str = "uuid") -> str:
    """Return the ID in this field of a successful answer, or ""."""
    told = http_responses.success_body(answer).get(name)
    return str(told) if is_uuid(told) else ""


RETIRED = timedelta(minutes=5)
"""Delay of requests after the API version was retired. They fail until Greenroom is updated."""


def refusal_text(answer: StepResult) -> str:
    """Return the texts of an error in lowercase. Fanvue has no common format for errors."""
    body = http_responses.json_body(answer)
    errors = body.get("errors")
    parts = [body.get("error"), body.get("message"), *(errors if isinstance(errors, list) else ())]
    return " ".join(part for part in parts if isinstance(part, str)).lower()


def outcome_of_failure(answer: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of a failure."""
    if isinstance(answer, Response) and answer.status == 410:
        return Retry(RETIRED, "app", Message("fanvue.version"))
    if isinstance(answer, Response) and answer.status == 403:
        told = refusal_text(answer)
        if "scope" in told:
            return Reauthorize(Message("oauth.scopes"))
        if any(word in told for word in ("suspended", "banned", "deactivated", "deleted")):
            return Disconnected(Message("connectors.account_gone", {"word": "http_403"}))
    return http_responses.outcome_of_status(answer, creates=creates)


def connect(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | OAuthVisit | ConnectedAccount | Outcome:
    """Let the creator authorize, exchange the code for tokens, and identify the account."""
    page = OAuthVisit(
        "/oauth2/auth", {"scope": SCOPES, "prompt": "login"}
    )  # another creator may be signed in
    turn = oauth.oauth_turn(
        form, answers, page=page, path="/oauth2/token", me=_build_whoami_step(StepKind.AUTH)
    )
    if turn is not None:
        return turn
    return _build_account(answers[-1], oauth.parse_tokens(answers[0]))


def _build_account(me: StepResult, given: RenewedTokens | None) -> ConnectedAccount | Outcome:
    told = http_responses.success_body(me)
    number = uuid_of(me)
    if not told:
        outcome = outcome_of_failure(me, creates=False)
        return (
            Rejected(outcome.reason, permanent=False)
            if isinstance(outcome, Reauthorize)
            else outcome
        )
    handle = told.get("handle")
    if not number or not isinstance(handle, str) or not _HANDLE.fullmatch(handle) or given is None:
        return Rejected(Message("connectors.unreadable"), permanent=True)
    if told.get("isCreator") is not True:
        return Rejected(Message("fanvue.no_creator"), permanent=False)
    return ConnectedAccount(
        account=number,
        name=f"@{handle}",
        surface=SURFACE,
        chat_surface=CHAT_SURFACE,
        token=given.token,
        refresh=given.refresh,
        lifetime=given.lifetime,
    )


def _build_whoami_step(kind: StepKind) -> WireStep:
    action = "look" if kind is StepKind.CONTROL else ""
    return WireStep(ME, kind, "GET", "/users/me", headers=VERSION_HEADER, action=action)


def verify_account(account: str, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
    """Check that the token belongs to the account."""
    if not answers:
        return Send(_build_whoami_step(StepKind.CONTROL))
    if not uuid_of(answers[-1]):
        return outcome_of_failure(answers[-1], creates=False)
    return (
        None
        if uuid_of(answers[-1]) == account
        else Reauthorize(Message("connectors.token_refused"))
    )


def count_followers(answers: tuple[StepResult, ...]) -> Send | int | None:
    """Return the next request, or the number of followers of the token's account.

    Fanvue counts subscribers separately and does not document whether they are included, so the two
    are not added. Source:
    https://api.fanvue.com/docs/api-reference/reference/users/get-current-user
    """
    if not answers:
        return Send(replace(metrics.followers_request("/users/me").step, headers=VERSION_HEADER))
    counts = http_responses.success_body(answers[-1]).get("fanCounts")
    return metrics.parse_count(counts.get("followersCount")) if isinstance(counts, dict) else None


def refresh(grant: RefreshGrant, answers: tuple[StepResult, ...]) -> Send | RenewedTokens | Outcome:
    """Return the next request, or the new pair of tokens, which revokes the old one."""
    return (
        oauth.renewal_outcome(answers[-1], "fanvue")
        if answers
        else Send(oauth.token_renewal_step("/oauth2/token", grant))
    )
