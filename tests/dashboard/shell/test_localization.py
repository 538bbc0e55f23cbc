"""Localized numbers, dates and durations."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from dashboard.shell.localization import MemberLocalizer
from dashboard.shell.widgets import escape_markdown
from foundation.i18n.translation import LANGUAGES, Message, format_annual_day, render_message
from foundation.ops.wall_time import load_zone


def test_kappa_is_rounded_down() -> None:
    voice = MemberLocalizer("fr", load_zone("UTC"))
    assert [voice.format_kappa(one) for one in (0.8, 0.799, 1.0, -0.225)] == [
        "0,80",
        "0,79",
        "1,00",
        "-0,23",
    ]


def test_delay_is_formatted_by_its_length() -> None:
    voice = MemberLocalizer("fr", load_zone("UTC"))
    assert [voice.format_delay(one) for one in (0.06, 59.9, 1313.9)] == [
        "0,1 s",
        "59,9 s",
        "22 minutes",
    ]


@pytest.mark.parametrize(("language", "said"), [("fr", "novembre 2026"), ("en", "November 2026")])
def test_month_name_is_localized(language: str, said: str) -> None:
    assert MemberLocalizer(language, load_zone("UTC")).format_month(date(2026, 11, 1)) == said


def test_first_day_of_a_month_is_an_ordinal_in_french() -> None:
    voice = MemberLocalizer("fr", load_zone("UTC"))
    first, later = date(2026, 12, 1), date(2026, 12, 21)
    assert voice.format_short_day(first) == "mar. 1er déc."
    assert voice.format_full_date(first) == "1er décembre 2026"
    assert format_annual_day(1, 1, "fr") == "1er janvier"
    assert voice.format_date(later) == "21 déc. 2026"
    assert MemberLocalizer("en", load_zone("UTC")).format_date(first) == "1 Dec 2026"


@pytest.mark.parametrize(
    ("typed", "drawn"),
    [
        ("**a** [b](http://c) <i>", r"\*\*a\*\* \[b\](http://c) \<i\>"),
        ("$x$ `y` ~z~ \\", r"\$x\$ \`y\` \~z\~ \\"),
        ("_a_ b_c", r"\_a\_ b_c"),
        ("Zoé, 12.00 EUR - 3 %", "Zoé, 12.00 EUR - 3 %"),
    ],
)
def test_markdown_in_input_is_escaped(typed: str, drawn: str) -> None:
    assert escape_markdown(typed) == drawn


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("home.job.running", {"recipe": "plage", "total": 8}),
        ("cards.terms", {"place": "", "pictures": 8, "rating": "", "places": "", "until": ""}),
        ("rehearsal.head", {"days": 7, "all": 4}),
        ("api.too_fast", {}),
    ],
)
def test_sentences_with_any_number_contain_no_plural(
    language: str, code: str, params: dict[str, str | int]
) -> None:
    """Each sentence must be correct with any number, including 1."""
    named = {
        "home.job.running": "done",
        "cards.terms": "used",
        "rehearsal.head": "leaving",
        "api.too_fast": "seconds",
    }
    said = [
        render_message(Message(code, {**params, named[code]: number}), language)
        for number in (1, 2)
    ]
    assert not re.search(
        r"\b1 (photos|pictures|publications|posts|secondes|seconds|of 4 posts)\b", said[0]
    ), said[0]
    assert said[0].replace("1", "2") == said[1].replace("1", "2")


@pytest.mark.parametrize(
    ("language", "one", "two"), [("fr", "1 image", "2 images"), ("en", "1 image", "2 images")]
)
def test_pack_counts_its_pictures_with_a_plural(language: str, one: str, two: str) -> None:
    voice = MemberLocalizer(language, load_zone("UTC"))
    assert [voice.count_text("shop.count", number) for number in (1, 2)] == [one, two]


def test_dates_follow_the_locale_of_the_member() -> None:
    now = datetime(2026, 11, 20, 9, tzinfo=UTC)
    zone = load_zone("UTC")
    later = now + timedelta(days=3)
    for locale, moment, short, day in (
        ("en_US", "Nov 23 09:00", "Mon, Nov 23", "Nov 23"),
        ("en_GB", "23 Nov 09:00", "Mon 23 Nov", "23 Nov"),
    ):
        voice = MemberLocalizer("en", zone, locale).in_zone("UTC")
        assert voice.format_moment(later, now) == moment
        assert voice.format_short_day(later.date()) == short
        assert voice.format_day_of_month(later) == day
