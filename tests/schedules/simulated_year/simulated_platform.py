"""A platform in memory with seeded failures, and the promised posts, known from the plan alone by
an oracle that shares no code with the calendar."""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from foundation.http.http_client import HttpRequest, HttpResponse, RequestNotSent, ResponseLost

LATE = timedelta(minutes=30)
TOLD = timedelta(minutes=1)
"""Time within which a missed post must be explained."""


@dataclass
class ExpectedPost:
    """A post that an account must publish at a wall time. `off` is True once it is cancelled."""

    account: str
    text: str
    day: date
    clock: time
    zone: str
    channel: UUID
    post: UUID
    delivery: UUID | None = None
    series: UUID | None = None
    off: bool = False
    moved: bool = False
    kept: bool = False

    @property
    def due(self) -> datetime:
        """Return the due instant (UTC): in a gap as if clocks had not changed, in an overlap the
        first of the two."""
        said = datetime.combine(self.day, self.clock, tzinfo=UTC)
        there = datetime.combine(
            self.day, self.clock, tzinfo=ZoneInfo(self.zone)
        )  # fold=0 is the offset before the change
        return said - (there.utcoffset() or timedelta())

    @property
    def over(self) -> datetime:
        """Return the time at which the post must be live or explained."""
        return self.due + LATE + TOLD


def list_clock_changes(zone: str, first: date, days: int) -> list[date]:
    """Return the dates on which the clocks of a zone change."""

    def noon(ahead: int) -> timedelta | None:
        return datetime.combine(
            first + timedelta(days=ahead), time(12), tzinfo=ZoneInfo(zone)
        ).utcoffset()

    return [
        first + timedelta(days=ahead) for ahead in range(days - 1) if noon(ahead) != noon(ahead - 1)
    ]


@dataclass
class SimulatedPlatform:
    """A platform with the API of the sandbox, which stores posts and has outages and random
    failures.

    The failure of a request depends on its content and its attempt number, not on earlier requests.
    """

    seed: int
    now: Callable[[], datetime]
    say: Callable[..., None]
    """Receives every request and its response."""
    promises: dict[str, list[ExpectedPost]] = field(default_factory=dict)
    posts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    standing: dict[str, str] = field(default_factory=dict)
    """The account of each live post, by post ID."""
    tries: Counter[tuple[str, str]] = field(default_factory=Counter)
    closed: dict[str, datetime] = field(default_factory=dict)
    """The end of the rate limit of each account."""
    gone: set[str] = field(default_factory=set)
    """Suspended accounts."""
    outages: list[tuple[datetime, datetime]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Requests that violated an invariant."""

    def send(self, request: HttpRequest) -> HttpResponse | RequestNotSent | ResponseLost:
        """Answer a request as `foundation.http.http_client` does."""
        answer = self._answered(request)
        told = (
            f"{answer.status} {answer.body.decode()}"
            if isinstance(answer, HttpResponse)
            else answer
        )
        self.say(
            "world", request.method, request.url, sha256(request.body).hexdigest()[:16], "->", told
        )
        return answer

    def _answered(self, request: HttpRequest) -> HttpResponse | RequestNotSent | ResponseLost:
        now, parts = self.now(), urlsplit(request.url)
        if any(begins <= now < ends for begins, ends in self.outages):
            return RequestNotSent("ConnectError")
        account = unquote(parts.path.split("/")[2])
        if account in self.gone:
            return _answer(403, {"error": "account_suspended"}, now)
        if request.method == "POST":
            return self._post(account, json.loads(request.body), now)
        return self._list(account, parse_qs(parts.query), now)

    def _post(
        self, account: str, said: dict[str, Any], now: datetime
    ) -> HttpResponse | RequestNotSent | ResponseLost:
        if now < self.closed.get(account, now):
            self.wrong.append(f"{account} received a request during its rate limit")
        mark = (account, said["text"])
        self.tries[mark] += 1
        luck = random.Random(f"{self.seed} {mark} {self.tries[mark]}").random()
        if luck < 0.02:
            return ResponseLost("reset before it was taken in")
        if luck < 0.04:
            return _answer(503, {"error": "unavailable"}, now)
        if luck < 0.06:
            self.closed[account] = now + timedelta(minutes=2)
            return _answer(429, {"error": "slow_down"}, now, retry="120")
        post = self._taken_in(account, said, now)
        if luck < 0.09:
            return ResponseLost("reset after it was taken in")
        if luck < 0.11:
            return _answer(503, {"error": "unavailable"}, now)
        told = {name: post[name] for name in ("id", "url", "created_at")}
        return _answer(201, told, now)

    def _taken_in(self, account: str, said: dict[str, Any], now: datetime) -> dict[str, Any]:
        here = self.posts.setdefault(account, [])
        known = next(
            (one for one in here if account.endswith("+key") and one["key"] == said["key"]), None
        )
        if known is not None:
            return known
        number = len(self.standing) + 1
        url = f"https://world.example/{account}/{number}"
        marks = {"adult": False, "ai": False, "surface": "post", "reply_to": ""}
        stamps = {"id": f"p{number}", "url": url, "created_at": now.isoformat()}
        here.append({"text": said["text"], "key": said["key"], **marks, **stamps})
        self.standing[f"p{number}"] = account
        self._keep(account, said["text"], now)
        return here[-1]

    def _keep(self, account: str, text: str, now: datetime) -> None:
        """Mark the promise of the post as kept. A post without an open promise is a violation."""
        ours = self.promises.get(account, ())
        fits = [
            one for one in ours if one.text == text and not one.off and one.due <= now <= one.over
        ]
        first = min((one for one in fits if not one.kept), key=lambda one: one.due, default=None)
        if first is not None:
            first.kept = True
        else:
            self.wrong.append(
                f"{account} shows {text!r}, "
                + ("once more" if fits else "which nobody asked for now")
            )

    def _list(self, account: str, asked: dict[str, list[str]], now: datetime) -> HttpResponse:
        keyed = account.endswith("+key")
        here = [
            one
            for one in self.posts.get(account, ())
            if "key" not in asked or one["key"] == asked["key"][0]
        ]
        shown = [{**one, "key": one["key"] if keyed else ""} for one in here[::-1][:50]]
        return _answer(200, {"posts": shown}, now)


def _answer(status: int, body: dict[str, Any], now: datetime, *, retry: str = "") -> HttpResponse:
    headers = {"content-type": "application/json", "x-sandbox-now": now.isoformat()}
    return HttpResponse(
        status, headers | ({"retry-after": retry} if retry else {}), json.dumps(body).encode()
    )
