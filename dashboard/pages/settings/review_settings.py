"""Settings of the owner for sampled reviews and for the safety officer.

The safety officer is alerted of suspected abuse material.
"""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.policy import review_settings
from gate.policy.review_settings import MIN_SUGGESTIVE_PERCENT, MIN_WORDS_PERCENT
from tenants.agencies.queries import list_members
from tenants.agencies.rights import Right, Role

SUGGESTIVE = "desk:suggestive"
WORDS = "desk:words"
OFFICER = "desk:officer"


def render_review_settings(page: PageContext) -> None:
    """Draw the review shares and the safety officer with their current values."""
    with forms.open_fields(page, "desk"):
        chosen, officer, people = page.read(
            lambda scope: (
                review_settings.sampling_shares(scope),
                review_settings.safety_officer(scope),
                list_members(scope),
            )
        )
        able = {one.id: one.name for one in people if one.role in (Role.OWNER, Role.MANAGER)}
        with st.container(border=True):
            st.subheader(page.text("desk.title"))
            draw_template("shell/templates/note.html", note=page.text("desk.how"))
            left, right = st.columns(2)
            left.number_input(
                page.text("desk.suggestive"),
                MIN_SUGGESTIVE_PERCENT,
                100,
                chosen.suggestive_percent,
                key=SUGGESTIVE,
            )
            right.number_input(
                page.text("desk.words"), MIN_WORDS_PERCENT, 100, chosen.words_percent, key=WORDS
            )
            actions.action_button(
                page, "desk.keep", _raise_sampling_shares, right=Right.STAFF, key="desk:keep"
            )
            names = list(able)
            st.selectbox(
                page.text("desk.officer"),
                names,
                index=names.index(officer.id)
                if officer is not None and officer.id in names
                else None,
                format_func=able.__getitem__,
                key=OFFICER,
            )
            actions.action_button(
                page,
                "desk.name",
                partial(_set_safety_officer, able),
                right=Right.STAFF,
                key="desk:name",
            )


def _raise_sampling_shares(scope: Scope, _: UUID) -> Message:
    suggestive = int(actions.typed_value(SUGGESTIVE))
    words = int(actions.typed_value(WORDS))
    review_settings.raise_sampling_shares(scope, suggestive_percent=suggestive, words_percent=words)
    return Message("desk.kept", {"suggestive": suggestive, "words": words})


def _set_safety_officer(able: dict[UUID, str], scope: Scope, _: UUID) -> Message:
    chosen = actions.typed_value(OFFICER)
    review_settings.set_safety_officer(scope, chosen)
    return Message("desk.named", {"officer": able[chosen]})
