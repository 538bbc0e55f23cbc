"""How the pages say things: sentences, counts, money, hours and how long until, in the viewer's
language and zone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_timedelta, get_timezone_location
from babel.numbers import format_decimal

from foundation.i18n import translation
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.money import Money
from foundation.ops.wall_time import load_zone

_BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Mac OS", "Mac"),
    ("Windows", "Windows"),
)

SOON = timedelta(minutes=2)
"""Until then seconds are counted."""


def preferred_language(accept_language: str) -> str:
    """The first of our languages a visitor's browser asks for; English when none."""
    wanted = (part.split(";")[0].strip()[:2].lower() for part in accept_language.split(","))
    return next((language for language in wanted if language in LANGUAGES), "en")


def browser_label(agent: str) -> str:
    """A browser and its machine in short, from what it calls itself; "–" when it says nothing we
    know."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next(
        (name for mark, name in _SYSTEMS if mark in agent), "Linux" if "Linux" in agent else ""
    )
    return " · ".join(filter(None, (browser, system))) or "–"


@cache
def _city_of_zone(zone: str, language: str) -> str:
    return str(get_timezone_location(load_zone(zone), locale=language, return_city=True))


@dataclass(frozen=True)
class MemberLocalizer:
    """The viewer's language (fr or en) and clock."""

    language: str
    zone: ZoneInfo

    @property
    def _date_locale(self) -> str:
        """Whose way of writing dates: the day stands first in both languages, as it is typed."""
        return "en_GB" if self.language == "en" else self.language

    def in_zone(self, zone: str) -> "MemberLocalizer":
        """The same language on another clock: what is a creator's is said on hers."""
        return MemberLocalizer(self.language, load_zone(zone))

    def text(self, code: str, **params: str | int) -> str:
        """A sentence of the catalogues."""
        return render_message(Message(code, params), self.language)

    def message_text(self, message: Message) -> str:
        """A stored sentence."""
        return render_message(message, self.language)

    def pending_text(self, count: int) -> str:
        """How many things wait for the viewer."""
        code = {0: "dashboard.waits_none", 1: "dashboard.waits_one"}.get(
            count, "dashboard.waits_many"
        )
        return self.text(code, count=count)

    def format_clock(self, at: datetime) -> str:
        """The hour on the viewer's clock, as 14:05."""
        return f"{at.astimezone(self.zone):%H:%M}"

    def format_moment(self, at: datetime, now: datetime) -> str:
        """The hour, with its day when it is not today, and its year when it is another one."""
        local = at.astimezone(self.zone)
        today = now.astimezone(self.zone).date()
        if local.date() == today:
            return self.format_clock(at)
        if local.year != today.year:
            return (
                f"{format_date(local, 'd MMM y', locale=self._date_locale)} {self.format_clock(at)}"
            )
        return f"{format_date(local, 'd MMM', locale=self._date_locale)} {self.format_clock(at)}"

    def format_when(self, at: datetime, now: datetime) -> str:
        """The same within a sentence: at 18:30, on 5 Dec at 10:00."""
        day = self.format_moment(at, now).removesuffix(self.format_clock(at)).strip()
        return self.text(
            "dashboard.on_day" if day else "dashboard.at_hour", day=day, clock=self.format_clock(at)
        )

    def format_instant(self, at: datetime, now: datetime) -> str:
        """The hour to the second, with its day when it is not today."""
        return f"{self.format_moment(at, now)}:{at.astimezone(self.zone):%S}"

    def format_short_day(self, day: date) -> str:
        """A day of this year or the next, shortly: Fri 20 Nov."""
        return str(format_date(day, "EEE d MMM", locale=self._date_locale))

    def format_date_range(self, first: date, last: date) -> str:
        """Days of this year or the next, both included: Tue 1 Dec to Thu 3 Dec; one day alone is
        said once."""
        if first == last:
            return self.format_short_day(first)
        return self.text(
            "calendar.period", first=self.format_short_day(first), last=self.format_short_day(last)
        )

    def format_full_date(self, day: date) -> str:
        """A day with its year, as people of this language write it."""
        return str(format_date(day, "long", locale=self._date_locale))

    def format_month(self, day: date) -> str:
        """The month of a day, as November 2026."""
        return str(format_skeleton("yMMMM", day, locale=self._date_locale))

    def zone_city(self, zone: str) -> str:
        """The city a zone is named after."""
        return _city_of_zone(zone, self.language)

    def format_day(self, at: datetime, zone: str) -> str:
        """The day there, in words."""
        return str(format_date(at.astimezone(load_zone(zone)), "full", locale=self._date_locale))

    def format_date(self, day: date) -> str:
        """A day, as 20 Nov. 2026."""
        return str(format_date(day, "medium", locale=self._date_locale))

    def format_numeric_day(self, at: datetime) -> str:
        """The day on the viewer's calendar, as 20/11."""
        return str(format_skeleton("Md", at.astimezone(self.zone), locale=self._date_locale))

    def format_number(self, number: int) -> str:
        """A number with the separators of the language."""
        return str(format_decimal(number, locale=self.language))

    def count_text(self, code: str, number: int) -> str:
        """A counted thing: the sentence `<code>_one` for one (in French for none, too), else
        `<code>`."""
        one = number == 1 or (number == 0 and self.language == "fr")
        return self.text(f"{code}_one" if one else code, count=self.format_number(number))

    def format_time_left(self, until: datetime, now: datetime) -> str:
        """How long until: seconds when it is near, as people count."""
        left = max(until - now, timedelta(0))
        if left < SOON:
            seconds = timedelta(seconds=round(left.total_seconds()))
            return str(
                format_timedelta(seconds, threshold=999, add_direction=True, locale=self.language)
            )
        return str(format_timedelta(left, threshold=1.5, add_direction=True, locale=self.language))

    def format_duration(self, length: timedelta) -> str:
        """How long something lasts or lasted, in whole units."""
        return str(format_timedelta(length, threshold=1.5, locale=self.language))

    def format_seconds(self, count: float) -> str:
        """Seconds with a tenth, as people of this language write them."""
        return str(format_decimal(round(max(count, 0.0), 1), locale=self.language))

    def format_delay(self, seconds: float) -> str:
        """How long after its hour something left: seconds with a tenth, whole units from a minute
        on."""
        return (
            self.format_duration(timedelta(seconds=seconds))
            if seconds >= 60
            else f"{self.format_seconds(seconds)} s"
        )

    def format_kappa(self, kappa: float) -> str:
        """How far two agree, -1 to 1, rounded down: what is below the limit of 0.80 is never
        written as that."""
        return str(
            format_decimal(
                Decimal(round(kappa * 1000) // 10) / 100, format="0.00", locale=self.language
            )
        )

    def format_money(self, money: Money) -> str:
        """An amount, as people of this language write it."""
        return translation.format_money(money, self.language)
