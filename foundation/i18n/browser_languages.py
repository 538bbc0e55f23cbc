"""The languages that a browser requests with the header Accept-Language (RFC 9110, section
12.5.4)."""

from functools import cache

from babel import Locale
from babel.core import UnknownLocaleError

from foundation.i18n.translation import LANGUAGES

MAX_HEADER_LENGTH = 500
_DEFAULT_LOCALES = {"en": "en_GB"}
"""The locale of dates for a language whose country is unknown. Dates begin with the day then."""


def requested_languages(accept_language: str) -> list[str]:
    """Return the language tags of a header, such as `en-US`, the most preferred first. Tags with
    the weight 0 and unreadable parts are left out."""
    weighted = []
    for part in accept_language[:MAX_HEADER_LENGTH].split(","):
        tag, _, parameter = part.partition(";")
        weight = _parse_weight(parameter)
        if weight > 0 and tag.strip():
            weighted.append((weight, tag.strip()))
    return [tag for _, tag in sorted(weighted, key=lambda one: one[0], reverse=True)]


def _parse_weight(parameter: str) -> float:
    name, _, value = parameter.replace(" ", "").partition("=")
    if name != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def preferred_language(accept_language: str, *, otherwise: str = "en") -> str:
    """Return the supported language that the browser prefers, or `otherwise` if it names none."""
    wanted = (tag.partition("-")[0].lower() for tag in requested_languages(accept_language))
    return next((language for language in wanted if language in LANGUAGES), otherwise)


def date_locale(accept_language: str, language: str) -> str:
    """Return the locale of dates in `language`: that of the country which the browser names with
    the language, such as `en_US`, or the default of the language."""
    for tag in requested_languages(accept_language):
        found = _parse_locale(tag)
        if found is not None and found.language == language and found.territory:
            return f"{language}_{found.territory}"
    return _DEFAULT_LOCALES.get(language, language)


def _parse_locale(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag, sep="-", resolve_likely_subtags=False)
    except (ValueError, UnknownLocaleError):
        return None


@cache
def is_month_first(locale: str) -> bool:
    """Return True if dates of this locale begin with the month, as in the United States."""
    return str(Locale.parse(locale).date_formats["short"].pattern).startswith("M")
