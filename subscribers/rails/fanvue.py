"""The Fanvue rail, in US cents: the platform charges for a locked message and unlocks it.

Only the platform's list of earnings is booked (`subscribers/checkout/platform_earnings.py`); a
detected purchase posts nothing to the ledger.
"""

from datetime import timedelta

from gate.contract.units import Rating


class FanvueRail:
    """The rail of locked messages. It has no checkout query, and refunds are made on the platform
    only."""

    platform = "fanvue"
    name = "fanvue"
    currency = "USD"
    ratings = frozenset({Rating.G, Rating.S, Rating.N, Rating.E})
    least = 300
    life = timedelta(days=3)
    locked = True
    monthly = 0
    behind = None
