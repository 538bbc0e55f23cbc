"""Rate limits of the fake Mastodon. Windows are aligned to the clock, not to the first request."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.fakes.mastodon.state import Refusal

TOO_MANY = "Too many requests"


@dataclass(frozen=True)
class Limit:
    """A number of requests in a window."""

    name: str
    most: int
    window: timedelta


API = Limit("api", 300, timedelta(minutes=5))
UPLOADS = Limit("uploads", 30, timedelta(minutes=30))
DELETES = Limit("deletes", 30, timedelta(minutes=30))
REPORTS = Limit("reports", 400, timedelta(days=1))
"""Documented only in the server's source code."""
PAGES = Limit("pages", 300, timedelta(minutes=15))
"""Limit of requests with a pagination parameter. Documented only in the server's source code."""
STATUSES = Limit("statuses", 300, timedelta(hours=3))
"""Limit of created statuses. Documented only in the server's source code."""
PAGING = frozenset({"page", "min_id", "max_id", "since_id"})


def of(method: str, path: str, names: Iterable[str]) -> list[Limit]:
    """Return the limits that a request counts towards, except that of created statuses."""
    parts = path.strip("/").split("/")
    found = [API]
    if method == "POST" and parts[2:] == ["media"]:
        found.append(UPLOADS)
    if method == "POST" and parts[2:] == ["reports"]:
        found.append(REPORTS)
    if method == "DELETE" and parts[2:3] == ["statuses"]:
        found.append(DELETES)
    return [*found, PAGES] if PAGING & set(names) else found


@dataclass
class Limits:
    """Requests so far by account and window."""

    clock: Callable[[], datetime]
    counts: Counter[tuple[str, Limit, int]] = field(default_factory=Counter)

    def ask(self, owner: str, limits: Iterable[Limit]) -> dict[str, str]:
        """Count a request. Return the headers for the limit with the fewest requests left. Raise
        Refusal."""
        nearest: tuple[int, Limit] | None = None
        for limit in limits:
            place = (owner, limit, self._window(limit))
            self.counts[place] += 1
            left = limit.most - self.counts[place]
            if left < 0:
                raise self.refusal(limit)
            nearest = min(nearest or (left, limit), (left, limit), key=lambda one: one[0])
        return self.headers(nearest[1], nearest[0]) if nearest else {}

    def left(self, owner: str, limit: Limit) -> int:
        """Return the number of remaining requests in the current window."""
        return max(0, limit.most - self.counts[owner, limit, self._window(limit)])

    def refusal(self, limit: Limit) -> Refusal:
        """Return the error for an exceeded limit."""
        return Refusal(429, TOO_MANY, headers=self.headers(limit, 0))

    def headers(self, limit: Limit, left: int) -> dict[str, str]:
        """Return the three headers. The end of the window has the fraction of the current second,
        as on real servers."""
        now, length = self.clock(), int(limit.window.total_seconds())
        reset = now + timedelta(seconds=length - int(now.timestamp()) % length)
        told = reset.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "X-RateLimit-Limit": str(limit.most),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": told,
        }

    def _window(self, limit: Limit) -> int:
        return int(self.clock().timestamp() // limit.window.total_seconds())
