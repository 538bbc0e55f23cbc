"""The period of an analysis and the earlier period with which it is compared."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Comparison(StrEnum):
    """The earlier period: the days directly before, the same dates a year before, or none."""

    PREVIOUS = "previous"
    LAST_YEAR = "last_year"
    NONE = "none"


@dataclass(frozen=True)
class DateRange:
    """Local days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def days(self) -> list[date]:
        """Return the days, earliest first."""
        length = (self.last - self.first).days + 1
        return [self.first + timedelta(days=number) for number in range(length)]


@dataclass(frozen=True)
class AnalyticsPeriod:
    """A period, both days included, in the time zone of each creator, and its comparison."""

    first: date
    last: date
    compare: Comparison = Comparison.PREVIOUS

    @property
    def days(self) -> list[date]:
        """Return the days, earliest first."""
        return DateRange(self.first, self.last).days

    @property
    def before(self) -> DateRange | None:
        """Return the earlier period, or None without a comparison.

        The same dates of the year before have one day more or less if a leap day lies in one of
        the two; 29 February is compared with 28 February.
        """
        match self.compare:
            case Comparison.PREVIOUS:
                last = self.first - timedelta(days=1)
                return DateRange(last - (self.last - self.first), last)
            case Comparison.LAST_YEAR:
                return DateRange(_year_before(self.first), _year_before(self.last))
            case Comparison.NONE:
                return None


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)
