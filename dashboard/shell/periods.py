"""Selection of a period: the last days, a calendar month, or two dates."""

from dataclasses import dataclass
from datetime import date, timedelta

import streamlit as st

from dashboard.shell.page_context import PageContext

LAST_DAYS = {"days_7": 7, "days_28": 28, "days_90": 90, "days_365": 365}
"""Lengths in days, today included."""

CUSTOM = "custom"
CHOICES = (*LAST_DAYS, "this_month", "last_month", CUSTOM)
DEFAULT = "days_28"


@dataclass(frozen=True)
class Period:
    """A period, both days included."""

    first: date
    last: date


def select_period(page: PageContext, today: date, *, key: str) -> Period:
    """Draw the selection and return the period. Two dates of one's own are kept while another
    choice is made. The last date may lie before the first."""
    st.session_state.setdefault(f"{key}:choice", DEFAULT)
    choice = st.selectbox(
        page.text("period.label"),
        CHOICES,
        format_func=lambda one: page.text(f"period.{one}"),
        key=f"{key}:choice",
        width=170,
    )
    if choice != CUSTOM:
        return find_period(choice, today)
    before = find_period(DEFAULT, today)
    dates = []
    for name, day in (("first", before.first), ("last", before.last)):
        kept = st.session_state.get(f"{key}:{name}:kept", day)
        st.session_state.setdefault(f"{key}:{name}", kept)
        dates.append(
            st.date_input(
                page.text(f"period.{name}"),
                max_value=today,
                format="DD/MM/YYYY",
                key=f"{key}:{name}",
                width=140,
            )
        )
    for name, day in zip(("first", "last"), dates, strict=True):
        st.session_state[f"{key}:{name}:kept"] = day
    return Period(*dates)


def find_period(choice: str, today: date) -> Period:
    """Return the period of a choice other than two dates."""
    if choice in LAST_DAYS:
        return Period(today - timedelta(days=LAST_DAYS[choice] - 1), today)
    first = today.replace(day=1)
    if choice == "this_month":
        return Period(first, today)
    last = first - timedelta(days=1)
    return Period(last.replace(day=1), last)
