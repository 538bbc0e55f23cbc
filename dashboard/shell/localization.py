"""Text, numbers, money, dates and times of the dashboard, in the viewer's language and
time zone."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_timedelta, get_timezone_location
from babel.numbers import format_decimal

from foundation.i18n import translation
from foundation.i18n.browser_languages import date_locale, is_month_first
from foundation.i18n.translation import Message, render_message
from foundation.money import STARS, Money, estimate_stars
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
"""Remaining time below which seconds are shown."""


def browser_label(agent: str) -> str:
    """Return a short name of the browser and system of a user agent, or "–" if it is unknown."""
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
    """Formats text and values in the viewer's language (fr or en) and time zone. `locale` is that
    of dates, such as `en_US`; without one, dates begin with the day. `read_stars_rate` returns what
    1,000 Stars are worth, or None."""

    language: str
    zone: ZoneInfo
    locale: str = ""
    read_stars_rate: Callable[[], Money | None] = field(default=lambda: None, compare=False)

    @property
    def _date_locale(self) -> str:
        return self.locale or date_locale("", self.language)

    def _format_day(self, day: date, *, year: bool = False, weekday: bool = False) -> str:
        """Format a date with the short name of its month."""
        if is_month_first(self._date_locale):
            pattern = f"{'EEE, ' * weekday}MMM d{', y' * year}"
        else:
            pattern = f"{'EEE ' * weekday}d MMM{' y' * year}"
        return self._mark(format_date(day, pattern, locale=self._date_locale), day)

    def _mark(self, text: object, day: date) -> str:
        return translation.mark_first_day(str(text), day, self.language)

    def in_zone(self, zone: str) -> "MemberLocalizer":
        """Return a localizer for the same language in another time zone, such as a creator's."""
        return replace(self, zone=load_zone(zone))

    def text(self, code: str, **params: str | int) -> str:
        """Return the catalogue text of a message code."""
        return render_message(Message(code, params), self.language)

    def message_text(self, message: Message) -> str:
        """Return the text of a stored message."""
        return render_message(message, self.language)

    def pending_text(self, count: int) -> str:
        """Return the text for a number of pending items."""
        code = {0: "dashboard.waits_none", 1: "dashboard.waits_one"}.get(
            count, "dashboard.waits_many"
        )
        return self.text(code, count=count)

    def format_clock(self, at: datetime) -> str:
        """Format the time in the viewer's time zone: 14:05."""
        return f"{at.astimezone(self.zone):%H:%M}"

    def format_moment(self, at: datetime, now: datetime) -> str:
        """Format the time, with the day unless it is today, and the year unless it is the current
        one."""
        local = at.astimezone(self.zone)
        today = now.astimezone(self.zone).date()
        if local.date() == today:
            return self.format_clock(at)
        if local.year != today.year:
            return f"{self._format_day(local.date(), year=True)} {self.format_clock(at)}"
        return f"{self._format_day(local.date())} {self.format_clock(at)}"

    def format_when(self, at: datetime, now: datetime) -> str:
        """Format a moment within a sentence: "at 18:30", "on 5 Dec at 10:00"."""
        day = self.format_moment(at, now).removesuffix(self.format_clock(at)).strip()
        return self.text(
            "dashboard.on_day" if day else "dashboard.at_hour", day=day, clock=self.format_clock(at)
        )

    def format_instant(self, at: datetime, now: datetime) -> str:
        """Format the time with seconds, and with the day unless it is today."""
        return f"{self.format_moment(at, now)}:{at.astimezone(self.zone):%S}"

    def format_short_day(self, day: date) -> str:
        """Format a date of this or the next year: Fri 20 Nov."""
        return self._format_day(day, weekday=True)

    def format_date_range(self, first: date, last: date) -> str:
        """Format an inclusive range of dates in this or the next year: "Tue 1 Dec to Thu 3 Dec". A
        single day appears once."""
        if first == last:
            return self.format_short_day(first)
        return self.text(
            "calendar.period", first=self.format_short_day(first), last=self.format_short_day(last)
        )

    def format_full_date(self, day: date) -> str:
        """Format a date with its year in the long form of the language."""
        return self._mark(format_date(day, "long", locale=self._date_locale), day)

    def format_month(self, day: date) -> str:
        """Format the month of a date: November 2026."""
        return str(format_skeleton("yMMMM", day, locale=self._date_locale))

    def zone_city(self, zone: str) -> str:
        """Return the city after which a time zone is named."""
        return _city_of_zone(zone, self.language)

    def format_day(self, at: datetime, zone: str) -> str:
        """Format the date of an instant in a time zone, with its weekday."""
        day = at.astimezone(load_zone(zone)).date()
        return self._mark(format_date(day, "full", locale=self._date_locale), day)

    def format_date(self, day: date) -> str:
        """Format a date: 20 Nov 2026."""
        return self._mark(format_date(day, "medium", locale=self._date_locale), day)

    def format_day_of_month(self, at: datetime) -> str:
        """Format the date in the viewer's time zone: 20 Nov."""
        return self._format_day(at.astimezone(self.zone).date())

    def format_number(self, number: int) -> str:
        """Format a number with the separators of the language."""
        return str(format_decimal(number, locale=self.language))

    def format_share(self, count: Fraction) -> str:
        """Format a count that can have parts, with one decimal if it has any."""
        return str(
            format_decimal(round(count.numerator / count.denominator, 1), locale=self.language)
        )

    def format_percent(self, share: Fraction) -> str:
        """Format a share of 1 in per cent with at most one decimal: 12.5%."""
        return translation.format_share(share, self.language)

    def count_text(self, code: str, number: int) -> str:
        """Return the text of a count: message `<code>_one` for one (in French also for zero),
        otherwise `<code>`."""
        one = number == 1 or (number == 0 and self.language == "fr")
        return self.text(f"{code}_one" if one else code, count=self.format_number(number))

    def format_time_left(self, until: datetime, now: datetime) -> str:
        """Format the remaining time, with seconds below two minutes."""
        left = max(until - now, timedelta(0))
        if left < SOON:
            seconds = timedelta(seconds=round(left.total_seconds()))
            return str(
                format_timedelta(seconds, threshold=999, add_direction=True, locale=self.language)
            )
        return str(format_timedelta(left, threshold=1.5, add_direction=True, locale=self.language))

    def format_duration(self, length: timedelta) -> str:
        """Format a duration in its largest unit."""
        return str(format_timedelta(length, threshold=1.5, locale=self.language))

    def format_seconds(self, count: float) -> str:
        """Format seconds with one decimal."""
        return str(format_decimal(round(max(count, 0.0), 1), locale=self.language))

    def format_delay(self, seconds: float) -> str:
        """Format a publishing delay: seconds with one decimal, or larger units from one
        minute on."""
        return (
            self.format_duration(timedelta(seconds=seconds))
            if seconds >= 60
            else f"{self.format_seconds(seconds)} s"
        )

    def format_kappa(self, kappa: float) -> str:
        """Format a kappa coefficient (-1 to 1), rounded down so that a value below the limit of
        0.80 is never shown as 0.80."""
        return str(
            format_decimal(
                Decimal(round(kappa * 1000) // 10) / 100, format="0.00", locale=self.language
            )
        )

    def format_currency(self, currency: str) -> str:
        """Return the label of a currency in a choice: "EUR · Euro", or "Stars"."""
        return translation.label_currency(currency, self.language)

    def currency_name(self, currency: str) -> str:
        """Return the currency of a heading: its ISO 4217 code, or the name of Stars."""
        return translation.currency_name(currency, self.language)

    def format_money(self, money: Money) -> str:
        """Format an amount of money."""
        return translation.format_money(money, self.language)

    def format_total(self, money: Money) -> str:
        """Format a total. Stars are followed by an estimate in the currency of the agency, if what
        they are worth is known."""
        rate = self.read_stars_rate() if money.currency == STARS and money.minor else None
        amount = self.format_money(money)
        if rate is None:
            return amount
        estimate = self.format_money(estimate_stars(money, rate))
        return self.text("money.with_estimate", amount=amount, estimate=estimate)

    def format_value(self, value: Money | int) -> str:
        """Format an amount of money or a number."""
        return self.format_money(value) if isinstance(value, Money) else self.format_number(value)
