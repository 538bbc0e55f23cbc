"""The guided tour: seven steps that perform real actions. A user can skip, repeat or undo each
step."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.tour import events, step_details
from dashboard.pages.tour.queries import TOUR_STEPS, TourView, load_tour
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import Conflict, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from schedules.drafts import drafts
from schedules.posts import deliveries
from schedules.posts.states import CANCELLABLE, DeliveryState
from schedules.publishing import post_removal
from subscribers.checkout import order_payments
from subscribers.orders.queries import OrderCharge
from tenants.agencies import queries
from tenants.agencies.rights import Right

TICK = "2s"
BETWEEN = timedelta(minutes=1)
"""Minimum time between two bursts. A process that dies too often is not restarted immediately."""

FAN = "tour:fan"
STANDS = frozenset({DeliveryState.PUBLISHED, DeliveryState.UNCERTAIN})


def render_page(page: PageContext) -> None:
    """Render the seven steps. Raise Refused if the agency is not a demo."""
    if not page.read(queries.get_agency).demo or not events.is_tour_allowed():
        raise Refused("tour.only_demo")
    st.session_state.setdefault(FAN, uuid7().hex[-6:])
    draw_template("pages/tour/templates/header.html", voice=page.localizer, word=page.text)
    _render_steps(page)


@st.fragment(run_every=TICK)
def _render_steps(drawn: PageContext) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    actions.show_notices(page, "tour:steps")
    found = page.read(lambda scope: load_tour(scope, page.list_creators(scope)))
    done = found.completed_steps
    fan = str(st.session_state[FAN])
    for number, step in enumerate(TOUR_STEPS, start=1):
        with st.container(border=True, key=f"tour:{step}", gap="small"):
            draw_template(
                "pages/tour/templates/step.html",
                number=number,
                step=step,
                done=done[step],
                links=step_details.step_links(page, found, step, fan),
                lines=step_details.step_results(page, found, step),
                voice=page.localizer,
                word=page.text,
            )
            with st.container(horizontal=True, gap="small"):
                _render_step_actions(page, found, step)
    draw_template("shell/templates/as_of.html", now=found.now, voice=page.localizer, word=page.text)


def _render_step_actions(page: PageContext, found: TourView, step: str) -> None:
    """Render the buttons of a step."""
    if (
        step == "publish"
        and found.posted is not None
        and found.posted.state in (*STANDS, DeliveryState.SCHEDULED)
    ):
        _render_step_button(
            page,
            "tour.undo_publish",
            partial(_undo_publish, page),
            f"publish:{found.posted.delivery_id}",
        )
    elif step == "talk" and any(
        one.kind == "matched" and one.refund is None for one in _list_charges(found)
    ):
        _render_step_button(page, "tour.undo_talk", partial(_refund_order, page), "talk")
    elif step == "cheat":
        for way in events.CHEAT_WAYS:
            _render_step_button(
                page,
                f"tour.cheat.{way}",
                partial(_request_cheat, way),
                f"cheat:{way}",
                kind="primary",
            )
        if any(
            one.entry.state in (DeliveryState.HELD, DeliveryState.FAILED, DeliveryState.SCHEDULED)
            for one in found.tries.values()
        ):
            _render_step_button(page, "tour.undo_cheat", partial(_cancel_cheats, page), "cheat")
    elif step == "break":
        running = found.burst is not None and found.burst.counted is None
        _render_step_button(
            page,
            "tour.break_now",
            partial(_request_burst, page),
            "break",
            kind="primary",
            disabled=running,
        )
        if (
            found.burst is not None
            and found.burst.counted is not None
            and found.burst.state_counts.get(DeliveryState.PUBLISHED, 0)
        ):
            _render_step_button(
                page, "tour.undo_break", partial(_request_burst_cleanup, found.burst.run), "break"
            )
    elif step == "remove":
        _render_step_button(page, "tour.remove_now", _request_five_posts, "five", kind="primary")
        if found.removed is not None and found.removed.standing.outcome != "rejected":
            _render_step_button(
                page,
                "tour.undo_remove",
                partial(_undo_removal, page),
                f"remove:{found.removed.standing.id}",
            )


def _render_step_button(
    page: PageContext,
    code: str,
    act: actions.PageAction,
    key: str,
    *,
    kind: str = "secondary",
    disabled: bool = False,
) -> None:
    primary = kind == "primary"
    actions.action_button(
        page,
        code,
        act,
        right=Right.APPROVE,
        key=f"tour:{'do' if primary else 'undo'}:{key}",
        kind="primary" if primary else "secondary",
        disabled=disabled,
    )


def _list_charges(found: TourView) -> list[OrderCharge]:
    return list(found.bought.charges) if found.bought is not None else []


def _load_current_tour(page: PageContext, scope: Scope) -> TourView:
    """Load the tour again in the transaction of the action, which must act on the current state."""
    return load_tour(scope, page.list_creators(scope))


def _undo_publish(page: PageContext, scope: Scope, _: UUID) -> Message:
    """Undo the first step: cancel the scheduled deliveries of its post, and remove the post from
    every account where it is live."""
    found = _load_current_tour(page, scope).posted
    if found is None:
        raise Conflict("tour.nothing_to_undo")
    for row in deliveries.deliveries_of_post(scope, found.post_id):
        if row.state in STANDS:
            post_removal.request_post_removal(scope, row.id)
        elif row.state in CANCELLABLE:
            drafts.remove_channel_from_post(scope, row.id)
    return Message("tour.undone_publish")


def _refund_order(page: PageContext, scope: Scope, _: UUID) -> Message:
    charge = next(
        (
            one
            for one in _list_charges(_load_current_tour(page, scope))
            if one.kind == "matched" and one.refund is None
        ),
        None,
    )
    if charge is None:
        raise Conflict("tour.nothing_to_undo")
    order_payments.request_order_refund(scope, charge.id, reason=Message("refund.by_member.asked"))
    return Message("tour.undone_talk")


def _request_cheat(way: str, scope: Scope, press_id: UUID) -> Message:
    events.request_tour_step(scope, press_id, "cheat", how=way)
    return Message("tour.asked_cheat")


def _cancel_cheats(page: PageContext, scope: Scope, _: UUID) -> Message:
    for one in _load_current_tour(page, scope).tries.values():
        if one.entry.state in (DeliveryState.HELD, DeliveryState.FAILED, DeliveryState.SCHEDULED):
            drafts.remove_channel_from_post(scope, one.entry.delivery_id)
    return Message("tour.undone_cheat")


def _request_burst(page: PageContext, scope: Scope, press_id: UUID) -> Message:
    """Request a burst of thirty posts and a killed process. Raise Conflict less than a minute after
    the last burst."""
    burst = _load_current_tour(page, scope).burst
    if burst is not None and burst.entries and scope.now - burst.entries[0].due_at < BETWEEN:
        raise Conflict("tour.break_waits")
    events.request_tour_step(scope, press_id, "burst")
    return Message("tour.asked_break")


def _request_burst_cleanup(run: UUID, scope: Scope, _: UUID) -> Message:
    events.request_tour_step(scope, run, "clear_burst")
    return Message("tour.undone_break")


def _request_five_posts(scope: Scope, press_id: UUID) -> Message:
    events.request_tour_step(scope, press_id, "five")
    return Message("tour.asked_five")


def _undo_removal(page: PageContext, scope: Scope, _: UUID) -> Message:
    removed = _load_current_tour(page, scope).removed
    if removed is None:
        raise Conflict("tour.nothing_to_undo")
    events.request_tour_step(scope, removed.standing.id, "keep")
    return Message("tour.undone_remove")
