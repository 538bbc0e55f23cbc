"""How the pages say things: sentences, counts, money, hours and how long until, in the viewer's language and zone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_timedelta, get_timezone_location
from babel.numbers import format_decimal

from foundation import words
from foundation.money import Money
from foundation.words import LANGUAGES, Message, say
from schedules.calendar import zone_of

_BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Mac OS", "Mac"), ("Windows", "Windows"))

SOON = timedelta(minutes=2)
"""Until then seconds are counted."""


def asked(accept_language: str) -> str:
    """The first of our languages a visitor's browser asks for; English when none."""
    wanted = (part.split(";")[0].strip()[:2].lower() for part in accept_language.split(","))
    return next((language for language in wanted if language in LANGUAGES), "en")


def browser_of(agent: str) -> str:
    """A browser and its machine in short, from what it calls itself; "–" when it says nothing we know."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "Linux" if "Linux" in agent else "")
    return " · ".join(filter(None, (browser, system))) or "–"


@cache
def _city(zone: str, language: str) -> str:
    return str(get_timezone_location(zone_of(zone), locale=language, return_city=True))


@dataclass(frozen=True)
class Voice:
    """The viewer's language (fr or en) and clock."""

    language: str
    zone: ZoneInfo

    @property
    def _dates(self) -> str:
        """Whose way of writing dates: the day stands first in both languages, as it is typed."""
        return "en_GB" if self.language == "en" else self.language

    def at(self, zone: str) -> "Voice":
        """The same language on another clock: what is a creator's is said on hers."""
        return Voice(self.language, zone_of(zone))

    def word(self, code: str, **params: str | int) -> str:
        """A sentence of the catalogues."""
        return say(Message(code, params), self.language)

    def say(self, message: Message) -> str:
        """A stored sentence."""
        return say(message, self.language)

    def waits(self, count: int) -> str:
        """How many things wait for the viewer."""
        code = {0: "dashboard.waits_none", 1: "dashboard.waits_one"}.get(count, "dashboard.waits_many")
        return self.word(code, count=count)

    def clock(self, at: datetime) -> str:
        """The hour on the viewer's clock, as 14:05."""
        return f"{at.astimezone(self.zone):%H:%M}"

    def moment(self, at: datetime, now: datetime) -> str:
        """The hour, with its day when it is not today, and its year when it is another one."""
        local, today = at.astimezone(self.zone), now.astimezone(self.zone).date()
        if local.date() == today:
            return self.clock(at)
        if local.year != today.year:
            return f"{format_date(local, 'd MMM y', locale=self._dates)} {self.clock(at)}"
        return f"{format_date(local, 'd MMM', locale=self._dates)} {self.clock(at)}"

    def when(self, at: datetime, now: datetime) -> str:
        """The same within a sentence: at 18:30, on 5 Dec at 10:00."""
        day = self.moment(at, now).removesuffix(self.clock(at)).strip()
        return self.word("dashboard.on_day" if day else "dashboard.at_hour", day=day, clock=self.clock(at))

    def instant(self, at: datetime, now: datetime) -> str:
        """The hour to the second, with its day when it is not today."""
        return f"{self.moment(at, now)}:{at.astimezone(self.zone):%S}"

    def short_day(self, day: date) -> str:
        """A day of this year or the next, shortly: Fri 20 Nov."""
        return str(format_date(day, "EEE d MMM", locale=self._dates))

    def days(self, first: date, last: date) -> str:
        """Days of this year or the next, both included: Tue 1 Dec to Thu 3 Dec; one day alone is said once."""
        if first == last:
            return self.short_day(first)
        return self.word("calendar.period", first=self.short_day(first), last=self.short_day(last))

    def day_of(self, day: date) -> str:
        """A day with its year, as people of this language write it."""
        return str(format_date(day, "long", locale=self._dates))

    def month(self, day: date) -> str:
        """The month of a day, as November 2026."""
        return str(format_skeleton("yMMMM", day, locale=self._dates))

    def place(self, zone: str) -> str:
        """The city a zone is named after."""
        return _city(zone, self.language)

    def day(self, at: datetime, zone: str) -> str:
        """The day there, in words."""
        return str(format_date(at.astimezone(zone_of(zone)), "full", locale=self._dates))

    def date(self, day: date) -> str:
        """A day, as 20 Nov. 2026."""
        return str(format_date(day, "medium", locale=self._dates))

    def day_short(self, at: datetime) -> str:
        """The day on the viewer's calendar, as 20/11."""
        return str(format_skeleton("Md", at.astimezone(self.zone), locale=self._dates))

    def count(self, number: int) -> str:
        """A number with the separators of the language."""
        return str(format_decimal(number, locale=self.language))

    def some(self, code: str, number: int) -> str:
        """A counted thing: the sentence `<code>_one` for one (in French for none, too), else `<code>`."""
        one = number == 1 or (number == 0 and self.language == "fr")
        return self.word(f"{code}_one" if one else code, count=self.count(number))

    def wait(self, until: datetime, now: datetime) -> str:
        """How long until: seconds when it is near, as people count."""
        left = max(until - now, timedelta(0))
        if left < SOON:
            seconds = timedelta(seconds=round(left.total_seconds()))
            return str(format_timedelta(seconds, threshold=999, add_direction=True, locale=self.language))
        return str(format_timedelta(left, threshold=1.5, add_direction=True, locale=self.language))

    def lasting(self, length: timedelta) -> str:
        """How long something lasts or lasted, in whole units."""
        return str(format_timedelta(length, threshold=1.5, locale=self.language))

    def seconds(self, count: float) -> str:
        """Seconds with a tenth, as people of this language write them."""
        return str(format_decimal(round(max(count, 0.0), 1), locale=self.language))

    def late(self, seconds: float) -> str:
        """How long after its hour something left: seconds with a tenth, whole units from a minute on."""
        return self.lasting(timedelta(seconds=seconds)) if seconds >= 60 else f"{self.seconds(seconds)} s"

    def agreement(self, kappa: float) -> str:
        """How far two agree, -1 to 1, rounded down: what is below the limit of 0.80 is never written as that."""
        return str(format_decimal(Decimal(round(kappa * 1000) // 10) / 100, format="0.00", locale=self.language))

    def money(self, money: Money) -> str:
        """An amount, as people of this language write it."""
        return words.money(money, self.language)
