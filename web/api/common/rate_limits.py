"""Rate limits of API requests: one bucket for each key and one for the tenant, in the database that
all web processes share.

A bucket stores one instant, until which its requests count (GCRA, ITU-T I.371). A request moves the
instant forward by one interval and is rejected if that exceeds the window. Counting requires one
SQL statement and uses the clock `people_now()`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from web.api.common.errors import ApiError

API_ACTOR = "system:api"


@dataclass(frozen=True)
class ApiRateLimit:
    """At most `most` requests within `window`. All of them may arrive in one burst."""

    most: int
    window: timedelta

    @property
    def interval(self) -> timedelta:
        """The share of the window that one request uses."""
        return self.window / self.most


@dataclass(frozen=True)
class ApiRateLimits:
    """The limits of one key and of all keys of a tenant together."""

    key: ApiRateLimit = ApiRateLimit(120, timedelta(minutes=1))
    agency: ApiRateLimit = ApiRateLimit(600, timedelta(minutes=1))


_TAKE = """
INSERT INTO api_buckets AS b (tenant_id, id, who, full_until)
VALUES (:tenant, :id, :who, people_now() + CAST(:step AS interval))
ON CONFLICT (tenant_id, who) DO UPDATE
SET full_until = greatest(b.full_until, people_now()) + CAST(:step AS interval), updated_at =
house_now()
WHERE greatest(b.full_until, people_now()) + CAST(:step AS interval) <= people_now() +
CAST(:window AS interval)
RETURNING full_until - people_now() AS used
"""
"""SQL statement that counts a request: it moves the bucket's instant forward unless that exceeds
the window."""
_USED = (
    "SELECT full_until - people_now() AS used FROM api_buckets WHERE tenant_id = :tenant AND who "
    "= :who"
)


def count_key_request(
    tenant: OpenScope,
    limits: ApiRateLimits,
    *,
    tenant_id: UUID,
    key_id: UUID,
    together: str = "agency",
) -> dict[str, str]:
    """Count a request of a key and of the bucket `together`. Return the RateLimit headers.

    Raises ApiError (429); rejected requests are not counted.
    """
    asked = {"key": (f"key:{key_id}", limits.key), "agency": (together, limits.agency)}
    left: dict[str, str] = {
        "ratelimit-policy": ", ".join(
            _format_rate_policy(name, rate) for name, (_, rate) in asked.items()
        )
    }
    said = []
    with tenant(tenant_id, API_ACTOR) as scope:
        for name, (who, rate) in asked.items():  # a fixed order prevents deadlocks
            said.append(_count_request(scope, name, who, rate, left))
    return {**left, "ratelimit": ", ".join(said)}


def count_request(tenant: OpenScope, rate: ApiRateLimit, *, tenant_id: UUID, who: str) -> None:
    """Count a request against a single limit. Raises ApiError (429); rejected requests are not
    counted."""
    with tenant(tenant_id, API_ACTOR) as scope:
        _count_request(scope, who.partition(":")[0], who, rate, {})


def _format_rate_policy(name: str, rate: ApiRateLimit) -> str:
    return f'"{name}";q={rate.most};w={int(rate.window.total_seconds())}'


def _count_request(
    scope: Scope, name: str, who: str, rate: ApiRateLimit, headers: Mapping[str, str]
) -> str:
    spans = {"step": rate.interval, "window": rate.window}
    row = scope.run(_TAKE, tenant=scope.tenant_id, id=uuid7(), who=who, **spans).first()
    if row is None:
        used = scope.run(_USED, tenant=scope.tenant_id, who=who).scalar_one()
        wait = max(1, ceil((used + rate.interval - rate.window).total_seconds()))
        told = {**headers, "ratelimit": f'"{name}";r=0;t={wait}', "retry-after": str(wait)}
        raise ApiError(429, Message("api.too_fast", {"seconds": wait}), headers=told)
    return (
        f'"{name}";r={(rate.window - row.used) // rate.interval};t={ceil(row.used.total_seconds())}'
    )
