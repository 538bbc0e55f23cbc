"""Studio: texts of which nobody knows whether they were said and billed; somebody decides, nothing goes by itself."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.words import Message
from studio import lost_speeches
from studio.lost_speeches import Lost
from tenants.reads import Creator
from tenants.roles import Right


def show(page: Page, creator: Creator, lost: Sequence[Lost]) -> None:
    """Each with both buttons; nothing where there is none."""
    if not lost:
        return
    st.subheader(page.word("studio.lost"))
    draw("studio_note.html", note=page.word("studio.lost_how"))
    for one in lost:
        draw("studio_lost.html", one=one, when=page.voice.date(one.since.date()), word=page.word)
        with st.container(horizontal=True, gap="small"):
            count, again = partial(_count, page, creator.id, one.id), partial(_again, page, creator.id, one.id)
            acting.button(page, "studio.lost_count", count, right=Right.RUN, key=f"lost_count:{one.id}")
            acting.button(page, "studio.lost_again", again, right=Right.RUN, key=f"lost_again:{one.id}")


def _count(page: Page, creator_id: UUID, speech_id: UUID, scope: Scope, _: UUID) -> Message:
    lost_speeches.count(scope, page.my(scope, creator_id).id, speech_id)
    return Message("studio.lost_counted")


def _again(page: Page, creator_id: UUID, speech_id: UUID, scope: Scope, _: UUID) -> Message:
    lost_speeches.again(
        scope,
        page.my(scope, creator_id).id,
        speech_id,
        by=page.who.actor,
        per_month=settings.load().generators.characters_per_month,
    )
    return Message("studio.lost_asked")
