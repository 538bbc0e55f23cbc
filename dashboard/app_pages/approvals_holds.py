"""What the safety check keeps back: why, what to do, and somebody's look where that is all it needs."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import calendar_now
from dashboard.app_pages.approvals_posts import films, reveal, src
from dashboard.frame import Page
from dashboard.reads import needs
from dashboard.reads.approvals import DELIVERY, Approvals, Hold, Reviewed, approvals, given, reviewed
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound, Refused
from foundation.words import Message
from gate import desk
from schedules import reviewing
from tenants.roles import Right

OPEN = "approvals:open"


def show(page: Page, found: Approvals) -> None:
    """Draw what is held, the oldest first; one of them open."""
    if not found.holds:
        draw("approvals_note.html", note=page.word("approvals.no_holds"))
    _steps(page, [str(one.subject.id) for one in found.holds if one.reviewable])
    for hold in found.holds:
        with st.container(border=True, gap="small"):
            cure = partial(needs.cure, member=page.who.member)
            draw("approvals_hold.html", hold=hold, cure=cure, now=found.now, voice=page.voice, word=page.word)
            _answers(page, found, hold)


def _answers(page: Page, found: Approvals, hold: Hold) -> None:
    key = str(hold.subject.id)
    opened = st.session_state.get(OPEN) == key
    with st.container(horizontal=True, gap="small"):
        if hold.reviewable and page.may(Right.REVIEW):
            code = "approvals.fold" if opened else "approvals.look"
            st.button(page.word(code), key=f"look:{key}", on_click=_open, args=("" if opened else key,))
        if hold.entry is not None and page.may(Right.RUN):
            again = partial(_again, page, hold.subject.id, hold.entry.version)
            acting.button(page, "approvals.again", again, right=Right.RUN, key=f"again:{key}", icon=":material/replay:")
    if opened and hold.reviewable and page.may(Right.REVIEW):
        _review(page, found, hold, page.read(lambda scope: reviewed(scope, hold, page.who.member)))


def _steps(page: Page, order: list[str]) -> None:
    """From one that a look settles to the next, by key; each opens as it is reached."""
    if not order or not page.may(Right.REVIEW):
        return
    at = order.index(st.session_state[OPEN]) if st.session_state.get(OPEN) in order else -1
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for code, key, to in (("approvals.before", "K", max(at, 0) - 1), ("approvals.after", "J", at + 1)):
            there = order[to % len(order)]
            st.button(page.word(code), key=f"holds:{code}", shortcut=key, on_click=_open, args=(there,))
        if at >= 0:
            draw("approvals_note.html", note=page.word("approvals.place", at=at + 1, total=len(order)))


def _open(key: str) -> None:
    st.session_state[OPEN] = key


def _review(page: Page, found: Approvals, hold: Hold, seen: Reviewed) -> None:
    unseen = tuple(shot.asset_id for shot in seen.shots if shot.covered and not shot.seen)
    shots = [(src(shot.asset_id), shot.alt) for shot in seen.shots]
    draw("approvals_unit.html", seen=seen, shots=shots, word=page.word)
    films(page, seen.shots)
    for past in seen.past.values():
        draw("approvals_past.html", past=past, found=found, voice=page.voice, word=page.word)
    if unseen:
        acting.button(
            page,
            "approvals.reveal",
            partial(reveal, page, unseen),
            right=Right.REVIEW,
            key=f"reveal:{hold.unit_digest}",
            shortcut="P",
            icon=":material/visibility:",
        )
    if seen.own:
        draw("approvals_note.html", note=page.word(seen.own))
    if seen.alone:
        draw("approvals_own.html", digest=hold.unit_digest, word=page.word)
    with st.container(horizontal=True, gap="small"):
        for code, allow, key in (("approvals.allow", True, "A"), ("approvals.deny", False, "X")):
            acting.button(
                page,
                code,
                partial(_say, page, hold.subject.id, allow),
                right=Right.REVIEW,
                key=f"{code}:{hold.unit_digest}",
                kind="primary" if allow else "secondary",
                shortcut=key,
                disabled=bool(unseen) or (bool(seen.own) and allow),
            )


def _hold(page: Page, scope: Scope, subject_id: UUID) -> Hold:
    """What is held, if it is of one of this member's creators. Raises NotFound."""
    works = page.may(Right.RUN, Right.APPROVE)
    mine = given(page.who.member, page.mine(scope), works=works)
    holds = approvals(scope, mine, content=False, review=False, guest=not works).holds
    found = next((one for one in holds if one.subject.id == subject_id), None)
    if found is None:
        raise NotFound("approvals.settled_meanwhile")
    return found


def _say(page: Page, subject_id: UUID, allow: bool, scope: Scope, _: UUID) -> Message:
    hold = _hold(page, scope, subject_id)
    seen = reviewed(scope, hold, page.who.member)
    if any(shot.covered and not shot.seen for shot in seen.shots):
        raise Refused("approvals.look_first")
    if allow and seen.own:
        raise Refused(seen.own)
    reason = None if allow else Message("approvals.because.check")
    desk.review(scope, hold.unit_digest, verdict="approve" if allow else "refuse", reason=reason)
    st.session_state[OPEN] = ""
    if not allow:
        return Message("approvals.denied")
    if hold.subject.kind != DELIVERY:
        return Message("approvals.allowed_chat")
    back = reviewing.after_review(scope, hold.subject.id)
    return Message("approvals.allowed" if back else "approvals.allowed_late")


def _again(page: Page, delivery_id: UUID, version: int, scope: Scope, _: UUID) -> Message:
    _hold(page, scope, delivery_id)
    return calendar_now.again(page, scope, delivery_id, version)
