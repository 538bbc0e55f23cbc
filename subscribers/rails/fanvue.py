"""Fanvue, counted in US cents: it takes the money itself, for what a locked message shows, and
opens it.

Its own list of earnings says what came in, and that list alone is booked
(`subscribers/checkout/platform_earnings.py`): nothing of a sale is posted when we see that it was
paid.
"""

from datetime import timedelta

from gate.contract.units import Rating


class FanvueRail:
    """The rail of a locked message. Nobody asks at a checkout, and no money goes back by a
    program."""

    platform = "fanvue"
    name = "fanvue"
    currency = "USD"
    ratings = frozenset({Rating.G, Rating.S, Rating.N, Rating.E})
    least = 300
    life = timedelta(days=3)
    locked = True
    monthly = 0
    behind = None
