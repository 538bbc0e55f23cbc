"""Amounts in messages are formatted in the reader's language, wherever the message was stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.registry import loader
from connectors.shared import options
from foundation.i18n.translation import (
    LANGUAGES,
    Message,
    currency_name,
    format_money,
    format_parameter,
    label_currency,
    render_message,
)
from foundation.money import Money


@pytest.mark.parametrize(
    ("amount", "language", "said"),
    [
        (Money(300, "USD"), "fr", "3,00\xa0$US"),
        (Money(300, "USD"), "en", "$3.00"),
        (Money(-1250, "EUR"), "fr", "-12,50\xa0€"),
        (Money(500, "JPY"), "fr", "500\xa0JPY"),
        (Money(500, "XTR"), "fr", "500 Étoiles"),
        (Money(500, "XTS"), "en", "500 (test)"),
        (Money(1234, "KWD"), "en", "KWD1.234"),
    ],
)
def test_amount_is_formatted_for_language(amount: Money, language: str, said: str) -> None:
    assert format_money(amount, language) == said
    assert format_parameter(str(amount), language) == said, (
        "a stored amount is formatted the same way"
    )


def test_stored_message_shows_amounts_in_reader_language() -> None:
    full = Message("spending.cap_reached", {"spent": "3.00 USD", "cap": "3.00 USD"})
    assert "3,00\xa0$US" in render_message(full, "fr")
    assert "$3.00" in render_message(full, "en")
    assert "3.00 USD" not in render_message(full, "fr") + render_message(full, "en")


@given(
    st.sampled_from(["EUR", "USD", "JPY", "XTR", "XTS"]),
    st.lists(st.sampled_from(["EUR", "GBP", "XTR", "XTS"]), max_size=3),
    st.sampled_from(LANGUAGES),
    st.integers(0, 10**9),
)
def test_no_text_shows_the_code_of_stars_or_test_money(
    currency: str, others: list[str], language: str, minor: int
) -> None:
    texts = [
        currency_name(currency, language),
        label_currency(currency, language),
        str(format_parameter(currency, language)),
        str(format_parameter(", ".join([currency, *others]), language)),
        format_money(Money(minor, currency), language),
        render_message(Message("analytics.net_in", {"currency": currency}), language),
    ]
    assert not [text for text in texts if "XTR" in text or "XTS" in text or not text.strip()]
    assert currency in ("XTR", "XTS") or all(currency in text for text in texts[:3])


def test_amounts_of_several_currencies_are_formatted() -> None:
    assert format_parameter("12.50 EUR, 500 XTR", "fr") == "12,50\xa0€ · 500 Étoiles"
    assert format_parameter("12.50 EUR, 500 XTR, x", "fr") == "12.50 EUR, 500 XTR, x"


@pytest.mark.parametrize("word", ["XTRA", "EXTRA, XTR", "XTR, and more", "xtr", "My XTR pack"])
def test_words_that_contain_the_code_of_a_currency_stay(word: str) -> None:
    assert format_parameter(word, "fr") == word


@pytest.mark.parametrize(
    "typed",
    [
        "3.0 USD",
        "3 USD",
        "3.00 usd",
        "Zoé, 3.00 USD",
        "3.00 USD!",
        "-3.00",
        "",
        "3.00 USD\n",
        "١.٠٠ USD",
    ],
)
def test_other_parameters_are_unchanged(typed: str) -> None:
    assert format_parameter(typed, "fr") == typed
    assert format_parameter(7, "fr") == 7


@given(
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.sampled_from(["EUR", "USD", "JPY", "KWD", "XTR", "XTS"]),
)
def test_formatted_amount_keeps_all_digits(minor: int, currency: str) -> None:
    stored = str(Money(minor, currency))
    digits = [
        letter
        for letter in str(format_parameter(stored, "fr")).replace("US", "")
        if letter.isdigit()
    ]
    assert int("".join(digits)) == abs(minor)


def test_post_option_is_named_by_its_label() -> None:
    """An option without a label is named by its code."""
    assert format_parameter("option.bluesky.languages", "fr") == "Langues (fr, en…)"
    assert format_parameter("option.nowhere.nothing", "fr") == "option.nowhere.nothing"
    told = options.option_problem(
        (("languages", ("français!",)),), loader.load_builtin_connectors()["bluesky"].capabilities
    )
    assert told is not None
    assert "« Langues (fr, en…) »" in render_message(told, "fr")
