"""Rate limits of platforms as data, and functions that read them from responses.

The numbers are the platforms' own: https://docs.x.com/x-api/fundamentals/rate-limits,
https://developers.google.com/youtube/v3/determine_quota_cost,
https://docs.bsky.app/docs/advanced-guides/rate-limits,
https://docs.joinmastodon.org/api/rate-limits/. Discord's limits per route and second need no
reserve.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from connectors.contract.connector import Response
from connectors.shared import requested_waits

RESERVED_PERCENT = 20
"""Percentage of a limit that is reserved for replies and removals; posts do not use it."""

PUBLISH_STEP = "publish"
"""Name of the publish step on every platform."""

QuotaVerdict = Literal["yes", "kept", "shared"]


@dataclass(frozen=True)
class RateLimit:
    """A limit of units per window, for one account or for all accounts of an application. The cost
    of a request depends on its step."""

    name: str
    of: Literal["account", "app"]
    told_in: str = ""
    """Prefix of the response headers `-limit`, `-remaining` and `-reset`; "" if there are none."""
    told_by: frozenset[str] = frozenset()
    """Steps whose responses describe this window; empty for all."""
    most: int = 0
    """Units per window if no response states them; 0 if only responses do."""
    every: timedelta | None = None
    """Length of the window; None for a day of `zone`."""
    zone: str = "UTC"
    costs: Mapping[str, int] = field(default_factory=dict)
    """Units by step; a name with a final `:` applies to all steps with that prefix."""
    others: int = 0
    """Units of a step that is not in `costs`."""
    begins: str = ""
    """Name of the step that starts an upload, if it costs units."""
    posts_alone: bool = False
    """True if replies and removals do not count towards the limit, so that no units are reserved
    for them."""

    def cost_of(self, step: str) -> int:
        """Return the units of a request. The further requests of an upload cost nothing."""
        alike = (
            units
            for name, units in self.costs.items()
            if name.endswith(":") and step.startswith(name)
        )
        return self.costs.get(step, next(alike, 0 if ":" in step else self.others))

    def reserved_units(self, most: int) -> int:
        """Return the reserved part of `most` units: a fifth, rounded up."""
        return 0 if self.posts_alone else -(-most * RESERVED_PERCENT // 100)

    def window_at(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the start of the window that contains `now`, and the start of the next one."""
        if self.every is not None:
            begun = now - timedelta(seconds=now.timestamp() % self.every.total_seconds())
            return begun, begun + self.every
        there = now.astimezone(ZoneInfo(self.zone))
        begun = there.replace(hour=0, minute=0, second=0, microsecond=0)
        return begun.astimezone(now.tzinfo), (begun + timedelta(days=1)).astimezone(now.tzinfo)


@dataclass(frozen=True)
class LimitReading:
    """The state of a window in a response: all units, the remaining ones, and the time until the
    reset."""

    most: int
    left: int
    after: timedelta


def read_limit_headers(allowance: RateLimit, answer: Response) -> LimitReading | None:
    """Return the state of a window in a response, or None if it is missing or invalid."""
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
    after = requested_waits.time_until(reset, answer)
    return LimitReading(most, min(left, most), after) if after is not None else None


def fair_share(most: int, agencies: int) -> int:
    """Return an agency's equal share of `most` units; at least one, despite rounding."""
    return max(most // max(agencies, 1), 1)


def post_verdict(
    *, most: int, kept: int, used: int, ours: int, agencies: int, cost: int
) -> QuotaVerdict:
    """Return `yes` if a post may use `cost` units, `kept` if they are reserved, or `shared` if they
    belong to the shares of other agencies.

    `used` is the number of units used by all and `ours` that of this agency; `agencies` is the
    number of agencies with a post due in the window, past or future.
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
"""Rate limits by platform. `told_by` is empty if all responses report an account's limit."""


def rate_limits_of(platform: str) -> tuple[RateLimit, ...]:
    """Return the rate limits of a platform; empty if none are documented here."""
    return RATE_LIMITS.get(platform, ())


def _parse_units(answer: Response, header: str) -> int | None:
    # Decimal numbers are rounded down.
    told = answer.headers.get(header, "").strip().partition(".")[0]
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else None
