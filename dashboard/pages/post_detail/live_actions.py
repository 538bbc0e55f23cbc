"""Actions on a live post: remove it from an account, or repost it."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.posts.queries import PostChannel, PostView
from dashboard.shell import actions, forms, time_zones
from dashboard.shell.date_input import parse_date, parse_time
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, to_wall_time
from schedules.drafts import reposts
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tenants.agencies.rights import Right

REMOVABLE_STATES = frozenset(
    {DeliveryState.PUBLISHED, DeliveryState.UNCERTAIN, DeliveryState.BROKEN_OFF}
)
"""States of posts that are or may be live and have no publishing or removal in progress."""

LATER = timedelta(days=1)
"""Default delay of a repost."""


def render_live_actions(page: PageContext, found: PostView, place: PostChannel) -> None:
    """Render the actions of one account, each with a confirmation."""
    entry = place.entry
    key = f"{entry.delivery_id}:{entry.version}"
    if entry.state in reposts.REPOSTABLE_STATES:
        _render_repost_form(page, found, place, key)
    if entry.state in REMOVABLE_STATES and not (
        entry.expires_at is not None and entry.expires_at <= found.now
    ):
        several = entry.parts > 1
        with st.popover(page.text("calendar.take_away" if several else "outside.take_away")):
            asked = "calendar.take_away_asked" if several else f"outside.take_away_{entry.state}"
            draw_template(
                "shell/templates/note.html",
                note=page.text(asked, count=entry.done, account=entry.channel),
            )
            if found.comes_back:
                draw_template("shell/templates/note.html", note=page.text("outside.comes_back"))
            act = partial(_request_removal, page, found.creator.id, entry.delivery_id)
            sure = "calendar.take_away_sure" if several else "outside.take_away_sure"
            actions.action_button(page, sure, act, right=Right.RUN, key=f"away:{key}")


def _render_repost_form(page: PageContext, found: PostView, place: PostChannel, key: str) -> None:
    with forms.open_fields(page, f"more:{key}"):
        entry = place.entry
        zone = place.entry.zone
        at = to_wall_time(found.now + LATER, zone)
        with st.popover(page.text("outside.once_more")):
            note = page.text(
                "outside.once_more_asked",
                account=entry.channel,
                place=page.localizer.zone_city(zone),
            )
            draw_template("shell/templates/note.html", note=note)
            day = f"more:day:{entry.delivery_id}"
            clock = f"more:clock:{entry.delivery_id}"
            st.text_input(page.text("compose.day"), f"{at.day:%d/%m/%Y}", key=day)
            forms.show_field_error("day")
            st.text_input(page.text("compose.clock"), f"{at.clock:%H:%M}", key=clock)
            forms.show_field_error("clock")
            act = partial(_repost_delivery, page, found.creator.id, entry)
            actions.action_button(
                page, "outside.once_more_sure", act, right=Right.RUN, key=f"more:{key}"
            )


def _request_removal(
    page: PageContext, creator_id: UUID, delivery_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    post_removal.request_post_removal(scope, delivery_id)
    return Message("calendar.taken_away")


def _repost_delivery(
    page: PageContext, creator_id: UUID, entry: DeliveryEntry, scope: Scope, _: UUID
) -> Message:
    creator = page.get_creator(scope, creator_id)
    delivery_id = entry.delivery_id
    day = actions.typed_value(f"more:day:{delivery_id}")
    clock = actions.typed_value(f"more:clock:{delivery_id}")
    at = WallTime(parse_date(str(day)), parse_time(str(clock)), entry.zone)
    reposts.repost_delivery(scope, delivery_id, at=at, connectors=platform_connectors())
    return Message(
        "outside.once_more_done",
        {
            "day": f"{at.day:%d/%m/%Y}",
            "clock": time_zones.format_wall_clock(page, at, creator.zone),
        },
    )
