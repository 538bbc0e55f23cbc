"""Posts that were missed together: what left, what leaves when, what is held and why; kept so, or all of it held."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.app_pages import calendar_filters
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import downtime_reads, downtimes
from schedules.states import DowntimeState
from tenants.roles import Right

LOOK = "5s"
"""How often the page reads again: a post that leaves is seen to leave."""


def show(page: Page) -> None:
    """Draw the page."""
    calendar_filters.way_back(page)
    _missed(page)


@st.fragment(run_every=LOOK)
def _missed(drawn: Page) -> None:
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    acting.say_told(page, "missed")
    names = {one.id: one.name for one in page.read(page.mine)}
    found = page.read(lambda scope: downtime_reads.standing(scope, list(names)))
    now = page.read(lambda scope: scope.now)
    if not found:
        draw("calendar_note.html", note=page.word("missed.nothing"))
    for one in found:
        draw("calendar_missed.html", found=one, names=names, now=now, voice=page.voice, word=page.word)
        with st.container(horizontal=True, gap="small"):
            if one.others_too and not one.count.waiting:
                continue
            acts(page, one.id, one.state, others_too=one.others_too)


def acts(page: Page, downtime_id: UUID, state: DowntimeState, *, others_too: bool) -> None:
    """The two answers, where they may still be given, for who runs the agency."""
    if not page.may(Right.RUN):
        return
    if state is DowntimeState.OPEN and not others_too:
        act = partial(_keep, page, downtime_id)
        acting.button(page, "missed.keep", act, right=Right.RUN, key=f"missed:keep:{downtime_id}", kind="primary")
    if state in (DowntimeState.OPEN, DowntimeState.KEPT):
        act = partial(_hold_all, page, downtime_id)
        code = "missed.hold_yours" if others_too else "missed.hold_all"
        acting.button(page, code, act, right=Right.RUN, key=f"missed:hold:{downtime_id}")


def _keep(page: Page, downtime_id: UUID, scope: Scope, _: UUID) -> Message:
    done = downtimes.keep(scope, downtime_id, creators=[one.id for one in page.mine(scope)])
    return Message("missed.kept", {"left": done.left, "waiting": done.waiting, "held": done.held})


def _hold_all(page: Page, downtime_id: UUID, scope: Scope, _: UUID) -> Message:
    done = downtimes.hold_all(scope, downtime_id, creators=[one.id for one in page.mine(scope)])
    return Message("missed.yours_held" if done.others else "missed.all_held", {"left": done.left, "held": done.held})
