"""The question who is shown, which every form that rates images also asks."""

import streamlit as st

from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from gate.contract.states import DepictionAnswer


def render_people_question(page: PageContext, key: str) -> None:
    """Draw the question without a preselected answer; `key` is its widget key."""
    st.radio(
        page.text("rating.shown"),
        [str(one) for one in DepictionAnswer],
        index=None,
        format_func=lambda one: page.text(f"rating.shown.{one}"),
        key=key,
        horizontal=True,
        help=page.text("rating.shown_help"),
    )


def chosen_answer(key: str) -> DepictionAnswer | None:
    """Return the chosen answer, or None."""
    chosen = actions.typed_value(key)
    return DepictionAnswer(str(chosen)) if chosen else None
