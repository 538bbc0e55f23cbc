"""Posts missed during a downtime: their new times, held posts, and the decision about them."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.posts.calendar_navigation import render_back_button
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.downtime import missed_posts, queries
from schedules.downtime.states import DowntimeState
from tenants.agencies.rights import Right

LOOK = "5s"
"""Polling interval of the page, which shows posts as they are published."""


def render_missed_posts(page: PageContext) -> None:
    """Draw the page."""
    render_back_button(page)
    _render_missed_list(page)


@st.fragment(run_every=LOOK)
def _render_missed_list(drawn: PageContext) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    actions.show_notices(page, "missed")
    names = {one.id: one.name for one in page.read(page.list_creators)}
    found = page.read(lambda scope: queries.list_open_downtimes(scope, list(names)))
    now = page.read(lambda scope: scope.now)
    if not found:
        draw_template("shell/templates/note.html", note=page.text("missed.nothing"))
    for one in found:
        draw_template(
            "pages/planning/templates/missed_posts.html",
            found=one,
            names=names,
            now=now,
            voice=page.localizer,
            word=page.text,
        )
        with st.container(horizontal=True, gap="small"):
            if one.others_too and not one.count.waiting:
                continue
            render_missed_post_actions(page, one.id, one.state, others_too=one.others_too)


def render_missed_post_actions(
    page: PageContext, downtime_id: UUID, state: DowntimeState, *, others_too: bool
) -> None:
    """Draw the two decisions for managers, while they are still possible."""
    if not page.has_right(Right.RUN):
        return
    if state is DowntimeState.OPEN and not others_too:
        act = partial(_accept_catch_up, page, downtime_id)
        actions.action_button(
            page,
            "missed.keep",
            act,
            right=Right.RUN,
            key=f"missed:keep:{downtime_id}",
            kind="primary",
        )
    if state in (DowntimeState.OPEN, DowntimeState.KEPT):
        act = partial(_hold_missed_posts, page, downtime_id)
        code = "missed.hold_yours" if others_too else "missed.hold_all"
        actions.action_button(page, code, act, right=Right.RUN, key=f"missed:hold:{downtime_id}")


def _accept_catch_up(page: PageContext, downtime_id: UUID, scope: Scope, _: UUID) -> Message:
    done = missed_posts.accept_catch_up(
        scope, downtime_id, creators=[one.id for one in page.list_creators(scope)]
    )
    return Message("missed.kept", {"left": done.left, "waiting": done.waiting, "held": done.held})


def _hold_missed_posts(page: PageContext, downtime_id: UUID, scope: Scope, _: UUID) -> Message:
    done = missed_posts.hold_missed_posts(
        scope, downtime_id, creators=[one.id for one in page.list_creators(scope)]
    )
    return Message(
        "missed.yours_held" if done.others else "missed.all_held",
        {"left": done.left, "held": done.held},
    )
