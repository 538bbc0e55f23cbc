"""The tour: seven steps that really happen, each left, taken up, done twice or undone as one likes."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame, touring
from dashboard.app_pages import tour_lines
from dashboard.frame import Page
from dashboard.reads.tour import STEPS, Tour, tour
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import Conflict, Refused
from foundation.ids import uuid7
from foundation.words import Message
from schedules import drafting, planning, removal
from schedules.states import CANCELLABLE, DeliveryState
from subscribers import orders
from subscribers.shop import Charge
from tenants import reads as tenant_reads
from tenants.roles import Right

TICK = "2s"
BETWEEN = timedelta(minutes=1)
"""From one burst to the next: a process that dies too often is not started again at once."""

FAN = "tour:fan"
S = DeliveryState
STANDS = frozenset({S.PUBLISHED, S.UNCERTAIN})


def show(page: Page) -> None:
    """Draw the seven steps; in an agency of one's own there is nothing to show."""
    if not page.read(tenant_reads.agency).demo or not touring.may_play():
        raise Refused("tour.only_demo")
    st.session_state.setdefault(FAN, uuid7().hex[-6:])
    draw("tour_style.html")
    draw("tour_head.html", voice=page.voice, word=page.word)
    _steps(page)


@st.fragment(run_every=TICK)
def _steps(drawn: Page) -> None:
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    acting.say_told(page, "tour:steps")
    found = page.read(lambda scope: tour(scope, page.mine(scope)))
    done, fan = found.done, str(st.session_state[FAN])
    for number, step in enumerate(STEPS, start=1):
        with st.container(border=True, key=f"tour:{step}", gap="small"):
            draw(
                "tour_step.html",
                number=number,
                step=step,
                done=done[step],
                links=tour_lines.links(page, found, step, fan),
                lines=tour_lines.lines(page, found, step),
                voice=page.voice,
                word=page.word,
            )
            with st.container(horizontal=True, gap="small"):
                _acts(page, found, step)
    draw("calendar_foot.html", now=found.now, voice=page.voice, word=page.word)


def _acts(page: Page, found: Tour, step: str) -> None:
    """What can be pressed in a step."""
    if step == "publish" and found.posted is not None and found.posted.state in (*STANDS, S.SCHEDULED):
        _button(page, "tour.undo_publish", partial(_take_back, page), f"publish:{found.posted.delivery_id}")
    elif step == "talk" and any(one.kind == "matched" and one.refund is None for one in _charges(found)):
        _button(page, "tour.undo_talk", partial(_give_back, page), "talk")
    elif step == "cheat":
        for way in touring.WAYS:
            _button(page, f"tour.cheat.{way}", partial(_cheat, way), f"cheat:{way}", kind="primary")
        if any(one.entry.state in (S.HELD, S.FAILED, S.SCHEDULED) for one in found.tries.values()):
            _button(page, "tour.undo_cheat", partial(_forget, page), "cheat")
    elif step == "break":
        running = found.burst is not None and found.burst.counted is None
        _button(page, "tour.break_now", partial(_break, page), "break", kind="primary", disabled=running)
        if found.burst is not None and found.burst.counted is not None and found.burst.states.get(S.PUBLISHED, 0):
            _button(page, "tour.undo_break", partial(_clear, found.burst.run), "break")
    elif step == "remove":
        _button(page, "tour.remove_now", _five, "five", kind="primary")
        if found.removed is not None and found.removed.standing.outcome != "rejected":
            _button(page, "tour.undo_remove", partial(_keep, page), f"remove:{found.removed.standing.id}")


def _button(
    page: Page, code: str, act: acting.Act, key: str, *, kind: str = "secondary", disabled: bool = False
) -> None:
    primary = kind == "primary"
    acting.button(
        page,
        code,
        act,
        right=Right.APPROVE,
        key=f"tour:{'do' if primary else 'undo'}:{key}",
        kind="primary" if primary else "secondary",
        disabled=disabled,
    )


def _charges(found: Tour) -> list[Charge]:
    return list(found.bought.charges) if found.bought is not None else []


def _now(page: Page, scope: Scope) -> Tour:
    """The tour as it stands in the act's own transaction: what is done is done to what is there now."""
    return tour(scope, page.mine(scope))


def _take_back(page: Page, scope: Scope, _: UUID) -> Message:
    """The post of the first step goes: taken off the calendar, or away from every account it stands on."""
    found = _now(page, scope).posted
    if found is None:
        raise Conflict("tour.nothing_to_undo")
    for row in planning.deliveries_of(scope, found.post_id):
        if row.state in STANDS:
            removal.ask(scope, row.id)
        elif row.state in CANCELLABLE:
            drafting.skip(scope, row.id)
    return Message("tour.undone_publish")


def _give_back(page: Page, scope: Scope, _: UUID) -> Message:
    charge = next((one for one in _charges(_now(page, scope)) if one.kind == "matched" and one.refund is None), None)
    if charge is None:
        raise Conflict("tour.nothing_to_undo")
    orders.ask_refund(scope, charge.id, reason=Message("refund.by_member.asked"))
    return Message("tour.undone_talk")


def _cheat(way: str, scope: Scope, press_id: UUID) -> Message:
    touring.ask(scope, press_id, "cheat", how=way)
    return Message("tour.asked_cheat")


def _forget(page: Page, scope: Scope, _: UUID) -> Message:
    for one in _now(page, scope).tries.values():
        if one.entry.state in (S.HELD, S.FAILED, S.SCHEDULED):
            drafting.skip(scope, one.entry.delivery_id)
    return Message("tour.undone_cheat")


def _break(page: Page, scope: Scope, press_id: UUID) -> Message:
    """Thirty posts and one killed process; not again while the last burst is under way."""
    burst = _now(page, scope).burst
    if burst is not None and burst.entries and scope.now - burst.entries[0].due_at < BETWEEN:
        raise Conflict("tour.break_waits")
    touring.ask(scope, press_id, "burst")
    return Message("tour.asked_break")


def _clear(run: UUID, scope: Scope, _: UUID) -> Message:
    touring.ask(scope, run, "clear_burst")
    return Message("tour.undone_break")


def _five(scope: Scope, press_id: UUID) -> Message:
    touring.ask(scope, press_id, "five")
    return Message("tour.asked_five")


def _keep(page: Page, scope: Scope, _: UUID) -> Message:
    removed = _now(page, scope).removed
    if removed is None:
        raise Conflict("tour.nothing_to_undo")
    touring.ask(scope, removed.standing.id, "keep")
    return Message("tour.undone_remove")
