"""What the owner chooses for the desk: how much more is read afterwards, and who is alerted of suspected material."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.team import Team
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from gate import choosing
from gate.choosing import SUGGESTIVE_PERCENT, WORDS_PERCENT
from tenants.roles import Right, Role

SUGGESTIVE, WORDS, OFFICER = "desk:suggestive", "desk:words", "desk:officer"


def show(page: Page, found: Team) -> None:
    """Draw both choices as they stand."""
    chosen, officer = page.read(lambda scope: (choosing.choices(scope), choosing.officer(scope)))
    able = {one.member.id: one.member.name for one in found.colleagues if one.member.role in (Role.OWNER, Role.MANAGER)}
    with st.container(border=True):
        st.subheader(page.word("desk.title"))
        draw("studio_note.html", note=page.word("desk.how"))
        left, right = st.columns(2)
        left.number_input(
            page.word("desk.suggestive"), SUGGESTIVE_PERCENT, 100, chosen.suggestive_percent, key=SUGGESTIVE
        )
        right.number_input(page.word("desk.words"), WORDS_PERCENT, 100, chosen.words_percent, key=WORDS)
        acting.button(page, "desk.keep", _tighten, right=Right.STAFF, key="desk:keep")
        names = list(able)
        st.selectbox(
            page.word("desk.officer"),
            names,
            index=names.index(officer.id) if officer is not None and officer.id in names else None,
            format_func=able.__getitem__,
            key=OFFICER,
        )
        acting.button(page, "desk.name", partial(_name, able), right=Right.STAFF, key="desk:name")


def _tighten(scope: Scope, _: UUID) -> Message:
    suggestive, words = int(acting.typed(SUGGESTIVE)), int(acting.typed(WORDS))
    choosing.tighten(scope, suggestive_percent=suggestive, words_percent=words)
    return Message("desk.kept", {"suggestive": suggestive, "words": words})


def _name(able: dict[UUID, str], scope: Scope, _: UUID) -> Message:
    chosen = acting.typed(OFFICER)
    choosing.name_officer(scope, chosen)
    return Message("desk.named", {"officer": able[chosen]})
