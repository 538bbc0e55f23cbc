"""The form for tone, length and hashtags of a creator's texts on each network."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.compose.draft import field_text
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.suggestions.captions import styles
from schedules.suggestions.captions.networks import TEXT_LENGTHS, habit_of
from schedules.suggestions.captions.styles import ALL_NETWORKS, MAX_TONE, WritingStyle
from schedules.suggestions.captions.templates import SET_STYLE
from schedules.suggestions.shared.text_rules import MAX_HASHTAGS
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

_PREFIX = "compose:style:"
NETWORK_KEY = f"{_PREFIX}network"
USUAL = "usual"
"""Option that keeps the habit of the network."""


def render_writing_styles(page: PageContext, creator: Creator) -> None:
    """Draw the form for one network at a time."""
    if not page.has_right(Right.RUN):
        return
    stored, networks = page.read(
        lambda scope: (
            styles.list_styles(scope, creator.id),
            [ALL_NETWORKS, *styles.list_networks(scope, creator.id)],
        )
    )
    with st.expander(page.text("style.title"), icon=":material/tune:"):
        draw_template("shell/templates/note.html", note=page.text("style.why"))
        if field_text(NETWORK_KEY) not in networks:
            st.session_state[NETWORK_KEY] = ALL_NETWORKS
        network = str(
            st.selectbox(
                page.text("style.network"),
                networks,
                format_func=partial(_network_name, page),
                key=NETWORK_KEY,
                width=280,
            )
        )
        _render_style_form(page, creator.id, network, stored.get(network, WritingStyle()))


def _network_name(page: PageContext, network: str) -> str:
    return page.text(f"platform.{network}" if network else "style.all_networks")


def _render_style_form(
    page: PageContext, creator_id: UUID, network: str, style: WritingStyle
) -> None:
    """Draw the fields of one network, filled with its stored style."""
    habit = habit_of(network) if network else SET_STYLE
    key = f"{_PREFIX}{creator_id}:{network}:"
    with forms.open_fields(page, key):
        for name, value in (
            ("tone", style.tone),
            ("length", style.length or USUAL),
            ("hashtags", USUAL if style.hashtags is None else str(style.hashtags)),
        ):
            st.session_state.setdefault(f"{key}{name}", value)
        st.text_input(
            page.text("style.tone"),
            key=f"{key}tone",
            max_chars=MAX_TONE,
            placeholder=page.text("style.tone_hint"),
        )
        forms.show_field_error("tone")
        usual = page.text(f"style.length.{habit.length}")
        names = {USUAL: page.text("style.usual", value=usual)}
        names |= {str(one): page.text(f"style.length.{one}") for one in TEXT_LENGTHS}
        numbers = {str(one): str(one) for one in range(MAX_HASHTAGS + 1)}
        numbers = {USUAL: page.text("style.usual", value=str(habit.hashtags)), **numbers}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox(
                page.text("style.length"),
                [USUAL, *TEXT_LENGTHS],
                format_func=names.__getitem__,
                key=f"{key}length",
            )
            st.selectbox(
                page.text("style.hashtags"),
                list(numbers),
                format_func=numbers.__getitem__,
                key=f"{key}hashtags",
            )
        act = partial(_save_style, page, creator_id, network, key)
        actions.action_button(page, "style.save", act, right=Right.RUN, key=f"{key}save")


def _save_style(
    page: PageContext, creator_id: UUID, network: str, key: str, scope: Scope, _: UUID
) -> Message:
    creator = page.get_creator(scope, creator_id)
    hashtags = str(actions.typed_value(f"{key}hashtags"))
    length = str(actions.typed_value(f"{key}length"))
    wanted = WritingStyle(
        tone=str(actions.typed_value(f"{key}tone") or ""),
        length=next((one for one in TEXT_LENGTHS if one == length), None),
        hashtags=int(hashtags) if hashtags.isdigit() else None,
    )
    styles.save_style(scope, creator.id, network, wanted)
    return Message("style.saved")
