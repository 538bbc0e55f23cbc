"""What a post that is being written costs on the accounts that sell posts."""

from collections.abc import Mapping, Sequence

import streamlit as st

from connectors.capabilities import Asking
from dashboard.app_pages.compose_draft import other_key
from dashboard.frame import Page
from dashboard.reads.compose import Account
from dashboard.widgets import draw
from foundation.money import STARS, Money

LONGEST = 12
"""Characters of an amount."""


def show(page: Page, chosen: Sequence[Account], names: Mapping[str, str]) -> None:
    """Draw a field for each chosen account that sells posts, by what it is called; an empty one is free."""
    for one in chosen:
        if one.asking is not None:
            _field(page, one, one.asking, names[str(one.id)])


def _field(page: Page, account: Account, asking: Asking, name: str) -> None:
    key = other_key(str(account.id), "price")
    st.session_state[other_key(str(account.id), "currency")] = asking.currency
    least, most = (page.voice.money(Money(minor, asking.currency)) for minor in (asking.least, asking.most))
    st.text_input(
        page.word("compose.price", account=name),
        key=key,
        max_chars=LONGEST,
        placeholder=page.word("compose.price_free"),
        help=page.label("compose.price_help", least=least, most=most),
    )
    if asking.currency == STARS and st.session_state.get(key):
        draw("calendar_note.html", note=page.word("compose.price_stars"))
