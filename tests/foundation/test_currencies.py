"""Decimal places of currencies."""

import importlib

import pytest
from babel.core import get_global
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from foundation.i18n.translation import LANGUAGES, format_money, format_parameter
from foundation.money import DROPPED_MINOR_UNITS, Money, currency_exponent, parse_money

CURRENCIES = sorted(set(get_global("currency_fractions")) - {"DEFAULT"} | {"EUR", "USD", "XTR"})


@pytest.mark.parametrize("currency", ["KRW", "VND", "CLP", "ISK", "XAF", "XTR", "XTS"])
def test_currency_without_decimals(currency: str) -> None:
    assert str(parse_money("12500", currency)) == f"12500 {currency}"
    assert currency_exponent(currency) == 0


@pytest.mark.parametrize("currency", ["OMR", "JOD", "IQD", "KWD", "BHD", "TND", "LYD"])
def test_currency_with_three_decimals(currency: str) -> None:
    assert parse_money("12.345", currency) == Money(12345, currency)
    assert str(Money(12345, currency)) == f"12.345 {currency}"


@given(st.sampled_from(CURRENCIES), st.integers(0, 10**11))
def test_amount_round_trips_in_each_currency(currency: str, minor: int) -> None:
    amount = Money(minor, currency)
    assert parse_money(str(amount).split()[0], currency) == amount
    for language in LANGUAGES:
        shown = format_money(amount, language)
        assert format_parameter(str(amount), language) == shown
        digits = "".join(sign for sign in shown if sign.isdigit())
        assert int(digits) in {minor, minor // 10}, "only a trailing zero is omitted"


def test_exponents_differ_from_cldr_only_where_it_hides_minor_units() -> None:
    own = {"XTR", "XTS"}
    differing = {
        code for code in CURRENCIES if currency_exponent(code) != get_currency_precision(code)
    }
    assert differing - own == set(DROPPED_MINOR_UNITS)


def test_migration_lists_all_currencies_with_changed_exponent() -> None:
    migration = importlib.import_module("migrations.versions.0125_currency_digits")
    # Exponents used since the first version.
    counted = {"XTR": 0, "JPY": 0, "KWD": 3, "BHD": 3, "TND": 3}
    changed = {code: currency_exponent(code) for code in CURRENCIES}
    assert {
        code: digits for code, digits in changed.items() if digits != counted.get(code, 2)
    } == migration._DIGITS
