"""Amounts as people write them: read to the minor unit, or refused; never rounded, never
guessed."""

import pytest

from foundation.money import Money, parse_money


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
def test_amount_is_read_as_it_was_written(text: str, currency: str, minor: int) -> None:
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
        ("1.000", "EUR"),  # a thousand to some, one to others
        ("12,50", "XTR"),  # there is no half of it
        ("1.000", "XTR"),
        ("1,2,3", "EUR"),
        ("9" * 13, "EUR"),
    ],
)
def test_amount_nobody_can_be_sure_of_is_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_money(text, currency)
