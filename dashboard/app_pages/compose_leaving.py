"""Leaving the post that is being written: what is new is kept as a draft, or thrown away by a press, and never lost."""

from dataclasses import replace
from functools import partial
from uuid import UUID

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import acting
from dashboard.app_pages import compose_draft, compose_when
from dashboard.app_pages.compose_draft import ASIDE, BEGUN_AS, ID, LEAVING, REWORK, SAYS, SEEN, draft, typed
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import aside, drafting
from schedules.drafting import Draft
from tenants.roles import Right

KEEP = "compose:keep"
AS_DRAWN, UNSAVED = "compose:as_drawn", "compose:unsaved"
"""What stands in the fields of a planned post that is changed, and in those of posts that were left in the middle."""


def way_back(page: Page) -> DeltaGenerator:
    """The press that leads back to the days, and where it asks what becomes of what is new."""
    st.button(page.word("calendar.back"), icon=":material/arrow_back:", on_click=_back)
    return st.container()


def remember(now: Draft) -> None:
    """What the page says, and what it began with, which alone is nothing new. Fields forget at once what was in them
    when another page is opened."""
    st.session_state.setdefault(BEGUN_AS, now)
    st.session_state[SAYS] = (_going_on(now), compose_when.chosen())
    if typed(REWORK):
        names = [one for one in map(str, st.session_state) if _is_typed(one)]
        st.session_state[AS_DRAWN] = {one: st.session_state[one] for one in names}


def _is_typed(name: str) -> bool:
    """Whether a name of the session is a field's of what is written; those of buttons begin alike."""
    return name in {*compose_draft.FIELDS} - {SAYS, LEAVING} or name.startswith(
        (compose_draft.OF_PART, compose_draft.OF_OTHER)
    )


def ask(page: Page, creator_id: UUID, *, uploads: bool) -> None:
    """The question of the press that leads back."""
    if not st.session_state.get(LEAVING):
        return
    with st.container(border=True, key="compose:asked"):
        draw("calendar_note.html", note=page.word("aside.leave_change" if typed(REWORK) else "aside.leave_asked"))
        with st.container(horizontal=True, gap="small"):
            st.button(page.word("aside.stay"), key="compose:stay", type="primary", on_click=_stay)
            if not typed(REWORK):
                keep_button(page, creator_id, key="compose:keep_first", uploads=uploads)
            st.button(page.word("aside.leave"), key="compose:leave", on_click=_close)


def keep_button(page: Page, creator_id: UUID, *, key: str = KEEP, uploads: bool) -> None:
    """The press that puts it aside; pictures that are on their way have to arrive first."""
    st.button(page.word("aside.keep"), key=key, disabled=uploads, on_click=_kept, args=(page, creator_id))


def left(page: Page, opened: str) -> None:
    """Where another page was opened over it, of another post too, keep what is new before it is drawn: as a draft, or,
    of a planned post, until it is changed again."""
    asked = st.query_params.to_dict()
    if not typed(ID) or (opened == "calendar" and asked.get("new") and asked.get("rework", "") == typed(REWORK)):
        return
    said, priority = st.session_state.get(SAYS) or (None, 0)
    if said is not None and _is_new(said) and typed(REWORK):
        st.session_state.setdefault(UNSAVED, {})[typed(REWORK)] = st.session_state[AS_DRAWN]
        acting.tell(Message("aside.change_waits"))
    elif said is not None and _is_new(said):
        _put_aside(page, said, priority)
    compose_draft.forget()


def take_up(post_id: UUID) -> None:
    """Put what was changed in a planned post, and not saved, into its fields again; call it once they are filled."""
    unsaved = st.session_state.get(UNSAVED, {}).pop(str(post_id), None)
    if unsaved is not None:
        st.session_state.update(unsaved)
        acting.tell(Message("aside.change_back"))


def written(creator_id: UUID) -> Draft:
    """What is written now; of a post that was put aside, it goes on with that one."""
    return _going_on(draft(creator_id))


def _going_on(now: Draft) -> Draft:
    aside = typed(ASIDE)
    return replace(now, post_id=UUID(aside) if aside else None)


def _is_new(now: Draft) -> bool:
    """Whether there is anything that it did not begin with. How late it may leave is filled in as it is drawn."""
    first: Draft = st.session_state[BEGUN_AS]
    return not now.empty and replace(now, late=None, post_id=None) != replace(first, late=None)


def _back() -> None:
    first: Draft | None = st.session_state.get(BEGUN_AS)
    if first is not None and _is_new(draft(first.creator_id)):
        st.session_state[LEAVING] = True
    else:
        _close()


def _stay() -> None:
    st.session_state.pop(LEAVING, None)


def _close() -> None:
    compose_draft.forget()
    st.query_params.clear()


def _kept(page: Page, creator_id: UUID) -> None:
    """Put it aside as it is, however often it is pressed: without a time, and on no account yet."""
    if typed(ID) and _put_aside(page, written(creator_id), compose_when.chosen()):
        compose_draft.forget()
        st.query_params.from_dict({"aside": "1"})


def _put_aside(page: Page, said: Draft, priority: int) -> bool:
    """Whether it stands among the drafts now."""
    made: list[UUID] = []
    act = partial(_keep, page, said, (UUID(typed(ID)), priority), made)
    acting.press(act, Right.RUN, KEEP)
    return bool(made) and f"press:{KEEP}" not in st.session_state


def _keep(page: Page, said: Draft, how: tuple[UUID, int], made: list[UUID], scope: Scope, _: UUID) -> Message:
    page.my(scope, said.creator_id)
    key, priority = how
    apart = not as_opened(scope, said)
    said = replace(said, post_id=None) if apart else said
    made.append(drafting.write(scope, said, key=key, author=page.who.actor, priority=priority))
    return Message("aside.kept_apart" if apart else "aside.kept")


def as_opened(scope: Scope, said: Draft) -> bool:
    """Whether the draft that is gone on with is as it was when it was opened, or there is none."""
    return said.post_id is None or aside.is_untouched(scope, said.post_id, st.session_state[SEEN])
