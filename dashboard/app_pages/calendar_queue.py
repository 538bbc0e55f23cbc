"""Queue: the hours of the week at which an account posts, and what leaves at them, in its order."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from channels import connecting
from channels import reads as channel_reads
from dashboard import acting
from dashboard.app_pages import (
    calendar_filters,
    calendar_holidays,
    calendar_hours,
    calendar_left,
    calendar_quiet,
    calendar_shift,
    calendar_spare,
)
from dashboard.frame import Page
from dashboard.reads.compose import Account
from dashboard.reads.compose import accounts as accounts_of
from dashboard.reads.queue import Queue, queue
from dashboard.reads.when import time_of
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.words import Message
from schedules import queueing, quiet, slots, waiting_apart
from schedules.queueing import Queued
from schedules.slots import LATEST_JITTER
from tenants.roles import Right

ACCOUNT = "queue:account"
APART, BINDS, HOLDS = "queue:apart", "queue:binds", "queue:holds"
DAYS, CLOCK, JITTER, LABEL = (f"queue:{name}" for name in ("days", "clock", "jitter", "label"))
MINUTE = timedelta(minutes=1)
SHOWN = 60
"""Posts of a queue that are drawn: what lies further behind comes up."""


def show(page: Page, asked: str) -> None:
    """Draw the queue of the account in the address, or of the first one."""
    calendar_filters.way_back(page)
    draw("queue_head.html", word=page.word)
    mine = page.read(page.mine)
    offered = page.read(lambda scope: accounts_of(scope, mine))
    if not offered:
        draw("calendar_empty.html", code="queue.no_account", word=page.word)
        return
    chosen = _account(page, offered, {one.id: one.name for one in mine}, asked)
    found = page.read(lambda scope: queue(scope, mine, chosen))
    acting.say_told(page, "queue")
    _entries(page, found)
    _hours(page, found)
    calendar_quiet.show(page, found)
    calendar_holidays.show(page, found)
    calendar_shift.show(page, found)
    calendar_spare.show(page, found)


def _account(page: Page, offered: Sequence[Account], creators: Mapping[UUID, str], asked: str) -> UUID:
    """Whose queue it is. Raises NotFound for an account of the address that is not this member's."""
    names = {str(one.id): f"{creators[one.creator_id]} – {one.name}" for one in offered}
    if asked not in ("1", *names):
        raise NotFound("channel.unknown")
    if asked in names and st.session_state.get(ACCOUNT) != asked:
        st.session_state[ACCOUNT] = asked
    chosen = st.selectbox(
        page.word("calendar.account"),
        list(names),
        format_func=lambda one: names[one],
        key=ACCOUNT,
        on_change=_other_account,
        width=320,
    )
    return UUID(chosen)


def _other_account() -> None:
    st.query_params.from_dict({"queue": str(st.session_state[ACCOUNT])})


def mine(page: Page, scope: Scope, channel_id: UUID) -> UUID:
    """The creator of an account. Raises NotFound for one that is not this member's."""
    return page.my(scope, channel_reads.channel(scope, channel_id).creator_id).id


def _entries(page: Page, found: Queue) -> None:
    """The queue in its order, and what may be done to it."""
    draw("queue_count.html", found=found, voice=page.voice.at(found.creator.zone), word=page.word)
    about = (page, found.channel.id, found.versions)
    order = [one.delivery_id for one in found.entries]
    for place, one in enumerate(found.entries[:SHOWN]):
        key = f"{one.delivery_id}:{one.version}:{place}"
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"queued:{key}"):
            calm = quiet.covering(found.quiet, one.due_at)
            draw("queue_entry.html", one=one, place=place + 1, calm=calm, voice=page.voice, word=page.word)
            if place:
                act = partial(_reorder, *about, _swapped(order, place - 1))
                acting.button(page, "queue.earlier", act, right=Right.RUN, key=f"up:{key}", kind="tertiary")
            if place + 1 < len(order):
                act = partial(_reorder, *about, _swapped(order, place))
                acting.button(page, "queue.later", act, right=Right.RUN, key=f"down:{key}", kind="tertiary")
            out = partial(_take_out, page, found.channel.id, one)
            with st.popover(page.word("queue.take_out"), type="tertiary"):  # there is no way back but a new post
                draw("calendar_note.html", note=page.word("calendar.cancel_asked", account=found.channel.name))
                acting.button(page, "queue.take_out_sure", out, right=Right.RUN, key=f"out:{key}")
    with st.container(horizontal=True, gap="small"):
        if len(order) > 1:
            acting.button(page, "queue.shuffle", partial(_shuffle, *about), right=Right.RUN, key="queue:shuffle")
        if found.forward.moving:
            with st.popover(page.word("queue.forward")):
                draw("queue_preview.html", found=found.forward, voice=page.voice, word=page.word)
                pull = partial(_forward, *about)
                acting.button(page, "queue.forward_sure", pull, right=Right.RUN, key="queue:forward", kind="primary")


def _swapped(order: Sequence[UUID], place: int) -> list[UUID]:
    """The order with one and the next one changed."""
    return [*order[:place], order[place + 1], order[place], *order[place + 2 :]]


def _reorder(
    page: Page, channel_id: UUID, seen: Mapping[UUID, int], order: Sequence[UUID], scope: Scope, _: UUID
) -> None:
    mine(page, scope, channel_id)
    queueing.reorder(scope, channel_id, order, seen=seen)


def _shuffle(page: Page, channel_id: UUID, seen: Mapping[UUID, int], scope: Scope, press_id: UUID) -> Message:
    mine(page, scope, channel_id)
    queueing.shuffle(scope, channel_id, key=press_id, seen=seen)
    return Message("queue.shuffled")


def _forward(page: Page, channel_id: UUID, seen: Mapping[UUID, int], scope: Scope, _: UUID) -> Message:
    mine(page, scope, channel_id)
    done = queueing.pull_forward(scope, channel_id, seen=seen)
    return Message("shift.done", {"count": len(done.moved)})


def _take_out(page: Page, channel_id: UUID, one: Queued, scope: Scope, _: UUID) -> Message:
    mine(page, scope, channel_id)
    queueing.take_out(scope, one.delivery_id, version=one.version)
    return Message("queue.taken_out")


def _hours(page: Page, found: Queue) -> None:
    """The slots of the account: taken away by a press, added by a form."""
    with st.expander(page.word("queue.slots", count=len(found.slots)), expanded=not found.slots):
        draw("calendar_note.html", note=page.word("queue.slots_why", place=page.voice.place(found.creator.zone)))
        with st.container(horizontal=True, gap="small"):
            for one in found.slots:
                said = page.label(
                    "queue.slot", day=page.word(f"queue.day.{one.weekday}"), clock=f"{one.clock:%H:%M}", label=one.label
                )
                _hour(page, found, one.id, said.strip())
        calendar_hours.show(page, found, days=DAYS, clock=CLOCK)
        with st.form("queue:slot", border=False):
            st.pills(
                page.word("queue.days"),
                range(7),
                format_func=lambda day: page.word(f"queue.day.{day}"),
                selection_mode="multi",
                key=DAYS,
            )
            with st.container(horizontal=True, vertical_alignment="bottom"):
                st.text_input(page.word("compose.clock"), "18:30", key=CLOCK, width=110)
                st.number_input(page.word("queue.jitter"), 0, LATEST_JITTER, 0, key=JITTER, width=200)
                st.text_input(page.word("queue.label"), key=LABEL, max_chars=60, width=200)
                act = partial(_add, page, found.channel.id)
                acting.submit(page, "queue.add_slot", act, right=Right.RUN, key="queue:slot:add", kind="secondary")

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        now = found.channel.min_gap // MINUTE
        key = f"{APART}:{found.channel.id}"
        st.number_input(page.word("queue.apart"), 0, connecting.MOST_APART, now, key=key, width=320)
        st.checkbox(
            page.word("queue.hold_distance"), found.channel.holds_distance, key=f"{BINDS}:{found.channel.id}", wrap=True
        )
        st.checkbox(
            page.word("queue.hold_repeats"), found.channel.holds_repeats, key=f"{HOLDS}:{found.channel.id}", wrap=True
        )
        act = partial(_apart, page, found.channel.id)
        acting.button(page, "queue.apart_keep", act, right=Right.RUN, key=f"{key}:keep")


def _hour(page: Page, found: Queue, slot_id: UUID, said: str) -> None:
    """One hour: taken away by a press, or after a word on what stands at it."""
    there = queueing.at_hour(found.entries, slot_id)
    why, key = page.word("queue.slot_remove"), f"slot:{slot_id}"
    only = (partial(_remove, page, slot_id), Right.RUN, key)
    if not there:
        st.button(said, key=key, icon=":material/close:", help=why, on_click=acting.press, args=only)
        return
    with st.popover(said, icon=":material/close:", help=why):
        draw("calendar_note.html", note=page.word("queue.slot_has", count=len(there)))
        move = partial(_close, page, slot_id, {one.delivery_id: one.version for one in there})
        acting.button(page, "queue.slot_move", move, right=Right.RUN, key=f"{key}:move", kind="primary")
        st.button(page.word("queue.slot_only"), key=key, on_click=acting.press, args=only)


def _close(page: Page, slot_id: UUID, seen: Mapping[UUID, int], scope: Scope, _: UUID) -> Message:
    mine(page, scope, slots.slot(scope, slot_id).channel_id)
    done = queueing.close(scope, slot_id, seen=seen)
    return calendar_left.said(page, scope, Message("queue.slot_moved", {"count": len(done.moved)}), done.left)


def _apart(page: Page, channel_id: UUID, scope: Scope, _: UUID) -> Message:
    mine(page, scope, channel_id)
    minutes, holds = int(acting.typed(f"{APART}:{channel_id}") or 0), bool(acting.typed(f"{BINDS}:{channel_id}"))
    waiting_apart.choose(scope, channel_id, minutes=minutes, holds=holds)
    connecting.hold_repeats(scope, channel_id, bool(acting.typed(f"{HOLDS}:{channel_id}")))
    return Message("queue.apart_holds" if holds and minutes else "queue.apart_kept")


def _add(page: Page, channel_id: UUID, scope: Scope, _: UUID) -> Message:
    creator = page.my(scope, mine(page, scope, channel_id))
    days = acting.typed(DAYS) or []
    if not days:
        raise BadInput("queue.no_days")
    clock, label = time_of(str(acting.typed(CLOCK) or "")), str(acting.typed(LABEL) or "")
    for day in days:
        slots.add_slot(
            scope,
            channel_id,
            weekday=int(day),
            clock=clock,
            zone=creator.zone,
            jitter=int(acting.typed(JITTER) or 0),
            label=label,
        )
    return Message("queue.slots_added")


def _remove(page: Page, slot_id: UUID, scope: Scope, _: UUID) -> Message:
    mine(page, scope, slots.slot(scope, slot_id).channel_id)
    slots.remove_slot(scope, slot_id)
    return Message("queue.slot_removed")
