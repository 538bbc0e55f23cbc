"""VAT and other tax numbers of agencies, checked by their digits and check digits. No register is
asked."""

import re

from stdnum import get_cc_module
from stdnum.ch import uid
from stdnum.eu import vat
from stdnum.exceptions import ValidationError

MIN_LENGTH = 4
MAX_LENGTH = 20
_CHARACTERS = re.compile(rf"[A-Z0-9]{{{MIN_LENGTH},{MAX_LENGTH}}}", re.ASCII)
_SEPARATORS = re.compile(r"[\s./-]")


def parse_tax_number(typed: str) -> str | None:
    """Return a tax number in capitals without separators, or None if it cannot be one.

    A number that begins with the code of a country must be valid there: all countries of the
    European Union, and others whose numbers are known. Any other number is accepted as it was typed
    if it has 4 to 20 letters and digits, one digit at least.
    """
    number = _SEPARATORS.sub("", typed).upper()
    if not _CHARACTERS.fullmatch(number) or not any(map(str.isdigit, number)):
        return None
    country = number[:2].lower()
    rest = number[2:]
    if country in vat.MEMBER_STATES or country in ("el", "xi"):
        return number if vat.is_valid(number) else None
    module = get_cc_module(country, "vat") if country.isalpha() else None
    if module is None or not (rest[0].isdigit() or country == "ch"):
        return number
    accepted = any(_is_valid(module, one) for one in (number, rest))
    if country == "ch":  # the suffix of its language may be left out
        accepted = accepted or uid.is_valid(number)
    return number if accepted else None


def _is_valid(module: object, number: str) -> bool:
    try:
        module.validate(number)  # type: ignore[attr-defined]  # every module of stdnum has it
    except ValidationError:
        return False
    return True
