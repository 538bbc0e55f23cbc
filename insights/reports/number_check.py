"""Check that a text about a report states no number that is not a fact of the report.

A number is compared after parsing, with its unit: an amount must be a fact in that currency, a
percentage the change of a fact, and any other number a count or a part of the dates of the period.
Numbers in words are refused, because they cannot be compared reliably.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from foundation.money import currency_exponent
from insights.reports.fact_texts import percent_of_change
from insights.reports.facts import ReportFacts

_SPACES = "\u00a0\u202f\u2009 "
_NUMBER = re.compile(
    rf"(?P<sign>[+\-\u2212\u2013]?)(?P<digits>\d(?:[\d.,'\u2019]|[{_SPACES}](?=\d))*\d|\d)"
)
_GROUPED: Mapping[str, "re.Pattern[str]"] = {
    "en": re.compile(r"(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?"),
    "fr": re.compile(rf"(?:\d+|\d{{1,3}}(?:[{_SPACES}]\d{{3}})+)(?:,\d+)?"),
}
"""A number as a language writes it. Other forms are refused, because `1,234` is a thousand in
English and one and a quarter in French."""

_UNIT_AFTER = re.compile(rf"[{_SPACES}]?(%|\$US|€|£|\$|¥|[A-Z]{{3}}\b|Stars?\b|stars?\b|⭐)")
_UNIT_BEFORE = re.compile(rf"(US\$|€|£|\$|¥|\b[A-Z]{{3}})[{_SPACES}]?[-\u2212]?$")
_CURRENCIES: Mapping[str, str] = {
    **{"€": "EUR", "£": "GBP", "$US": "USD", "US$": "USD", "$": "USD", "¥": "JPY"},
    **dict.fromkeys(("Star", "Stars", "star", "stars", "⭐"), "XTR"),
}
_MIXED = re.compile(r"\w*(?:[^\W\d_]\d|\d[^\W\d_])\w*")
"""Digits beside letters, such as `5k` and `Q4`."""

_PERCENT_WORDS = re.compile(r"\b(percent|per cent|pour ?cent|percentage points?)\b", re.IGNORECASE)

_WORDS: Mapping[str, str] = {
    "en": (
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
        " sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty"
        " ninety hundred hundreds thousand thousands million millions billion dozen dozens"
        " double doubled doubles doubling triple tripled triples quadrupled twice thrice twofold"
        " threefold tenfold half halved quarter third thirds"
    ),
    "fr": (
        "deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
        " vingt trente quarante cinquante soixante cent cents mille million millions milliard"
        " dizaine dizaines douzaine douzaines centaine centaines millier milliers double doublé"
        " doublée doublent triple triplé triplée quadruple quadruplé moitié demi demie quart"
        " tiers"
    ),
}
_WORD_PATTERNS = {
    language: re.compile(rf"\b(?:{'|'.join(words.split())})\b", re.IGNORECASE)
    for language, words in _WORDS.items()
}


@dataclass(frozen=True)
class _Allowed:
    """The numbers that a text may contain."""

    counts: frozenset[Decimal]
    percents: frozenset[Decimal]
    amounts: Mapping[str, frozenset[Decimal]]


def find_unknown_number(text: str, facts: ReportFacts, language: str) -> str:
    """Return the first number of a text that is no fact, as written there, or "" if there is none.

    The names of creators are not searched. A number whose form is not that of the language counts
    as unknown, and so does a number in words.
    """
    for name in sorted(facts.creators.values(), key=len, reverse=True):
        text = text.replace(name, "\u2026")
    words = _WORD_PATTERNS[language].search(text) or _PERCENT_WORDS.search(text)
    if words is not None:
        return words[0]
    mixed = _MIXED.search(text)
    if mixed is not None:
        return mixed[0]
    allowed = _allowed_numbers(facts)
    for found in _NUMBER.finditer(text):
        if not _is_known(found, text, allowed, language):
            return found[0]
    # Digits of other scripts, and superscripts.
    other = next((one for one in text if one.isnumeric() and not "0" <= one <= "9"), "")
    return other


def _is_known(found: "re.Match[str]", text: str, allowed: _Allowed, language: str) -> bool:
    digits = found["digits"].rstrip(".,'\u2019")  # the end of a sentence
    ends = found.start("digits") + len(digits)
    value = _parse_number(digits, language)
    if value is None:
        return False
    after = _UNIT_AFTER.match(text, ends)
    before = _UNIT_BEFORE.search(text, 0, found.start("digits"))
    sign = after or before
    unit = sign[1] if sign is not None else ""
    if unit == "%":
        return value in allowed.percents
    currency = _CURRENCIES.get(unit, unit)
    if currency:
        return value in allowed.amounts.get(currency, frozenset())
    return value in allowed.counts


def _parse_number(digits: str, language: str) -> Decimal | None:
    if not _GROUPED[language].fullmatch(digits):
        return None
    if language == "fr":
        plain = re.sub(rf"[{_SPACES}]", "", digits).replace(",", ".")
    else:
        plain = digits.replace(",", "")
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None


def _allowed_numbers(facts: ReportFacts) -> _Allowed:
    counts: set[Decimal] = set()
    percents: set[Decimal] = set()
    amounts: dict[str, set[Decimal]] = {}
    for one in facts.facts:
        for value in (one.value, one.before):
            if value is None:
                continue
            if one.unit == "money":
                minor = Decimal(abs(value)).scaleb(-currency_exponent(one.currency))
                amounts.setdefault(one.currency, set()).add(minor)
            else:
                counts.add(Decimal(abs(value)))
        change = percent_of_change(one)
        if change is not None:
            percents.add(Decimal(abs(change)))
    period = facts.period
    for day in (period.first, period.last):
        counts |= {Decimal(day.day), Decimal(day.year)}
    return _Allowed(
        frozenset(counts),
        frozenset(percents),
        {currency: frozenset(values) for currency, values in amounts.items()},
    )
