"""Language and date order of a browser: preferences are followed, and hostile headers are harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from foundation.i18n.browser_languages import (
    date_locale,
    is_month_first,
    preferred_language,
    requested_languages,
)
from foundation.i18n.translation import LANGUAGES


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("en;q=0.5, fr;q=0.9", "fr"),
        ("de-DE,de;q=0.9,fr;q=0.4", "fr"),
        ("fr;q=0,en;q=0.1", "en"),
        ("frr,fy", "en"),
        ("de", "en"),
        ("", "en"),
    ],
)
def test_preferred_language_follows_the_weights(header: str, language: str) -> None:
    assert preferred_language(header) == language


def test_language_without_a_supported_one_is_the_given_one() -> None:
    assert preferred_language("de,es", otherwise="fr") == "fr"


@pytest.mark.parametrize(
    ("header", "language", "locale"),
    [
        ("en-US,en;q=0.9", "en", "en_US"),
        ("fr-FR,en-US;q=0.5", "en", "en_US"),
        ("en-AU", "en", "en_AU"),
        ("en", "en", "en_GB"),
        ("en-US", "fr", "fr"),
        ("fr-CA", "fr", "fr_CA"),
        ("xx-YY,***,en-ZZZZ", "en", "en_GB"),
    ],
)
def test_dates_follow_the_country_of_the_browser(header: str, language: str, locale: str) -> None:
    assert date_locale(header, language) == locale


def test_only_some_countries_write_the_month_first() -> None:
    found = {one: is_month_first(one) for one in ("en_US", "en_GB", "en_AU", "fr", "fr_CA")}
    assert [one for one, first in found.items() if first] == ["en_US"]


@given(some.text(max_size=2000))
def test_hostile_header_is_harmless(header: str) -> None:
    assert preferred_language(header) in LANGUAGES
    assert len(requested_languages(header)) <= 500
    for language in LANGUAGES:
        is_month_first(date_locale(header, language))
