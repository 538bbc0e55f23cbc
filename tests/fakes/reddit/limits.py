"""How often Reddit may be asked: so many requests in ten minutes, by all tokens of one application
together.

`X-Ratelimit-Used`, `-Remaining` (with a decimal point) and `-Reset` (seconds) as recorded from the
real one. That the window begins with the first request in it, and that a refused request spends
nothing, are assumed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.reddit.spec import too_many

WINDOW = timedelta(seconds=600)


@dataclass
class Bucket:
    """One application's window: when it began and what was spent since."""

    began: datetime
    used: int = 0


@dataclass
class Limits:
    """What was asked so far. Tests make `most` small."""

    clock: Callable[[], datetime]
    most: int = 1000
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def ask(self, client_id: str) -> dict[str, str]:
        """Spend a request; the headers of the answer. Raises Refusal."""
        now, bucket = self.clock(), self.buckets.get(client_id)
        if bucket is None or now >= bucket.began + WINDOW:
            bucket = self.buckets[client_id] = Bucket(now)
        over = bucket.used >= self.most
        bucket.used += 0 if over else 1
        reset = max(1, math.ceil((bucket.began + WINDOW - now).total_seconds()))
        told = {"x-ratelimit-used": str(bucket.used), "x-ratelimit-reset": str(reset)}
        told["x-ratelimit-remaining"] = f"{max(0, self.most - bucket.used)}.0"
        if over:
            raise too_many(told)
        return told
