"""Views of the calendar: how many days each shows, from which on, and where its arrows lead. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

WEEK, MONTH = 7, 42
"""Days of a row, and of the six rows that hold any month."""

REACH = timedelta(days=3660)
"""How far from today an address may lead."""


@dataclass(frozen=True)
class View:
    """One way to look: its days and the key that opens it. `whole`: post by post, with the hours that are free."""

    days: int
    key: str
    whole: bool = True


VIEWS: Mapping[str, View] = {
    "day": View(1, "D"),
    "week": View(WEEK, "W"),
    "month": View(MONTH, "M", whole=False),
    "list": View(30, "L"),
    "quarter": View(90, "Y", whole=False),
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
