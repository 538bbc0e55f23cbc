"""What the fake TikTok refuses with, and how often it may be asked: per token and call, in a
sliding minute.

Documented: the words, the numbers of the Content Posting API, 600 for the Display API, the sliding
minute, five people a day through an application without an audit, and that an account's cap of
posts, whatever the application, is mostly about 15 a day. That a refused call is not counted is
assumed.

Not all pages of TikTok's agree: that of a direct post has 403 for `privacy_level_option_mismatch`,
and `invalid_param` in the place of `invalid_params`; that of the status has 400 for
`token_not_authorized_for_specified_publish_id`. So nothing may lean on these statuses: `STATUS` is
the one place that says them.

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
"""By operation: calls in a minute with one token."""
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
    """An error answer: status, and a body where there is one."""

    def __init__(self, status: int, body: Json | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


def log_id() -> str:
    """How an answer is called in TikTok's logs."""
    return secrets.token_hex(17).upper()


def said(data: Json, code: str = "ok", message: str = "") -> Json:
    """An answer of the API."""
    return {"data": data, "error": {"code": code, "message": message, "log_id": log_id()}}


def wrong(code: str, message: str) -> Refusal:
    """A refusal of the API."""
    return Refusal(STATUS[code], said({}, code, message))


@dataclass
class Limits:
    """What was asked so far. Tests make the numbers small."""

    clock: AdjustableClock
    most: dict[str, int] = field(default_factory=lambda: dict(MOST))
    posts_per_day: int = 15
    """Posts of one account in 24 hours."""
    people_per_day: int = 5
    """Accounts that may post in 24 hours through an application without an audit."""
    asked: dict[tuple[str, str], list[datetime]] = field(default_factory=dict, repr=False)
    """By token and operation: when it was asked within the last minute."""

    def ask(self, token: str, operation: str) -> None:
        """Count a call. Raises Refusal."""
        now = self.clock()
        recent = [one for one in self.asked.get((token, operation), ()) if now - one < MINUTE]
        if len(recent) >= self.most[operation]:
            raise wrong(
                "rate_limit_exceeded", "The API rate limit was exceeded. Please try again later."
            )
        self.asked[token, operation] = [*recent, now]
