"""Lookup of a lost Reddit post whose text has changed."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.contract.connector import Send
from connectors.contract.outcomes import Absent, Found, Unknown
from tests.connectors.platforms.reddit.test_publisher import NOW, PLATFORM, SOUGHT, listing, post


@pytest.mark.parametrize(
    "changed",
    [
        {"edited": NOW.timestamp(), "selftext": "at dawn!"},
        {"removed_by_category": "reddit", "selftext": "[ Removed by Reddit ]"},
    ],
)
def test_edited_post_is_unknown(changed: dict[str, Any]) -> None:
    """The owner may edit the text and Reddit may remove it; the title stays."""
    assert isinstance(PLATFORM.look_up(SOUGHT, (listing(post(**changed)),)), Unknown)
    both = listing(post(**changed), post(name="t3_abc124"))
    assert isinstance(PLATFORM.look_up(SOUGHT, (both,)), Found)
    for other in (
        {"title": "A hill"},
        {"subreddit": "hills"},
        {"created_utc": NOW.timestamp() - 3600},
    ):
        assert PLATFORM.look_up(SOUGHT, (listing(post(**changed | other)),)) == Absent()
    known = replace(SOUGHT, known=frozenset({"t3_abc123"}))
    assert PLATFORM.look_up(known, (listing(post(**changed)),)) == Absent()
    first = listing(post(**changed), after="t3_abc123")
    more = PLATFORM.look_up(SOUGHT, (first,))
    assert isinstance(more, Send), "an older post may match exactly"
    assert isinstance(PLATFORM.look_up(SOUGHT, (first, listing())), Unknown)
