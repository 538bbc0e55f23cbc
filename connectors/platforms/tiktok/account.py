"""Accounts on TikTok: sign-in through a registered application, and the audience of posts.

Source: https://developers.tiktok.com/doc/oauth-user-access-token-management,
https://developers.tiktok.com/doc/content-posting-api-reference-query-creator-info
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors.contract import metrics
from connectors.contract.account_setup import ConnectedAccount, ConnectForm, FormField, OAuthVisit
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
from connectors.shared.oauth import HeldCredentials, revocation_outcome, revocation_request
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

SURFACE = "tiktok.post"
EXCHANGE = "/v2/oauth/token/"
CREATOR = "creator"
USER = "user"
SCOPES = "user.info.basic,user.info.stats,video.publish,video.list"
"""The requested scopes. If the user deselects `user.info.stats`, only the follower count is
unavailable."""

CLIENT_KEY = "client_key"
"""TikTok's parameter for the client ID."""

AUDIENCES = ("PUBLIC_TO_EVERYONE", "FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY")
"""The possible audiences of a post. TikTok reports which of them an account may use."""

FORM = ConnectForm(
    fields=(FormField("readers", choices=AUDIENCES),),
    credential=oauth.ACCESS_TOKEN_FIELD,
    minutes=30,
    registered=True,
)
TOKEN_GRACE = timedelta(0)
"""Time for which a used refresh token still works: it works only once."""

DAY = timedelta(days=1)
_RIGHTS = frozenset({"scope_not_authorized", "scope_permission_missed"})
_DAYS = frozenset({"spam_risk_too_many_posts", "spam_risk_too_many_pending_share"})
_BANNED = "spam_risk_user_banned_from_posting"
_UNAUDITED = "unaudited_client_can_only_post_to_private_accounts"
_OPEN_ID = re.compile(r"[\w-]{8,64}", re.ASCII)
_NAME = re.compile(r"[\w.]{1,40}")


@dataclass(frozen=True)
class PostingAccount:
    """An account and the audience of its posts."""

    open_id: str
    readers: str

    @property
    def account(self) -> str:
        """Return the account's name in the database."""
        return f"{self.open_id}#{self.readers}"


def parse_account(account: str) -> PostingAccount:
    """Return the parts of an account's name."""
    open_id, _, readers = account.partition("#")
    return PostingAccount(open_id, readers)


def status_code(answer: StepResult) -> str:
    """Return the error code of a response, `ok` for a success, or ""."""
    error = http_responses.json_body(answer).get("error")
    told = error.get("code") if isinstance(error, dict) else ""
    return re.sub(r"\W", "", told)[:80] if isinstance(told, str) else ""


def unwrap_success(answer: StepResult) -> dict[str, Any]:
    """Return the `data` object of a successful response, or an empty one."""
    told = http_responses.success_body(answer).get("data") if status_code(answer) == "ok" else None
    return told if isinstance(told, dict) else {}


def outcome_of_failure(answer: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of an answer that is not a success.

    Source: https://developers.tiktok.com/doc/content-posting-api-reference-direct-post#error_codes
    """
    word = status_code(answer)
    if (
        not isinstance(answer, Response)
        or word in ("", "ok")
        or answer.status >= 500
        or http_responses.stated_status(answer) == 429
        or (creates and answer.status >= 400 and not http_responses.proves_refusal(answer))
    ):
        return http_responses.outcome_of_status(answer, creates=creates)
    if word == "access_token_invalid":
        return Reauthorize(Message("connectors.token_refused"))
    if word in _RIGHTS:
        return Reauthorize(Message("oauth.scopes"))
    if word == _BANNED:
        return Disconnected(Message("connectors.account_gone", {"word": word}))
    if word in _DAYS:
        return Retry(DAY, "account", Message("tiktok.day_used_up"))
    if word == http_responses.TIKTOK_APP_LIMITED:
        return Retry(DAY, "app", Message("tiktok.people_used_up"))
    if word == _UNAUDITED:
        return Rejected(Message("tiktok.unaudited"), permanent=False)
    return Rejected(Message("tiktok.refused", {"code": word}), permanent=False)


def creator_info_step(kind: StepKind) -> WireStep:
    """Return the request for the account's current settings, which TikTok requires before each
    post."""
    action = "look" if kind is StepKind.CONTROL else ""
    return WireStep(
        CREATOR, kind, "POST", "/v2/post/publish/creator_info/query/", {}, action=action
    )


def can_use_audience(told: Mapping[str, Any], readers: str) -> bool:
    """Return True if the account may post to this audience."""
    options = told.get("privacy_level_options")
    return isinstance(options, list) and readers in options


def connect(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | OAuthVisit | ConnectedAccount | Outcome:
    """Return the consent page, exchange the code for tokens, and read the account's name and
    settings."""
    readers = str(form.get("readers", ""))
    if readers not in AUDIENCES:
        return Rejected(Message("tiktok.no_readers"), permanent=False)
    page = OAuthVisit("/v2/auth/authorize/", {"scope": SCOPES})
    me = creator_info_step(StepKind.AUTH)
    turn = oauth.oauth_turn(form, answers, page=page, path=EXCHANGE, me=me, named=CLIENT_KEY)
    if turn is not None:
        return turn
    return _build_account(readers, answers[0], answers[-1])


def _build_account(
    readers: str, given: StepResult, about: StepResult
) -> ConnectedAccount | Outcome:
    told = unwrap_success(about)
    tokens = oauth.parse_tokens(given)
    open_id = http_responses.json_body(given).get("open_id")
    if not told:
        outcome = outcome_of_failure(about, creates=False)
        lost = isinstance(outcome, Reauthorize | Disconnected)
        return Rejected(Message("tiktok.no_right"), permanent=False) if lost else outcome
    name = told.get("creator_username")
    known = (
        isinstance(name, str)
        and _NAME.fullmatch(name)
        and isinstance(open_id, str)
        and _OPEN_ID.fullmatch(open_id)
    )
    if not known or tokens is None:
        return Rejected(Message("connectors.unreadable"), permanent=True)
    if not can_use_audience(told, readers):
        return Rejected(Message("tiktok.not_these_readers"), permanent=False)
    return ConnectedAccount(
        account=PostingAccount(str(open_id), readers).account,
        name=f"@{name}",
        surface=SURFACE,
        token=tokens.token,
        refresh=tokens.refresh,
        lifetime=tokens.lifetime,
    )


def verify_account(account: str, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
    """Check that the token belongs to this account."""
    if not answers:
        return Send(
            WireStep(USER, StepKind.CONTROL, "GET", "/v2/user/info/?fields=open_id", action="look")
        )
    told = unwrap_success(answers[-1]).get("user")
    if not isinstance(told, dict):
        return outcome_of_failure(answers[-1], creates=False)
    same = told.get("open_id") == parse_account(account).open_id
    return None if same else Reauthorize(Message("connectors.token_refused"))


def count_followers(answers: tuple[StepResult, ...]) -> Send | int | None:
    """Return the next request, or the number of followers. Return None if the scope was not
    granted."""
    if not answers:
        return metrics.followers_request("/v2/user/info/?fields=follower_count")
    told = unwrap_success(answers[-1]).get("user")
    return metrics.parse_count(told.get("follower_count")) if isinstance(told, dict) else None


def revoke_tokens(held: HeldCredentials, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Revoke the grant by its access token.

    Source: https://developers.tiktok.com/docs/en/oauth-revoke-a-user-access-token
    """
    if answers:
        return revocation_outcome(answers[-1], held.account)
    return revocation_request("/v2/oauth/revoke/", held, held.token, named=CLIENT_KEY)


def refresh(grant: RefreshGrant, answers: tuple[StepResult, ...]) -> Send | RenewedTokens | Outcome:
    """Return the next request or the new tokens. The old refresh token becomes invalid."""
    return (
        oauth.renewal_outcome(answers[-1], "tiktok")
        if answers
        else Send(oauth.token_renewal_step(EXCHANGE, grant, CLIENT_KEY))
    )
