"""Keys of the API: made here, shown once, ended here."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.programs import Keys, made_keys
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from tenants import keys
from tenants.keys import KeyScope
from tenants.roles import Right

NAME, SCOPES, CREATORS, DAYS = "key:name", "key:scopes", "key:creators", "key:days"
SECRET, PRESS = "key:secret", "key:make"
LIVES = (7, 30, 90, 365)
"""Days to choose from."""


def show(page: Page) -> None:
    """Draw the keys, and what makes one."""
    found = page.read(lambda scope: made_keys(scope, page.who.member))
    st.subheader(page.word("system.keys"))
    st.write(page.word("system.keys_explained"))
    _secret(page)
    for key in found.living:
        with st.container(border=True):
            draw("system_api_key.html", key=key, found=found, voice=page.voice, word=page.word)
            with st.popover(page.word("system.key_end")):
                st.write(page.label("system.key_end_asked", name=key.name))
                acting.button(page, "system.key_end_sure", partial(_end, key.id), right=Right.RUN, key=f"end:{key.id}")
    for key in found.ended:
        draw("system_api_key.html", key=key, found=found, voice=page.voice, word=page.word)
    _newcomer(page, found)


def _secret(page: Page) -> None:
    """What was made just now, until its owner says that they have it: nobody can show it again."""
    if SECRET in st.session_state:
        with st.container(border=True):
            st.success(page.word("system.key_made"))
            st.code(st.session_state[SECRET], language=None)
            st.button(page.word("system.key_copied"), key="key:copied", on_click=_forget)


def _forget() -> None:
    st.session_state.pop(SECRET, None)


def _newcomer(page: Page, found: Keys) -> None:
    names = {one.slug: one.name for one in found.creators}
    with st.container(border=True):
        left, right = st.columns(2)
        left.text_input(page.word("system.key_name"), key=NAME, max_chars=keys.LONGEST_NAME)
        right.selectbox(
            page.word("system.key_days"),
            LIVES,
            index=LIVES.index(90),
            format_func=lambda days: page.word("system.key_days_count", count=days),
            key=DAYS,
        )
        st.multiselect(
            page.word("system.key_scopes"),
            [str(one) for one in KeyScope],
            default=[str(KeyScope.POSTS_READ)],
            format_func=lambda one: page.word(f"system.scope.{one.replace(':', '_')}"),
            key=SCOPES,
            placeholder=page.word("system.key_scopes_hint"),
            select_all=False,
        )
        st.multiselect(
            page.word("system.key_creators"),
            list(names),
            format_func=names.__getitem__,
            placeholder=page.word("system.key_all_creators"),
            key=CREATORS,
            select_all=False,
        )
        st.button(page.word("system.key_make"), key=PRESS, type="primary", on_click=_pressed)


def _pressed() -> None:
    """A key that stands is shown; the name is emptied, so that a second press makes no second one."""
    made: list[str] = []
    acting.press(partial(_make, made), Right.RUN, PRESS)
    if f"press:{PRESS}" not in st.session_state and any(made):
        st.session_state[SECRET] = made[-1]
        st.session_state[NAME] = ""


def _make(made: list[str], scope: Scope, press_id: UUID) -> None:
    secret = keys.make(
        scope,
        name=str(acting.typed(NAME) or ""),
        scopes=acting.typed(SCOPES) or (),
        creators=acting.typed(CREATORS) or (),
        days=int(acting.typed(DAYS)),
        key_id=press_id,
    )
    made.append(secret)


def _end(key_id: UUID, scope: Scope, _: UUID) -> Message:
    keys.revoke(scope, key_id)
    return Message("system.key_ended")
