"""Actions on a single account of a post: reschedule it there, or add another account."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.posts import move_results
from dashboard.pages.posts.accounts import list_post_accounts
from dashboard.pages.posts.queries import PostChannel, PostView
from dashboard.shell import actions, forms, time_zones
from dashboard.shell.date_input import parse_date, parse_time
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, to_wall_time
from schedules.approvals.time_changes import reschedule_delivery
from schedules.calendar import versioned_actions
from schedules.downtime.misfires import original_occurrence_key
from schedules.drafts import channel_requirements
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState
from tenants.agencies.rights import Right

ADD = "post:add"


def render_single_move(page: PageContext, found: PostView, place: PostChannel) -> None:
    """Render the form that reschedules the post on this account only. Render nothing if no other
    account can be moved."""
    entry = place.entry
    if not place.is_movable or sum(one.is_movable for one in found.places) < 2:
        return
    key = f"post:alone:{entry.delivery_id}:{entry.version}"
    with st.popover(page.text("calendar.move_alone")):
        why = page.text("calendar.move_alone_why", account=entry.channel)
        draw_template(
            "shell/templates/note.html",
            note=f"{why} {move_results.describe_approval_effect(page, found, [entry])}".strip(),
        )
        _render_time_fields(page, to_wall_time(entry.due_at, entry.zone), key, entry.channel)
        act = partial(_reschedule_delivery, page, found.creator.id, entry, key)
        params: dict[str, str | int] = {"account": entry.channel}
        actions.action_button(
            page, "calendar.move_alone_go", act, right=Right.RUN, key=f"{key}:go", params=params
        )


def render_channel_addition(page: PageContext, found: PostView) -> None:
    """Render the form that adds an account to a post with a separate time. Render nothing for
    recurring posts and reposts."""
    live = [
        place.entry for place in found.places if place.entry.state is not DeliveryState.CANCELLED
    ]
    if not live or any(
        one.series_id or original_occurrence_key(one.occurrence_key) for one in live
    ):
        return
    there = {one.channel_id for one in live}  # Cancelled accounts can be added again.
    names = {
        one.id: one.name
        for one in page.read(lambda scope: list_post_accounts(scope, [found.creator]))
    }
    free = [one for one in names if one not in there]
    if not free:
        return
    with st.expander(page.text("calendar.add_account")), forms.open_form(page, ADD):
        draw_template("shell/templates/note.html", note=page.text("calendar.add_account_why"))
        st.selectbox(
            page.text("calendar.add_account_to"),
            free,
            format_func=lambda one: names[one],
            key=f"{ADD}:{found.post.id}",
        )
        first = to_wall_time(max(live[0].due_at, found.now), live[0].zone)
        _render_time_fields(page, first, f"{ADD}:{found.post.id}", page.text("calendar.added_one"))
        act = partial(_add_channel, page, found.creator.id, found.post.id, first.zone)
        actions.submit_button(
            page, "calendar.add_account_go", act, right=Right.RUN, key=f"{ADD}:go", kind="secondary"
        )


def _render_time_fields(page: PageContext, first: WallTime, key: str, account: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            page.text("calendar.day_there", account=account),
            f"{first.day:%d/%m/%Y}",
            key=f"{key}:day",
            width=180,
        )
        forms.show_field_error("day")
        st.text_input(
            page.text("calendar.clock_there", account=account),
            f"{first.clock:%H:%M}",
            key=f"{key}:clock",
            width=120,
        )
        forms.show_field_error("clock")


def _parse_typed_time(key: str, zone: str) -> WallTime:
    day, clock = (str(actions.typed_value(f"{key}:{name}") or "") for name in ("day", "clock"))
    return WallTime(parse_date(day), parse_time(clock), zone)


def _reschedule_delivery(
    page: PageContext, creator_id: UUID, entry: DeliveryEntry, key: str, scope: Scope, _: UUID
) -> Message:
    creator = page.get_creator(scope, creator_id)
    at = _parse_typed_time(key, entry.zone)
    reschedule_delivery(scope, entry.delivery_id, at=at, version=entry.version)
    return move_results.describe_move(page, scope, creator, at, [entry.delivery_id])


def _add_channel(
    page: PageContext, creator_id: UUID, post_id: UUID, zone: str, scope: Scope, _: UUID
) -> Message:
    key = f"{ADD}:{post_id}"
    creator = page.get_creator(scope, creator_id)
    at = _parse_typed_time(key, zone)
    channel_id = UUID(str(actions.typed_value(key)))
    versioned_actions.schedule_post_on_channels(scope, post_id, channels=[channel_id], at=at)
    channel_requirements.check_post_requirements(scope, post_id, connectors=platform_connectors())
    new = max(
        (one for one in deliveries_of_post(scope, post_id) if one.channel_id == channel_id),
        key=lambda one: one.id,
    )
    waits = new.state == DeliveryState.DRAFT
    said = {
        "day": f"{at.day:%d/%m/%Y}",
        "clock": time_zones.format_wall_clock(page, at, creator.zone),
    }
    return Message("calendar.account_waits" if waits else "calendar.account_added", said)
