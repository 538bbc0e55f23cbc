"""Machines of the agency's own that make its pictures: added here, their keys shown once, ended here."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.machines import own_machines
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.words import Message
from studio import home
from tenants import machines
from tenants.roles import Right

NAME, SECRET, PRESS = "machine:name", "machine:secret", "machine:make"


def show(page: Page) -> None:
    """Draw the machines, and what adds one."""
    if not page.may(Right.RUN):
        return
    found = page.read(own_machines)
    st.subheader(page.word("system.machines"))
    st.write(page.word("system.machines_explained"))
    _secret(page)
    if found.lacking:
        st.warning(page.label("system.machines_lacking", names=", ".join(found.lacking)))
    elif found.waiting:
        st.write(page.word("system.machines_waiting", count=found.waiting))
    for one in found.living:
        with st.container(border=True):
            draw("system_machine.html", machine=one, found=found, voice=page.voice, word=page.word)
            with st.popover(page.word("system.machine_end")):
                st.write(page.label("system.machine_end_asked", name=one.name))
                end = partial(_end, one.id)
                acting.button(page, "system.machine_end_sure", end, right=Right.RUN, key=f"end:{one.id}")
    with st.container(border=True):
        st.text_input(page.word("system.machine_name"), key=NAME, max_chars=machines.LONGEST_NAME)
        st.button(page.word("system.machine_make"), key=PRESS, on_click=_pressed)


def _secret(page: Page) -> None:
    """What was made just now, until somebody says that they have it: nobody can show it again."""
    if SECRET in st.session_state:
        with st.container(border=True):
            st.success(page.word("system.machine_made"))
            st.code(st.session_state[SECRET], language=None)
            st.write(page.word("system.machine_start"))
            address = settings.load().web.public_url.rstrip("/")
            st.code(f"greenroom worker --join {address}", language=None)
            st.button(page.word("system.key_copied"), key="machine:copied", on_click=_forget)


def _forget() -> None:
    st.session_state.pop(SECRET, None)


def _pressed() -> None:
    """A machine that stands has its key shown; the name is emptied, so that a second press makes no second one."""
    made: list[str] = []
    acting.press(partial(_make, made), Right.RUN, PRESS)
    if f"press:{PRESS}" not in st.session_state and any(made):
        st.session_state[SECRET] = made[-1]
        st.session_state[NAME] = ""


def _make(made: list[str], scope: Scope, press_id: UUID) -> None:
    made.append(machines.make(scope, name=str(acting.typed(NAME) or ""), machine_id=press_id))


def _end(machine_id: UUID, scope: Scope, _: UUID) -> Message:
    back = home.end(scope, machine_id)
    return Message("system.machine_ended_back", {"count": back}) if back else Message("system.machine_ended")
