"""How late a post may still leave: the choices people have, and what each means at an hour. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from schedules.calendar import bounds, local_day

USUAL = timedelta(minutes=30)
"""Where nobody chooses."""


class Late(StrEnum):
    """What people choose from."""

    FIVE_MINUTES, HALF_AN_HOUR, TWO_HOURS = "5m", "30m", "2h"
    DAY = "day"  # until its local day is over
    ALWAYS = "always"


_SPANS = {
    Late.FIVE_MINUTES: timedelta(minutes=5),
    Late.HALF_AN_HOUR: USUAL,
    Late.TWO_HOURS: timedelta(hours=2),
    Late.DAY: USUAL,
    Late.ALWAYS: None,
}


def span(choice: Late) -> timedelta | None:
    """So much later it may leave; None for always. Of the end of its day it says nothing: that depends on the hour."""
    return _SPANS[choice]


def choice_of(late_ok: timedelta | None, *, until_midnight: bool) -> Late | None:
    """The choice that a post has; None for another span, as files bring them."""
    if until_midnight:
        return Late.DAY
    return next((one for one, kept in _SPANS.items() if kept == late_ok and one is not Late.DAY), None)


def until(late_ok: timedelta | None, due: datetime, zone: str, *, until_midnight: bool) -> datetime | None:
    """Until when what is due at an instant (UTC-aware) may leave, on the clocks of a zone; None for always."""
    if until_midnight:
        return max(bounds(local_day(due, zone), zone)[1], due)
    return None if late_ok is None else due + late_ok


def is_over(late_until: datetime | None, now: datetime) -> bool:
    """Whether it is too late for what may leave until an instant (UTC-aware; None for always) to leave by itself."""
    return late_until is not None and now > late_until
