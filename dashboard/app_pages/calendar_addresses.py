"""Addresses under which a calendar on a phone reads what is planned: made here, shown once, ended here."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.files import addressed
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.words import Message
from schedules import addresses
from schedules.addresses import Address
from tenants.reads import Creator
from tenants.roles import Right

WHOSE, WORDS = "address:whose", "address:words"
SECRET, PRESS = "address:secret", "address:make"
ALL = ""


def show(page: Page, mine: Sequence[Creator]) -> None:
    """Draw the addresses of this member, and what makes another one."""
    draw("files_part.html", title=page.word("address.title"), note=page.word("address.what"))
    names = {ALL: page.word("address.all"), **{str(one.id): one.name for one in mine}}
    found = page.read(lambda scope: addressed(scope, page.who.member))
    acting.say_told(page, "files:addresses")
    _secret(page)
    for one in found.living:
        _one(page, one, names, page.voice.moment(one.used_at, found.now) if one.used_at is not None else "")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(page.word("address.whose"), list(names), format_func=names.__getitem__, key=WHOSE, width=260)
        st.checkbox(page.word("address.words"), key=WORDS, wrap=True)
        st.button(page.word("address.make"), key=PRESS, on_click=_pressed)


def _secret(page: Page) -> None:
    """What was made just now, until its owner says that they have it: nobody can show it again."""
    if SECRET in st.session_state:
        with st.container(border=True):
            st.success(page.word("address.made"))
            st.code(st.session_state[SECRET], language=None, wrap_lines=True)
            st.button(page.word("address.copied"), key="address:copied", on_click=_forget)


def _forget() -> None:
    st.session_state.pop(SECRET, None)


def _one(page: Page, one: Address, names: Mapping[str, str], used: str) -> None:
    whose = names.get(str(one.creator_id) if one.creator_id is not None else ALL, page.word("address.nobody"))
    with st.container(border=True, key=f"address:{one.id}"):
        draw("files_address.html", one=one, whose=whose, used=used, word=page.word)
        with st.popover(page.word("address.end")):
            draw("calendar_note.html", note=page.word("address.end_asked"))
            act = partial(_end, one.id)
            acting.button(page, "address.end_sure", act, right=Right.RUN, key=f"address:end:{one.id}")


def _pressed() -> None:
    """An address that stands is shown."""
    made: list[str] = []
    acting.press(partial(_make, made), Right.RUN, PRESS)
    if f"press:{PRESS}" not in st.session_state and any(made):
        base = settings.load().web.public_url.rstrip("/")
        st.session_state[SECRET] = f"{base}/ics/{made[-1]}.ics"


def _make(made: list[str], scope: Scope, press_id: UUID) -> None:
    whose = str(acting.typed(WHOSE) or ALL)
    creator_id = UUID(whose) if whose else None
    made.append(addresses.make(scope, creator_id=creator_id, words=bool(acting.typed(WORDS)), key=press_id))


def _end(address_id: UUID, scope: Scope, _: UUID) -> Message:
    addresses.revoke(scope, address_id)
    return Message("address.ended")
