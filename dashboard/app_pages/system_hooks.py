"""The agency's own systems: added here by the owner, tried, paused, and what they answered last."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal
from uuid import UUID

import streamlit as st

from dashboard import acting, session
from dashboard.frame import Page
from dashboard.reads.programs import Hooks, told_systems
from dashboard.widgets import draw
from foundation.addresses import NOT_PUBLIC
from foundation.database import Scope
from foundation.words import Message
from tenants import hooks, letterbox
from tenants.hooks import EVENTS, Call, Hook
from tenants.roles import Right

NAME, URL, HEARS, CREATORS = "hook:name", "hook:url", "hook:events", "hook:creators"
SECRET, PRESS = "hook:secret", "hook:add"


def show(page: Page) -> None:
    """Draw them, for the owner alone: who is told what is theirs to say."""
    if not page.may(Right.STAFF):
        return
    found = page.read(told_systems)
    st.subheader(page.word("system.hooks"))
    st.write(page.word("system.hooks_explained"))
    _secret(page)
    for hook, calls in found.hooks:
        with st.container(border=True):
            shown = {"hook": hook, "calls": calls, "found": found, "not_public": NOT_PUBLIC}
            draw("system_hook.html", **shown, voice=page.voice, word=page.word)
            _acts(page, hook, calls)
    _newcomer(page, found)


def _secret(page: Page) -> None:
    """What was made just now, until its owner says that they have it."""
    if SECRET in st.session_state:
        with st.container(border=True):
            st.success(page.word("system.hook_secret"))
            st.code(st.session_state[SECRET], language=None)
            st.button(page.word("system.hook_copied"), key="hook:copied", on_click=_forget)


def _forget() -> None:
    st.session_state.pop(SECRET, None)


def _acts(page: Page, hook: Hook, calls: Sequence[Call]) -> None:
    active, dead = hook.state == "active", [call for call in calls if call.state == "dead"]
    with st.container(horizontal=True, gap="small"):
        test = partial(_test, hook.id)
        acting.button(
            page, "system.hook_test", test, right=Right.STAFF, key=f"hook.test:{hook.id}", disabled=not active
        )
        turn = partial(_switch, hook.id, "paused" if active else "active")
        code = "system.hook_pause" if active else "system.hook_resume"
        acting.button(page, code, turn, right=Right.STAFF, key=f"hook.turn:{hook.id}")
        if active and dead:
            again = partial(_again, tuple(call.id for call in dead))
            acting.button(page, "system.hook_again", again, right=Right.STAFF, key=f"hook.again:{hook.id}")
        with st.popover(page.word("system.hook_change")):
            st.write(page.word("system.hook_rotate_asked"))
            st.button(page.word("system.hook_rotate"), key=f"hook.rotate:{hook.id}", on_click=_rotated, args=(hook.id,))
            st.write(page.word("system.hook_end_asked"))
            end = partial(_switch, hook.id, "ended")
            acting.button(page, "system.hook_end", end, right=Right.STAFF, key=f"hook.end:{hook.id}")


def _test(hook_id: UUID, scope: Scope, _: UUID) -> Message:
    hooks.test(scope, hook_id)
    return Message("system.hook_testing")


def _switch(hook_id: UUID, state: Literal["active", "paused", "ended"], scope: Scope, _: UUID) -> Message:
    hooks.switch(scope, hook_id, state=state)
    return Message("system.hook_switched")


def _again(calls: Sequence[UUID], scope: Scope, _: UUID) -> Message:
    for call_id in calls:
        hooks.again(scope, call_id)
    return Message("system.hook_testing")


def _newcomer(page: Page, found: Hooks) -> None:
    names = {str(one.id): one.name for one in found.creators}
    with st.container(border=True):
        left, right = st.columns(2)
        left.text_input(page.word("system.hook_name"), key=NAME, max_chars=hooks.LONGEST_NAME)
        right.text_input(
            page.word("system.hook_url"), key=URL, max_chars=hooks.LONGEST_URL, placeholder="https://crm.example/hook"
        )
        st.multiselect(
            page.word("system.hook_events"),
            EVENTS,
            default=EVENTS,
            format_func=lambda one: page.word(f"system.event.{one}"),
            key=HEARS,
            placeholder=page.word("system.hook_events_hint"),
            select_all=False,
        )
        st.multiselect(
            page.word("system.hook_creators"),
            list(names),
            format_func=names.__getitem__,
            placeholder=page.word("system.hook_all_creators"),
            key=CREATORS,
            select_all=False,
        )
        st.button(page.word("system.hook_add"), key=PRESS, type="primary", on_click=_added)


def _added() -> None:
    """One that stands is shown with its secret; the name is emptied, so that a second press adds no second one."""
    if _made(PRESS, _add):
        st.session_state[NAME] = st.session_state[URL] = ""


def _rotated(hook_id: UUID) -> None:
    _made(f"hook.rotate:{hook_id}", partial(_rotate, hook_id))


def _made(press: str, act: Callable[[bytes, Scope, UUID], bool]) -> bool:
    """Do `act` with a new secret, and keep the secret for its owner once it stands."""
    stands: list[bool] = []
    secret = hooks.new_secret()

    def acted(scope: Scope, press_id: UUID) -> Message | None:
        letter = letterbox.seal(session.letterbox_key(), scope.tenant_id, {"secret": secret})
        stands.append(act(letter, scope, press_id))
        return None

    acting.press(acted, Right.STAFF, press)
    done = f"press:{press}" not in st.session_state and any(stands)
    if done:
        st.session_state[SECRET] = secret
    return done


def _add(letter: bytes, scope: Scope, press_id: UUID) -> bool:
    return hooks.add(
        scope,
        hook_id=press_id,
        name=str(acting.typed(NAME) or ""),
        url=str(acting.typed(URL) or "").strip(),
        events=acting.typed(HEARS) or (),
        creators=[UUID(one) for one in acting.typed(CREATORS) or ()],
        letter=letter,
    )


def _rotate(hook_id: UUID, letter: bytes, scope: Scope, _: UUID) -> bool:
    hooks.rotate(scope, hook_id, letter=letter)
    return True
