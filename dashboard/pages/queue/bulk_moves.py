"""Bulk moves: preview and move many posts at once. A move can be undone for ten minutes."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.planning import held_posts
from dashboard.pages.posts import move_results
from dashboard.pages.queue.queries import QueueView
from dashboard.pages.queue.quiet_periods import PreviewInput, apply_preview, select_quiet_target
from dashboard.shell import actions, forms
from dashboard.shell.date_input import parse_date
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import GreenroomError
from foundation.i18n.translation import Message
from foundation.ops.wall_time import day_bounds
from schedules.rescheduling import bulk_moves
from schedules.rescheduling.bulk_moves import MAX_MOVE_DAYS, MoveSelection, TimeOffset
from tenants.agencies.rights import Right

FIRST, LAST, DAYS, HOURS, WHERE = (
    f"shift:{name}" for name in ("first", "last", "days", "hours", "where")
)
MAX_HOURS = 23


def render_bulk_move(page: PageContext, found: QueueView) -> None:
    """Render the form of a bulk move and the undo button of the last one."""
    if found.last is not None:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            until = page.localizer.format_clock(found.last.until)
            draw_template(
                "shell/templates/note.html",
                note=page.text("shift.last", count=found.last.count, until=until),
            )
            act = partial(_undo_bulk_move, page, found.last.shift_id, found.creator.id)
            actions.action_button(
                page, "shift.undo", act, right=Right.RUN, key=f"shift:undo:{found.last.shift_id}"
            )
    with st.expander(page.text("shift.title"), icon=":material/move_down:"):
        _render_move_form(page, found)
    with st.expander(page.text("held.title"), icon=":material/front_hand:"):
        if not held_posts.render_creator_held_posts(page, found.creator):
            draw_template("shell/templates/note.html", note=page.text("held.nothing"))


def _render_move_form(page: PageContext, found: QueueView) -> None:
    with forms.open_fields(page, "shift"):
        today = f"{found.today:%d/%m/%Y}"
        with st.container(horizontal=True, vertical_alignment="bottom"):
            first = st.text_input(page.text("shift.from"), today, key=FIRST, width=150)
            forms.show_field_error("first")
            last = st.text_input(page.text("shift.to"), today, key=LAST, width=150)
            forms.show_field_error("last")
            days = st.number_input(
                page.text("shift.days"), -MAX_MOVE_DAYS, MAX_MOVE_DAYS, 1, key=DAYS, width=150
            )
            hours = st.number_input(
                page.text("shift.hours"), -MAX_HOURS, MAX_HOURS, 0, key=HOURS, width=150
            )
        channel_id = select_quiet_target(page, found, WHERE)
        by = TimeOffset(int(days), int(hours) * 60)
        try:
            zone = found.creator.zone
            start = day_bounds(parse_date(first), zone)[0]
            end = day_bounds(parse_date(last), zone)[1]
            chosen = MoveSelection(found.creator.id, channel_id, max(start, found.now), end)
            shown = page.read(lambda scope: bulk_moves.preview_bulk_move(scope, chosen, by))
        except GreenroomError as wrong:
            draw_template(
                "shell/templates/note.html", note=page.localizer.message_text(wrong.message)
            )
            return
        names = found.names if channel_id is None else {}
        draw_template(
            "pages/queue/templates/move_preview.html",
            found=shown,
            names=names,
            voice=page.localizer,
            word=page.text,
        )
        act = partial(
            apply_preview,
            _read_move_inputs(),
            _read_move_inputs,
            partial(_move_deliveries, page, chosen, by, shown.seen_versions),
        )
        actions.action_button(
            page,
            "shift.go",
            act,
            right=Right.RUN,
            key="shift:go",
            kind="primary",
            disabled=not shown.moving,
        )


def _read_move_inputs() -> PreviewInput:
    return tuple(map(actions.typed_value, (FIRST, LAST, DAYS, HOURS, WHERE)))


def _move_deliveries(
    page: PageContext,
    chosen: MoveSelection,
    by: TimeOffset,
    seen: Mapping[UUID, int],
    scope: Scope,
    _: UUID,
) -> Message:
    page.get_creator(scope, chosen.creator_id)
    done = bulk_moves.move_deliveries(scope, chosen, by, seen=seen)
    told = Message("shift.done_left", {"count": len(done.moved), "left": len(done.left)})
    return move_results.describe_unmoved_posts(page, scope, told, done.left)


def _undo_bulk_move(
    page: PageContext, shift_id: UUID, creator_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    back = bulk_moves.undo_bulk_move(scope, shift_id)
    told = Message("shift.undone_now", {"count": len(back.moving), "left": len(back.left)})
    return move_results.describe_unmoved_posts(page, scope, told, back.left)
