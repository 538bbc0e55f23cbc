"""Studio: how many characters a month an agency has said by engines that are paid for, and the most it wants."""

from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.voices import Voices
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from studio import quotas
from tenants.roles import Right

MOST = "characters:most"


def edit(page: Page, found: Voices) -> None:
    """What this month has taken, and the form of the agency's own limit; nothing typed is no limit."""
    used = page.voice.count(found.used)
    if found.most is None:
        said = page.word("studio.characters_used", used=used)
    else:
        said = page.word("studio.characters_used_of", used=used, most=page.voice.count(found.most))
    draw("studio_note.html", note=said)
    with st.form("characters", border=False):
        most = quotas.MOST_CHARACTERS
        st.number_input(page.word("studio.characters"), 0, most, found.own or 0, step=1000, key=MOST)
        acting.submit(page, "studio.characters_keep", _keep, right=Right.RUN, key="characters_keep", kind="secondary")


def _keep(scope: Scope, _: UUID) -> Message:
    quotas.set_characters(scope, int(acting.typed(MOST) or 0) or None)
    return Message("studio.characters_kept")
