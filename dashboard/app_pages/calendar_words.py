"""Other words for a post that stands outside: asked for once, and followed on each account."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.compose import rewording
from dashboard.reads.places import Place
from dashboard.reads.posts import Opened
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.ids import derived
from foundation.words import Message
from schedules import editing
from schedules.edit_reads import Reworded
from schedules.states import DeliveryState, EditState
from tenants.roles import Right

E = EditState
TITLE, BODY, SEEN = "words:title", "words:body", "words:seen"
SETTLED = frozenset({"edit.not_there"})


def ask(page: Page, found: Opened) -> None:
    """The form that changes what stands outside; where no account of it changes words, why not."""
    standing = [place for place in found.places if place.entry.state is DeliveryState.PUBLISHED]
    if not standing:
        return
    able = rewording()
    fixed = [place.entry.channel for place in standing if found.platforms.get(place.entry.channel_id) not in able]
    if len(fixed) == len(standing):
        draw("calendar_note.html", note=page.word("edit.page.nowhere"))
        return
    with st.expander(page.word("edit.page.open"), icon=":material/edit_note:"):
        draw("calendar_note.html", note=page.word("edit.page.why"))
        if fixed:
            draw("calendar_note.html", note=page.word("edit.page.not_there", accounts=", ".join(fixed)))
        now = found.post.title, found.post.body
        begun = _begun(found.post.id, now)
        if begun != now:
            draw("compose_meanwhile.html", now=found.post, post_id=found.post.id, word=page.word)
        with st.form("words", border=False):
            key = _key(found.post.id, begun)
            if now[0]:
                st.text_input(page.word("compose.title"), begun[0], key=f"{TITLE}:{key}")
            st.text_area(page.word("compose.body"), begun[1], key=f"{BODY}:{key}", height=160)
            act = partial(_ask, page, found.creator.id, found.post.id, key=key, seen=now)
            acting.submit(page, "edit.page.ask", act, right=Right.RUN, key="words:ask")


def _begun(post_id: UUID, now: tuple[str, str]) -> tuple[str, str]:
    """The title and words that the form was drawn with: what is typed in it stays, whatever the post says meanwhile."""
    slot = f"{SEEN}:{post_id}"
    key = _key(post_id, st.session_state.get(slot, now))
    typed = st.session_state.get(f"{TITLE}:{key}", now[0]), st.session_state.get(f"{BODY}:{key}", now[1])
    if typed == now:  # nothing was typed yet, or it was asked for
        st.session_state[slot] = now
    begun: tuple[str, str] = st.session_state[slot]
    return begun


def _key(post_id: UUID, begun: tuple[str, str]) -> str:
    return derived(post_id, *begun).hex[:12]


def _ask(
    page: Page, creator_id: UUID, post_id: UUID, scope: Scope, _: UUID, *, key: str, seen: tuple[str, str]
) -> Message:
    page.my(scope, creator_id)
    said = acting.typed(f"{TITLE}:{key}"), acting.typed(f"{BODY}:{key}")
    asked = editing.ask(
        scope,
        post_id,
        title=str(said[0] if seen[0] else ""),
        body=str(said[1] or ""),
        able=rewording(),
        author=scope.actor,
        seen=seen,
    )
    code = "edit.page.asked_yes" if asked.waiting else "edit.page.asked"
    return Message(code, {"who": ", ".join(asked.waiting)} if asked.waiting else {})


def show(page: Page, creator_id: UUID, place: Place) -> None:
    """What becomes of the words on one account, while they are not those of the post; and what can be done."""
    last = place.edits[-1] if place.edits else None
    if last is None or not last.open:
        return
    draw("calendar_words.html", edit=last, voice=page.voice, word=page.word)
    if not page.may(Right.RUN):
        return
    about = (page, creator_id, place.entry.delivery_id)
    key = f"{last.id}:{last.state}"
    with st.container(horizontal=True, gap="small"):
        if _retried(last):
            acting.button(page, "edit.page.again", partial(_again, *about), right=Right.RUN, key=f"words:again:{key}")
        if last.state is E.UNSURE and page.may(Right.APPROVE):
            for came, code in ((True, "edit.page.new_stand"), (False, "edit.page.old_stand")):
                act = partial(_say, *about, came=came, member_id=page.who.member.id)
                acting.button(page, code, act, right=Right.APPROVE, key=f"words:{came}:{key}")
        if last.state in (E.WAITING, E.DUE, E.REFUSED):
            acting.button(page, "edit.page.leave", partial(_leave, *about), right=Right.RUN, key=f"words:leave:{key}")


def _retried(last: Reworded) -> bool:
    settled = last.reason is not None and last.reason.code in SETTLED
    return last.state in (E.REFUSED, E.UNSURE) and not settled


def _again(page: Page, creator_id: UUID, delivery_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    editing.again(scope, delivery_id)
    return Message("edit.page.again_done")


def _leave(page: Page, creator_id: UUID, delivery_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    editing.leave(scope, delivery_id)
    return Message("edit.page.left")


def _say(
    page: Page, creator_id: UUID, delivery_id: UUID, scope: Scope, _: UUID, *, came: bool, member_id: UUID
) -> Message:
    page.my(scope, creator_id)
    editing.say(scope, delivery_id, came=came, member_id=member_id)
    return Message("edit.page.said")
