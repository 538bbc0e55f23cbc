"""Money: an integer of minor units with its currency; never a float, never a silent conversion."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from functools import cache

_OWN_EXPONENTS: Mapping[str, int] = {"XTR": 0, "XTS": 0}
"""XTR is Telegram Stars. XTS is ISO's code for tests."""

DROPPED_MINOR_UNITS: Mapping[str, int] = {
    **dict.fromkeys(("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK"), 2),
    **dict.fromkeys(("RSD", "SLL", "SOS", "SYP", "YER"), 2),
    "IQD": 3,
}
"""Currencies that CLDR shows without the minor unit that ISO 4217 still gives them. Statements may
write it. Source: ISO 4217 list one, https://www.six-group.com (Data standards)."""

STARS = "XTR"
"""Telegram's own currency; people are told of Stars."""

_WRITTEN = re.compile(r"(?P<whole>\d{1,12})(?:[.,](?P<part>\d+))?")

BASIS_POINTS = 10_000
"""Basis points of the whole."""

MILLION = 1_000_000


@cache
def currency_exponent(currency: str) -> int:
    """Return the digits after the point of a currency (ISO 4217), 2 for an unknown code.

    The digits are those of CLDR, as Babel brings them, but where CLDR hides a minor unit.
    """
    # loading the table takes longer than most processes need for all they do with money
    from babel.numbers import get_currency_precision  # noqa: PLC0415  see above

    for own in (_OWN_EXPONENTS, DROPPED_MINOR_UNITS):
        if currency in own:
            return own[currency]
    return int(get_currency_precision(currency))


@dataclass(frozen=True, order=False)
class Money:
    """`minor` units of `currency` (ISO 4217 code, or XTR)."""

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

    def __str__(self) -> str:
        digits = currency_exponent(self.currency)
        return f"{Decimal(self.minor).scaleb(-digits)} {self.currency}"


@dataclass(frozen=True)
class Price:
    """What one of many costs, often less than a minor unit: `minor` units of `currency`, to a
    ten-thousandth."""

    minor: Decimal
    currency: str

    def __post_init__(self) -> None:
        Money(0, self.currency)  # its own check of the code
        if not self.minor.is_finite() or self.minor < 0 or self.minor != round(self.minor, 4):
            raise ValueError("a price is positive, to a ten-thousandth of a minor unit")

    def __str__(self) -> str:
        written = self.minor.scaleb(-currency_exponent(self.currency)).normalize()
        return f"{written:f} {self.currency}"

    def total(self, count: int) -> Money:
        """What so many cost, rounded up once to whole minor units."""
        return round_up(self.minor * count, self.currency)


@dataclass(frozen=True)
class TokenPrice:
    """What a model asks for a million tokens of a question and of its answer, in minor units of
    `currency`."""

    input: Price
    output: Price

    def __post_init__(self) -> None:
        if self.input.currency != self.output.currency:
            raise ValueError("question and answer are paid in one currency")

    def cost_of(self, asked: int, answered: int) -> Price:
        """What so many tokens cost, rounded up to a ten-thousandth of a minor unit. Raises
        ValueError below 0."""
        whole = (self.input.minor * asked + self.output.minor * answered) / MILLION
        return Price(whole.quantize(Decimal("0.0001"), ROUND_CEILING), self.input.currency)


def round_up(minor: Decimal, currency: str) -> Money:
    """A sum of prices as money: never less than what they add up to."""
    return Money(int(minor.to_integral_value(ROUND_CEILING)), currency)


def parse_prices(text: str) -> dict[str, Price]:
    """Prices as they stand in a setting (`name = 0.003 USD, other = 0.04 EUR`), by name. Raises
    ValueError."""
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
    """Prices of a million tokens as they stand in a setting (`name = 0.60/2.40 USD`: question,
    answer), by the model's name. Raises ValueError."""
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
    """Amounts as they stand in a setting (`50 USD, 20 EUR`), by currency. Raises ValueError."""
    found: dict[str, Money] = {}
    for line in filter(str.strip, text.split(",")):
        amount, _, currency = line.strip().partition(" ")
        found[currency.strip()] = parse_money(amount, currency.strip())
    return found


def split_amount(amount: Money, shares_bp: Mapping[str, int]) -> dict[str, Money]:
    """Divide `amount` by shares in basis points that sum to 10,000; nothing is lost or made.

    Largest remainder (Hamilton): each part is rounded towards zero, the units left go to the
    largest remainders, ties by name. Raises ValueError when the shares do not sum to the whole.
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
    """Money as a person wrote it (`"5"`, `"4.99"`, `"1 000,50"`). Raises ValueError; nothing is
    rounded."""
    written = _WRITTEN.fullmatch(re.sub(r"\s", "", text))
    digits = currency_exponent(currency)
    part = (written["part"] or "") if written is not None else ""
    if written is None or len(part) > max(digits, 2) or part[digits:].strip("0"):
        raise ValueError(f"not an amount: {text!r}")
    return Money(int(written["whole"] + part[:digits].ljust(digits, "0")), currency)
