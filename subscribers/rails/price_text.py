"""Prices as text for fans, in any language."""

from foundation.money import Money, currency_exponent

_UNITS = {"XTR": "⭐", "XTS": "(test)"}
"""Symbols for currency codes that have no common name."""


def format_price(money: Money) -> str:
    """Return a price as text, for example `5.00 EUR`, `500 ⭐` (Telegram Stars) or `500 (test)`."""
    digits = currency_exponent(money.currency)
    unit = _UNITS.get(money.currency, money.currency)
    whole, part = divmod(abs(money.minor), 10**digits)
    sign = "-" if money.minor < 0 else ""
    return f"{sign}{whole}.{part:0{digits}d} {unit}" if digits else f"{money.minor} {unit}"
