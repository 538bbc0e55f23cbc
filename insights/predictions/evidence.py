"""Data that a prediction has and needs, and the day on which it will have enough."""

from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

MAX_WAIT = timedelta(days=3 * 365)
"""A date later than this is not shown: the present pace says nothing about it."""


@dataclass(frozen=True)
class NotEnoughData:
    """A prediction that cannot be made yet, shown as "12 of 56 days".

    `unit` is a code of `evidence.unit.*`, such as `days` or `buyers`. `expected_on` is the day on
    which there is enough data at the present pace, or None if the pace is unknown.
    """

    have: int
    need: int
    unit: str
    expected_on: date | None = None


def estimate_ready_day(have: int, need: int, *, since: date | None, today: date) -> date | None:
    """Return the day on which `have`, collected from `since` until yesterday, reaches `need`.

    The pace stays the same. Returns None without a pace, or if that takes more than `MAX_WAIT`.
    """
    if have >= need:
        return today
    if since is None or have <= 0 or since > today:
        return None
    elapsed = max((today - since).days, 1)
    wait = timedelta(days=ceil((need - have) * elapsed / have))
    return today + wait if wait <= MAX_WAIT else None


def require_evidence(
    have: int, need: int, unit: str, *, since: date | None, today: date
) -> NotEnoughData | None:
    """Return what is missing, or None if there is enough data."""
    if have >= need:
        return None
    return NotEnoughData(have, need, unit, estimate_ready_day(have, need, since=since, today=today))
