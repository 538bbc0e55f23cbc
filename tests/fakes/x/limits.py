"""Rate limits of X: per user and endpoint in 15 minutes, and per app in 24 hours.

A window starts with its first request (unverified: real ones may be aligned to the clock). The
limits of writes and of `users/me` are those of the published table; other reads are counted without
a published limit.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.x.state import Refusal, problem

WINDOW, DAY = timedelta(minutes=15), timedelta(hours=24)
MOST = {
    "posts": 100,
    "deletes": 50,
    "files": 500,
    "initialize": 1_875,
    "append": 1_875,
    "finalize": 1_875,
    "metadata": 500,
    "checks": 75,
    "lookups": 900,
    "metrics": 900,
    "remarks": 300,
    "moderation": 50,
    "messages": 15,
    "chats": 15,
    "talks": 15,
    "messages/day": 1_440,
    "posts/app": 10_000,
    "files/app": 50_000,
}
"""Limits by endpoint kind (as in the fault book). `/app` is the limit of the app per day, `/day`
that of the user."""
CHUNKED = ("initialize", "append", "finalize")
"""Last path segments of requests with the kind `files` that have separate windows."""


@dataclass
class Window:
    """A window: its start and the number of requests since."""

    began: datetime
    length: timedelta
    asked: int = 0

    @property
    def ends(self) -> int:
        """Return its end in Unix seconds, rounded up so that a client that waits until then is in
        the next window."""
        return math.ceil((self.began + self.length).timestamp())


@dataclass
class Limits:
    """Requests so far. Tests lower `most`."""

    clock: Callable[[], datetime]
    most: dict[str, int] = field(default_factory=lambda: dict(MOST))
    windows: dict[tuple[str, str], Window] = field(default_factory=dict)

    def ask(self, member_id: str, client_id: str, kind: str) -> dict[str, str]:
        """Count a request and return the headers of its response. Raise Refusal with headers that
        name the exceeded limit."""
        if kind not in self.most:
            return {}
        asked = [("x-rate-limit", kind, self._window(member_id, kind, WINDOW))]
        if f"{kind}/app" in self.most:
            asked.append(
                ("x-app-limit-24hour", f"{kind}/app", self._window(client_id, f"{kind}/app", DAY))
            )
        if f"{kind}/day" in self.most:
            asked.append(
                ("x-user-limit-24hour", f"{kind}/day", self._window(member_id, f"{kind}/day", DAY))
            )
        over = any(window.asked >= self.most[name] for _, name, window in asked)
        for _, _, window in asked:
            window.asked += 0 if over else 1
        headers = {
            f"{prefix}-{word}": str(value)
            for prefix, name, window in asked
            for word, value in (
                ("limit", self.most[name]),
                ("remaining", max(0, self.most[name] - window.asked)),
                ("reset", window.ends),
            )
        }
        if over:
            raise Refusal(429, problem(429, "Too Many Requests"), headers)
        return headers

    def _window(self, owner: str, name: str, length: timedelta) -> Window:
        known = self.windows.get((owner, name))
        if known is None or self.clock().timestamp() >= known.ends:
            known = self.windows[owner, name] = Window(self.clock(), length)
        return known


def counted(kind: str, parts: list[str]) -> str:
    """Return the window that counts a request of this kind."""
    return parts[-1] if kind == "files" and parts[-1] in CHUNKED else kind
