"""Views of the calendar: their number of days, first day and navigation. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from dashboard.pages.calendar.queries import MAX_DELIVERIES

WEEK_DAYS = 7
"""Number of days in a row."""
MONTH_DAYS = 42
"""Number of days in the month view. Every month fits into six rows."""

MAX_CARDS = 300
"""Maximum number of full cards. With more of them, the browser takes noticeably long to draw."""

MAX_CARDS_PER_WEEK_DAY = 20
"""Maximum number of posts shown for a day of a week with more than `MAX_CARDS` posts."""

MAX_CARDS_PER_DAY = 4
"""Maximum number of posts shown for a day in the compact form. The others are counted and shown in
the day view."""

MAX_DISTANCE = timedelta(days=3660)
"""Maximum distance of a day in the URL from today."""


@dataclass(frozen=True)
class ViewMode:
    """A view of the calendar: its number of days and its keyboard shortcut.

    Up to `whole` posts are returned with their accounts and the open slots. Beyond that, the view
    shows `most` posts of each day in the compact form.
    """

    days: int
    key: str
    whole: int
    most: int = MAX_CARDS_PER_DAY


VIEW_MODES: Mapping[str, ViewMode] = {
    "month": ViewMode(MONTH_DAYS, "M", 0),
    "week": ViewMode(WEEK_DAYS, "W", MAX_CARDS, MAX_CARDS_PER_WEEK_DAY),
    "day": ViewMode(1, "D", MAX_DELIVERIES),
    "list": ViewMode(30, "L", MAX_CARDS),
    "queue": ViewMode(14, "Q", 0),
    "quarter": ViewMode(90, "Y", 0),
}
DEFAULT_VIEW = "week"


@dataclass(frozen=True)
class ViewWindow:
    """The days of a view. The grid starts at `first`; the view covers the days from `begins` to
    `ends`."""

    first: date
    begins: date
    ends: date
    before: date
    after: date
    """`before` and `after` are the days that open the previous and the next window."""


@dataclass(frozen=True)
class ViewRequest:
    """The open view with its days."""

    view: str
    shown: ViewWindow
    today: date


def view_window(view: str, asked: str, today: date) -> ViewWindow:
    """Return the window of a view for a date in ISO format, or for today if it is not a date."""
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
