"""What a member does with comments: answer in everybody's sight, like, hide, delete, keep an author away, be done."""

import hashlib
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import inbox_acts as acts
from dashboard.app_pages import inbox_saved
from dashboard.app_pages.inbox_acts import ABOUT, NOTING, SNOOZING, flip
from dashboard.frame import Page
from dashboard.reads.inbox import Opened, standing
from subscribers import public_desk
from subscribers.public_desk import Heard
from subscribers.states import DraftState, OwnerState
from tenants.roles import Right

IRREVERSIBLE = frozenset({"delete", "block", "report"})
"""Acts that ask once more."""


def desk(page: Page, one: Opened) -> None:
    """Everything one can do with what somebody said under posts."""
    for kept in one.desk.unsent:
        if kept.state is DraftState.UNCERTAIN:
            acts.doubt(page, one, kept)
    about = _about(page, one)
    if one.mine and about is not None:
        _composer(page, one, about)
    _bar(page, one)
    if about is not None and page.may(Right.CHAT):
        _acts(page, one, about)
    _mine(page, one)


def _about(page: Page, one: Opened) -> Heard | None:
    """Which of the comments this is about: the newest that is open, unless another one is chosen."""
    there = standing(one.heard.values())
    if len(there) < 2:
        return there[0] if there else None
    names = {heard.id: _short(heard.text) for heard in there}
    chosen = st.selectbox(
        page.word("inbox.about"), list(names), format_func=lambda key: names[key], key=f"{ABOUT}:{one.desk.id}"
    )
    return next((heard for heard in there if heard.id == chosen), there[0])


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 60 else f"{words[:59]}…"


def _composer(page: Page, one: Opened, about: Heard) -> None:
    if not one.can_answer:
        st.info(page.word("inbox.no_answers"))
        return
    talk, box = one.desk.id, _box(one)
    if st.session_state.pop(f"{box}:sent", False) and not one.kept:
        st.session_state[box] = ""
    st.text_area(
        page.word("inbox.answer_in_public", fan=one.desk.fan),
        inbox_saved.first(one, box),
        key=box,
        height=90,
        max_chars=one.longest,
        on_change=acting.press,
        args=(partial(acts.keep, page, talk, box), Right.CHAT, f"{box}:keep"),
    )
    for why in one.conflicts:
        st.warning(page.voice.say(why))
    act = partial(acts.answer, page, about.id, box)
    with st.container(horizontal=True, gap="small"):
        key = f"{box}:send"
        acting.button(page, "inbox.answer", act, right=Right.CHAT, key=key, kind="primary", shortcut="Ctrl+Enter")
        if not one.kept:
            ask = partial(acts.suggest, page, about.id, one.longest)
            acting.button(page, "inbox.suggest", ask, right=Right.CHAT, key=f"{box}:suggest")
        inbox_saved.opener(page, one)
    inbox_saved.panel(page, one, box, most=one.longest)
    st.caption(page.word("inbox.suggested" if one.suggested else "inbox.in_public"))


def _box(one: Opened) -> str:
    """The box one writes in; another one for words that were suggested, which the browser does not hold yet."""
    digest = hashlib.sha256(one.suggested.encode()).hexdigest()[:8] if one.suggested else ""
    return f"inbox:text:{one.desk.id}{digest}"


def _bar(page: Page, one: Opened) -> None:
    talk, key = one.desk.id, f"inbox:{one.desk.id}"
    with st.container(horizontal=True, gap="small"):
        if not one.mine:
            code = "inbox.take_from" if one.desk.owner is OwnerState.HUMAN else "inbox.take"
            act = partial(acts.take, page, talk)
            acting.button(page, code, act, right=Right.CHAT, key=f"{key}:take", shortcut="H", kind="primary")
        if one.desk.owner is not OwnerState.CLOSED:
            done = partial(acts.done, page, talk)
            acting.button(page, "inbox.done", done, right=Right.CHAT, key=f"{key}:done", shortcut="D")
        for code, slot, shortcut in (("inbox.note", NOTING, "N"), ("inbox.snooze", SNOOZING, "S")):
            st.button(page.word(code), key=f"{slot}:{talk}", shortcut=shortcut, on_click=flip, args=(slot, str(talk)))
    acts.snoozes(page, one)


def _acts(page: Page, one: Opened, about: Heard) -> None:
    """What the platform lets be done with this comment; what cannot be taken back asks once more."""
    idle = {"hide" if about.state == "hidden" else "show", "like" if about.liked else "unlike"}
    with st.container(horizontal=True, gap="small"):
        for act in public_desk.ACTS:
            if act in one.acts and act not in idle:
                _act(page, about.id, act)


def _mine(page: Page, one: Opened) -> None:
    """Our newest answer that stands can be taken back; that asks once more."""
    standing_ones = [answer for answer in one.answers.values() if not answer.gone]
    if not standing_ones or not page.may(Right.CHAT):
        return
    draft, sure = standing_ones[0].draft_id, f"{ABOUT}:sure"
    if acting.typed(sure) != f"back:{draft}":
        key = f"inbox:back:{draft}:ask"
        st.button(page.word("inbox.take_back"), key=key, on_click=flip, args=(sure, f"back:{draft}"))
        return
    back = partial(acts.take_back, page, draft)
    acting.button(page, "inbox.take_back_sure", back, right=Right.CHAT, key=f"inbox:back:{draft}", kind="primary")


def _act(page: Page, remark_id: UUID, act: str) -> None:
    key, sure = f"inbox:{act}:{remark_id}", f"{ABOUT}:sure"
    if act in IRREVERSIBLE and acting.typed(sure) != f"{act}:{remark_id}":
        st.button(page.word(f"inbox.act.{act}"), key=f"{key}:ask", on_click=flip, args=(sure, f"{act}:{remark_id}"))
        return
    code = f"inbox.act.{act}_sure" if act in IRREVERSIBLE else f"inbox.act.{act}"
    do = partial(acts.moderate, page, remark_id, act)
    acting.button(page, code, do, right=Right.CHAT, key=key, kind="primary" if act in IRREVERSIBLE else "secondary")
