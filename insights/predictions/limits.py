"""Minimum data of predictions, and the limits that pages and methods share."""

HORIZONS = (7, 30, 90)
MIN_DAYS = 28
FULL_METHOD_DAYS = 56
"""Days from which all methods compete; below, only the baseline and the median of each weekday."""

LONG_HORIZON_DAYS = 365
MAX_DAYS = 450
"""Days of history that are used, newest last."""


def needed_days(horizon: int) -> int:
    """Return the number of days of data that a forecast for `horizon` days needs."""
    if horizon <= 7:
        return MIN_DAYS
    return FULL_METHOD_DAYS if horizon <= 30 else LONG_HORIZON_DAYS


BUYERS = 300
BUYER_DAYS = 56
"""Buyers and days of purchases that BG/NBD needs."""

CHURN_ROWS = 200
CHURN_EVENTS = 50
"""Ended or renewed periods, and cancellations among them, that the probability needs."""

LEADS = 200
LEAD_PURCHASES = 50
"""Leads with a known outcome, and purchases among them, that calibrated grades need."""

VALUE_DAYS = 90
"""Days ahead for which purchases and their value are predicted."""

GRADES = ("A", "B", "C", "D")
GRADE_SHARES = (0.1, 0.2, 0.3, 0.4)
"""Share of past leads in each grade, the highest probabilities first."""

RULE_MESSAGES = (10, 5, 2)
"""Incoming messages of the first day from which a lead has grade A, B or C by rule."""

PACK_BUYERS = 500
RECOMMENDED_PACKS = 50
"""Buyers and bought packs from which EASE competes with the most bought packs."""

POPULAR_DAYS = 30
POPULAR_PURCHASES = 10
"""Period whose most bought packs are recommended, and the purchases in it that this needs."""
