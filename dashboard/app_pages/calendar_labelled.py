"""The page of labels: named and changed there, and given to several posts at once."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import calendar_filters, calendar_labels
from dashboard.frame import Page
from dashboard.reads.labels import Labelled, labelled
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from schedules import labels
from schedules.labels import COLOURS, LONGEST_NAME, Label
from tenants.roles import Right

NEW, COLOUR, PICK, WHICH, SHOWN = (f"labels:{name}" for name in ("new", "colour", "pick:", "which", "shown"))
FEW = 50
"""Posts that are listed at first, and more at each press."""


def show(page: Page) -> None:
    """Draw the page."""
    calendar_filters.way_back(page)
    st.title(page.word("post_label.labels"))
    acting.say_told(page, "labels")
    if not page.may(Right.RUN):
        return
    found = page.read(lambda scope: labelled(scope, page.mine(scope), calendar_labels.chosen()))
    draw("calendar_note.html", note=page.word("post_label.what"))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(page.word("post_label.name"), key=NEW, max_chars=LONGEST_NAME, width=280)
        _colour(page, COLOUR)
        acting.button(page, "post_label.make", _make, right=Right.RUN, key="labels:make", kind="primary")
    for one in found.known:
        _one(page, one)
    if found.known:
        _several(page, found)


def _colour(page: Page, key: str) -> None:
    st.selectbox(page.word("post_label.colour"), COLOURS, format_func=partial(_called, page), key=key, width=140)


def _called(page: Page, colour: str) -> str:
    return page.word(f"post_label.colour.{colour}")


def _make(scope: Scope, _: UUID) -> Message:
    labels.make(scope, str(acting.typed(NEW) or ""), str(acting.typed(COLOUR) or COLOURS[0]))
    return Message("post_label.made")


def _one(page: Page, one: Label) -> None:
    """One label, and what changes it."""
    key = f"labels:{one.id}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw("labels.html", labels=[one], voice=page.voice)
        with st.popover(page.word("post_label.change")):
            for field, value in (("name", one.name), ("colour", one.colour)):
                st.session_state.setdefault(f"{key}:{field}", value)
            st.text_input(page.word("post_label.name"), key=f"{key}:name", max_chars=LONGEST_NAME)
            _colour(page, f"{key}:colour")
            acting.button(page, "post_label.save", partial(_change, one.id), right=Right.RUN, key=f"{key}:save")
            draw("calendar_note.html", note=page.word("post_label.remove_what"))
            acting.button(page, "post_label.remove", partial(_remove, page, one.id), right=Right.RUN, key=f"{key}:off")


def _change(label_id: UUID, scope: Scope, _: UUID) -> Message:
    name, colour = (str(acting.typed(f"labels:{label_id}:{field}") or "") for field in ("name", "colour"))
    labels.change(scope, label_id, name=name, colour=colour)
    return Message("post_label.saved")


def _remove(page: Page, label_id: UUID, scope: Scope, _: UUID) -> Message:
    posts = labels.remove(scope, label_id, creators={one.id for one in page.mine(scope)})
    return Message("post_label.removed", {"count": posts})


def _several(page: Page, found: Labelled) -> None:
    """The posts, each with a box, and one press for those that are marked."""
    st.subheader(page.word("post_label.several"))
    calendar_labels.choose(page)
    shown = found.posts[: int(st.session_state.get(SHOWN, FEW))]
    for turn in shown:
        words = " ".join(turn.words.split())[:80] or "…"
        label = page.label("post_label.mark", day=f"{turn.local:%d/%m/%Y %H:%M}", creator=turn.creator.name, post=words)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.checkbox(label, key=f"{PICK}{turn.post_id}", wrap=True)
            if has := found.labels.get(turn.post_id):
                draw("labels.html", labels=has, voice=page.voice)
    if not shown:
        draw("calendar_note.html", note=page.word("post_label.no_posts"))
        return
    if len(found.posts) > len(shown):
        st.button(page.word("post_label.more"), key="labels:more", on_click=_more)
    posts, known = [one.post_id for one in shown], {str(one.id): one for one in found.known}
    if st.session_state.get(WHICH) not in known:
        st.session_state[WHICH] = next(iter(known))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(page.word("post_label.label"), list(known), format_func=lambda one: known[one].name, key=WHICH)
        give, take = partial(_give, page, posts), partial(_take, page, posts)
        acting.button(page, "post_label.give", give, right=Right.RUN, key="labels:give", kind="primary")
        acting.button(page, "post_label.take", take, right=Right.RUN, key="labels:take")


def _more() -> None:
    st.session_state[SHOWN] = int(st.session_state.get(SHOWN, FEW)) + FEW


def _marked(posts: Sequence[UUID]) -> list[UUID]:
    found = [one for one in posts if acting.typed(f"{PICK}{one}")]
    if not found:
        raise BadInput("post_label.none_marked")
    return found


def _give(page: Page, posts: Sequence[UUID], scope: Scope, _: UUID) -> Message:
    which, creators = UUID(str(acting.typed(WHICH))), {one.id for one in page.mine(scope)}
    return Message("post_label.given", {"count": labels.give(scope, _marked(posts), which, creators=creators)})


def _take(page: Page, posts: Sequence[UUID], scope: Scope, _: UUID) -> Message:
    which, creators = UUID(str(acting.typed(WHICH))), {one.id for one in page.mine(scope)}
    return Message("post_label.taken_off", {"count": labels.take(scope, _marked(posts), which, creators=creators)})
