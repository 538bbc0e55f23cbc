"""Tax numbers: generated numbers with a wrong digit, and valid ones of many countries."""

import pytest

from tenants.agencies.tax_numbers import parse_tax_number

VALID = [
    "FR44732829320",
    "DE136695976",
    "ATU13585627",
    "BE0403019261",
    "EL094259216",
    "ES54362315K",
    "IE6433435F",
    "IT00743110157",
    "NL004495445B01",
    "PL5260001246",
    "XI980780684",
    "GB980780684",
    "NO995525828MVA",
    "CHE107787577IVA",
    "CHE107787577",
    "AU83914571673",
]


@pytest.mark.parametrize("number", VALID)
def test_valid_number_is_accepted_with_separators_and_small_letters(number: str) -> None:
    typed = f" {number[:2].lower()} {number[2:6]}.{number[6:]}"
    assert parse_tax_number(typed) == number


@pytest.mark.parametrize("number", VALID)
def test_number_with_another_digit_is_refused(number: str) -> None:
    place = next(at for at, letter in enumerate(number) if letter.isdigit())
    changed = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
    assert parse_tax_number(changed) is None
    place = next(at for at, letter in enumerate(number) if letter in "123456789")
    assert parse_tax_number(number[:place] + number[place + 1 :]) is None


@pytest.mark.parametrize(
    "typed",
    ["NOTAVAT", "VAT", "FR", "FR12", "FR32123456789", "12", "1" * 21, "", "<b>1</b>", "NO1"],
)
def test_text_that_is_no_number_is_refused(typed: str) -> None:
    assert parse_tax_number(typed) is None


@pytest.mark.parametrize("typed", ["12-3456789", "ZZ 123 456", "27AAPFU0939F1ZV", "US123456789"])
def test_number_of_an_unknown_country_is_accepted_as_typed(typed: str) -> None:
    assert parse_tax_number(typed) == typed.replace("-", "").replace(" ", "")
