"""A link counts as 23 characters; the text after it counts as on a server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.platforms.mastodon.text import LINK_LENGTH, text_length
from connectors.shared.unit_checks import count_graphemes

LETTERS = st.text(
    st.sampled_from("приветはいこんにちはمرحباé中文"), min_size=1, max_size=12
).filter(lambda text: text == text.strip())
HOSTS = st.sampled_from(["example.com", "sub.example.org", "a-b.example.net", "example.com:8080"])


@given(host=HOSTS, letters=LETTERS, before=st.sampled_from(["", "(", "voir ", "«"]))
def test_letters_after_a_host_are_counted(host: str, letters: str, before: str) -> None:
    counted = text_length(f"{before}https://{host}{letters}")
    assert counted == len(before) + LINK_LENGTH + count_graphemes(letters)


@given(host=HOSTS, letters=LETTERS, path=st.sampled_from(["/", "/a", "/a/b_(c)", "/a-1/"]))
def test_letters_after_a_path_belong_to_the_link(host: str, letters: str, path: str) -> None:
    assert text_length(f"https://{host}{path}{letters}") == LINK_LENGTH


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("https://example.com.", LINK_LENGTH + 1),
        ("(https://example.com/a)", LINK_LENGTH + 2),
        ("https://example.com/a_(b)", LINK_LENGTH),
        ("https://example.com/?q=1ы", LINK_LENGTH + 1),
        ("https://пример.рф/путь", LINK_LENGTH),
        ("xhttps://example.com", 20),
        ("https://example.comи https://example.com/и", 2 * LINK_LENGTH + 2),
    ],
)
def test_link_ends_as_on_a_server(text: str, counted: int) -> None:
    assert text_length(text) == counted
