"""Messages for users: code stores `Message(code, params)`, and the interface renders it in a
language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

from foundation.command_lines import command_line, is_command
from foundation.money import DROPPED_MINOR_UNITS, Money, currency_exponent

LANGUAGES = ("fr", "en")


_OF_PLATFORMS = ("platform", "place", "connect", "option")
"""Prefixes of message codes that are followed by the name of a platform."""

CURRENCY_UNITS: Mapping[str, str] = {"XTS": "money.test", "XTR": "money.stars"}
"""Message codes of currencies that locales do not name."""

CURRENCY_NAMES: Mapping[str, str] = {"XTS": "currency.test", "XTR": "currency.stars"}
"""Message codes of the names of currencies with a little-known code. Members see the name alone."""

_MONEY = re.compile(r"(-?[0-9]{1,15})(?:\.([0-9]{1,4}))? ([A-Z]{3})")
_AMOUNTS = re.compile(rf"{_MONEY.pattern}(?:, {_MONEY.pattern})+")
_CURRENCIES = re.compile(rf"(?:[A-Z]{{3}}, )*(?:{'|'.join(CURRENCY_NAMES)})(?:, [A-Z]{{3}})*")
_FIRST_DAY = re.compile(r"\b1 (?=[^\W\d])")
_OPTION = re.compile(
    r"option(\.[a-z0-9_-]{1,40}){2}|(metric|disk\.place|platform)\.[a-z0-9_]{1,40}"
)
_CATALOGUES = Path(__file__).parents[1] / "locale"


@dataclass(frozen=True)
class Message:
    """A message by its code in the catalogues; `params` are IDs, names, numbers and times, never
    prose."""

    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        details = ", ".join(f"{key}={value}" for key, value in self.params.items())
        return f"{self.code}({details})" if details else self.code

    def to_json(self) -> dict[str, object]:
        """Return the stored form."""
        return {"code": self.code, "params": dict(self.params)}

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> "Message":
        """Parse the stored form."""
        params = stored.get("params") or {}
        if not isinstance(params, Mapping):
            raise TypeError("params of a stored message must be an object")
        return cls(str(stored["code"]), dict(params))


@cache
def load_catalogue(language: str) -> Mapping[str, str]:
    """Return all messages of a language by code, including those of third-party packages."""
    ours = _load_own_sentences(language)
    theirs = _load_package_sentences(language)
    return {**theirs, **ours}


@cache
def _load_own_sentences(language: str) -> Mapping[str, str]:
    """Load the messages from `foundation/locale/<package>.<language>.po`.

    Raises ValueError for a code that two catalogues define.
    """
    sentences: dict[str, str] = {}
    for path in sorted(_CATALOGUES.glob(f"*.{language}.po")):
        for code, sentence in _read_entries(path, language).items():
            if code in sentences:
                raise ValueError(f"{path.name} defines {code} a second time")
            sentences[code] = sentence
    return sentences


def _load_package_sentences(language: str) -> Mapping[str, str]:
    """Load the messages of third-party connectors about their own platform.

    They are in `locale/<language>.po` of the package; another language is the fallback.
    """
    # Imported here, because only processes that render messages need it.
    from foundation import entry_points  # noqa: PLC0415  see above

    found: dict[str, str] = {}
    for wanted in (language, *LANGUAGES):
        for entry in entry_points.list_entry_points(entry_points.CONNECTORS_GROUP):
            path = entry_points.package_file(
                entry, entry_points.top_level_package(entry), f"locale/{wanted}.po"
            )
            for code, sentence in (
                _read_package_entries(path, wanted) if path is not None else {}
            ).items():
                if subject_of_code(code) == entry.name:
                    found.setdefault(code, sentence)
    return found


def _read_package_entries(path: Path, language: str) -> dict[str, str]:
    try:
        return _read_entries(path, language)
    except Exception:  # A third-party file must not break every page.
        return {}


def _read_entries(path: Path, language: str) -> dict[str, str]:
    # Imported here, because most processes that know a code render nothing.
    from babel.messages.pofile import read_po  # noqa: PLC0415  see above

    with path.open("rb") as file:
        entries = read_po(file, locale=language, abort_invalid=True)
    return {str(entry.id): str(entry.string) for entry in entries if entry.id and entry.string}


def subject_of_code(code: str) -> str:
    """Return the subject of a code: `acme` of `platform.acme`, `connect.acme.token` and
    `acme.no_user`."""
    first, *more = code.split(".")
    return more[0] if first in _OF_PLATFORMS and more else first


@cache
def _spoken_of(language: str) -> frozenset[str]:
    return frozenset(map(subject_of_code, _load_own_sentences(language)))


class _Parameters(dict[str, str | int]):
    """Parameters of a text. A field such as `{greenroom gate resume}` is a command of this
    installation, as it must be typed."""

    def __missing__(self, name: str) -> str:
        if not is_command(name):
            raise KeyError(name)
        return command_line(name)


def render_message(message: Message, language: str) -> str:
    """Render a message in `language` ("fr" or "en").

    Raises KeyError for an unknown code of the product, which the build checks. Messages of
    third-party packages, even removed ones, are rendered as well as possible, since pages still
    show them.
    """
    code = message.code
    params = _Parameters(
        {name: format_parameter(value, language) for name, value in message.params.items()}
    )
    if code in _load_own_sentences(language) or (
        subject_of_code(code) in _spoken_of(language)
        and subject_of_code(code) not in _third_party_platforms()
    ):
        return _load_own_sentences(language)[code].format_map(params)
    try:
        return load_catalogue(language)[code].format_map(params)
    except (LookupError, ValueError, TypeError, AttributeError):
        return _humanize_code(message)


def format_money(amount: Money, language: str, units: Mapping[str, str] = CURRENCY_UNITS) -> str:
    """Format an amount for a language, for example 3,00 $US.

    `units` are the message codes of currencies that locales do not name.
    """
    from babel.numbers import format_currency, format_decimal  # noqa: PLC0415  as above

    number = Decimal(amount.minor).scaleb(-currency_exponent(amount.currency))
    if amount.currency in units:
        return render_message(
            Message(
                units[amount.currency], {"amount": str(format_decimal(number, locale=language))}
            ),
            language,
        )
    # Otherwise the minor unit would be rounded away.
    exact = amount.currency in DROPPED_MINOR_UNITS
    return str(
        format_currency(
            number,
            amount.currency,
            locale=language,
            currency_digits=not exact,
            decimal_quantization=not exact,
        )
    )


def currency_name(currency: str, language: str) -> str:
    """Return the currency of a heading: its ISO 4217 code, or the name of Stars and test money."""
    code = CURRENCY_NAMES.get(currency)
    return render_message(Message(code), language) if code else currency


def label_currency(currency: str, language: str) -> str:
    """Return the label of a currency in a choice: "EUR · Euro", or "Stars"."""
    from babel.numbers import get_currency_name  # noqa: PLC0415  as above

    if currency in CURRENCY_NAMES:
        name = currency_name(currency, language)
        return f"{name[:1].upper()}{name[1:]}"
    return f"{currency} · {get_currency_name(currency, locale=language)}"


def format_parameter(value: str | int, language: str) -> str | int:
    """Format a message parameter.

    Amounts, stored as `str(Money)`, are formatted for the language. The code of a platform, of one
    of its options, of a metric or of a place on a disk is replaced by its label, and codes of
    currencies by `currency_name`.
    """
    if isinstance(value, str) and _OPTION.fullmatch(value):
        return load_catalogue(language).get(value, value)
    if isinstance(value, str) and _CURRENCIES.fullmatch(value):
        return ", ".join(currency_name(code, language) for code in value.split(", "))
    if isinstance(value, str) and _AMOUNTS.fullmatch(value):
        return " · ".join(str(format_parameter(part, language)) for part in value.split(", "))
    found = _MONEY.fullmatch(value) if isinstance(value, str) else None
    if found is None or len(found[2] or "") != currency_exponent(found[3]):
        return value
    return format_money(Money(int(found[1] + (found[2] or "")), found[3]), language)


@cache
def _third_party_platforms() -> frozenset[str]:
    from foundation import entry_points  # noqa: PLC0415  as above

    return frozenset(
        entry.name for entry in entry_points.list_entry_points(entry_points.CONNECTORS_GROUP)
    )


def _humanize_code(message: Message) -> str:
    """Return a text made from a code: "Token" of `connect.acme.token`, "Acme: no user" of
    `acme.no_user`."""
    words = message.code.replace("_", " ").split(".")
    skipped = 0
    if words[0] in _OF_PLATFORMS:
        skipped = 2 if words[0] == "connect" and len(words) > 2 else 1
    said = ": ".join(words[skipped:]).capitalize() or message.code
    details = ", ".join(map(str, message.params.values()))
    return f"{said} ({details})" if details else said


def format_date(on: date, language: str) -> str:
    """Format a date for a language: `24 déc. 2026`, `1er déc. 2026`, `24 Dec 2026`."""
    from babel.dates import format_date  # noqa: PLC0415  as above

    return mark_first_day(str(format_date(on, "d MMM y", locale=language)), on, language)


def mark_first_day(text: str, on: date, language: str) -> str:
    """Return a formatted date with the ordinal that French uses on the first day of a month:
    `1er déc. 2026`."""
    return _FIRST_DAY.sub("1er ", text, count=1) if language == "fr" and on.day == 1 else text


def format_share(share: Fraction, language: str) -> str:
    """Format a share of 1 in per cent with at most one decimal: `12,5 %`, `12.5%`."""
    from babel import Locale  # noqa: PLC0415  as above
    from babel.numbers import parse_pattern  # noqa: PLC0415  as above

    locale = Locale.parse(language)
    pattern = parse_pattern(locale.percent_formats[None].pattern)  # with the space of the language
    pattern.frac_prec = (0, 1)
    return str(pattern.apply(share.numerator / share.denominator, locale))


def format_annual_day(month: int, day: int, language: str) -> str:
    """Format a day without a year for a language: `24 décembre`, `December 24`."""
    from babel.dates import format_skeleton  # noqa: PLC0415  as above

    leap_year = date(2000, month, day)
    text = str(format_skeleton("MMMMd", leap_year, locale=language))
    return mark_first_day(text, leap_year, language)


def format_weekday(on: date, language: str) -> str:
    """Format the weekday of a date for a language: `jeudi`, `Thursday`."""
    from babel.dates import format_date  # noqa: PLC0415  as above

    return str(format_date(on, "EEEE", locale=language))
