"""Amounts entered by users are parsed to the minor unit or rejected, never rounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.money import Money, estimate_stars, parse_money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("5", "EUR", 500),
        ("4.99", "EUR", 499),
        ("12,5", "EUR", 1250),
        (" 1 000,50 ", "EUR", 100_050),
        ("1\u202f000", "XTR", 1000),
        ("500,00", "XTR", 500),
        ("1.234", "KWD", 1234),
        ("0", "EUR", 0),
    ],
)
def test_typed_amount_is_parsed_exactly(text: str, currency: str, minor: int) -> None:
    assert parse_money(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("", "EUR"),
        ("abc", "EUR"),
        ("-5", "EUR"),
        ("1e3", "EUR"),
        ("inf", "EUR"),
        ("NaN", "EUR"),
        ("4.999", "EUR"),
        ("1.000", "EUR"),  # Thousand or one, depending on the country.
        ("12,50", "XTR"),  # Stars have no fraction.
        ("1.000", "XTR"),
        ("1,2,3", "EUR"),
        ("9" * 13, "EUR"),
    ],
)
def test_ambiguous_amount_is_rejected(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_money(text, currency)


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_estimate_of_stars_is_within_half_a_minor_unit(
    stars: int, per_thousand: int, currency: str
) -> None:
    worth = estimate_stars(Money(stars, "XTR"), Money(per_thousand, currency))
    assert worth.currency == currency
    assert abs(worth.minor * 1000 - stars * per_thousand) <= 500


@pytest.mark.parametrize("currency", ["EUR", "XTS"])
def test_only_stars_are_estimated(currency: str) -> None:
    with pytest.raises(ValueError, match="not Stars"):
        estimate_stars(Money(5, currency), Money(1300, "EUR"))
