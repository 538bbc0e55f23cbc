"""Rate limits of Fanvue: one bucket per app and user, which is refilled as a whole.

Documented: 200 tokens, one per request, refilled every 60 seconds, with three headers on every
response and a fourth on rejections. Assumed: the minute of a bucket starts with its first request,
a rejected request costs nothing, and the body of a rejection. A few endpoints of the real API have
separate limits.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.fanvue.spec import Refusal

MINUTE = timedelta(seconds=60)


@dataclass
class Bucket:
    """A bucket: the start of its minute and the tokens spent since."""

    began: datetime
    spent: int = 0

    @property
    def refills(self) -> int:
        """Return the time of the refill in Unix seconds, rounded up so that a client that waits
        until then succeeds."""
        return math.ceil((self.began + MINUTE).timestamp())


@dataclass
class Limits:
    """Requests so far. Tests lower `most`."""

    clock: Callable[[], datetime]
    most: int = 200
    own: dict[str, int] = field(default_factory=dict)
    """Kinds of requests (as in the fault book) with a separate bucket, and its size."""
    buckets: dict[tuple[str, ...], Bucket] = field(default_factory=dict)

    def ask(self, client_id: str, member_id: str, kind: str) -> dict[str, str]:
        """Spend a token and return the headers of the response. Raise Refusal."""
        key = (client_id, member_id, kind) if kind in self.own else (client_id, member_id)
        most, now = self.own.get(kind, self.most), self.clock()
        bucket = self.buckets.get(key)
        if bucket is None or now.timestamp() >= bucket.refills:
            bucket = self.buckets[key] = Bucket(now)
        over = bucket.spent >= most
        bucket.spent += 0 if over else 1
        told = {"limit": most, "remaining": most - bucket.spent, "reset": bucket.refills}
        headers = {f"x-ratelimit-{name}": str(max(0, number)) for name, number in told.items()}
        if over:
            wait = math.ceil(bucket.refills - now.timestamp())
            raise Refusal(429, {"error": "Too Many Requests"}, headers | {"retry-after": str(wait)})
        return headers
