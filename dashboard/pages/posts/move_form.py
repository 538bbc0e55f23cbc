"""The form that reschedules a post, with pickers for date and time."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.posts import move_results
from dashboard.pages.posts.queries import PostView
from dashboard.shell import actions, forms, time_zones
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, to_wall_time
from schedules.approvals.time_changes import reschedule_delivery
from tenants.agencies.rights import Right

STEP = timedelta(minutes=5)
"""Step of the times that the picker lists. Other times can be typed."""


def render_move_form(page: PageContext, found: PostView) -> bool:
    """Render the form if a delivery of the post can be moved. Return True if it was submitted in
    this run.

    The local time is retained across clock changes.
    """
    movable = [place.entry for place in found.places if place.is_movable]
    if not movable:
        return False
    now = to_wall_time(movable[0].due_at, movable[0].zone)
    seen = {one.delivery_id: one.version for one in movable}
    # Another member may move the post too. Its time in the key then resets the fields.
    key = f"post:move:{found.post.id}:{now}:{now.zone}"
    with forms.open_form(page, "post:move", border=True):
        why = page.text("calendar.move_why", place=page.localizer.zone_city(now.zone))
        draw_template(
            "shell/templates/note.html",
            note=f"{why} {move_results.describe_approval_effect(page, found, movable)}".strip(),
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.date_input(
                page.text("move_form.day"),
                now.day,
                format="DD/MM/YYYY",
                key=f"{key}:day",
                width=150,
            )
            st.time_input(
                page.text("move_form.clock"), now.clock, step=STEP, key=f"{key}:clock", width=110
            )
            time_zones.render_time_zone_picker(page, f"{key}:zone", own=now.zone)
            act = partial(_move_post, page, found, key, seen)
            return actions.submit_button(
                page,
                "calendar.move",
                act,
                right=Right.RUN,
                key="post:move:go",
                kind="secondary",
            )


def _move_post(
    page: PageContext, found: PostView, key: str, seen: Mapping[UUID, int], scope: Scope, _: UUID
) -> Message:
    creator = page.get_creator(scope, found.creator.id)
    day, clock = (actions.typed_value(f"{key}:{name}") for name in ("day", "clock"))
    if day is None or clock is None:
        raise BadInput("move_form.incomplete")
    at = WallTime(day, clock, str(actions.typed_value(f"{key}:zone")))
    for delivery_id, version in seen.items():
        reschedule_delivery(scope, delivery_id, at=at, version=version)
    return move_results.describe_move(page, scope, creator, at, seen)
