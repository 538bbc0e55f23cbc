"""All that is ahead of an account to another one of the same creator, after a look at what that means."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import streamlit as st

from channels import reads as channel_reads
from dashboard import acting
from dashboard.app_pages import calendar_left
from dashboard.frame import Page
from dashboard.reads.queue import Queue
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import GreenroomError
from foundation.words import Message
from schedules import spare
from tenants.roles import Right

TARGET = "spare:target"


def show(page: Page, found: Queue) -> None:
    """The part of the page for an account that is lost, where the creator has another one."""
    if not found.spares:
        return
    with st.expander(page.word("spare.title"), icon=":material/swap_horiz:"):
        draw("calendar_note.html", note=page.word("spare.why", account=found.channel.name))
        names = {str(one.id): one.name for one in found.spares}
        key = f"{TARGET}:{found.channel.id}"
        target = st.selectbox(page.word("spare.target"), list(names), format_func=lambda one: names[one], key=key)
        source_id, target_id = found.channel.id, UUID(target)
        try:
            shown = page.read(lambda scope: spare.preview(scope, source_id, target_id))
        except GreenroomError as wrong:
            draw("calendar_note.html", note=page.voice.say(wrong.message))
            return
        draw("queue_spare.html", found=shown, voice=page.voice, word=page.word)
        act = partial(_move, page, source_id, target_id, shown.versions)
        nothing = not (shown.moving or shown.doubled)
        acting.button(page, "spare.go", act, right=Right.RUN, key="spare:go", kind="primary", disabled=nothing)


def _move(page: Page, source_id: UUID, target_id: UUID, seen: Mapping[UUID, int], scope: Scope, _: UUID) -> Message:
    for channel_id in (source_id, target_id):
        page.my(scope, channel_reads.channel(scope, channel_id).creator_id)
    done = spare.move_queue(scope, source_id, target_id, seen=seen)
    counts = {"count": len(done.moving), "doubled": len(done.doubled), "left": len(done.left)}
    told = Message("spare.done_asks" if done.asks_again else "spare.done", counts)
    return calendar_left.said(page, scope, told, done.left)
