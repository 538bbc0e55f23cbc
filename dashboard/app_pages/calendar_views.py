"""Views of the calendar: how many days each shows, from which on, and where its arrows lead. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from dashboard.reads.calendar import MOST

WEEK, MONTH = 7, 42
"""Days of a row, and of the six rows that hold any month."""

MOST_TURNS = 150
"""So many posts are drawn one by one; a page with more would be slow to press anything on."""

IN_A_DAY = 4
"""Posts of one day where days are shown in short; the rest is counted, and a press away."""

REACH = timedelta(days=3660)
"""How far from today an address may lead."""


@dataclass(frozen=True)
class View:
    """One way to look: its days and the key that opens it.

    Up to `whole` posts are read each with its accounts, with the hours that are free; of more, `most` a day in short.
    """

    days: int
    key: str
    whole: int
    most: int = IN_A_DAY


VIEWS: Mapping[str, View] = {
    "day": View(1, "D", MOST),
    "week": View(WEEK, "W", MOST),
    "month": View(MONTH, "M", 0),
    "list": View(30, "L", MOST_TURNS),
    "quarter": View(90, "Y", 0),
}
USUAL = "week"


@dataclass(frozen=True)
class Window:
    """The days a view shows: all of them from `first` on, and those it is about."""

    first: date
    begins: date
    ends: date
    before: date
    after: date
    """Days that lead to the window before and after this one."""


def window(view: str, asked: str, today: date) -> Window:
    """What a view shows for a day as it stands in the address; of today where that is no day."""
    try:
        day = date.fromisoformat(asked) if asked else today
    except ValueError:
        day = today
    day = min(max(day, today - REACH), today + REACH)
    if view == "month":
        begins = day.replace(day=1)
        after = (begins + timedelta(days=31)).replace(day=1)
        before = (begins - timedelta(days=1)).replace(day=1)
        return Window(_monday(begins), begins, after - timedelta(days=1), before, after)
    first = _monday(day) if view == "week" else day
    step = timedelta(days=VIEWS[view].days)
    return Window(first, first, first + step - timedelta(days=1), first - step, first + step)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
