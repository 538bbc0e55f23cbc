"""People, the list: everybody by name with what is proven and allowed at a glance, and one of them opened."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import people_invented, people_one, people_places
from dashboard.frame import Page
from dashboard.reads.people import People, beside, people
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from gate import people as gate_people
from gate.dossiers import Dossier
from gate.people import KINDS, LONGEST_NAME, REAL
from tenants import audit
from tenants.roles import Right

OPEN, FIND = "people:open", "people:find"
NOBODY = ""
BEFORE = timedelta(microseconds=1)
"""Ends are exclusive: what ends at midnight holds on the day before."""


def show(page: Page) -> None:
    """Draw everybody; above them who is open, below how to add somebody."""
    named, chosen = str(acting.typed(FIND) or ""), st.session_state.get(OPEN)
    # before the papers: what is written down between the two is then still waited for, and drawn a moment later
    near = page.read(lambda scope: beside(scope, UUID(chosen))) if chosen else None
    found = page.read(lambda scope: people(scope, page.mine(scope), named=named, only=None))
    opened = next((one for one in found.dossiers if str(one.id) == chosen), None)
    if opened is not None and near is not None:
        with st.container(border=True, key="people_open"):
            people_one.show(page, found, opened, near)
            st.button(page.word("people.close"), key="people:close", on_click=partial(st.session_state.pop, OPEN, None))
    if not found.dossiers and not named:
        draw("people_calm.html", said=page.word("people.nobody"))
    else:
        st.text_input(page.word("people.find"), key=FIND, max_chars=LONGEST_NAME)
    for one in found.dossiers:
        if one is not opened:
            _row(page, found, one)
    if found.more:
        st.caption(page.word("people.more", count=len(found.dossiers)))
    with st.expander(page.word("people.add"), icon=":material/person_add:", expanded=not found.dossiers and not named):
        _add(page, found)


def own(page: Page) -> None:
    """What was said of the creators this member is: read, and nothing pressed."""
    found = page.read(
        lambda scope: people(scope, page.mine(scope), named="", only=[one.id for one in page.mine(scope)])
    )  # fmt: skip
    if not found.dossiers:
        draw("people_calm.html", said=page.word("people.none_of_yours"))
    for one in found.dossiers:
        with st.container(border=True):
            glance(page, found, one)
    draw("people_calm.html", said=page.word("people.own_how"))


def _row(page: Page, found: People, one: Dossier) -> None:
    with st.container(border=True):
        glance(page, found, one)
        st.button(page.label("people.open", name=one.name), key=f"open:{one.id}", on_click=_open, args=(str(one.id),))


def _open(person_id: str) -> None:
    st.session_state[OPEN] = person_id


def glance(page: Page, found: People, one: Dossier) -> None:
    """One person at a glance: proof of age, permissions, declaration, and what is missing."""
    creators = {each.id: each.name for each in found.creators}
    draw(
        "people_glance.html",
        one=one,
        creator=creators.get(one.creator_id, "") if one.creator_id else "",
        offer=found.offers.get(one.id),
        looks=people_invented.told(page, one),
        places=lambda surfaces: people_places.names(page, surfaces),
        now=found.now,
        **days(page),
    )


def days(page: Page) -> dict[str, object]:
    """How templates say days, on the reader's calendar: `day` of an instant, `last` the last one before an end."""

    def day(at: datetime) -> str:
        return page.voice.date(at.astimezone(page.voice.zone).date())

    return {"day": day, "last": lambda end: day(end - BEFORE), "voice": page.voice, "word": page.word}


def _add(page: Page, found: People) -> None:
    st.radio(
        page.word("people.kind"),
        KINDS,
        format_func=lambda one: page.word(f"people.kind.{one}"),
        key="person:kind",
    )
    kind = str(acting.typed("person:kind") or REAL)
    st.caption(page.word(f"people.kind_how.{kind}"))
    left, right = st.columns(2)
    left.text_input(page.word("people.name"), key="person:name", max_chars=LONGEST_NAME)
    creators = {str(one.id): one.name for one in found.creators}
    right.selectbox(
        page.word("people.creator"),
        [NOBODY, *creators] if kind == REAL else list(creators),
        format_func=lambda one: creators.get(one) or page.word("people.no_creator"),
        key=f"person:creator:{kind == REAL}",
    )
    if kind == "digital_twin":
        real = {str(one.id): one.name for one in found.dossiers if one.facts.kind == REAL}
        st.selectbox(page.word("people.twin_of"), list(real), format_func=real.__getitem__, key="person:twin")
    acting.button(
        page, "people.add_now", partial(_added, kind), right=Right.RUN, key="person:add", kind="primary"
    )  # fmt: skip


def _added(kind: str, scope: Scope, _: UUID) -> Message:
    name = str(acting.typed("person:name") or "").strip()
    chosen = str(acting.typed(f"person:creator:{kind == REAL}") or "")
    twin = str(acting.typed("person:twin") or "") if kind == "digital_twin" else ""
    if kind != REAL and not chosen:
        raise BadInput("person.no_creator")
    person_id = gate_people.add_person(
        scope,
        kind=kind,
        display_ref=name,
        twin_of=UUID(twin) if twin else None,
        creator_id=UUID(chosen) if chosen else None,
    )
    audit.note(scope, "person.added", f"person:{person_id}")
    st.session_state[OPEN] = str(person_id)
    return Message(f"people.added_{kind}", {"name": name})
