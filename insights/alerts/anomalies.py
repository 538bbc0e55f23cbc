"""Anomalies of a daily count or amount: a change of level, and a day at zero.

The square root of each day is compared with the median of the same weekday in the eight weeks that
ended a week before, and divided by the spread of those weeks. A cumulative sum (CUSUM) of these
scores detects a change of level within days, and hardly ever alarms without one. Neighbouring days
share a weekday pattern, a drift and outliers, which medians ignore.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from insights.alerts.states import AlertDirection

WEEKS = 8
BASELINE_DAYS = 7 * WEEKS
GUARD_DAYS = 7
"""Days between the baseline and the day compared with it, so that a change does not at once become
its own baseline. A multiple of 7: the day has the weekday of the first day of the baseline."""

MIN_DAYS = BASELINE_DAYS + GUARD_DAYS
"""Days of history before the first day that can be compared."""

SLACK = 0.75
LIMIT = 5.0
"""Parameters of the CUSUM, in standard deviations: scores within the slack are ignored. With these,
a series without changes alarms about once a year."""

MAX_SCORE = 4.0
"""Larger scores are cut off, so that a single day does not alarm."""

ZERO_SCORE = -2.326
"""Score of the 1 % quantile. A day at zero below it alarms at once."""

MIN_KNOWN = 42
"""Known days that a baseline needs."""

MIN_ACTIVE = 0.6
"""Share of days of the baseline that must not be zero. More irregular series are not checked."""

RECOVERY_DAYS = 3
"""An anomaly ends when the average score of these days is within the slack."""

MAX_ANOMALY_DAYS = 28
"""An anomaly ends after so many days: the level has changed for good."""

FALSE_DISCOVERY_RATE = 0.1
"""Maximum expected share of false alarms among those of one day."""

_MAD_TO_DEVIATION = 1.4826
_RESIDUAL_CORRECTION = 1.05
"""The medians of the weekdays fit the baseline, whose spread is therefore a little too small."""

_OVERSHOOT = 1.166
"""Average excess of a CUSUM over its limit, twice Siegmund's correction of 0.583."""

Days = NDArray[np.float64]


@dataclass(frozen=True)
class Anomaly:
    """An anomaly; days are positions in the series. `ended` is None while it lasts. `expected` and
    `seen` are sums from `start` to the last day; `p_value` is that of the alarm."""

    start: int
    alarmed: int
    ended: int | None
    expected: int
    seen: int
    p_value: float


def find_anomalies(values: Sequence[int | None], direction: AlertDirection) -> list[Anomaly]:
    """Return the anomalies of a series of days, oldest first; unknown days are None.

    The first `MIN_DAYS` days are only a baseline. Pure.
    """
    days = np.array([math.nan if one is None else float(one) for one in values])
    if len(days) <= MIN_DAYS:
        return []
    scores, expected = _score_days(days)
    sign = 1.0 if direction is AlertDirection.BELOW else -1.0
    falls = np.clip(-sign * scores, -MAX_SCORE, MAX_SCORE)
    zeros = (
        (days[MIN_DAYS:] <= 0) & (scores <= ZERO_SCORE)
        if direction is AlertDirection.BELOW
        else np.zeros(len(scores), dtype=bool)
    )
    found = []
    at = 0
    while at < len(falls):
        alarm = _find_alarm(falls, zeros, scores, at)
        if alarm is None:
            break
        start, alarmed, p_value = alarm
        ended = _find_end(falls, alarmed)
        last = len(falls) if ended is None else ended
        known = ~np.isnan(days[MIN_DAYS + start : MIN_DAYS + last])
        found.append(
            Anomaly(
                MIN_DAYS + start,
                MIN_DAYS + alarmed,
                None if ended is None else MIN_DAYS + ended,
                round(float(np.nansum(expected[start:last][known]))),
                round(float(np.nansum(days[MIN_DAYS + start : MIN_DAYS + last][known]))),
                p_value,
            )
        )
        at = last
    return found


def _score_days(days: Days) -> tuple[Days, Days]:
    """Return the score and the expected value of each day after the first `MIN_DAYS`; NaN where the
    baseline does not suffice."""
    roots = np.sqrt(np.maximum(days, 0))
    windows = sliding_window_view(roots, BASELINE_DAYS)[: len(days) - MIN_DAYS]
    known = ~np.isnan(windows)
    usable = (known.sum(axis=1) >= MIN_KNOWN) & (
        (np.where(known, windows, 0) > 0).sum(axis=1) >= MIN_ACTIVE * known.sum(axis=1)
    )
    scores = np.full(len(windows), math.nan)
    expected = np.full(len(windows), math.nan)
    if not usable.any():
        return scores, expected
    # Column 0 of each week has the weekday of the day that is compared.
    weeks = windows[usable].reshape(-1, WEEKS, 7)
    level = np.nanmedian(weeks, axis=(1, 2), keepdims=True)
    pattern = np.nan_to_num(_median_of_weeks(weeks - level))
    rest = weeks - level - pattern
    shift = np.nanmedian(rest, axis=(1, 2), keepdims=True)
    spread = _MAD_TO_DEVIATION * np.nanmedian(np.abs(rest - shift), axis=(1, 2))
    usual = (level + shift + pattern[:, :, :1])[:, 0, 0]
    # A series that is nearly constant still varies like a count.
    spread = np.maximum(spread * _RESIDUAL_CORRECTION, np.maximum(0.5, 0.05 * usual))
    scores[usable] = (roots[MIN_DAYS:][usable] - usual) / spread
    expected[usable] = np.maximum(usual, 0) ** 2 + spread**2
    return scores, expected


def _median_of_weeks(weeks: Days) -> Days:
    """Return the median of each weekday; NaN if it is unknown in all weeks."""
    missing = np.isnan(weeks).all(axis=1, keepdims=True)
    filled = np.where(missing, 0.0, weeks)
    return np.where(missing, math.nan, np.nanmedian(filled, axis=1, keepdims=True))


def _find_alarm(
    falls: Days, zeros: NDArray[np.bool_], scores: Days, first: int
) -> tuple[int, int, float] | None:
    """Return the start, the day and the p-value of the next alarm, or None."""
    total = 0.0
    start = first
    for at in range(first, len(falls)):
        if math.isnan(falls[at]):
            continue
        if total == 0.0:
            start = at
        total = max(0.0, total + falls[at] - SLACK)
        if zeros[at]:
            return start, at, 0.5 * math.erfc(-scores[at] / math.sqrt(2))
        if total > LIMIT:
            return start, at, math.exp(-2 * SLACK * (total + _OVERSHOOT))
    return None


def _find_end(falls: Days, alarmed: int) -> int | None:
    """Return the first day after an anomaly, or None while it lasts."""
    for at in range(alarmed + RECOVERY_DAYS, len(falls)):
        recent = falls[at - RECOVERY_DAYS + 1 : at + 1]
        known = recent[~np.isnan(recent)]
        if len(known) and float(known.mean()) <= SLACK:
            return at
        if at - alarmed >= MAX_ANOMALY_DAYS:
            return at
    return None


def select_discoveries(p_values: Sequence[float], tests: int) -> list[bool]:
    """Return which of the alarms among `tests` series to report (Benjamini-Hochberg). Pure."""
    order = sorted(range(len(p_values)), key=lambda one: p_values[one])
    accepted = 0
    for rank, one in enumerate(order, start=1):
        if p_values[one] <= FALSE_DISCOVERY_RATE * rank / max(tests, 1):
            accepted = rank
    chosen = set(order[:accepted])
    return [one in chosen for one in range(len(p_values))]
