"""The System page: queues, failed jobs, remote workers and the audit log."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.system import audit_log, remote_workers
from dashboard.pages.system.queries import QueueStatus, SystemView, load_queue_status, load_system
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops.settings import load_settings
from foundation.ops.writable_places import find_low_space, find_unwritable_places, place_label
from foundation.outbox import outbox
from tenants.agencies.rights import Right


def render_page(page: PageContext) -> None:
    """Draw the page."""
    st.title(page.text("dashboard.page.system"))
    _render_disk_warnings(page)
    found = page.read(load_system)
    _render_queue_status(page, found.moving)
    _render_dead_events(page, found)
    audit_log.render_audit_log(page)
    remote_workers.render_remote_workers(page)


def _render_disk_warnings(page: PageContext) -> None:
    """Show the places that cannot be written and the disks that are nearly full."""
    settings = load_settings()
    for name in find_unwritable_places(settings):
        st.error(page.text("system.unwritable", place=place_label(name)))
    for low in find_low_space(settings):
        show = st.error if low.is_critical else st.warning
        show(page.text("system.low_space", place=place_label(low.place), percent=low.percent))


@st.fragment(run_every="5s")
def _render_queue_status(drawn: PageContext, found: QueueStatus) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    now = (
        found if page is drawn else page.read(load_queue_status)
    )  # The first run draws what was read with the whole page.
    draw_template(
        "pages/system/templates/queues.html", found=now, voice=page.localizer, word=page.text
    )


def _render_dead_events(page: PageContext, found: SystemView) -> None:
    st.subheader(page.text("system.dead"))
    if not found.dead:
        st.write(page.text("system.nothing_dead"))
    for event in found.dead:
        with st.container(border=True):
            draw_template(
                "pages/system/templates/failed_job.html",
                event=event,
                voice=page.localizer,
                word=page.text,
                now=found.now,
            )
            left, right = st.columns(2)
            with left:
                actions.action_button(
                    page,
                    "system.resend",
                    partial(_retry_dead_event, event.id),
                    right=Right.RUN,
                    key=f"do:{event.id}",
                )
            with right:
                actions.action_button(
                    page,
                    "system.drop",
                    partial(_discard_dead_event, event.id),
                    right=Right.RUN,
                    key=f"drop:{event.id}",
                )


def _retry_dead_event(event_id: UUID, scope: Scope, _: UUID) -> Message:
    outbox.retry_dead(scope, event_id)
    return Message("system.resent")


def _discard_dead_event(event_id: UUID, scope: Scope, _: UUID) -> Message:
    outbox.discard_dead(scope, event_id)
    return Message("system.dropped")
