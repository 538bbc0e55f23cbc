"""The list of links: which addresses a creator's posts may carry, and what lies behind them."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.frame import Page
from dashboard.reads.links import Links, Wanted, links, target
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.words import Message
from gate import hosts, targets
from gate.targets import Owner, Target
from gate.units import Rating
from tenants.reads import Creator
from tenants.roles import Right

ASKED = "links"
"""What stands in the address of the page where this part is meant alone."""

TICK = "3s"
WHOSE, URL, OWNER, RATING, ADULT = (f"targets:{name}" for name in ("whose", "url", "owner", "rating", "adult"))
SHOWN = (Rating.G, Rating.S, Rating.N, Rating.E)


def show(page: Page, creators: Sequence[Creator]) -> None:
    """Draw the part, for one of the member's creators."""
    st.subheader(page.word("targets.title"), anchor="list")
    st.write(page.word("targets.explained"))
    creator = creators[0]
    if len(creators) > 1:
        creator = st.selectbox(page.word("channels.whose"), creators, format_func=lambda one: one.name, key=WHOSE)
    _list(page, creator)
    _form(page, creator)


@st.fragment(run_every=TICK)
def _list(drawn: Page, creator: Creator) -> None:
    """What stands on the list and what waits for it; read again while one looks, since the workers write it."""
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    found = page.read(lambda scope: links(scope, page.my(scope, creator.id)))
    acting.say_told(page, "targets")
    for number, wanted in enumerate(found.wanted):
        _wanted(page, found, wanted, number)
    for one in found.known:
        _known(page, found, one)
    if not found.known:
        draw("calendar_note.html", note=page.word("targets.none", name=creator.name))


def _wanted(page: Page, found: Links, wanted: Wanted, number: int) -> None:
    """An address that posts wait for: taken over into the form by a press, where somebody says what it is."""
    with st.container(border=True, key=f"targets:wanted:{number}"):
        draw("channels_wanted.html", wanted=wanted, voice=page.voice, word=page.word)
        key = f"targets:take:{found.creator.id}:{number}"
        if st.button(page.word("targets.take"), key=key, on_click=_take, args=(wanted.written,)):
            st.rerun()  # the form stands outside of what is drawn anew by itself


def _take(written: str) -> None:
    st.session_state[URL] = hosts.canonical(written) or written


def _known(page: Page, found: Links, one: Target) -> None:
    with st.container(border=True, key=f"targets:{one.id}"):
        fits, by = one.fits(found.now), found.people.get(one.by, "")
        draw("channels_target.html", one=one, fits=fits, by=by, now=found.now, voice=page.voice, word=page.word)
        about = (page, found.creator.id, one.id)
        with st.container(horizontal=True, gap="small"):
            acting.button(
                page, "targets.still", partial(_still, *about), right=Right.RUN, key=f"targets:still:{one.id}"
            )
            with st.popover(page.word("targets.end")):
                draw("calendar_note.html", note=page.word("targets.end_asked"))
                end = partial(_end, *about)
                acting.button(page, "targets.end_sure", end, right=Right.RUN, key=f"targets:end:{one.id}")


def _form(page: Page, creator: Creator) -> None:
    with st.form("targets:new"):
        st.text_input(page.word("targets.url"), placeholder="https://", max_chars=hosts.LONGEST, key=URL)
        st.selectbox(
            page.word("targets.owner"),
            list(Owner),
            format_func=lambda one: page.word(f"targets.owner.{one}"),
            key=OWNER,
        )
        st.radio(
            page.word("targets.rating"),
            SHOWN,
            index=None,
            format_func=lambda one: page.word(f"targets.rating.{one}"),
            key=RATING,
        )
        st.checkbox(page.word("targets.adult"), key=ADULT)
        draw("calendar_note.html", note=page.word("targets.honest"))
        acting.submit(page, "targets.add", partial(_add, page, creator.id), right=Right.RUN, key="targets:add")


def _add(page: Page, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    creator, rating = page.my(scope, creator_id), acting.typed(RATING)
    if rating is None:
        raise BadInput("targets.no_rating")
    typed, owner = str(acting.typed(URL) or ""), Owner(acting.typed(OWNER) or Owner.OTHER)
    url = targets.ask(scope, creator.id, typed, owner=owner, rating=Rating(rating), adult=bool(acting.typed(ADULT)))
    return Message("targets.asked", {"url": url})


def _mine(page: Page, scope: Scope, creator_id: UUID, target_id: UUID) -> Target:
    found = target(scope, page.my(scope, creator_id).id, target_id)
    if found is None:
        raise NotFound("link.unknown")
    return found


def _still(page: Page, creator_id: UUID, target_id: UUID, scope: Scope, _: UUID) -> Message:
    one = _mine(page, scope, creator_id, target_id)
    url = targets.ask(scope, creator_id, one.url, owner=Owner(one.owner), rating=one.rating, adult=one.adult)
    return Message("targets.asked", {"url": url})


def _end(page: Page, creator_id: UUID, target_id: UUID, scope: Scope, _: UUID) -> Message:
    one = _mine(page, scope, creator_id, target_id)
    targets.ask_end(scope, one.id)
    return Message("targets.ended", {"url": one.url})
