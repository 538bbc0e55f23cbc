"""One account of a post at a time: moved alone, or one more that the post goes to."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import calendar_moved, zones
from dashboard.frame import Page
from dashboard.reads.compose import accounts, connectors
from dashboard.reads.places import Place
from dashboard.reads.posts import Opened
from dashboard.reads.when import day_of, time_of
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import planning, scheduling, selling
from schedules.calendar import WallTime, local_wall
from schedules.passing import first_key
from schedules.planning import deliveries_of
from schedules.reads import Entry
from schedules.states import DeliveryState
from tenants.roles import Right

ADD = "post:add"


def alone(page: Page, found: Opened, place: Place) -> None:
    """Another time on this account, where the post goes to others too; those stay."""
    entry = place.entry
    if not place.movable or sum(one.movable for one in found.places) < 2:
        return
    key = f"post:alone:{entry.delivery_id}:{entry.version}"
    with st.popover(page.word("calendar.move_alone")):
        why = page.word("calendar.move_alone_why", account=entry.channel)
        draw("calendar_note.html", note=f"{why} {calendar_moved.before(page, found, [entry])}".strip())
        _when(page, local_wall(entry.due_at, entry.zone), key, entry.channel)
        act = partial(_moved, page, found.creator.id, entry, key)
        params: dict[str, str | int] = {"account": entry.channel}
        acting.button(page, "calendar.move_alone_go", act, right=Right.RUN, key=f"{key}:go", params=params)


def add(page: Page, found: Opened) -> None:
    """One more account of a post that goes somewhere, at a time of its own; nothing for one that repeats."""
    live = [place.entry for place in found.places if place.entry.state is not DeliveryState.CANCELLED]
    if not live or any(one.series_id or first_key(one.occurrence_key) for one in live):
        return
    there = {one.channel_id for one in live}  # of one it was taken off it may be put back
    names = {one.id: one.name for one in page.read(lambda scope: accounts(scope, [found.creator]))}
    free = [one for one in names if one not in there]
    if not free:
        return
    with st.expander(page.word("calendar.add_account")), st.form(ADD, border=False):
        draw("calendar_note.html", note=page.word("calendar.add_account_why"))
        st.selectbox(
            page.word("calendar.add_account_to"), free, format_func=lambda one: names[one], key=f"{ADD}:{found.post.id}"
        )
        first = local_wall(max(live[0].due_at, found.now), live[0].zone)
        _when(page, first, f"{ADD}:{found.post.id}", page.word("calendar.added_one"))
        act = partial(_added, page, found.creator.id, found.post.id, first.zone)
        acting.submit(page, "calendar.add_account_go", act, right=Right.RUN, key=f"{ADD}:go", kind="secondary")


def _when(page: Page, first: WallTime, key: str, account: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            page.word("calendar.day_there", account=account), f"{first.day:%d/%m/%Y}", key=f"{key}:day", width=180
        )
        st.text_input(
            page.word("calendar.clock_there", account=account), f"{first.clock:%H:%M}", key=f"{key}:clock", width=120
        )


def _typed(key: str, zone: str) -> WallTime:
    day, clock = (str(acting.typed(f"{key}:{name}") or "") for name in ("day", "clock"))
    return WallTime(day_of(day), time_of(clock), zone)


def _moved(page: Page, creator_id: UUID, entry: Entry, key: str, scope: Scope, _: UUID) -> Message:
    creator, at = page.my(scope, creator_id), _typed(key, entry.zone)
    planning.move_delivery(scope, entry.delivery_id, at=at, version=entry.version)
    return calendar_moved.said(page, scope, creator, at, [entry.delivery_id])


def _added(page: Page, creator_id: UUID, post_id: UUID, zone: str, scope: Scope, _: UUID) -> Message:
    key = f"{ADD}:{post_id}"
    creator, at = page.my(scope, creator_id), _typed(key, zone)
    channel_id = UUID(str(acting.typed(key)))
    scheduling.schedule(scope, post_id, channels=[channel_id], at=at)
    selling.check(scope, post_id, connectors=connectors())
    new = max((one for one in deliveries_of(scope, post_id) if one.channel_id == channel_id), key=lambda one: one.id)
    waits = new.state == DeliveryState.DRAFT
    said = {"day": f"{at.day:%d/%m/%Y}", "clock": zones.clock(page, at, creator.zone)}
    return Message("calendar.account_waits" if waits else "calendar.account_added", said)
