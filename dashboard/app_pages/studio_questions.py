"""What a recipe asks before it runs: one field to a question."""

import streamlit as st

from dashboard.frame import Page
from studio.parameters import Answer, Choice, Number, Wording
from studio.reads import RecipeCard


def ask(page: Page, chosen: RecipeCard) -> dict[str, Answer]:
    """Draw the questions; the answers, by name."""
    given: dict[str, Answer] = {}
    for name, one in chosen.spec.questions:
        label, key = page.label("studio.question", name=one.label or name), f"studio:asked:{chosen.id}:{name}"
        st.session_state.setdefault(key, one.usual)
        match one:
            case Choice():
                given[name] = str(st.selectbox(label, one.options, key=key))
            case Number():
                given[name] = int(st.number_input(label, one.least, one.most, key=key))
            case Wording():
                given[name] = str(st.text_input(label, max_chars=one.most, key=key))
            case _:
                given[name] = bool(st.checkbox(label, key=key))
    return given
