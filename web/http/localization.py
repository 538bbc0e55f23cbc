"""Text, prices and dates of public pages, in the visitor's language."""

from dataclasses import dataclass
from datetime import date as Day
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_location

from foundation.i18n import translation
from foundation.i18n.translation import Message, render_message
from foundation.money import Money

_UNITS = {"XTS": "page.test_money", "XTR": "page.stars"}
"""Message codes of currencies that have no name in locale data."""


@dataclass(frozen=True)
class VisitorLocalizer:
    """Formats the text of one page. `language` is fr or en, `zone` is the creator's time zone."""

    language: str
    zone: ZoneInfo

    @property
    def _date_locale(self) -> str:
        """The locale of dates and times: day first and 24 hours, as in the dashboard."""
        return "en_GB" if self.language == "en" else self.language

    def text(self, code: str, **params: str | int) -> str:
        """Return the catalogue text of a message code."""
        return render_message(Message(code, params), self.language)

    def message_text(self, message: Message) -> str:
        """Return the text of a message."""
        return render_message(message, self.language)

    @property
    def zone_city(self) -> str:
        """The city after which the creator's time zone is named."""
        return str(get_timezone_location(self.zone, locale=self.language, return_city=True))

    def format_clock(self, at: datetime) -> str:
        """Format the time of day with seconds, in the creator's time zone."""
        return str(format_time(at, "medium", tzinfo=self.zone, locale=self._date_locale))

    def format_date_time(self, at: datetime) -> str:
        """Format a date and time in the creator's time zone."""
        local = at.astimezone(self.zone)
        text = str(format_date(local, "long", locale=self._date_locale))
        day = translation.mark_first_day(text, local.date(), self.language)
        return f"{day}, {format_time(at, 'short', tzinfo=self.zone, locale=self._date_locale)}"

    def format_day(self, on: Day) -> str:
        """Format a date with its weekday."""
        text = str(format_date(on, "full", locale=self._date_locale))
        return translation.mark_first_day(text, on, self.language)

    def country_name(self, code: str) -> str:
        """Return the name of a country, or its code if the locale has no name for it."""
        return str(Locale(self.language).territories.get(code, code))

    def format_money(self, money: Money) -> str:
        """Format an amount of money."""
        return translation.format_money(money, self.language, _UNITS)

    def picture_count_text(self, count: int) -> str:
        """Return a text such as "3 pictures"."""
        return self.text("page.pictures" if count != 1 else "page.picture", count=count)
