"""The rules of X and Threads about links, with the addresses that the shared search finds."""

import pytest

from connectors.shared.text_counting import count_links, has_link, normalize_x_text, x_text_length

ADDRESS = "https://example.com/a"


@pytest.mark.parametrize(
    ("text", "length"),
    [
        (ADDRESS, 23),
        (f"({ADDRESS})", 25),
        (f"**{ADDRESS}**", 27),
        (f"{ADDRESS}をみて", 29),
        (f"を{ADDRESS}", 25),
        (f"{ADDRESS} example.org/{'b' * 30}", 23 + 1 + 42),
        ("example.org", 23),
        (f"{ADDRESS}😀", 25),
        ("https://nothing", 15),
        ("a@example.com", 13),
        (f"example.org {ADDRESS}, example.net", 23 * 3 + 3),
    ],
)
def test_length_on_x(text: str, length: int) -> None:
    assert x_text_length(text) == length
    assert has_link(text) == (length >= 23)


@pytest.mark.parametrize(
    ("text", "links"),
    [
        (f"{ADDRESS}をみて {ADDRESS}。 **{ADDRESS}** ({ADDRESS})", 1),
        (f"{ADDRESS} {ADDRESS}b www.example.com", 3),
        ("www. awww.example.com", 0),
    ],
)
def test_links_on_threads(text: str, links: int) -> None:
    assert count_links(text) == links


def test_texts_on_x_are_compared_without_schemes() -> None:
    assert normalize_x_text("See HTTPS://Example.com/a/ now") == "see example.com/a now"
