"""A channel on YouTube: an application somebody registered at Google, a yes of its owner, what
refusals mean. Pure.

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
"""A refresh token may be shown again and again; one that nobody shows for six months ends."""

QUOTA_ZONE = ZoneInfo("America/Los_Angeles")
"""What an application may do in a day begins anew at midnight there.

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
"""Of a film or a list of ours: the yes is not for this. Of a comment or a cover: whoever asks may
not do this one."""

_DAYS = frozenset({"quotaExceeded", "dailyLimitExceeded"})
_SOON = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
_COUNT = re.compile(r"\d{1,20}", re.ASCII)
_CHANNEL = re.compile(r"UC[\w-]{22}", re.ASCII)


def error_reason(answer: StepResult) -> str:
    """Their word for a refusal; "" for none."""
    return next(
        iter(sorted(http_responses.google_error_reasons(http_responses.json_body(answer)))), ""
    )


def outcome_of_failure(answer: StepResult, *, creates: bool) -> Outcome:
    """Say what an answer that is not a success meant."""
    word = error_reason(answer)
    if not isinstance(answer, Response) or not word or answer.status >= 500:
        return http_responses.outcome_of_status(answer, creates=creates)
    if word in _GONE:
        return Disconnected(Message("connectors.account_gone", {"word": word}))
    if word in _DAYS:
        return Retry(
            until_quota_reset(http_responses.response_date(answer)), "app", Message("youtube.quota")
        )
    if word in _SOON:
        return Retry(http_responses.RATE_WINDOW, "app", Message("connectors.rate_limited"))
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
    """How long it is until an application's day begins anew; an hour where nobody says what time it
    is."""
    if now is None:
        return timedelta(hours=1)
    there = now.astimezone(QUOTA_ZONE)
    midnight = datetime.combine(there.date() + DAY, datetime.min.time(), QUOTA_ZONE)
    return midnight - now


def list_items(answer: StepResult) -> list[dict[str, Any]] | None:
    """What a list holds; None for anything but a list."""
    told = http_responses.success_body(answer).get("items")
    whole = isinstance(told, list) and all(isinstance(one, dict) for one in told)
    return told if whole else None


def resource_part(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """One part of a resource; nothing where it is not told."""
    told = item.get(name)
    return told if isinstance(told, dict) else {}


def connect(
    form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
) -> Send | OAuthVisit | ConnectedAccount | Outcome:
    """The person says yes; then the code for tokens, and which channel they are for."""
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
    if not mine:  # a list without any is told without the word
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
    """Whether the token is this channel's."""
    if not answers:
        return Send(_build_whoami_step(StepKind.CONTROL))
    if not http_responses.success_body(answers[-1]):
        return outcome_of_failure(answers[-1], creates=False)
    mine = [one.get("id") for one in list_items(answers[-1]) or ()]
    return None if account in mine else Reauthorize(Message("connectors.token_refused"))


def count_followers(answers: tuple[StepResult, ...]) -> Send | int | None:
    """How many subscribed, to three digits as YouTube rounds it; it is told as text.

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
    """A new access token; the refresh token stays."""
    return (
        oauth.renewal_outcome(answers[-1])
        if answers
        else Send(oauth.token_renewal_step(EXCHANGE, grant))
    )
