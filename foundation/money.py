"""Money: an integer of minor units with a currency, without floats and implicit conversion."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from fractions import Fraction
from functools import cache

TEST_CURRENCY = "XTS"
"""ISO 4217's code for tests: the money of the sandbox, which has no value."""

_OWN_EXPONENTS: Mapping[str, int] = {"XTR": 0, TEST_CURRENCY: 0}
"""Decimal places of XTR (Telegram Stars) and of XTS, ISO 4217's code for tests."""

DROPPED_MINOR_UNITS: Mapping[str, int] = {
    **dict.fromkeys(("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK"), 2),
    **dict.fromkeys(("RSD", "SLL", "SOS", "SYP", "YER"), 2),
    "IQD": 3,
}
"""Currencies that CLDR shows without their ISO 4217 minor unit, which statements may contain.

Source: ISO 4217 list one, https://www.six-group.com (Data standards).
"""

STARS = "XTR"
"""Telegram's currency, shown to users as Stars."""

_WRITTEN = re.compile(r"(?P<whole>\d{1,12})(?:[.,](?P<part>\d+))?")

BASIS_POINTS = 10_000
"""Basis points of the whole."""

MILLION = 1_000_000


@cache
def currency_exponent(currency: str) -> int:
    """Return the number of decimal places of a currency (ISO 4217); 2 for an unknown code.

    It comes from CLDR through Babel, except for currencies whose minor unit CLDR hides.
    """
    # Loading the table takes longer than most processes spend on money.
    from babel.numbers import get_currency_precision  # noqa: PLC0415  see above

    for own in (_OWN_EXPONENTS, DROPPED_MINOR_UNITS):
        if currency in own:
            return own[currency]
    return int(get_currency_precision(currency))


@cache
def list_currencies() -> tuple[str, ...]:
    """Return the ISO 4217 codes of the currencies that are in use today, in alphabetical order."""
    # Loaded late for the same reason as above.
    from babel.numbers import get_territory_currencies  # noqa: PLC0415  see above

    codes = {
        code for territory in _list_territories() for code in get_territory_currencies(territory)
    }
    return tuple(sorted(codes))


def _list_territories() -> tuple[str, ...]:
    from babel.core import get_global  # noqa: PLC0415  see above

    return tuple(get_global("territory_currencies"))


def is_currency(code: str) -> bool:
    """Return True for the ISO 4217 code of a currency that is in use today."""
    return code in list_currencies()


@dataclass(frozen=True, order=False)
class Money:
    """An amount of `minor` units in `currency` (ISO 4217 code, or XTR)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.minor, int) or isinstance(self.minor, bool):
            raise TypeError("money is counted in whole minor units")
        if not (len(self.currency) == 3 and self.currency.isascii() and self.currency.isupper()):
            raise ValueError(f"not a currency code: {self.currency!r}")

    def __add__(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise ValueError(
                f"{self.currency} and {other.currency} are not added without a dated rate"
            )
        return Money(self.minor + other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return self + (-other)

    @property
    def decimal(self) -> Decimal:
        """Return the amount in whole units of the currency."""
        return Decimal(self.minor).scaleb(-currency_exponent(self.currency))

    def __str__(self) -> str:
        return f"{self.decimal} {self.currency}"


def percent_change(now: Money, before: Money) -> int | None:
    """Return the change of an amount in per cent, or None if it was not positive before.

    Raises ValueError for amounts of different currencies.
    """
    more = now - before
    return round(Fraction(100 * more.minor, before.minor)) if before.minor > 0 else None


@dataclass(frozen=True)
class Price:
    """A unit price, often less than a minor unit: `minor` units of `currency` to four decimal
    places."""

    minor: Decimal
    currency: str

    def __post_init__(self) -> None:
        Money(0, self.currency)  # validates the currency code
        if not self.minor.is_finite() or self.minor < 0 or self.minor != round(self.minor, 4):
            raise ValueError("a price is positive, to a ten-thousandth of a minor unit")

    def __str__(self) -> str:
        written = self.minor.scaleb(-currency_exponent(self.currency)).normalize()
        return f"{written:f} {self.currency}"

    def total(self, count: int) -> Money:
        """Return the price of this many units, rounded up once to whole minor units."""
        return round_up(self.minor * count, self.currency)


@dataclass(frozen=True)
class TokenPrice:
    """The price of a million input and output tokens of a model, in minor units of `currency`."""

    input: Price
    output: Price

    def __post_init__(self) -> None:
        if self.input.currency != self.output.currency:
            raise ValueError("question and answer are paid in one currency")

    def cost_of(self, asked: int, answered: int) -> Price:
        """Return the price of these tokens, rounded up to a ten-thousandth of a minor unit.

        Raises ValueError if the result is negative.
        """
        whole = (self.input.minor * asked + self.output.minor * answered) / MILLION
        return Price(whole.quantize(Decimal("0.0001"), ROUND_CEILING), self.input.currency)


def estimate_stars(stars: Money, per_thousand: Money) -> Money:
    """Return what Stars are worth if 1,000 of them are worth `per_thousand`, rounded to the nearest
    minor unit. Raises ValueError for an amount that is not in Stars."""
    if stars.currency != STARS:
        raise ValueError(f"not Stars: {stars.currency}")
    return Money(round(Fraction(stars.minor * per_thousand.minor, 1000)), per_thousand.currency)


def round_up(minor: Decimal, currency: str) -> Money:
    """Return a sum of prices as money, rounded up to whole minor units."""
    return Money(int(minor.to_integral_value(ROUND_CEILING)), currency)


def parse_prices(text: str) -> dict[str, Price]:
    """Parse prices from a setting (`name = 0.003 USD, other = 0.04 EUR`) into a dict by name.

    Raises ValueError.
    """
    found: dict[str, Price] = {}
    for line in filter(str.strip, text.split(",")):
        name, _, written = (part.strip() for part in line.rpartition("="))
        amount, _, currency = written.partition(" ")
        try:
            minor = Decimal(amount).scaleb(currency_exponent(currency.strip()))
        except InvalidOperation as error:
            raise ValueError(f"not a price: {line.strip()!r}") from error
        found[name] = Price(minor, currency.strip())
    return found


def parse_token_prices(text: str) -> dict[str, TokenPrice]:
    """Parse prices per million tokens from a setting, by model name.

    The format is `name = 0.60/2.40 USD` for input and output tokens. Raises ValueError.
    """
    found: dict[str, TokenPrice] = {}
    for line in filter(str.strip, text.split(",")):
        name, _, written = (part.strip() for part in line.rpartition("="))
        both, _, currency = written.partition(" ")
        asked, slash, answered = both.partition("/")
        if not (name and slash):
            raise ValueError(f"not a price of tokens: {line.strip()!r}")
        said = parse_prices(f"asked = {asked} {currency}, answered = {answered} {currency}")
        found[name] = TokenPrice(said["asked"], said["answered"])
    return found


def parse_amounts(text: str) -> dict[str, Money]:
    """Parse amounts from a setting (`50 USD, 20 EUR`), by currency. Raises ValueError."""
    found: dict[str, Money] = {}
    for line in filter(str.strip, text.split(",")):
        amount, _, currency = line.strip().partition(" ")
        found[currency.strip()] = parse_money(amount, currency.strip())
    return found


def split_amount(amount: Money, shares_bp: Mapping[str, int]) -> dict[str, Money]:
    """Divide `amount` by shares in basis points that sum to 10,000; the parts sum to `amount`.

    Uses the largest remainder method (Hamilton): each part is rounded towards zero, and the
    remaining units go to the largest remainders, ties by name. Raises ValueError for invalid
    shares.
    """
    if sum(shares_bp.values()) != BASIS_POINTS or any(share < 0 for share in shares_bp.values()):
        raise ValueError("shares must be positive and sum to 10,000 basis points")
    sign = -1 if amount.minor < 0 else 1
    size = abs(amount.minor)
    parts = {name: size * share // BASIS_POINTS for name, share in shares_bp.items()}
    left = size - sum(parts.values())
    by_remainder = sorted(
        shares_bp, key=lambda name: (-(size * shares_bp[name] % BASIS_POINTS), name)
    )
    for name in by_remainder[:left]:
        parts[name] += 1
    return {name: Money(sign * part, amount.currency) for name, part in parts.items()}


def parse_money(text: str, currency: str) -> Money:
    """Parse an amount from user input (`"5"`, `"4.99"`, `"1 000,50"`).

    Raises ValueError; nothing is rounded.
    """
    written = _WRITTEN.fullmatch(re.sub(r"\s", "", text))
    digits = currency_exponent(currency)
    part = (written["part"] or "") if written is not None else ""
    if written is None or len(part) > max(digits, 2) or part[digits:].strip("0"):
        raise ValueError(f"not an amount: {text!r}")
    return Money(int(written["whole"] + part[:digits].ljust(digits, "0")), currency)
