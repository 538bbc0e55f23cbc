"""How much of YouTube a project may ask for in a day, by all its accounts together.

Documented: uploads are counted in a bucket of their own, everything else in units; the day ends at
midnight in Los Angeles, and calls that fail cost as much as others. That a refused call over the
limit spends nothing is assumed.
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
    """What was asked so far. Tests make the numbers small."""

    clock: AdjustableClock
    uploads_per_day: int = 100
    """Sessions that one project may open in a day."""
    units_per_day: int = 10_000
    """What everything else of one project may cost in a day."""
    rate_limited: int = 0
    """How many of the next calls are told `rateLimitExceeded`; they cost nothing."""
    spent: dict[tuple[str, str, date], int] = field(default_factory=dict)
    """By project, bucket and day in Los Angeles."""

    def spend(self, client_id: str, bucket: str, cost: int) -> None:
        """Take the cost of a call from a project's bucket. Raises Refusal."""
        if self.rate_limited > 0:
            self.rate_limited -= 1
            raise api_error(403, "rateLimitExceeded", "Rate Limit Exceeded", "usageLimits")
        key = (client_id, bucket, self.clock().astimezone(PACIFIC).date())
        most = self.uploads_per_day if bucket == UPLOADS else self.units_per_day
        if self.spent.get(key, 0) + cost > most:
            raise api_error(403, "quotaExceeded", OVER, "youtube.quota")
        self.spent[key] = self.spent.get(key, 0) + cost
