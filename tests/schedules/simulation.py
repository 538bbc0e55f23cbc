"""Months of an agency in minutes: the true code of the house, a clock that leaps, and a world in memory that fails.

What is planned is drawn from a seed, and so is what the world does to each request, by what it carries and which try it
is: a seed plans and breaks the same things again, whatever order rows of the same instant are done in. What must leave
is known from the plan alone, by an oracle that shares no code with the calendar.
"""

import copy
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from channels import connecting
from channels import reads as channel_reads
from foundation.facts import Facts
from foundation.http import AnswerLost, NotSent, Reply, Request
from foundation.ids import uuid7
from schedules import drafting, pausing, planning, rehearsing, series, shifting
from schedules.calendar import WallTime
from schedules.drafting import Draft
from schedules.events import DeliveryPublished
from schedules.recurrence import Every, Repeat, Rule
from schedules.shifting import By, Chosen, Moving
from tenants import agencies
from tests.schedules.builders import Desk
from workers import handlers
from workers.dispatch import Routes

ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "UTC")
LATE = timedelta(minutes=30)
EARLY = timedelta(seconds=1)
"""The world's clock is read a moment before the house's."""


BEYOND = 5
"""Days after the last one of which what repeats is known: it goes on while the last looks are waited for."""


@dataclass
class World:
    """A platform in memory, as the sandbox speaks: it keeps what it took in, and has bad hours and bad moments."""

    seed: int
    now: Callable[[], datetime]
    posts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tries: Counter[tuple[str, str]] = field(default_factory=Counter)
    closed: dict[str, datetime] = field(default_factory=dict)
    """Until when an account was told to wait."""
    rude: list[str] = field(default_factory=list)
    """Requests that came while their account had been told to wait."""
    outages: list[tuple[datetime, datetime]] = field(default_factory=list)

    def exchange(self, request: Request) -> Reply | NotSent | AnswerLost:
        """One request, as `foundation.http` answers it."""
        now, parts = self.now(), urlsplit(request.url)
        if any(begins <= now < ends for begins, ends in self.outages):
            return NotSent("ConnectError")
        account = unquote(parts.path.split("/")[2])
        if request.method == "POST":
            return self._post(account, json.loads(request.body), now)
        return self._list(account, parse_qs(parts.query), now)

    def _post(self, account: str, said: dict[str, Any], now: datetime) -> Reply | NotSent | AnswerLost:
        if now < self.closed.get(account, now):
            self.rude.append(account)
        mark = (account, said["text"])
        self.tries[mark] += 1
        luck = random.Random(f"{self.seed} {mark} {self.tries[mark]}").random()
        if luck < 0.02:
            return AnswerLost("reset before it was taken in")
        if luck < 0.04:
            return _answer(503, {"error": "unavailable"}, now)
        if luck < 0.06:
            self.closed[account] = now + timedelta(minutes=2)
            return _answer(429, {"error": "slow_down"}, now, retry="120")
        post = self._taken_in(account, said, now)
        if luck < 0.09:
            return AnswerLost("reset after it was taken in")
        if luck < 0.11:
            return _answer(503, {"error": "unavailable"}, now)
        told = {name: post[name] for name in ("id", "url", "created_at")}
        return _answer(201, told, now)

    def _taken_in(self, account: str, said: dict[str, Any], now: datetime) -> dict[str, Any]:
        here = self.posts.setdefault(account, [])
        known = next((one for one in here if account.endswith("+key") and one["key"] == said["key"]), None)
        if known is not None:
            return known
        number = sum(map(len, self.posts.values())) + 1
        url = f"https://world.example/{account}/{number}"
        marks = {"adult": False, "ai": False, "surface": "post", "reply_to": ""}
        stamps = {"id": f"p{number}", "url": url, "created_at": now.isoformat(), "at": now}
        here.append({"text": said["text"], "key": said["key"], **marks, **stamps})
        return here[-1]

    def _list(self, account: str, asked: dict[str, list[str]], now: datetime) -> Reply:
        keyed = account.endswith("+key")
        here = [one for one in self.posts.get(account, ()) if "key" not in asked or one["key"] == asked["key"][0]]
        shown = [{**one, "key": one["key"] if keyed else "", "at": ""} for one in here[::-1][:50]]
        return _answer(200, {"posts": shown}, now)


def _answer(status: int, body: dict[str, Any], now: datetime, *, retry: str = "") -> Reply:
    headers = {"content-type": "application/json", "x-sandbox-now": now.isoformat()}
    return Reply(status, headers | ({"retry-after": retry} if retry else {}), json.dumps(body).encode())


@dataclass
class Promise:
    """One thing that must be said on an account at a wall time; `off` once somebody took it back."""

    account: str
    text: str
    day: date
    clock: time
    zone: str
    delivery: UUID | None = None
    series: UUID | None = None
    off: bool = False
    moved: bool = False

    @property
    def due(self) -> datetime:
        """The oracle: in a spring gap as if clocks had not moved, in an autumn overlap the first of the two."""
        said = datetime.combine(self.day, self.clock, tzinfo=UTC)
        there = datetime.combine(self.day, self.clock, tzinfo=ZoneInfo(self.zone))  # fold=0: as clocks went before
        return said - (there.utcoffset() or timedelta())


def _nights(zone: str, first: date, days: int) -> list[date]:
    """The days at which clocks of a zone change."""

    def noon(ahead: int) -> timedelta | None:
        return datetime.combine(first + timedelta(days=ahead), time(12), tzinfo=ZoneInfo(zone)).utcoffset()

    return [first + timedelta(days=ahead) for ahead in range(days - 1) if noon(ahead) != noon(ahead - 1)]


def _note(number: int) -> str:
    """A sentence of its own for each number; without digits, which could be read as an age."""
    things = ("garden", "river", "window", "kitchen", "harbour", "mountain", "bakery", "library")
    kinds = ("quiet", "sunny", "old", "green", "narrow", "bright", "distant", "warm")
    thing, kind = things[number % len(things)], kinds[number // len(things) % len(kinds)]
    return f"A few new pictures of the {kind} {thing} are waiting for you this week."


class Agency(Desk):
    """A tenant whose processes reach the world in memory; readings are not asked for: nothing is judged by them."""

    world: World
    at_once: ClassVar[int] = 20_000
    """Two hundred creators begin on the same day, and have their morning posts at the same minutes."""

    @cached_property
    def routes(self) -> Routes:
        """The true routes."""
        transport = copy.copy(self.services.transport)
        transport._http = self.world  # type: ignore[assignment]  # the same door, onto another network
        found = handlers.routes(replace(self.services, transport=transport))
        heard = Facts({})
        heard.by_kind = {**found.facts.by_kind, DeliveryPublished.kind: ()}
        found.facts = heard
        return found


@dataclass
class Months:
    """A plan for some creators over some days, lived through."""

    agency: Agency
    seed: int
    creators: int
    days: int
    promises: list[Promise] = field(default_factory=list)
    channels: list[UUID] = field(default_factory=list)
    rehearsed: UUID | None = None
    """The account of which nothing is sent now."""
    away: dict[UUID, datetime] = field(default_factory=dict)
    """Until when a creator pauses, by its account."""

    def plan(self) -> None:
        """Each creator repeats something and has some single posts; the world has its bad hours."""
        drawn, start = random.Random(self.seed), self.agency.now()
        for number in range(self.creators):
            zone = ZONES[number % len(ZONES)]
            account = f"c{number}-{str(self.agency.tenant_id)[-6:]}" + ("+key" if number % 2 else "")
            creator, channel = self._settle(number, zone, account)
            self.channels.append(channel)
            first = start.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
            self._series(drawn, creator, channel, (account, zone, first))
            singles = [first + timedelta(days=drawn.randrange(self.days - 1)) for _ in range(max(1, self.days // 10))]
            for single, day in enumerate([*_nights(zone, first, self.days), *singles]):
                clock = time(drawn.choice((2, 2, 3, 10, 18, 23)), drawn.choice((0, 30)))
                clock = clock if day in singles else time(2, 30)
                self._single(creator, channel, Promise(account, _note(single), day, clock, zone))
        for begins in range(2, self.days, 9):
            at = start + timedelta(days=begins, hours=drawn.randrange(24))
            self.agency.world.outages.append((at, at + timedelta(minutes=drawn.choice((3, 20, 180)))))

    def _settle(self, number: int, zone: str, account: str) -> tuple[UUID, UUID]:
        services, tenant_id = self.agency.services, self.agency.tenant_id
        sealed = services.seal(tenant_id, "token")
        with self.agency.scope() as scope:
            creator = agencies.add_creator(
                scope,
                slug=f"c{number}",
                name=f"C{number}",
                kind="virtual",
                zone=zone,
                languages=["en"],
                approval_tiers=0,
            )
            where = {"platform": "sandbox", "surface": "sandbox.post", "account": account, "name": account}
            more = {"base_url": "https://world.example", "token": sealed, "zone": zone}
            return creator, connecting.connect(scope, creator_id=creator, **where, **more)

    def _series(self, drawn: random.Random, creator: UUID, channel: UUID, where: tuple[str, str, date]) -> None:
        account, zone, first = where
        clock, every = time(drawn.choice((2, 9, 21)), drawn.choice((15, 30))), drawn.choice((1, 3, 7))
        text = "Good morning, the little shop by the river is open again today."
        wanted = Repeat(Rule(Every.DAY, None, every), first, clock, zone)
        author = f"member:{self.agency.author}"
        with self.agency.scope(author) as scope:
            planned = series.plan(
                scope, Draft(creator, "", text, (), (channel,)), wanted, key=uuid7(), author=author, confirmed=True
            )
        with self.agency.scope() as scope:
            ids = {one.series_id for one in planning.deliveries_of(scope, planned.post_id)}
        for ahead in range(0, self.days + BEYOND, every):
            day = first + timedelta(days=ahead)
            self.promises.append(Promise(account, text, day, clock, zone, series=next(iter(ids))))

    def _single(self, creator: UUID, channel: UUID, promise: Promise) -> None:
        author = f"member:{self.agency.author}"
        with self.agency.scope(author) as scope:
            at = WallTime(promise.day, promise.clock, promise.zone)
            draft = Draft(creator, "", promise.text, (), (channel,))
            planned = drafting.plan(scope, draft, key=uuid7(), at=at, author=author)
            promise.delivery = planning.deliveries_of(scope, planned.post_id)[0].id
        self.promises.append(promise)

    def live(self, each_day: Callable[[], None]) -> None:
        """Day by day: people change their minds, then what is due is done as the clock comes to it."""
        drawn, switched = random.Random(f"{self.seed} people"), random.Random(f"{self.seed} rehearsals")
        many = random.Random(f"{self.seed} gestures")
        for _ in range(self.days):
            self._whim(drawn)
            self._rehearse(switched)
            self._shift(many)
            self._pause(many)
            self.agency.live(days=1)
            each_day()

    def _whim(self, drawn: random.Random) -> None:
        soon = self.agency.now() + timedelta(hours=1)
        ahead = [one for one in self.promises if not one.off and one.due > soon]
        if not ahead:
            return
        chosen, whim = drawn.choice(ahead), drawn.random()
        if chosen.series is not None:
            if whim < 0.3 and not chosen.moved:
                self.agency.act(series.skip, chosen.series, chosen.day)
                chosen.off = True
        elif whim < 0.3 and chosen.delivery is not None:
            self.agency.act(planning.cancel, chosen.delivery)
            chosen.off = True
        elif whim < 0.6 and chosen.delivery is not None:
            chosen.day += timedelta(days=1)
            at = WallTime(chosen.day, chosen.clock, chosen.zone)
            self.agency.act(planning.move_delivery, chosen.delivery, at=at)

    def _rehearse(self, drawn: random.Random) -> None:
        """Now and then an account is only rehearsed for a day or two."""
        if self.rehearsed is not None and drawn.random() < 0.6:
            self.agency.act(rehearsing.end, self.rehearsed)
            self.rehearsed = None
        elif self.rehearsed is None and drawn.random() < 0.2:
            self.rehearsed = drawn.choice(self.channels)
            self.agency.act(rehearsing.begin, "channel", self.rehearsed)

    def _shift(self, drawn: random.Random) -> None:
        """Now and then what a creator has in the next days goes some minutes or a day further, and sometimes back."""
        number, by = drawn.randrange(self.creators), drawn.choice((By(minutes=45), By(days=1), By(minutes=-20)))
        if drawn.random() > 0.3:
            return
        start = self.agency.now() + timedelta(hours=1)
        with self.agency.scope() as scope:
            creator = channel_reads.channel(scope, self.channels[number]).creator_id
        chosen = Chosen(creator, None, start, start + timedelta(days=3))
        seen = self.agency.act(shifting.preview, chosen, by).versions
        done = self.agency.act(shifting.shift, chosen, by, seen=seen)
        if drawn.random() < 0.3:
            self.agency.act(shifting.undo, done.shift_id)
            return
        for one in done.moved:
            self._goes(one, timedelta(days=by.days, minutes=by.minutes))

    def _pause(self, drawn: random.Random) -> None:
        """Now and then a creator is away: single posts follow, what repeats is left out; or it is called off."""
        number, luck = drawn.randrange(self.creators), drawn.random()
        ahead, days = drawn.choice((1, 2)), drawn.choice((1, 2, 3))
        zone, channel = ZONES[number % len(ZONES)], self.channels[number]
        now = self.agency.now()
        if luck > 0.25 or self.away.get(channel, now) > now:
            return
        first = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=ahead)
        window = [Promise("", "", day, time(0), zone).due for day in (first, first + timedelta(days=days))]
        with self.agency.scope() as scope:
            creator = channel_reads.channel(scope, channel).creator_id
        wanted = pausing.Pause(creator, None, first, first + timedelta(days=days - 1), zone, "Away for some days")
        seen = self.agency.act(pausing.preview, wanted).versions
        pause_id, done = self.agency.act(pausing.pause, wanted, seen=seen)
        if luck < 0.05:
            assert self.agency.act(pausing.call_off, pause_id).left == ()
            return
        self.away[channel] = window[1]
        for one in done.moved:
            self._goes(one, timedelta(days=days))
        for promise in self._of(channel):
            if promise.series is not None and window[0] <= promise.due < window[1]:
                promise.off = True
        assert [one for one in self._of(channel) if not one.off and window[0] <= one.due < window[1]] == []

    def _of(self, channel: UUID) -> list[Promise]:
        with self.agency.scope() as scope:
            account = channel_reads.channel(scope, channel).account
        return [one for one in self.promises if one.account == account]

    def _goes(self, one: Moving, by: timedelta) -> None:
        """What was moved is promised for as much later on its clock."""
        here = self._of(one.channel_id)
        single = next((each for each in here if each.delivery == one.delivery_id), None)
        promise = single or next(each for each in here if each.series is not None and each.day == one.before.day)
        later = datetime.combine(promise.day, promise.clock, tzinfo=UTC) + by
        promise.day, promise.clock, promise.moved = later.date(), later.time(), True
