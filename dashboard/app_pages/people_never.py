"""People, those who are never shown: one list of names and faces, put there by one member and taken off by others."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.frame import Page
from dashboard.reads.people import Unshown, never_shown
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from gate import facing, never
from gate.appealing import LONGEST
from gate.never import LONGEST_NAME
from generators import containers
from tenants.roles import Right

BY, TURN = "never:by", "never:turn"
NAME, FILE, WHY = "never:name", "never:file", "never:why"
WAYS = ("name", "face")
KINDS = ["jpg", "jpeg", "png", "webp", "heic", "heif", "avif", "gif"]


def show(page: Page) -> None:
    """Draw the list and both ways onto it."""
    found = page.read(never_shown)
    st.write(page.word("people.never_how"))
    if not found:
        draw("people_calm.html", said=page.word("people.never_empty"))
    for one in found:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            mine = _counts(page, one)
            draw("people_never.html", one=one, mine=mine, voice=page.voice, word=page.word)
            if mine:
                act = partial(_end_face if one.way == "face" else _end_name, one)
                acting.button(page, "people.never_end", act, right=Right.RUN, key=f"never:{one.id}")
    with st.container(border=True):
        _new(page)


def _counts(page: Page, one: Unshown) -> bool:
    """Whether this member's word takes it off, or is one of the two it needs."""
    if one.way == "name":
        return page.who.actor != one.noted_by
    return one.ending_by != page.who.member.principal_id


def _new(page: Page) -> None:
    turn = st.session_state.get(TURN, 0)
    way = st.segmented_control(
        page.word("people.never_by_what"),
        WAYS,
        format_func=lambda one: page.word(f"people.never_way.{one}"),
        default=WAYS[0],
        key=BY,
        required=True,
    )
    if way == "face":
        st.caption(page.word("people.never_face_how"))
        st.file_uploader(page.word("people.never_picture"), KINDS, key=f"{FILE}:{turn}")
        st.text_input(page.word("people.never_why"), key=f"{WHY}:{turn}", max_chars=LONGEST)
    else:
        st.caption(page.word("people.never_name_how"))
        st.text_input(page.word("people.never_name"), key=f"{NAME}:{turn}", max_chars=LONGEST_NAME)
    act = partial(_note_face if way == "face" else _note_name, turn)
    acting.button(page, "people.never_now", act, right=Right.RUN, key="never:note", kind="primary")


def _note_name(turn: int, scope: Scope, _: UUID) -> Message:
    name = str(acting.typed(f"{NAME}:{turn}") or "")
    never.note(scope, name)
    st.session_state[TURN] = turn + 1
    return Message("people.never_noted", {"name": name.strip()})


def _note_face(turn: int, scope: Scope, _: UUID) -> Message:
    brought = acting.typed(f"{FILE}:{turn}")
    if brought is None:
        raise BadInput("face.no_picture")
    data = brought.getvalue()
    containers.inspect(data, name=brought.name)
    sha256 = files.store().put(scope.tenant_id, data)
    facing.want_barred(scope, sha256, why=str(acting.typed(f"{WHY}:{turn}") or ""))
    st.session_state[TURN] = turn + 1
    return Message("people.never_looking")


def _end_name(one: Unshown, scope: Scope, _: UUID) -> Message:
    never.end(scope, one.id)
    return Message("people.never_ended", {"name": one.said})


def _end_face(one: Unshown, scope: Scope, _: UUID) -> Message:
    facing.want_unbarred(scope, one.id)
    return Message("people.never_face_ended" if one.ending_by else "people.never_face_ending")
