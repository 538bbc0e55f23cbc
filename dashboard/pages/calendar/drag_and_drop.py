"""Drag and drop of posts to another day or hour. Input from the browser is validated, and a move
can be undone for a short time."""

from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dashboard.pages.posts import move_results
from dashboard.shell import actions, time_zones
from dashboard.shell.browser_components import browser_component
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ops.clock import monotonic
from schedules.rescheduling import bulk_moves, drag_and_drop
from schedules.rescheduling.drag_and_drop import MAX_DRAGGED, DropTarget
from tenants.agencies.rights import Right

KEY = "drag"
LAST = "drag:last"
UNDO = 10.0
"""Seconds for which the last move can be undone here. The queue page offers the undo for ten
minutes."""

DRAGGED = frozenset({"week", "month"})
"""Views whose days are columns, so that cards can be dragged between them."""


@dataclass(frozen=True)
class LastMove:
    """The last move in this browser session. `at` is in seconds on the monotonic clock."""

    shift_id: UUID
    creator_id: UUID
    at: float


class DroppedCard(BaseModel):
    """A drop as the browser reports it: the versions of the deliveries, the day, and the hour or
    None."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)
    seen: dict[UUID, int] = Field(min_length=1, max_length=MAX_DRAGGED)
    day: date
    hour: int | None = Field(ge=0, le=23)


def render_drag_and_drop(page: PageContext, view: str, by: str, zone: str) -> None:
    """Enable drag and drop in a view and offer to undo the last move.

    `by` is the lane grouping, or "" for none. `zone` is the displayed time zone, or "" for each
    creator's.
    """
    if (view not in DRAGGED and not by) or not page.has_right(Right.RUN):
        return
    last: LastMove | None = st.session_state.get(LAST)
    if last is not None and monotonic() - last.at < UNDO:
        key = f"drag:undo:{last.shift_id}"
        act = partial(_undo_drop, page, last)
        if actions.action_button(
            page, "drag.undo", act, right=Right.RUN, key=key, icon=":material/undo:"
        ):
            del st.session_state[LAST]
    browser_component("drag")(
        key=KEY, on_dropped_change=partial(_handle_drop, page, zone), height="content"
    )


def render_hint(page: PageContext, view: str, by: str) -> None:
    """Render a sentence that explains how posts are moved, if they can be."""
    if (view in DRAGGED or by) and page.has_right(Right.RUN):
        draw_template(
            "pages/calendar/templates/drag_hint.html",
            hint=page.text(f"lanes.hint.{by}" if by else "drag.hint"),
        )


def _handle_drop(page: PageContext, zone: str) -> None:
    value = st.session_state[KEY].get("dropped")
    if value is None:
        return
    done: list[LastMove] = []
    actions.run_action(partial(_apply_drop, page, zone, value, done), Right.RUN, KEY)
    for last in done:
        st.session_state[LAST] = last


def _apply_drop(
    page: PageContext, zone: str, value: object, last: list[LastMove], scope: Scope, _: UUID
) -> Message:
    """Apply a drop. The value comes from the browser and is untrusted, so the IDs in it are
    validated and authorized like any other input."""
    try:
        wanted = DroppedCard.model_validate(value)
    except ValidationError as error:
        raise BadInput("drag.unreadable") from error
    creator = page.get_creator(scope, drag_and_drop.creator_of_deliveries(scope, wanted.seen))
    done = drag_and_drop.drop_deliveries(
        scope, wanted.seen, DropTarget(wanted.day, wanted.hour, zone or creator.zone)
    )
    last[:] = [LastMove(done.shift_id, creator.id, monotonic())]
    moved = done.moved
    first = done.moved[0]
    said = {
        "day": f"{first.after.day:%d/%m/%Y}",
        "clock": time_zones.format_wall_clock(page, first.after, "" if zone else creator.zone),
    }
    warned = next((one.warning for one in moved if one.warning is not None), None)
    if warned is not None:
        return Message(f"drag.{warned.code.removeprefix('shift.')}", {**said, **warned.params})
    ids = [one.delivery_id for one in moved]
    return move_results.describe_move(
        page, scope, creator, first.after, ids, clock=str(said["clock"])
    )


def _undo_drop(page: PageContext, last: LastMove, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, last.creator_id)
    return Message(
        "drag.undone_not" if bulk_moves.undo_bulk_move(scope, last.shift_id).left else "drag.undone"
    )
