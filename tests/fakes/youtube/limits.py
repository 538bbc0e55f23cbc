"""Daily quota of a project, shared by all its accounts.

Documented: uploads have a separate bucket, everything else costs units; the day ends at midnight in
Los Angeles, and failed calls cost as much as others. Assumed: a call that is rejected because of
the quota costs nothing.
"""

from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from connectors.conformance.fake_servers import AdjustableClock
from tests.fakes.youtube.spec import api_error

PACIFIC = ZoneInfo("America/Los_Angeles")
UPLOADS, UNITS = "uploads", "units"
QUOTA = '<a href="/youtube/v3/getting-started#quota">quota</a>'
OVER = f"The request cannot be completed because you have exceeded your {QUOTA}."


@dataclass
class Limits:
    """Quota spent so far. Tests lower the limits."""

    clock: AdjustableClock
    uploads_per_day: int = 100
    """Maximum upload sessions of a project per day."""
    units_per_day: int = 10_000
    """Maximum units of a project per day."""
    rate_limited: int = 0
    """Number of next calls that return `rateLimitExceeded`. They cost nothing."""
    spent: dict[tuple[str, str, date], int] = field(default_factory=dict)
    """Spent quota by project, bucket and day in Los Angeles."""

    def spend(self, client_id: str, bucket: str, cost: int) -> None:
        """Charge the cost of a call to a project's bucket. Raise Refusal."""
        if self.rate_limited > 0:
            self.rate_limited -= 1
            raise api_error(403, "rateLimitExceeded", "Rate Limit Exceeded", "usageLimits")
        key = (client_id, bucket, self.clock().astimezone(PACIFIC).date())
        most = self.uploads_per_day if bucket == UPLOADS else self.units_per_day
        if self.spent.get(key, 0) + cost > most:
            raise api_error(403, "quotaExceeded", OVER, "youtube.quota")
        self.spent[key] = self.spent.get(key, 0) + cost
