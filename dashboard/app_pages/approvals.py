"""Approvals: posts that want a yes, what the safety check keeps back, pictures to judge, posts possibly outside, and
what somebody wants gone."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from dashboard import acting, frame
from dashboard.app_pages import (
    approvals_compare,
    approvals_doubts,
    approvals_holds,
    approvals_likeness,
    approvals_pictures,
    approvals_posts,
    approvals_requests,
    approvals_rule,
    approvals_second,
    approvals_several,
)
from dashboard.frame import Page
from dashboard.reads.approvals import Approvals, approvals, given
from dashboard.reads.second import Comparison, Second, comparison, second
from dashboard.widgets import draw
from foundation.database import Scope
from tenants.reads import Creator
from tenants.roles import Right

LOOK = "15s"
"""How often an open page asks whether something else waits now."""

PART = "approvals:part"


def show(page: Page) -> None:
    """Draw the queue that was chosen; the first that has something, when none was."""
    draw("calendar_style.html", word=page.word)
    draw("approvals_style.html")
    draw("feed_style.html")
    st.title(page.word("dashboard.page.approvals"))
    found, more, compared = page.read(lambda scope: _everything(page, scope))
    parts = _parts(page, found, more)
    draw("approvals_desk.html", found=found, voice=page.voice, word=page.word)
    approvals_posts.undo(page)
    if not any(parts.values()) and not found.taken and not found.posts:
        draw("approvals_empty.html", found=found, asked=page.may(Right.APPROVE), voice=page.voice, word=page.word)
    else:
        chosen = _chosen(page, parts, "posts" if found.posts else "requests")
        parts_of: dict[str, Callable[[Page, Approvals], None]] = {
            "posts": _posts,
            "holds": approvals_holds.show,
            "pictures": approvals_pictures.show,
            "doubts": approvals_doubts.show,
            "requests": approvals_requests.show,
            "second": partial(approvals_second.show, second=more),
            "alike": approvals_likeness.show,
        }
        parts_of[chosen](page, found)
    if compared is not None:
        approvals_compare.show(page, compared)
    if page.may(Right.STAFF):
        approvals_rule.show(page, found.creators.values())
    _watch(page, (*found.signature, more.count))
    draw("approvals_foot.html", found=found, voice=page.voice, word=page.word)


def _posts(page: Page, found: Approvals) -> None:
    """One post after the other, or several at once."""
    (approvals_several if approvals_several.wanted(page, found) else approvals_posts).show(page, found)


def _mine(page: Page, scope: Scope) -> list[Creator]:
    return given(page.who.member, page.mine(scope), works=page.may(Right.RUN, Right.APPROVE))


def _everything(page: Page, scope: Scope) -> tuple[Approvals, Second, Comparison | None]:
    mine = _mine(page, scope)
    compared = comparison(scope, {one.id for one in mine}) if page.may(Right.REVIEW) else None
    return *_waiting(page, scope, mine), compared


def _waiting(page: Page, scope: Scope, mine: Sequence[Creator]) -> tuple[Approvals, Second]:
    works = page.may(Right.RUN, Right.APPROVE)
    content, review = page.may(Right.APPROVE), page.may(Right.REVIEW)
    found = approvals(scope, mine, content=content, review=review, decide=works and review, guest=not works)
    asked = {one.id for one in mine} if review else set()
    return found, second(scope, asked, guest=not works)


def _parts(page: Page, found: Approvals, more: Second) -> dict[str, int]:
    """How many of each wait, of those this member may settle."""
    mine = sum(one.open_to(page.who.member.principal_id) for one in found.posts)
    parts = {"posts": mine, "doubts": len(found.doubts)} if page.may(Right.APPROVE) else {}
    parts |= {"holds": len(found.holds), "pictures": len(found.sheets) + len(found.pictures)}
    parts |= {"alike": found.alike} if found.alike else {}
    parts |= {"second": more.count} if more.count else {}
    asked = len(found.requests) + len(found.again)
    return {"requests": asked, **parts} if asked else {**parts, "requests": 0} if found.taken else parts


def _chosen(page: Page, parts: dict[str, int], otherwise: str) -> str:
    if st.session_state.get(PART) not in parts:
        st.session_state[PART] = next((name for name in parts if parts[name]), otherwise)
    said = {
        name: page.word("approvals.counted", what=page.word(f"approvals.{name}"), count=parts[name]) for name in parts
    }
    chosen = st.segmented_control(
        page.word("approvals.what"),
        list(parts),
        format_func=said.__getitem__,
        key=PART,
        required=True,
        label_visibility="collapsed",
    )
    return str(chosen or next(iter(parts)))


@st.fragment(run_every=LOOK)
def _watch(drawn: Page, signature: tuple[int, ...]) -> None:
    """Something came or was settled elsewhere: the page is drawn anew, but not while somebody writes a reason."""
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    if page is drawn:
        return  # all of it was read a moment ago, to be drawn
    if not acting.typed(approvals_posts.MODE) and _signature(page) != signature:
        st.rerun()


def _signature(page: Page) -> tuple[int, ...]:
    found, more = page.read(lambda scope: _waiting(page, scope, _mine(page, scope)))
    return (*found.signature, more.count)
