"""Saved answers beside the box one writes in: looked for, laid into it, kept from it, changed. Nothing here sends."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages.inbox_acts import SAVED, flip
from dashboard.frame import Page
from dashboard.reads.inbox import Opened, whose
from dashboard.widgets import plain
from foundation.database import Scope
from foundation.words import Message
from subscribers import answering, saved, talks
from subscribers.saved import Saved
from tenants.roles import Right

SHOWN = 8
"""Answers in sight; whoever has more looks for one."""

BEGINNING = 70
"""Characters of an answer beside its name."""


def first(one: Opened, box: str) -> str:
    """What a box begins with; what it or the browser holds already, after a restart of ours too, wins."""
    return "" if box in st.session_state else one.kept


def opener(page: Page, one: Opened) -> None:
    """Open the list, or close it."""
    talk = str(one.desk.id)
    st.button(page.word("saved.open"), key=f"{SAVED}:{talk}", shortcut="T", on_click=flip, args=(SAVED, talk))


def panel(page: Page, one: Opened, box: str, *, most: int) -> None:
    """What was saved, for a box that takes `most` characters; only where it was asked for."""
    if acting.typed(SAVED) != str(one.desk.id):
        return
    with st.container(border=True, key="inbox-saved"):
        _offered(page, one, box, most)
        with st.container(horizontal=True, gap="small"):
            with st.popover(page.word("saved.add")):
                _adding(page, one, box)
            if one.saved:
                with st.popover(page.word("saved.change")):
                    _changing(page, one)


def _offered(page: Page, one: Opened, box: str, most: int) -> None:
    if not one.saved:
        st.caption(page.word("saved.none"))
    sought = ""
    if len(one.saved) > SHOWN:
        sought = st.text_input(page.word("saved.seek"), key=f"{SAVED}:seek:{one.desk.id}", max_chars=saved.LONGEST_NAME)
    found = matching(one.saved, sought)
    for answer in found[:SHOWN]:
        params: dict[str, str | int] = {"name": plain(answer.name), "words": plain(_beginning(answer.words))}
        act = partial(lay, page, one.desk.id, answer.id, box=box, most=most)
        key = f"{SAVED}:{one.desk.id}:{answer.id}"
        acting.button(page, "saved.one", act, right=Right.CHAT, key=key, kind="tertiary", params=params)
    if sought and not found:
        st.caption(page.word("saved.not_found"))
    if len(found) > SHOWN:
        st.caption(page.word("saved.more", count=len(found) - SHOWN))


def matching(answers: Sequence[Saved], sought: str) -> list[Saved]:
    """Those whose name or words hold each word that is looked for, in their order; pure."""
    parts = sought.casefold().split()
    return [one for one in answers if all(part in f"{one.name} {one.words}".casefold() for part in parts)]


def _beginning(words: str) -> str:
    said = " ".join(words.split())
    return said if len(said) <= BEGINNING else f"{said[: BEGINNING - 1]}…"


def _adding(page: Page, one: Opened, box: str) -> None:
    form = f"{SAVED}:new:{one.desk.id}"
    st.caption(page.label("saved.hint", creator=one.creator.name, mark=saved.FAN))
    st.text_input(page.word("saved.name"), key=f"{form}:name", max_chars=saved.LONGEST_NAME)
    own = one.card.language
    st.selectbox(
        page.word("saved.language"),
        saved.SPOKEN,
        index=saved.SPOKEN.index(own if own in saved.SPOKEN else saved.ANY),
        format_func=lambda language: page.word(f"saved.language.{language or 'any'}"),
        key=f"{form}:language",
    )
    st.selectbox(
        page.word("saved.place"),
        saved.PLACES,
        format_func=lambda place: page.word(f"saved.place.{place}"),
        key=f"{form}:place",
    )
    act = partial(keep, page, one.desk.id, box=box, form=form)
    acting.button(page, "saved.keep", act, right=Right.CHAT, key=f"{form}:keep", kind="primary")


def _changing(page: Page, one: Opened) -> None:
    talk, names = one.desk.id, {answer.id: answer for answer in one.saved}
    which = st.selectbox(
        page.word("saved.which"), list(names), format_func=lambda key: names[key].name, key=f"{SAVED}:which:{talk}"
    )
    chosen = names.get(which, one.saved[0])
    form, sure = f"{SAVED}:old:{chosen.id}", f"{SAVED}:sure"
    st.text_input(page.word("saved.new_name"), chosen.name, key=f"{form}:name", max_chars=saved.LONGEST_NAME)
    st.text_area(page.word("saved.words"), chosen.words, key=f"{form}:words", max_chars=answering.LONGEST)
    with st.container(horizontal=True, gap="small"):
        act = partial(change, page, talk, chosen.id, form)
        acting.button(page, "saved.change_now", act, right=Right.CHAT, key=f"{form}:change", kind="primary")
        if acting.typed(sure) == str(chosen.id):
            drop = partial(forget, page, talk, chosen.id)
            acting.button(page, "saved.forget_sure", drop, right=Right.CHAT, key=f"{form}:forget")
        else:
            st.button(page.word("saved.forget"), key=f"{form}:ask", on_click=flip, args=(sure, str(chosen.id)))


def lay(page: Page, talk: UUID, answer_id: UUID, scope: Scope, _press: UUID, *, box: str, most: int) -> None:
    """Lay an answer into the box, after what stands there."""
    whose(scope, page, talk)
    standing, row = str(acting.typed(box) or ""), talks.read(scope, talk)
    st.session_state[box] = saved.lay(scope, row, page.who.member.id, answer_id, standing=standing, most=most)
    st.session_state[SAVED] = None


def keep(page: Page, talk: UUID, scope: Scope, press: UUID, *, box: str, form: str) -> Message:
    """Keep what stands in the box, to use it again."""
    whose(scope, page, talk)
    name, language, place = (str(acting.typed(f"{form}:{what}") or "") for what in ("name", "language", "place"))
    words, row = str(acting.typed(box) or ""), talks.read(scope, talk)
    saved.keep(scope, row, name=name, words=words, language=language, place=place, key=press)
    st.session_state[f"{form}:name"] = ""
    return Message("saved.kept")


def change(page: Page, talk: UUID, answer_id: UUID, form: str, scope: Scope, _press: UUID) -> Message:
    """Name an answer otherwise, or have it say something else."""
    whose(scope, page, talk)
    name, words = (str(acting.typed(f"{form}:{what}") or "") for what in ("name", "words"))
    saved.change(scope, talks.read(scope, talk), answer_id, name=name, words=words)
    return Message("saved.changed")


def forget(page: Page, talk: UUID, answer_id: UUID, scope: Scope, _press: UUID) -> Message:
    """Offer an answer no more."""
    whose(scope, page, talk)
    saved.forget(scope, talks.read(scope, talk), answer_id)
    st.session_state[f"{SAVED}:sure"] = None
    return Message("saved.forgotten")
