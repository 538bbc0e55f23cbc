"""Posts dragged to another day or hour: what the browser says is read anew, and a move may be taken back at once."""

from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dashboard import acting
from dashboard.app_pages import calendar_moved, zones
from dashboard.browsing import piece
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation.clock import monotonic
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from schedules import dragging, shifting
from schedules.dragging import MOST, Spot
from tenants.roles import Right

KEY, LAST = "drag", "drag:last"
UNDO = 10.0
"""Seconds in which the last move may be taken back here; the queue's page offers it for ten minutes."""

DRAGGED = frozenset({"week", "month"})
"""Views whose days lie side by side."""


@dataclass(frozen=True)
class Last:
    """The last move of this window, and when it was, on the clock of this process in seconds."""

    shift_id: UUID
    creator_id: UUID
    at: float


class Dropped(BaseModel):
    """What a browser says was dropped where: versions of the deliveries it saw, a day, and an hour or none."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)
    seen: dict[UUID, int] = Field(min_length=1, max_length=MOST)
    day: date
    hour: int | None = Field(ge=0, le=23)


def show(page: Page, view: str, by: str, zone: str) -> None:
    """Let cards be dragged in this view, and offer to take the last move back.

    `by` are its lanes, `zone` is whose clock is looked at; "" for none, and for each creator's own.
    """
    if (view not in DRAGGED and not by) or not page.may(Right.RUN):
        return
    last: Last | None = st.session_state.get(LAST)
    if last is not None and monotonic() - last.at < UNDO:
        key, act = f"drag:undo:{last.shift_id}", partial(_undo, page, last)
        if acting.button(page, "drag.undo", act, right=Right.RUN, key=key, icon=":material/undo:"):
            del st.session_state[LAST]
    piece("drag")(key=KEY, on_dropped_change=partial(_dropped, page, zone), height="content")
    draw("calendar_hint.html", hint=page.word(f"lanes.hint.{by}" if by else "drag.hint"))


def _dropped(page: Page, zone: str) -> None:
    value = st.session_state[KEY].get("dropped")
    if value is None:
        return
    done: list[Last] = []
    acting.press(partial(_drag, page, zone, value, done), Right.RUN, KEY)
    for last in done:
        st.session_state[LAST] = last


def _drag(
    page: Page, zone: str, value: object, last: list[Last], scope: Scope, _: UUID
) -> Message:  # what was pressed, where, and the two of an act
    """The act. What came is as if forged until it was read here, and what it names is looked up as any other."""
    try:
        wanted = Dropped.model_validate(value)
    except ValidationError as error:
        raise BadInput("drag.unreadable") from error
    creator = page.my(scope, dragging.owner(scope, wanted.seen))
    done = dragging.drag(scope, wanted.seen, Spot(wanted.day, wanted.hour, zone or creator.zone))
    last[:] = [Last(done.shift_id, creator.id, monotonic())]
    moved, first = done.moved, done.moved[0]
    said = {"day": f"{first.after.day:%d/%m/%Y}", "clock": zones.clock(page, first.after, "" if zone else creator.zone)}
    warned = next((one.warning for one in moved if one.warning is not None), None)
    if warned is not None:
        return Message(f"drag.{warned.code.removeprefix('shift.')}", {**said, **warned.params})
    ids = [one.delivery_id for one in moved]
    return calendar_moved.said(page, scope, creator, first.after, ids, clock=str(said["clock"]))


def _undo(page: Page, last: Last, scope: Scope, _: UUID) -> Message:
    page.my(scope, last.creator_id)
    return Message("drag.undone_not" if shifting.undo(scope, last.shift_id).left else "drag.undone")
