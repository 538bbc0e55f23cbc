"""Errors and rate limits of the fake TikTok: calls per token and operation in a sliding minute.

Documented: the error codes, the limits of the Content Posting API, 600 for the Display API, the
sliding minute, five users a day through an unaudited app, and an account's cap of usually about 15
posts a day across all apps. Assumed: a rejected call is not counted.

TikTok's pages contradict each other: that of a direct post has 403 for
`privacy_level_option_mismatch`, and `invalid_param` instead of `invalid_params`; that of the status
has 400 for `token_not_authorized_for_specified_publish_id`. Clients must not rely on these
statuses, which are defined in `STATUS` only.

Source: https://developers.tiktok.com/doc/tiktok-api-v2-error-handling,
https://developers.tiktok.com/doc/tiktok-api-v2-rate-limit,
https://developers.tiktok.com/doc/content-sharing-guidelines
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.conformance.fake_servers import AdjustableClock

Json = dict[str, Any]

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MOST = {
    "creator_info": 20,
    "init": 6,
    "status": 30,
    "user_info": 600,
    "video_query": 600,
    "video_list": 600,
}
"""Calls per minute with one token, by operation."""
STATUS = {
    "invalid_params": 400,
    "invalid_publish_id": 400,
    "privacy_level_option_mismatch": 400,
    "access_token_invalid": 401,
    "scope_not_authorized": 401,
    "reached_active_user_cap": 403,
    "spam_risk_too_many_posts": 403,
    "spam_risk_user_banned_from_posting": 403,
    "token_not_authorized_for_specified_publish_id": 403,
    "unaudited_client_can_only_post_to_private_accounts": 403,
    "url_ownership_unverified": 403,
    "not_found": 404,
    "rate_limit_exceeded": 429,
}


class Refusal(Exception):
    """An error response: status, and a body if there is one."""

    def __init__(self, status: int, body: Json | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


def log_id() -> str:
    """Return the ID of a response in TikTok's logs."""
    return secrets.token_hex(17).upper()


def said(data: Json, code: str = "ok", message: str = "") -> Json:
    """Return a response of the API."""
    return {"data": data, "error": {"code": code, "message": message, "log_id": log_id()}}


def wrong(code: str, message: str) -> Refusal:
    """Return an error of the API."""
    return Refusal(STATUS[code], said({}, code, message))


@dataclass
class Limits:
    """Calls so far. Tests lower the limits."""

    clock: AdjustableClock
    most: dict[str, int] = field(default_factory=lambda: dict(MOST))
    posts_per_day: int = 15
    """Maximum posts of an account in 24 hours."""
    people_per_day: int = 5
    """Maximum accounts that post in 24 hours through an unaudited app."""
    asked: dict[tuple[str, str], list[datetime]] = field(default_factory=dict, repr=False)
    """Times of the calls in the last minute, by token and operation."""

    def ask(self, token: str, operation: str) -> None:
        """Count a call. Raise Refusal."""
        now = self.clock()
        recent = [one for one in self.asked.get((token, operation), ()) if now - one < MINUTE]
        if len(recent) >= self.most[operation]:
            raise wrong(
                "rate_limit_exceeded", "The API rate limit was exceeded. Please try again later."
            )
        self.asked[token, operation] = [*recent, now]
