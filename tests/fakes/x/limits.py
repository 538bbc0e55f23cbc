"""How often X may be asked: per person and endpoint in 15 minutes, and per application in 24 hours.

A window begins with the first request in it (unverified: real ones may begin with the clock). The
numbers of writing and of `users/me` are those of the published table; those of the other reads are
from older documentation. How often the state of an upload may be asked is not known: it is not
counted.
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
"""By endpoint, in the words of the faults; `/app` are the whole application's in a day, `/day` the
person's."""
CHUNKED = ("initialize", "append", "finalize")
"""Ends of paths that the faults call `files` too, each with a window of its own."""


@dataclass
class Window:
    """One window: when it began and how often was asked since."""

    began: datetime
    length: timedelta
    asked: int = 0

    @property
    def ends(self) -> int:
        """Its end in Unix seconds, rounded up: whoever waits until then is in the next one."""
        return math.ceil((self.began + self.length).timestamp())


@dataclass
class Limits:
    """What was asked so far. Tests make `most` small."""

    clock: Callable[[], datetime]
    most: dict[str, int] = field(default_factory=lambda: dict(MOST))
    windows: dict[tuple[str, str], Window] = field(default_factory=dict)

    def ask(self, member_id: str, client_id: str, kind: str) -> dict[str, str]:
        """Count a request; the headers of its answer. Raises Refusal, whose headers tell which
        limit it was."""
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
    """The window that a request of such a kind counts in."""
    return parts[-1] if kind == "files" and parts[-1] in CHUNKED else kind
