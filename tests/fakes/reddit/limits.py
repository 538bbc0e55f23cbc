"""Rate limit of Reddit: requests in ten minutes, shared by all tokens of an app.

`X-Ratelimit-Used`, `-Remaining` (with a decimal point) and `-Reset` (seconds) are as recorded from
the real API. Assumed: a window starts with its first request, and a rejected request costs nothing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.reddit.spec import too_many

WINDOW = timedelta(seconds=600)


@dataclass
class Bucket:
    """The window of an app: its start and the requests since."""

    began: datetime
    used: int = 0


@dataclass
class Limits:
    """Requests so far. Tests lower `most`."""

    clock: Callable[[], datetime]
    most: int = 1000
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def ask(self, client_id: str) -> dict[str, str]:
        """Count a request and return the headers of its response. Raise Refusal."""
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
