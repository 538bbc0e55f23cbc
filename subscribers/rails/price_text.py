"""Prices as a fan reads them, in any language."""

from foundation.money import Money, currency_exponent

_UNITS = {"XTR": "⭐", "XTS": "(test)"}
"""Units that have a code and no name people know."""


def format_price(money: Money) -> str:
    """A price as a fan reads it, in any language: `5.00 EUR`, `500 ⭐` (Telegram Stars), `500
    (test)`."""
    digits = currency_exponent(money.currency)
    unit = _UNITS.get(money.currency, money.currency)
    whole, part = divmod(abs(money.minor), 10**digits)
    sign = "-" if money.minor < 0 else ""
    return f"{sign}{whole}.{part:0{digits}d} {unit}" if digits else f"{money.minor} {unit}"
