"""Views of the calendar: how many days each shows, from which on, and where its arrows lead.
Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from dashboard.pages.calendar.queries import MAX_DELIVERIES

WEEK_DAYS = 7
MONTH_DAYS = 42
"""Days of a row, and of the six rows that hold any month."""

MAX_CARDS = 150
"""So many posts are drawn one by one; a page with more would be slow to press anything on."""

MAX_CARDS_PER_DAY = 4
"""Posts of one day where days are shown in short; the rest is counted, and a press away."""

MAX_DISTANCE = timedelta(days=3660)
"""How far from today an address may lead."""


@dataclass(frozen=True)
class ViewMode:
    """One way to look: its days and the key that opens it.

    Up to `whole` posts are read each with its accounts, with the hours that are free; of more,
    `most` a day in short.
    """

    days: int
    key: str
    whole: int
    most: int = MAX_CARDS_PER_DAY


VIEW_MODES: Mapping[str, ViewMode] = {
    "day": ViewMode(1, "D", MAX_DELIVERIES),
    "week": ViewMode(WEEK_DAYS, "W", MAX_DELIVERIES),
    "month": ViewMode(MONTH_DAYS, "M", 0),
    "list": ViewMode(30, "L", MAX_CARDS),
    "quarter": ViewMode(90, "Y", 0),
}
DEFAULT_VIEW = "week"


@dataclass(frozen=True)
class ViewWindow:
    """The days a view shows: all of them from `first` on, and those it is about."""

    first: date
    begins: date
    ends: date
    before: date
    after: date
    """Days that lead to the window before and after this one."""


def view_window(view: str, asked: str, today: date) -> ViewWindow:
    """What a view shows for a day as it stands in the address; of today where that is no day."""
    try:
        day = date.fromisoformat(asked) if asked else today
    except ValueError:
        day = today
    day = min(max(day, today - MAX_DISTANCE), today + MAX_DISTANCE)
    if view == "month":
        begins = day.replace(day=1)
        after = (begins + timedelta(days=31)).replace(day=1)
        before = (begins - timedelta(days=1)).replace(day=1)
        return ViewWindow(_monday_of_week(begins), begins, after - timedelta(days=1), before, after)
    first = _monday_of_week(day) if view == "week" else day
    step = timedelta(days=VIEW_MODES[view].days)
    return ViewWindow(first, first, first + step - timedelta(days=1), first - step, first + step)


def _monday_of_week(day: date) -> date:
    return day - timedelta(days=day.weekday())
