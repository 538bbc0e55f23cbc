"""How figures and days are said to people."""

from datetime import date

import pytest

from dashboard.widgets import plain
from dashboard.wording import Voice
from schedules.calendar import zone_of


def test_agreement_is_never_rounded_up_to_its_limit() -> None:
    voice = Voice("fr", zone_of("UTC"))
    assert [voice.agreement(one) for one in (0.8, 0.799, 1.0, -0.225)] == ["0,80", "0,79", "1,00", "-0,23"]


@pytest.mark.parametrize(("language", "said"), [("fr", "novembre 2026"), ("en", "November 2026")])
def test_a_month_is_said_in_words(language: str, said: str) -> None:
    assert Voice(language, zone_of("UTC")).month(date(2026, 11, 1)) == said


@pytest.mark.parametrize(
    ("typed", "drawn"),
    [
        ("**a** [b](http://c) <i>", r"\*\*a\*\* \[b\](http://c) \<i\>"),
        ("$x$ `y` ~z~ \\", r"\$x\$ \`y\` \~z\~ \\"),
        ("_a_ b_c", r"\_a\_ b_c"),
        ("Zoé, 12.00 EUR - 3 %", "Zoé, 12.00 EUR - 3 %"),
    ],
)
def test_what_is_typed_is_no_sign(typed: str, drawn: str) -> None:
    assert plain(typed) == drawn
