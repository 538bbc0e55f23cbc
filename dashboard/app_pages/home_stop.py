"""The emergency stop on Home, for who has the right and no page System: creators, and who chats."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.home import Home
from foundation import outbox
from foundation.database import Scope
from foundation.words import Message
from gate.events import SwitchWanted
from tenants.roles import Right

WHY = "stop:why"


def show(page: Page, found: Home) -> None:
    """What stops one of the creators this member works for, and what that means."""
    names = {day.creator.id: day.creator.name for day in found.days}
    if not names or not page.may(Right.STOP) or page.may(Right.RUN):
        return
    with st.popover(page.word("system.stop"), icon=":material/front_hand:", key="stop"):
        chosen = next(iter(names))
        if len(names) > 1:
            chosen = st.selectbox(page.word("system.whom"), list(names), format_func=names.__getitem__, key="stop:whom")
        st.write(page.label("home.stop_explained", name=names[chosen]))
        st.text_input(page.word("system.why"), key=WHY, max_chars=200)
        act = partial(_stop, page, chosen)
        params: dict[str, str | int] = {"whom": names[chosen]}
        acting.button(page, "system.stop_now", act, right=Right.STOP, key="stop:now", kind="primary", params=params)


def _stop(page: Page, creator_id: UUID, scope: Scope, press_id: UUID) -> Message:
    """Pages hold no right to the safety check's tables: an urgent task does it, within a second."""
    whom = page.my(scope, creator_id).name
    reason = str(acting.typed(WHY) or "").strip()
    stop = {"scope": "creator", "target": str(creator_id), "feature": "sending"}
    wanted = SwitchWanted(scope.tenant_id, press_id, **stop, open=False, by=scope.actor, reason=reason)
    outbox.put(scope, wanted, priority=0, dedupe=f"switch:{press_id}")
    return Message("home.stopping", {"whom": whom})
