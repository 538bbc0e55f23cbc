"""Lookup of a lost Reddit post if another text has the same title."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.contract.outcomes import Absent, Found, Unknown
from connectors.platforms.reddit.responses import normalize_markdown
from tests.connectors.platforms.reddit.test_publisher import PLATFORM, SOUGHT, listing, post

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30)


@given(TEXTS, st.booleans())
def test_other_text_under_the_same_title_is_unknown(text: str, edited: bool) -> None:
    """Reddit does not always mark a text that its owner or a moderator edited."""
    seen = PLATFORM.look_up(SOUGHT, (listing(post(selftext=text, edited=edited)),))
    same = normalize_markdown(text) == normalize_markdown(post()["selftext"])
    assert isinstance(seen, Found if same else Unknown)


@given(TEXTS)
def test_other_title_is_absent(title: str) -> None:
    if normalize_markdown(title) == normalize_markdown(post()["title"]):
        return
    assert PLATFORM.look_up(SOUGHT, (listing(post(title=title)),)) == Absent()
