"""Words of different blocks stay apart, and words inside a line stay together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.i18n.html_text import convert_html_to_text

BLOCKS = [
    "address",
    "article",
    "aside",
    "blockquote",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "legend",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
    "x-unknown",
]
INLINE = [
    "a",
    "b",
    "bdi",
    "cite",
    "code",
    "em",
    "font",
    "i",
    "kbd",
    "mark",
    "q",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "u",
    "wbr",
]


@pytest.mark.parametrize("tag", BLOCKS)
def test_block_separates_words_before_inside_and_after(tag: str) -> None:
    words = convert_html_to_text(f"one<{tag}>two</{tag}>three<{tag.upper()} class='x'>four").split()
    assert [word for word in words if word != "-"] == ["one", "two", "three", "four"]


@pytest.mark.parametrize("tag", ["br", "br/", "hr", "hr /", "/p", "/li"])
def test_void_and_stray_tags_end_a_line(tag: str) -> None:
    assert convert_html_to_text(f"one<{tag}>two").split() == ["one", "two"]


@pytest.mark.parametrize("tag", INLINE)
def test_inline_element_does_not_split_a_word(tag: str) -> None:
    assert convert_html_to_text(f"on<{tag}>e w</{tag}>ord") == "one word"


@given(st.lists(st.tuples(st.sampled_from(BLOCKS), st.sampled_from("abcdef")), max_size=12))
def test_nested_blocks_keep_every_word(parts: list[tuple[str, str]]) -> None:
    markup = "".join(f"<{tag}>{word}" for tag, word in parts)
    markup += "".join(f"</{tag}>" for tag, _ in reversed(parts))
    words = [word for word in convert_html_to_text(markup).split() if word != "-"]
    assert words == [word for _, word in parts]


def test_lines_lists_and_tables_keep_their_form() -> None:
    assert (
        convert_html_to_text(
            "<h2>New set</h2>Out on Friday<ul><li>one</li><li>two</li></ul>See you"
            "<table><tr><td>Price</td><td>5</td></tr><tr><td>Size</td><td>7</td></tr></table>"
        )
        == "New set\n\nOut on Friday\n\n- one\n- two\n\nSee you\n\nPrice  5\nSize  7"
    )
    assert convert_html_to_text("a<br>b<br><br>c") == "a\nb\n\nc"


def test_scripts_and_styles_are_left_out() -> None:
    assert (
        convert_html_to_text("a<style>b{}</style><script>c()</script><template>d</template>e")
        == "ae"
    )
