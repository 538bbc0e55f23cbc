"""The queue page: the weekly slots of an account and the posts scheduled in them, in order."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from channels.accounts import lifecycle, queries
from dashboard.pages.posts import move_results
from dashboard.pages.posts.accounts import PostAccount, list_post_accounts
from dashboard.pages.posts.calendar_navigation import render_back_button
from dashboard.pages.queue import (
    account_failover,
    best_times,
    bulk_moves,
    holidays,
    quiet_periods,
)
from dashboard.pages.queue.queries import QueueView, load_queue
from dashboard.shell import actions, forms
from dashboard.shell.date_input import parse_time
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from schedules.availability import slots
from schedules.availability.quiet_periods import find_covering_period
from schedules.availability.slots import MAX_JITTER_MINUTES, Slot
from schedules.notices import interval_waits
from schedules.rescheduling import queue
from schedules.rescheduling.queue import QueueEntry
from tenants.agencies.rights import Right

ACCOUNT = "queue:account"
APART = "queue:apart"
BINDS = "queue:binds"
HOLDS = "queue:holds"
DAYS, CLOCK, JITTER, LABEL, AUTOMATIC = (
    f"queue:{name}" for name in ("days", "clock", "jitter", "label", "automatic")
)
MINUTE = timedelta(minutes=1)
SHOWN = 60
"""Maximum number of queue entries to render. Later ones appear as the queue advances."""


def render_queue(page: PageContext, asked: str) -> None:
    """Render the queue of the account in the URL, or of the first account."""
    render_back_button(page)
    draw_template("pages/queue/templates/header.html", word=page.text)
    mine = page.read(page.list_creators)
    offered = page.read(lambda scope: list_post_accounts(scope, mine))
    if not offered:
        draw_template("shell/templates/empty.html", code="queue.no_account", word=page.text)
        return
    chosen = _select_account(page, offered, {one.id: one.name for one in mine}, asked)
    found = page.read(lambda scope: load_queue(scope, mine, chosen))
    actions.show_notices(page, "queue")
    _render_queue_entries(page, found)
    _render_slots(page, found)
    quiet_periods.render_quiet_periods(page, found)
    holidays.render_holidays(page, found)
    bulk_moves.render_bulk_move(page, found)
    account_failover.render_account_failover(page, found)


def _select_account(
    page: PageContext, offered: Sequence[PostAccount], creators: Mapping[UUID, str], asked: str
) -> UUID:
    """Render the account selector. Raise NotFound if the address names an account of a creator the
    member does not work for."""
    names = {str(one.id): f"{creators[one.creator_id]} – {one.name}" for one in offered}
    if asked not in ("1", *names):
        raise NotFound("channel.unknown")
    if asked in names and st.session_state.get(ACCOUNT) != asked:
        st.session_state[ACCOUNT] = asked
    chosen = st.selectbox(
        page.text("calendar.account"),
        list(names),
        format_func=lambda one: names[one],
        key=ACCOUNT,
        on_change=_open_selected_account,
        width=320,
    )
    return UUID(chosen)


def _open_selected_account() -> None:
    st.query_params.from_dict({"queue": str(st.session_state[ACCOUNT])})


def require_own_creator(page: PageContext, scope: Scope, channel_id: UUID) -> UUID:
    """Return the ID of an account's creator. Raise NotFound if the member does not work for the
    creator."""
    return page.get_creator(scope, queries.get_channel(scope, channel_id).creator_id).id


def _render_queue_entries(page: PageContext, found: QueueView) -> None:
    """Render the queue in order, with the actions of each entry."""
    draw_template(
        "pages/queue/templates/count.html",
        found=found,
        voice=page.localizer.in_zone(found.creator.zone),
        word=page.text,
    )
    about = (page, found.channel.id, found.versions)
    order = [one.delivery_id for one in found.entries]
    for place, one in enumerate(found.entries[:SHOWN]):
        key = f"{one.delivery_id}:{one.version}:{place}"
        with st.container(
            horizontal=True, gap="small", vertical_alignment="center", key=f"queued:{key}"
        ):
            calm = find_covering_period(found.quiet, one.due_at)
            draw_template(
                "pages/queue/templates/entry.html",
                one=one,
                place=place + 1,
                calm=calm,
                voice=page.localizer,
                word=page.text,
            )
            if place:
                act = partial(_reorder_queue, *about, _swap_with_next(order, place - 1))
                actions.action_button(
                    page, "queue.earlier", act, right=Right.RUN, key=f"up:{key}", kind="tertiary"
                )
            if place + 1 < len(order):
                act = partial(_reorder_queue, *about, _swap_with_next(order, place))
                actions.action_button(
                    page, "queue.later", act, right=Right.RUN, key=f"down:{key}", kind="tertiary"
                )
            out = partial(_remove_queue_entry, page, found.channel.id, one)
            # Removal cannot be undone except with a new post.
            with st.popover(page.text("queue.take_out"), type="tertiary"):
                draw_template(
                    "shell/templates/note.html",
                    note=page.text("calendar.cancel_asked", account=found.channel.name),
                )
                actions.action_button(
                    page, "queue.take_out_sure", out, right=Right.RUN, key=f"out:{key}"
                )
    _render_queue_actions(page, found)


def _render_queue_actions(page: PageContext, found: QueueView) -> None:
    """Render the buttons that shuffle the whole queue or move it forward."""
    about = (page, found.channel.id, found.versions)
    with st.container(horizontal=True, gap="small"):
        if len(found.entries) > 1:
            actions.action_button(
                page,
                "queue.shuffle",
                partial(_shuffle_queue, *about),
                right=Right.RUN,
                key="queue:shuffle",
            )
        if found.forward.moving:
            with st.popover(page.text("queue.forward")):
                draw_template(
                    "pages/queue/templates/move_preview.html",
                    found=found.forward,
                    voice=page.localizer,
                    word=page.text,
                )
                pull = partial(_pull_queue_forward, *about)
                actions.action_button(
                    page,
                    "queue.forward_sure",
                    pull,
                    right=Right.RUN,
                    key="queue:forward",
                    kind="primary",
                )


def _swap_with_next(order: Sequence[UUID], place: int) -> list[UUID]:
    """Return the order with an entry and its successor swapped."""
    return [*order[:place], order[place + 1], order[place], *order[place + 2 :]]


def _reorder_queue(
    page: PageContext,
    channel_id: UUID,
    seen: Mapping[UUID, int],
    order: Sequence[UUID],
    scope: Scope,
    _: UUID,
) -> None:
    require_own_creator(page, scope, channel_id)
    queue.reorder_queue(scope, channel_id, order, seen=seen)


def _shuffle_queue(
    page: PageContext, channel_id: UUID, seen: Mapping[UUID, int], scope: Scope, press_id: UUID
) -> Message:
    require_own_creator(page, scope, channel_id)
    queue.shuffle_queue(scope, channel_id, key=press_id, seen=seen)
    return Message("queue.shuffled")


def _pull_queue_forward(
    page: PageContext, channel_id: UUID, seen: Mapping[UUID, int], scope: Scope, _: UUID
) -> Message:
    require_own_creator(page, scope, channel_id)
    done = queue.pull_queue_forward(scope, channel_id, seen=seen)
    return Message("shift.done", {"count": len(done.moved)})


def _remove_queue_entry(
    page: PageContext, channel_id: UUID, one: QueueEntry, scope: Scope, _: UUID
) -> Message:
    require_own_creator(page, scope, channel_id)
    queue.remove_from_queue(scope, one.delivery_id, version=one.version)
    return Message("queue.taken_out")


def _render_slots(page: PageContext, found: QueueView) -> None:
    """Render the slots of the account with buttons that remove them, and the form for new ones."""
    with st.expander(page.text("queue.slots", count=len(found.slots)), expanded=not found.slots):
        draw_template(
            "shell/templates/note.html",
            note=page.text("queue.slots_why", place=page.localizer.zone_city(found.creator.zone)),
        )
        with st.container(horizontal=True, gap="small"):
            for one in found.slots:
                said = page.markdown(
                    "queue.slot",
                    day=page.text(f"queue.day.{one.weekday}"),
                    clock=f"{one.clock:%H:%M}",
                    label=" ".join(filter(None, (one.label, _automatic_mark(page, one)))),
                )
                _render_slot(page, found, one.id, said.strip())
        best_times.render_best_times(page, found, days=DAYS, clock=CLOCK)
        with forms.open_form(page, "queue:slot"):
            st.pills(
                page.text("queue.days"),
                range(7),
                format_func=lambda day: page.text(f"queue.day.{day}"),
                selection_mode="multi",
                key=DAYS,
            )
            forms.show_field_error("days")
            with st.container(horizontal=True, vertical_alignment="bottom"):
                st.text_input(page.text("compose.clock"), "18:30", key=CLOCK, width=110)
                forms.show_field_error("clock")
                st.number_input(
                    page.text("queue.jitter"), 0, MAX_JITTER_MINUTES, 0, key=JITTER, width=200
                )
                st.text_input(page.text("queue.label"), key=LABEL, max_chars=60, width=200)
                forms.show_field_error("label")
                st.checkbox(
                    page.text("queue.automatic"),
                    key=AUTOMATIC,
                    help=page.text("hours.automatic_why"),
                    wrap=True,
                )
                act = partial(_add_slots, page, found.channel.id)
                actions.submit_button(
                    page,
                    "queue.add_slot",
                    act,
                    right=Right.RUN,
                    key="queue:slot:add",
                    kind="secondary",
                )

    _render_minimum_interval(page, found)


def _automatic_mark(page: PageContext, one: Slot) -> str:
    return page.text("queue.automatic_mark") if one.automatic else ""


def _render_minimum_interval(page: PageContext, found: QueueView) -> None:
    key = f"{APART}:{found.channel.id}"
    with (
        forms.open_fields(page, key),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        now = found.channel.min_interval // MINUTE
        st.number_input(
            page.text("queue.apart"), 0, lifecycle.MAX_INTERVAL_MINUTES, now, key=key, width=320
        )
        st.checkbox(
            page.text("queue.hold_distance"),
            found.channel.holds_min_interval,
            key=f"{BINDS}:{found.channel.id}",
            wrap=True,
        )
        st.checkbox(
            page.text("queue.hold_repeats"),
            found.channel.holds_repeats,
            key=f"{HOLDS}:{found.channel.id}",
            wrap=True,
        )
        act = partial(_save_minimum_interval, page, found.channel.id)
        actions.action_button(page, "queue.apart_keep", act, right=Right.RUN, key=f"{key}:keep")


def _render_slot(page: PageContext, found: QueueView, slot_id: UUID, said: str) -> None:
    """Render a slot. A click removes an empty slot; a slot with posts requires a confirmation that
    lists them."""
    there = queue.entries_at_slot(found.entries, slot_id)
    why = page.text("queue.slot_remove")
    key = f"slot:{slot_id}"
    only = (partial(_remove_slot, page, slot_id), Right.RUN, key)
    if not there:
        st.button(
            said, key=key, icon=":material/close:", help=why, on_click=actions.run_action, args=only
        )
        return
    with st.popover(said, icon=":material/close:", help=why):
        draw_template(
            "shell/templates/note.html", note=page.text("queue.slot_has", count=len(there))
        )
        move = partial(_close_slot, page, slot_id, {one.delivery_id: one.version for one in there})
        actions.action_button(
            page, "queue.slot_move", move, right=Right.RUN, key=f"{key}:move", kind="primary"
        )
        st.button(page.text("queue.slot_only"), key=key, on_click=actions.run_action, args=only)


def _close_slot(
    page: PageContext, slot_id: UUID, seen: Mapping[UUID, int], scope: Scope, _: UUID
) -> Message:
    require_own_creator(page, scope, slots.get_slot(scope, slot_id).channel_id)
    done = queue.close_slot(scope, slot_id, seen=seen)
    return move_results.describe_unmoved_posts(
        page, scope, Message("queue.slot_moved", {"count": len(done.moved)}), done.left
    )


def _save_minimum_interval(page: PageContext, channel_id: UUID, scope: Scope, _: UUID) -> Message:
    require_own_creator(page, scope, channel_id)
    minutes = int(actions.typed_value(f"{APART}:{channel_id}") or 0)
    holds = bool(actions.typed_value(f"{BINDS}:{channel_id}"))
    interval_waits.set_minimum_interval(scope, channel_id, minutes=minutes, holds=holds)
    lifecycle.hold_repeats(scope, channel_id, bool(actions.typed_value(f"{HOLDS}:{channel_id}")))
    return Message("queue.apart_holds" if holds and minutes else "queue.apart_kept")


def _add_slots(page: PageContext, channel_id: UUID, scope: Scope, _: UUID) -> Message:
    creator = page.get_creator(scope, require_own_creator(page, scope, channel_id))
    days = actions.typed_value(DAYS) or []
    if not days:
        raise BadInput("queue.no_days").about("days")
    clock = parse_time(str(actions.typed_value(CLOCK) or ""))
    label = str(actions.typed_value(LABEL) or "")
    for day in days:
        slots.add_slot(
            scope,
            channel_id,
            weekday=int(day),
            clock=clock,
            zone=creator.zone,
            jitter=int(actions.typed_value(JITTER) or 0),
            label=label,
            automatic=bool(actions.typed_value(AUTOMATIC)),
        )
    return Message("queue.slots_added")


def _remove_slot(page: PageContext, slot_id: UUID, scope: Scope, _: UUID) -> Message:
    require_own_creator(page, scope, slots.get_slot(scope, slot_id).channel_id)
    slots.remove_slot(scope, slot_id)
    return Message("queue.slot_removed")
