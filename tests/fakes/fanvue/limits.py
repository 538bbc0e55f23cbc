"""How often Fanvue may be asked: a bucket per application and person, which is filled again as a
whole.

As its page on limits tells it: 200 tokens, each request spends one, full again every 60 seconds,
with three headers on every answer and a fourth on refusals. That a bucket's minute begins with the
first request from it, that a refused request spends nothing, and the body of a refusal are assumed.
A few calls of the real one have limits of their own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.fanvue.spec import Refusal

MINUTE = timedelta(seconds=60)


@dataclass
class Bucket:
    """One bucket: when its minute began and what was spent since."""

    began: datetime
    spent: int = 0

    @property
    def refills(self) -> int:
        """When it is full again, in Unix seconds, rounded up: whoever waits until then may ask."""
        return math.ceil((self.began + MINUTE).timestamp())


@dataclass
class Limits:
    """What was asked so far. Tests make `most` small."""

    clock: Callable[[], datetime]
    most: int = 200
    own: dict[str, int] = field(default_factory=dict)
    """Kinds of requests, in the words of the faults, that have a bucket of their own, and its
    size."""
    buckets: dict[tuple[str, ...], Bucket] = field(default_factory=dict)

    def ask(self, client_id: str, member_id: str, kind: str) -> dict[str, str]:
        """Spend a token; the headers of the answer. Raises Refusal."""
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
