"""How much a platform lets through in a window, as data beside its capabilities, and what an answer
says is left. Pure.

Numbers are the platforms' own: https://docs.x.com/x-api/fundamentals/rate-limits,
https://developers.google.com/youtube/v3/determine_quota_cost,
https://docs.bsky.app/docs/advanced-guides/rate-limits,
https://docs.joinmastodon.org/api/rate-limits/. Discord counts by route and second, which nothing
needs a reserve of.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from connectors.contract.connector import Response
from connectors.shared import http_responses

RESERVED_PERCENT = 20
"""Of what there is, posts leave so much to replies and removals."""

PUBLISH_STEP = "publish"
"""The step that creates, on every platform."""

QuotaVerdict = Literal["yes", "kept", "shared"]


@dataclass(frozen=True)
class RateLimit:
    """So many units in a window, of one account or of all of one application; a request costs units
    by its step."""

    name: str
    of: Literal["account", "app"]
    told_in: str = ""
    """Headers of answers that say how it stands: `<told_in>-limit`, `-remaining`, `-reset`; ""
    where none does."""
    told_by: frozenset[str] = frozenset()
    """Steps whose answers mean this window; all where empty."""
    most: int = 0
    """Units in a window where no answer says; 0 where only answers do."""
    every: timedelta | None = None
    """The window; None for a day of `zone`."""
    zone: str = "UTC"
    costs: Mapping[str, int] = field(default_factory=dict)
    """By step; a name that ends with `:` is that of every step which begins so."""
    others: int = 0
    """What a request costs that `costs` does not name."""
    begins: str = ""
    """The step that begins an upload, where it costs units."""
    posts_alone: bool = False
    """Replies and removals need none of it: nothing is kept for them."""

    def cost_of(self, step: str) -> int:
        """Units of a request; the pieces of an upload are part of the request that began it."""
        alike = (
            units
            for name, units in self.costs.items()
            if name.endswith(":") and step.startswith(name)
        )
        return self.costs.get(step, next(alike, 0 if ":" in step else self.others))

    def reserved_units(self, most: int) -> int:
        """Units that posts leave, of `most`: a fifth, rounded up."""
        return 0 if self.posts_alone else -(-most * RESERVED_PERCENT // 100)

    def window_at(self, now: datetime) -> tuple[datetime, datetime]:
        """The window that `now` is in: when it began, and when the next one does."""
        if self.every is not None:
            begun = now - timedelta(seconds=now.timestamp() % self.every.total_seconds())
            return begun, begun + self.every
        there = now.astimezone(ZoneInfo(self.zone))
        begun = there.replace(hour=0, minute=0, second=0, microsecond=0)
        return begun.astimezone(now.tzinfo), (begun + timedelta(days=1)).astimezone(now.tzinfo)


@dataclass(frozen=True)
class LimitReading:
    """What an answer says of a window: how many units there are, how many are left, and how long
    until all are."""

    most: int
    left: int
    after: timedelta


def read_limit_headers(allowance: RateLimit, answer: Response) -> LimitReading | None:
    """How a window stands by an answer; None where it says nothing of it, or nothing readable."""
    name = allowance.told_in
    if not name or (allowance.told_by and answer.step not in allowance.told_by):
        return None
    left = _parse_units(answer, f"{name}-remaining")
    used = _parse_units(answer, f"{name}-used")
    most = _parse_units(answer, f"{name}-limit")
    most = left + used if most is None and left is not None and used is not None else most
    reset = answer.headers.get(f"{name}-reset", "").strip()
    if left is None or not most or not reset:
        return None
    said = {"x-ratelimit-reset": reset, "date": answer.headers.get("date", "")}
    after = http_responses.retry_after(said, timedelta(0))
    return LimitReading(most, min(left, most), after) if after > timedelta(0) else None


def fair_share(most: int, agencies: int) -> int:
    """An agency's fair part of `most` units among so many; one at least, so that nobody is left out
    by rounding."""
    return max(most // max(agencies, 1), 1)


def post_verdict(
    *, most: int, kept: int, used: int, ours: int, agencies: int, cost: int
) -> QuotaVerdict:
    """Whether a post may take `cost` units more: not of what is `kept`, and not of what others have
    a right to.

    `used` were taken by everybody, `ours` by this agency; `agencies` have something due in the
    window, or had.
    """
    if used + cost > most - kept:
        return "kept"
    return "yes" if ours + cost <= fair_share(most - kept, agencies) else "shared"


_OF_X = frozenset({PUBLISH_STEP})
_BY_POST = {PUBLISH_STEP: 1}

RATE_LIMITS: Mapping[str, tuple[RateLimit, ...]] = {
    "x": (
        RateLimit("posts", "account", "x-rate-limit", _OF_X),
        RateLimit("day", "account", "x-user-limit-24hour", _OF_X),
        RateLimit("day", "app", "x-app-limit-24hour", _OF_X, most=10_000, costs=_BY_POST),
    ),
    "youtube": (
        RateLimit(
            "films",
            "app",
            most=100,
            zone="America/Los_Angeles",
            costs={"stage:open": 1},
            begins="stage:open",
            posts_alone=True,
        ),
        RateLimit(
            "units",
            "app",
            most=10_000,
            zone="America/Los_Angeles",
            costs={PUBLISH_STEP: 50, "delete": 50, "moderate": 50, "stage:cover:": 50},
            others=1,
        ),
    ),
    "bluesky": (RateLimit("points", "account", "ratelimit", frozenset({PUBLISH_STEP})),),
    "mastodon": (
        RateLimit(
            "requests", "account", "x-ratelimit", frozenset({PUBLISH_STEP, "look", "metrics"})
        ),
    ),
    "fanvue": (RateLimit("requests", "account", "x-ratelimit"),),
    "reddit": (
        RateLimit(
            "requests", "app", "x-ratelimit", every=timedelta(minutes=10), others=1, costs=_BY_POST
        ),
    ),
    "sandbox": (
        RateLimit("window", "account", "x-sandbox-limit"),
        RateLimit("day", "app", "x-sandbox-app", costs=_BY_POST),
    ),
}
"""By platform. Where an account's limit is told by every answer alike, `told_by` is empty."""


def rate_limits_of(platform: str) -> tuple[RateLimit, ...]:
    """The allowances of a platform; none of one that nobody described."""
    return RATE_LIMITS.get(platform, ())


def _parse_units(answer: Response, header: str) -> int | None:
    told = answer.headers.get(header, "").strip().partition(".")[0]
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else None
