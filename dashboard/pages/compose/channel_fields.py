"""Fields of single accounts in the composer: platform options and prices."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from connectors.contract.capabilities import PostOption, PriceRange
from connectors.shared.options import OPTION_FALSE, OPTION_TRUE, option_label
from dashboard.pages.compose.draft import option_key, override_key
from dashboard.pages.posts.accounts import PostAccount
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.money import STARS, Money

PLATFORM_DEFAULT = ""


def render_channel_options(
    page: PageContext, chosen: Sequence[PostAccount], names: Mapping[str, str]
) -> None:
    """Render the platform options of the selected accounts. Options without a value use the default
    of the account."""
    for one in chosen:
        if one.options:
            with st.expander(page.text("compose.options", account=names[str(one.id)])):
                for option in one.options:
                    render_option_field(page, one.platform, option, option_key(str(one.id), option))


def render_option_field(page: PageContext, platform: str, option: PostOption, key: str) -> None:
    """Render the field of an option with the widget key `key`. An empty value selects the
    default."""
    title = page.text(option_label(platform, option.name))
    if option.kind in ("choice", "flag"):
        choices = [
            PLATFORM_DEFAULT,
            *(option.choices if option.kind == "choice" else (OPTION_TRUE, OPTION_FALSE)),
        ]
        said = partial(_option_choice_label, page, platform, option)
        st.selectbox(title, choices, format_func=said, key=key)
    elif option.kind == "list":
        st.text_area(
            title,
            key=key,
            placeholder=option.example,
            help=page.markdown("compose.option_list"),
            height=70,
        )
    else:
        st.text_input(title, key=key, placeholder=option.example, max_chars=option.most)


def _option_choice_label(page: PageContext, platform: str, option: PostOption, choice: str) -> str:
    if choice == PLATFORM_DEFAULT:
        return page.text("compose.option_usual")
    if option.kind == "flag":
        return page.text("option.yes" if choice == OPTION_TRUE else "option.no")
    return page.text(option_label(platform, option.name, choice))


MAX_AMOUNT_LENGTH = 12
"""Maximum length of an amount in characters."""


def render_price_fields(
    page: PageContext, chosen: Sequence[PostAccount], names: Mapping[str, str]
) -> None:
    """Render a price field for each selected account that sells posts. An empty field makes the
    post free."""
    for one in chosen:
        if one.asking is not None:
            _render_price_field(page, one, one.asking, names[str(one.id)])


def _render_price_field(
    page: PageContext, account: PostAccount, asking: PriceRange, name: str
) -> None:
    key = override_key(str(account.id), "price")
    st.session_state[override_key(str(account.id), "currency")] = asking.currency
    least, most = (
        page.localizer.format_money(Money(minor, asking.currency))
        for minor in (asking.least, asking.most)
    )
    st.text_input(
        page.text("compose.price", account=name),
        key=key,
        max_chars=MAX_AMOUNT_LENGTH,
        placeholder=page.text("compose.price_free"),
        help=page.markdown("compose.price_help", least=least, most=most),
    )
    if asking.currency == STARS and st.session_state.get(key):
        draw_template("shell/templates/note.html", note=page.text("compose.price_stars"))
