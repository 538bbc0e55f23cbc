"""How often an account may ask the fake Mastodon: windows that begin with the clock, not with the
first request."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.fakes.mastodon.state import Refusal

TOO_MANY = "Too many requests"


@dataclass(frozen=True)
class Limit:
    """So many requests in one window."""

    name: str
    most: int
    window: timedelta


API = Limit("api", 300, timedelta(minutes=5))
UPLOADS = Limit("uploads", 30, timedelta(minutes=30))
DELETES = Limit("deletes", 30, timedelta(minutes=30))
REPORTS = Limit("reports", 400, timedelta(days=1))
"""In the server's source, not in its documentation."""
PAGES = Limit("pages", 300, timedelta(minutes=15))
"""Requests that name where their page begins; in the server's source, not in its documentation."""
STATUSES = Limit("statuses", 300, timedelta(hours=3))
"""Statuses really made; in the server's source, not in its documentation."""
PAGING = frozenset({"page", "min_id", "max_id", "since_id"})


def of(method: str, path: str, names: Iterable[str]) -> list[Limit]:
    """The limits a request counts for, besides that of statuses made."""
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
    """What was asked so far, by whom and in which window."""

    clock: Callable[[], datetime]
    counts: Counter[tuple[str, Limit, int]] = field(default_factory=Counter)

    def ask(self, owner: str, limits: Iterable[Limit]) -> dict[str, str]:
        """Count a request; the headers of its answer tell of the limit it is nearest to. Raises
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
        """How often somebody may still ask in this window."""
        return max(0, limit.most - self.counts[owner, limit, self._window(limit)])

    def refusal(self, limit: Limit) -> Refusal:
        """What somebody over a limit is told."""
        return Refusal(429, TOO_MANY, headers=self.headers(limit, 0))

    def headers(self, limit: Limit, left: int) -> dict[str, str]:
        """The three headers; the window's end keeps the fraction of the present second, as the real
        server's does."""
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
