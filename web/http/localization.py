"""How a page says things: sentences, prices and dates in its language."""

from dataclasses import dataclass
from datetime import date as Day
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_location

from foundation.i18n import translation
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.money import Money

_UNITS = {"XTS": "page.test_money", "XTR": "page.stars"}
"""Currencies that no locale names, in words for fans."""


def preferred_language(accept_language: str, *, otherwise: str = "en") -> str:
    """The first of our languages a visitor's browser asks for; `otherwise` when none."""
    wanted = (part.split(";")[0].strip()[:2].lower() for part in accept_language.split(","))
    return next((language for language in wanted if language in LANGUAGES), otherwise)


@dataclass(frozen=True)
class VisitorLocalizer:
    """The voice of one page: `language` is fr or en, `zone` the creator's."""

    language: str
    zone: ZoneInfo

    def text(self, code: str, **params: str | int) -> str:
        """A sentence of the catalogues."""
        return render_message(Message(code, params), self.language)

    def message_text(self, message: Message) -> str:
        """A message of the house in this language."""
        return render_message(message, self.language)

    @property
    def zone_city(self) -> str:
        """The city the creator's clock is named after."""
        return str(get_timezone_location(self.zone, locale=self.language, return_city=True))

    def format_clock(self, at: datetime) -> str:
        """An hour with its seconds, on the creator's clock."""
        return str(format_time(at, "medium", tzinfo=self.zone, locale=self.language))

    def format_date_time(self, at: datetime) -> str:
        """A day and an hour on the creator's clock, as people write them."""
        day = format_date(at.astimezone(self.zone), "long", locale=self.language)
        return f"{day}, {format_time(at, 'short', tzinfo=self.zone, locale=self.language)}"

    def format_day(self, on: Day) -> str:
        """A day by its name."""
        return str(format_date(on, "full", locale=self.language))

    def country_name(self, code: str) -> str:
        """A country by its name; by its letters where no locale names it."""
        return str(Locale(self.language).territories.get(code, code))

    def format_money(self, money: Money) -> str:
        """What something costs, as people of this language write it."""
        return translation.format_money(money, self.language, _UNITS)

    def picture_count_text(self, count: int) -> str:
        """How many pictures."""
        return self.text("page.pictures" if count != 1 else "page.picture", count=count)
