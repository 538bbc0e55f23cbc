"""`greenroom demo tour`: somebody takes the tour in a browser, in both languages, and three witnesses are heard."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from foundation.clock import monotonic, pause
from foundation.errors import NotFound, Refused
from foundation.settings import Settings
from foundation.words import LANGUAGES, Message
from tenants import staffing
from tenants.roles import Role
from workers import tour_house, tour_minute, tour_people, tour_posts
from workers.demo_cast import LUMIERE
from workers.demo_people import is_founded
from workers.home import Home
from workers.terminal import tell
from workers.tour_browser import Disagreement, beside, browser, visit
from workers.tour_judge import JUDGING, Judge, Result
from workers.visiting import alone, at_home
from workers.wiring import Services

if TYPE_CHECKING:
    from playwright.sync_api import Browser

T = TypeVar("T")
NARROW, WIDE = 390, 1440


def run(*, as_json: bool, fast: bool, pictures: Path | None) -> int:
    """Take the tour of the running house; prints a table, and returns 0 only if every witness agrees everywhere."""
    with at_home("tour", pool_size=2) as services:
        _may(services)
        with alone(Home(services.settings.home), "tour", Message("tour.runs_already")), browser() as running:
            _waits(services, aloud=not as_json)
            began = monotonic()
            party = Party(services, running, _silent if as_json else line, fast, pictures)
            _everywhere(party)
            seconds = monotonic() - began
    if as_json:
        results = [{**asdict(one), "good": one.good} for one in party.results]
        print(json.dumps({"results": results, "seconds": seconds, "slow": party.slow}, ensure_ascii=False))
    else:
        _sum_up(party, seconds)
    return 0 if all(one.good for one in party.results) else 1


def _may(services: Services) -> None:
    if services.settings.environment == "production":
        raise Refused("demo.not_here")
    with services.tenant(LUMIERE.tenant_id, JUDGING) as scope:
        if not is_founded(scope):
            raise NotFound("demo.absent")


def _waits(services: Services, *, aloud: bool) -> None:
    """Somebody looked at Home a moment ago: the minute that began then comes to its end first."""
    end = monotonic() + tour_minute.PLAYED
    if aloud and tour_minute.is_played(services.tenant):
        tell(Message("tour.waits"))
    while tour_minute.is_played(services.tenant) and monotonic() < end:
        pause(1)


@dataclass
class Party:
    """Everybody who looks, each before a window of their own; what they found."""

    services: Services
    running: "Browser"
    tell: Callable[[Result], None]
    fast: bool
    pictures: Path | None
    results: list[Result] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)

    @contextmanager
    def judge(self, language: str, role: Role = Role.OWNER) -> Iterator[Judge]:
        """Somebody who comes in and reads this language; at the end they read again what they read before."""
        with visit(self.running, language=language, own=_hosts(self.services.settings)) as window:
            kept = self.pictures if language == LANGUAGES[0] else None
            judge = Judge(self.services, window, language, self.fast, kept, role, tell=self.tell)
            before = judge.me()
            try:
                with self._heard(judge):
                    _enter(judge)
                    yield judge
            finally:
                judge.read(lambda scope: staffing.speak(scope, before.id, before.language))

    @contextmanager
    def beside(self, other: Judge) -> Iterator[Judge]:
        """The same visitor before a second window."""
        with beside(other.window) as window, self._heard(replace(other, window=window, results=[])) as judge:
            yield judge

    @contextmanager
    def _heard(self, judge: Judge) -> Iterator[Judge]:
        try:
            yield judge
        finally:
            self.results += judge.results
            self.slow += judge.window.slow


def _everywhere(party: Party) -> None:
    """Everything in French, then in English; or both at once, where somebody is in a hurry."""
    from playwright.sync_api import Error as Broken  # noqa: PLC0415  a browser for whoever asks for one

    began = monotonic()
    try:
        if party.fast:
            _hurry(party)
        else:
            for language in LANGUAGES:
                with party.judge(language) as judge:
                    _whole(party, judge)
    except (Broken, Disagreement) as found:  # outside of every step: somebody did not get in
        told = " ".join(str(found).split())[:300]
        party.results.append(Result("in", "-", WIDE, monotonic() - began, "text", told))
        party.tell(party.results[-1])
    finally:
        tour_house.forget(party.services)


def _hosts(settings: Settings) -> frozenset[str]:
    own = (settings.dashboard.public_url, settings.web.public_url, f"http://127.0.0.1:{settings.sandbox.port}")
    return frozenset(urlsplit(one).netloc for one in own)


def _enter(j: Judge) -> None:
    """In by a one-time link; then the language, chosen in the sidebar."""
    j.window.go(j.link(), drawn=False)
    j.scenes = tour_minute.scenes(j)
    j.window.page.locator("button:visible").first.click()
    j.window.page.wait_for_url(j.address("/"))
    if j.me().language == j.language:
        return
    with j.window.page.expect_navigation():
        j.window.page.locator(f'form[action^="/auth/language/{j.language}"] button').click()
    j.agree("database", j.me().language == j.language, f"{j.me().name} does not read {j.language}")


def _take(j: Judge, name: str, act: Callable[[Judge], T], width: int = WIDE) -> T | None:
    """Take a step before a window of this width; what it came to, None if a witness disagreed."""
    made: T | None = None
    j.width = width
    j.window.size(width)
    with j.step(name):
        made = act(j)
    j.window.size(WIDE)
    j.width = WIDE
    return made


def _whole(party: Party, j: Judge) -> None:
    """Everything, one after the other; the wizard leads into another agency, so it has a window of its own."""
    _take(j, "0 first minute", lambda one: tour_minute.judge(one, tour_minute.begin(one)))
    _take(j, "1 publish", lambda one: tour_posts.published(one, tour_posts.write(one)))
    _take(j, "2 talk", tour_people.talk)
    _take(j, "3 cheat", tour_posts.cheat)
    _take(j, "4 break", lambda one: tour_posts.broken(one, tour_posts.burst(one)))
    _take(j, "5 remove", tour_people.remove)
    _take(j, "6 count", tour_house.count)
    _small(j, NARROW)
    with party.judge(j.language) as other:
        _take(other, "7 connect", lambda one: tour_house.first_post(one, tour_house.begin(one)))


def _small(j: Judge, width: int) -> None:
    """Steps 1, 2 and 5, the fifteen seconds of the first used for the others."""
    words = _take(j, "1 publish (begun)", tour_posts.write, width)
    _take(j, "2 talk", tour_people.talk, width)
    _take(j, "5 remove", tour_people.remove, width)
    _publishes(j, words, width)


def _hurry(party: Party) -> None:
    """The same in one and a half minutes: what takes time goes on while other steps are taken.

    Home shows twelve lines: what writes many of them, the removals, waits until the first minute was seen.
    """
    first, second = LANGUAGES
    with party.judge(first) as home, party.beside(home) as visitor, party.judge(first) as beginner:
        wanted = _take(home, "0 first minute (begun)", tour_minute.begin)
        burst = _take(visitor, "4 break (begun)", tour_posts.burst)
        mine = _take(beginner, "7 connect (begun)", tour_house.begin)
        words = _take(visitor, "1 publish (begun)", tour_posts.write)
        _take(visitor, "3 cheat", tour_posts.cheat)
        _take(visitor, "6 count", tour_house.count)
        _publishes(visitor, words, WIDE)
        with party.judge(second, Role.MANAGER) as other:
            _take(other, "all, read", _read_through)
            words = _take(other, "1 publish (begun)", tour_posts.write, NARROW)
            _take(visitor, "2 talk", tour_people.talk)
            if wanted is not None:
                _take(home, "0 first minute", partial(tour_minute.judge, wanted=wanted))
            _take(visitor, "5 remove", tour_people.remove)
            _take(other, "2 talk", tour_people.talk, NARROW)
            _take(other, "5 remove", tour_people.remove, NARROW)
            _publishes(other, words, NARROW)
        if burst is not None:
            _take(visitor, "4 break", partial(tour_posts.broken, begun=burst))
        if mine is not None:
            _take(beginner, "7 connect", partial(tour_house.first_post, begun=mine))


def _publishes(j: Judge, words: str | None, width: int) -> None:
    if words is not None:
        _take(j, "1 publish", partial(tour_posts.published, words=words), width)


def _read_through(j: Judge) -> None:
    """The tour's own page with all that was done, in this language."""
    j.go("/tour")
    j.window.says(j.word("tour.title"))


def line(one: Result) -> None:
    """One line of the table: step, language, width, seconds, result."""
    said = "✓" if one.good else f"✗ {one.witness}: {one.told}"
    print(f"  {one.step:<24} {one.language}  {one.width:>5}  {one.seconds:6.1f} s  {said}", flush=True)


def _silent(_: Result) -> None:
    return


def _sum_up(party: Party, seconds: float) -> None:
    for told in party.slow:
        print(f"    {told}", flush=True)
    good = sum(one.good for one in party.results)
    tell(Message("tour.judged", {"good": good, "of": len(party.results), "seconds": round(seconds)}))
    tell(Message("tour.slower", {"count": len(party.slow)}))
