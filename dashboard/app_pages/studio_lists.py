"""Lists of words that recipes share: a new one, their words, their versions, and those that were put away."""

from collections.abc import Sequence
from functools import partial
from typing import Literal
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from studio import list_lines, list_names, word_lists
from studio.word_lists import Listed
from tenants.roles import Right

LIST = "studio:list"
"""Which one is chosen: `agency` or `creator`, and its name; empty for a new one."""

NAME, WHOSE, WORDS = "studio:list:name", "studio:list:whose", "studio:list:words"
WHOSES: tuple[Literal["agency", "creator"], ...] = ("agency", "creator")


def edit(page: Page, creator_id: UUID) -> None:
    """The agency's lists and the creator's own: the chosen one with its history, or a new one."""
    known = {_key(one): one for one in page.read(lambda scope: word_lists.known(scope, [creator_id]))}
    with st.expander(page.word("studio.lists"), icon=":material/list_alt:"):
        draw("studio_note.html", note=page.word("studio.lists_how"))
        chosen = st.selectbox(
            page.word("studio.list"),
            ["", *known],
            format_func=lambda one: _named(page, known[one]) if one in known else page.word("studio.list_new"),
            key=LIST,
        )
        if chosen in known:
            _one(page, creator_id, known[chosen])
        else:
            _new(page, creator_id)
        _retired(page, creator_id)


def _key(one: Listed) -> str:
    return f"{'agency' if one.creator_id is None else 'creator'}:{one.name}"


def _named(page: Page, one: Listed) -> str:
    whose = "agency" if one.creator_id is None else "own"
    return page.word(f"studio.list_{whose}", name=one.name)


def _new(page: Page, creator_id: UUID) -> None:
    with st.form("studio:list:new", border=False):
        st.text_input(page.word("studio.list_name"), max_chars=word_lists.LONGEST_NAME, key=NAME)
        st.radio(
            page.word("studio.list_whose"),
            WHOSES,
            format_func=lambda one: page.word(f"studio.list_whose_{one}"),
            horizontal=True,
            key=WHOSE,
        )
        st.text_area(page.word("studio.list_words"), key=WORDS)
        make = partial(_make, page, creator_id)
        acting.submit(page, "studio.list_make", make, right=Right.RUN, key="studio:list:make")


def _one(page: Page, creator_id: UUID, one: Listed) -> None:
    by = page.read(lambda scope: word_lists.naming(scope, one.name, one.creator_id, seen=_seen(page, scope)))
    said = page.word("studio.list_by", recipes=", ".join(by)) if by else page.word("studio.list_by_none")
    draw("studio_note.html", note=said)
    with st.form(f"studio:list:{one.id}", border=False):
        st.text_input(
            page.word("studio.list_name"), one.name, max_chars=word_lists.LONGEST_NAME, key=f"{NAME}:{one.id}"
        )
        st.text_area(page.word("studio.list_words"), list_lines.write(one.said), key=f"{WORDS}:{one.id}")
        keep = partial(_keep, page, creator_id, one)
        acting.submit(page, "studio.list_keep", keep, right=Right.RUN, key=f"studio:list:keep:{one.id}")
    retire = partial(_retire, page, creator_id, one.id)
    acting.button(page, "studio.list_retire", retire, right=Right.RUN, key=f"studio:list:retire:{one.id}")
    _versions(page, creator_id, one)


def _versions(page: Page, creator_id: UUID, one: Listed) -> None:
    found = page.read(lambda scope: word_lists.versions(scope, [creator_id], one.id))
    with st.container(border=True, gap="small"):
        draw("studio_note.html", note=page.word("studio.versions"))
        for each in found:
            words, day = ", ".join(list_lines.write(each.said).splitlines()), page.voice.day_short(each.at)
            with st.container(horizontal=True, gap="small"):
                said = page.word("studio.list_version", version=each.version, day=day, words=words)
                draw("studio_note.html", note=said)
                if each.id != one.id:
                    back = partial(_back, page, creator_id, one.id, each.version)
                    key = f"studio:list:back:{one.id}:{each.version}"
                    acting.button(page, "studio.list_go_back", back, right=Right.RUN, key=key)


def _retired(page: Page, creator_id: UUID) -> None:
    if not (found := page.read(lambda scope: word_lists.known(scope, [creator_id], retired=True))):
        return
    draw("studio_note.html", note=page.word("studio.lists_retired"))
    for one in found:
        with st.container(horizontal=True, gap="small"):
            draw("studio_note.html", note=_named(page, one))
            act = partial(_bring_back, page, creator_id, one.id)
            acting.button(page, "studio.list_bring_back", act, right=Right.RUN, key=f"studio:list:again:{one.id}")


def _seen(page: Page, scope: Scope) -> Sequence[UUID]:
    return [one.id for one in page.mine(scope)]


def _make(page: Page, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    words, weights = list_lines.read(str(acting.typed(WORDS) or ""))
    name, said = word_lists.read(str(acting.typed(NAME) or "").strip(), {"words": words, "weights": weights})
    own = creator_id if acting.typed(WHOSE) == "creator" else None
    word_lists.make(scope, _seen(page, scope), name, said, creator_id=own)
    st.session_state[LIST] = f"{'agency' if own is None else 'creator'}:{name}"
    return Message("studio.list_kept", {"name": name})


def _keep(page: Page, creator_id: UUID, one: Listed, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    words, weights = list_lines.read(str(acting.typed(f"{WORDS}:{one.id}") or ""))
    typed, seen = str(acting.typed(f"{NAME}:{one.id}") or "").strip(), _seen(page, scope)
    name, said = word_lists.read(typed, {"words": words, "weights": weights})
    made, changed = list_names.rename(scope, seen, one.id, name)
    word_lists.change(scope, seen, made, said)
    st.session_state[LIST] = _key(word_lists.held(scope, seen, made))
    if changed:
        return Message("studio.list_renamed", {"name": name, "recipes": ", ".join(changed)[:200]})
    return Message("studio.list_kept", {"name": name})


def _back(page: Page, creator_id: UUID, list_id: UUID, version: int, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    seen = _seen(page, scope)
    found = word_lists.restore(scope, seen, list_id, version)
    return Message("studio.list_kept", {"name": word_lists.current(scope, seen, found).name})


def _retire(page: Page, creator_id: UUID, list_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    return Message("studio.list_retired", {"name": word_lists.retire(scope, _seen(page, scope), list_id)})


def _bring_back(page: Page, creator_id: UUID, list_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    return Message("studio.list_back", {"name": word_lists.bring_back(scope, _seen(page, scope), list_id)})
