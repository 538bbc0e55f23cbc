"""Speech requests with an unknown outcome: they may have been created and billed.

A member decides about each; nothing is retried automatically.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops import settings
from studio.voice import uncertain_speeches
from studio.voice.uncertain_speeches import UncertainSpeech
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right


def render_uncertain_speech(
    page: PageContext, creator: Creator, lost: Sequence[UncertainSpeech]
) -> None:
    """Draw each request with both decisions. Draw nothing if there are none."""
    if not lost:
        return
    st.subheader(page.text("studio.lost"))
    draw_template("shell/templates/note.html", note=page.text("studio.lost_how"))
    for one in lost:
        draw_template(
            "pages/studio/voices/templates/uncertain_speech.html",
            one=one,
            when=page.localizer.format_date(one.since.date()),
            word=page.text,
        )
        with st.container(horizontal=True, gap="small"):
            count = partial(_mark_speech_billed, page, creator.id, one.id)
            again = partial(_repeat_speech, page, creator.id, one.id)
            actions.action_button(
                page, "studio.lost_count", count, right=Right.RUN, key=f"lost_count:{one.id}"
            )
            actions.action_button(
                page, "studio.lost_again", again, right=Right.RUN, key=f"lost_again:{one.id}"
            )


def _mark_speech_billed(
    page: PageContext, creator_id: UUID, speech_id: UUID, scope: Scope, _: UUID
) -> Message:
    uncertain_speeches.mark_billed(scope, page.get_creator(scope, creator_id).id, speech_id)
    return Message("studio.lost_counted")


def _repeat_speech(
    page: PageContext, creator_id: UUID, speech_id: UUID, scope: Scope, _: UUID
) -> Message:
    uncertain_speeches.repeat_speech(
        scope,
        page.get_creator(scope, creator_id).id,
        speech_id,
        by=page.viewer.actor,
        per_month=settings.load_settings().generators.characters_per_month,
    )
    return Message("studio.lost_asked")
