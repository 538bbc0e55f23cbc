"""What a post that is being written chooses on its accounts beside its words: each platform's own options."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from connectors.capabilities import Option
from connectors.options import NO, YES, label
from dashboard.app_pages.compose_draft import option_key
from dashboard.frame import Page
from dashboard.reads.compose import Account

USUAL = ""


def show(page: Page, chosen: Sequence[Account], names: Mapping[str, str]) -> None:
    """Draw the options of each chosen account that has some; what nobody touches stays as usual there."""
    for one in chosen:
        if one.options:
            with st.expander(page.word("compose.options", account=names[str(one.id)])):
                for option in one.options:
                    field(page, one.platform, option, option_key(str(one.id), option))


def field(page: Page, platform: str, option: Option, key: str) -> None:
    """Draw what one option takes, kept as `key`; nothing of it is the usual."""
    title = page.word(label(platform, option.name))
    if option.kind in ("choice", "flag"):
        choices = [USUAL, *(option.choices if option.kind == "choice" else (YES, NO))]
        said = partial(_choice, page, platform, option)
        st.selectbox(title, choices, format_func=said, key=key)
    elif option.kind == "list":
        st.text_area(title, key=key, placeholder=option.example, help=page.label("compose.option_list"), height=70)
    else:
        st.text_input(title, key=key, placeholder=option.example, max_chars=option.most)


def _choice(page: Page, platform: str, option: Option, choice: str) -> str:
    if choice == USUAL:
        return page.word("compose.option_usual")
    if option.kind == "flag":
        return page.word("option.yes" if choice == YES else "option.no")
    return page.word(label(platform, option.name, choice))
