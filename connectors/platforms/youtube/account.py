"""YouTube channels: sign-in through an application registered at Google, and the meaning of errors.

Source: https://developers.google.com/youtube/v3/guides/auth/server-side-web-apps,
https://developers.google.com/youtube/v3/docs/errors
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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
from connectors.shared.requested_waits import requested_wait
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

SURFACE = "youtube.video"
EXCHANGE = "/token"
ME = "me"
SCOPES = (
    "https://www.googleapis.com/auth/youtube.upload "
    "https://www.googleapis.com/auth/youtube.force-ssl"
)
FORM = ConnectForm(fields=(), credential=oauth.ACCESS_TOKEN_FIELD, minutes=30, registered=True)
KEEPS = timedelta(days=180)
"""Time for which a refresh token works. It can be used repeatedly, but expires if it is not used
for six months."""

QUOTA_ZONE = ZoneInfo("America/Los_Angeles")
"""The daily quota of an application is reset at midnight in this time zone.

Source: https://developers.google.com/youtube/v3/determine_quota_cost
"""

DAY = timedelta(days=1)
_OF_USER = ("authenticatedUserAccountClosed", "authenticatedUserAccountSuspended")
_GONE = frozenset(
    {
        "youtubeSignupRequired",
        "channelSuspended",
        "channelClosed",
        "accountClosed",
        "accountSuspended",
        *_OF_USER,
    }
)
FORBIDDEN = "forbidden"
"""Error reason with two meanings: for our video or list the scope is missing; for a comment or
cover the action is not allowed."""

_DAYS = frozenset({"quotaExceeded", "dailyLimitExceeded"})
_SOON = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
_COUNT = re.compile(r"\d{1,20}", re.ASCII)
_CHANNEL = re.compile(r"UC[\w-]{22}", re.ASCII)


def error_reason(answer: StepResult) -> str:
    """Return the reason in an error response, or ""."""
    return next(
        iter(sorted(http_responses.google_error_reasons(http_responses.json_body(answer)))), ""
    )


def outcome_of_failure(answer: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of an answer that is not a success."""
    word = error_reason(answer)
    unproven = creates and not http_responses.proves_refusal(answer)
    if not isinstance(answer, Response) or not word or answer.status >= 500 or unproven:
        return http_responses.outcome_of_status(answer, creates=creates)
    if word in _GONE:
        return Disconnected(Message("connectors.account_gone", {"word": word}))
    if word in _DAYS:
        return Retry(
            until_quota_reset(http_responses.response_date(answer)), "app", Message("youtube.quota")
        )
    if word in _SOON:
        wait = requested_wait(answer) or http_responses.RATE_WINDOW
        return Retry(wait, "app", Message("connectors.rate_limited"))
    if word == "uploadLimitExceeded":
        return Retry(DAY, "account", Message("youtube.uploads_used_up"))
    if word in ("insufficientPermissions", FORBIDDEN):
        return Reauthorize(Message("oauth.scopes"))
    if answer.status == 401:
        return http_responses.outcome_of_status(answer, creates=creates)
    return Rejected(
        Message("youtube.refused", {"code": re.sub(r"\W", "", word)[:60]}), permanent=False
    )


def until_quota_reset(now: datetime | None) -> timedelta:
    """Return the time until the daily quota is reset; an hour if `now` is unknown."""
    if now is None:
        return timedelta(hours=1)
    there = now.astimezone(QUOTA_ZONE)
    midnight = datetime.combine(there.date() + DAY, datetime.min.time(), QUOTA_ZONE)
    return midnight - now


def list_items(answer: StepResult) -> list[dict[str, Any]] | None:
    """Return the items of a list, or None if it is not a list."""
    told = http_responses.success_body(answer).get("items")
    whole = isinstance(told, list) and all(isinstance(one, dict) for one in told)
    return told if whole else None


def resource_part(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a part of a resource, or an empty one if it is missing."""
    told = item.get(name)
    return told if isinstance(told, dict) else {}


def connect(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | OAuthVisit | ConnectedAccount | Outcome:
    """Return the consent page, exchange the code for tokens, and read the channel."""
    asked = {"scope": SCOPES, "access_type": "offline", "prompt": "consent"}
    page = OAuthVisit("/o/oauth2/v2/auth", asked)
    turn = oauth.oauth_turn(
        form, answers, page=page, path=EXCHANGE, me=_build_whoami_step(StepKind.AUTH)
    )
    if turn is not None:
        return turn
    return _build_account(answers[-1], oauth.parse_tokens(answers[0]))


def _build_account(me: StepResult, given: RenewedTokens | None) -> ConnectedAccount | Outcome:
    mine = list_items(me)
    if not http_responses.success_body(me):
        outcome = outcome_of_failure(me, creates=False)
        lost = isinstance(outcome, Reauthorize | Disconnected)
        return (
            Rejected(Message("youtube.no_channel") if lost else outcome.reason, False)
            if lost
            else outcome
        )
    if not mine:  # an empty list has no `items`
        return Rejected(Message("youtube.no_channel"), permanent=False)
    number = mine[0].get("id")
    title = resource_part(mine[0], "snippet").get("title")
    if (
        not isinstance(number, str)
        or not _CHANNEL.fullmatch(number)
        or not isinstance(title, str)
        or given is None
    ):
        return Rejected(Message("connectors.unreadable"), permanent=True)
    if given.refresh is None:
        return Rejected(Message("oauth.again"), permanent=False)
    return ConnectedAccount(
        account=number,
        name=title[:100],
        surface=SURFACE,
        token=given.token,
        refresh=given.refresh,
        lifetime=given.lifetime,
    )


def _build_whoami_step(kind: StepKind) -> WireStep:
    action = "look" if kind is StepKind.CONTROL else ""
    return WireStep(
        ME, kind, "GET", "/youtube/v3/channels?part=id,snippet&mine=true", action=action
    )


def verify_account(account: str, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
    """Check that the token belongs to this channel."""
    if not answers:
        return Send(_build_whoami_step(StepKind.CONTROL))
    if not http_responses.success_body(answers[-1]):
        return outcome_of_failure(answers[-1], creates=False)
    mine = [one.get("id") for one in list_items(answers[-1]) or ()]
    return None if account in mine else Reauthorize(Message("connectors.token_refused"))


def count_followers(answers: tuple[StepResult, ...]) -> Send | int | None:
    """Return the next request, or the number of subscribers, which YouTube rounds to three digits
    and returns as text.

    Source: https://developers.google.com/youtube/v3/docs/channels#statistics.subscriberCount
    """
    if not answers:
        return metrics.followers_request("/youtube/v3/channels?part=statistics&id={account}")
    found = list_items(answers[-1])
    told = resource_part(found[0], "statistics") if found else {}
    many = told.get("subscriberCount")
    if (
        told.get("hiddenSubscriberCount") is True
        or not isinstance(many, str)
        or not _COUNT.fullmatch(many)
    ):
        return None
    return metrics.parse_count(int(many))


def refresh(grant: RefreshGrant, answers: tuple[StepResult, ...]) -> Send | RenewedTokens | Outcome:
    """Return the next request or a new access token. The refresh token remains valid."""
    return (
        oauth.renewal_outcome(answers[-1], "youtube")
        if answers
        else Send(oauth.token_renewal_step(EXCHANGE, grant))
    )
