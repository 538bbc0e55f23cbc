"""What a second person is asked for: ratings that somebody wants lower, and what is read afterwards."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages.approvals_posts import CLEAR, reveal, src
from dashboard.frame import Page
from dashboard.reads import second as second_reads
from dashboard.reads.approvals import Approvals, Shot, given
from dashboard.reads.second import Second
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.words import Message
from gate import lowering, sampling
from gate.lowering import LONGEST, Wish
from gate.sampling import Drawn
from gate.units import Rating
from studio import kinds
from tenants.roles import Right

DONE = "approvals:second"
"""What was answered here a moment ago, and the workers may not have done yet."""

WORDS = ""


def show(page: Page, found: Approvals, second: Second) -> None:
    """Draw the wishes, then what is to be read, the oldest first."""
    if not second.count:
        draw("approvals_note.html", note=page.word("second.nothing"))
    every: list[Wish | Drawn] = [*second.wishes, *second.drawn]
    waiting = [one for one in every if not st.session_state.get(f"{DONE}:{one.id}")]
    pictures = page.read(lambda scope: second_reads.pictures(scope, second.drawn)) if second.drawn else {}
    things = [
        [one.asset_id] if isinstance(one, Wish) else [shot.asset_id for shot in pictures[one.id].values()]
        for one in waiting
    ]
    drawn = [waiting[at] for at in page.read(lambda scope: kinds.of_one(scope, things))]
    for one in drawn:
        with st.container(border=True, gap="small"):
            if isinstance(one, Wish):
                _wish(page, found, one)
            else:
                _drawn(page, found, one, pictures[one.id])
    if len(waiting) > len(drawn):
        draw("approvals_note.html", note=page.voice.some("approvals.later", len(waiting) - len(drawn)))


def _wish(page: Page, found: Approvals, wish: Wish) -> None:
    key, mine = str(wish.id), page.who.member.id in wish.allowed
    draw(
        "approvals_wish.html",
        src=src(wish.asset_id),
        wish=wish,
        creator=found.creators[wish.creator_id].name,
        by=found.who(f"principal:{wish.by}", page.word),
        mine=mine,
        now=found.now,
        voice=page.voice,
        word=page.word,
    )
    if not mine:
        return
    clear = bool(st.session_state.get(f"{CLEAR}{wish.asset_id}"))
    see = partial(reveal, page, (wish.asset_id,))
    acting.button(page, "approvals.reveal_one", see, right=Right.REVIEW, key=f"reveal:{key}")
    st.text_area(page.word("second.why"), max_chars=LONGEST, height=80, key=f"why:{key}")
    with st.container(horizontal=True, gap="small"):
        for code, agree in (("second.agree", True), ("second.refuse", False)):
            act = partial(_answer, page, wish.id, agree)
            acting.button(page, code, act, right=Right.REVIEW, key=f"{code}:{key}", disabled=not clear)


def _answer(page: Page, wish_id: UUID, agree: bool, scope: Scope, _: UUID) -> Message:
    if wish_id not in {one.id for one in lowering.waiting(scope, _mine(page, scope))}:
        raise NotFound("lowering.unknown")
    lowering.say(scope, wish_id, agree=agree, why=str(acting.typed(f"why:{wish_id}") or ""))
    st.session_state[f"{DONE}:{wish_id}"] = True
    return Message("second.agreed" if agree else "second.refused")


def _mine(page: Page, scope: Scope) -> set[UUID]:
    works = page.may(Right.RUN, Right.APPROVE)
    return {one.id for one in given(page.who.member, page.mine(scope), works=works)}


def _drawn(page: Page, found: Approvals, one: Drawn, shots: Mapping[str, Shot]) -> None:
    key = str(one.id)
    texts = [text.body for text in one.unit.texts if text.body.strip()]
    seen = [(src(shot.asset_id), shot.alt) for shot in shots.values()]
    draw(
        "approvals_drawn.html",
        one=one,
        texts=texts,
        shots=seen,
        creator=found.creators[one.creator_id].name,
        by=found.who(one.author, page.word),
        now=found.now,
        voice=page.voice,
        word=page.word,
    )
    unseen = tuple(shot.asset_id for shot in shots.values() if shot.covered and not shot.seen)
    if unseen:
        see = partial(reveal, page, unseen)
        acting.button(page, "approvals.reveal", see, right=Right.REVIEW, key=f"reveal:{key}")
        return
    agree = partial(_read, page, one.id, "", "")
    acting.button(page, "second.read_fine", agree, right=Right.REVIEW, key=f"fine:{key}", kind="primary")
    with st.popover(page.word("second.read_more")):
        _raise(page, one, shots)


def _raise(page: Page, one: Drawn, shots: Mapping[str, Shot]) -> None:
    """It is more than it was taken for: which part of it, and how much more."""
    key, parts = str(one.id), [*([WORDS] if one.unit.texts else []), *shots]
    named = {part: page.word("second.words") if part == WORDS else shots[part].alt for part in parts}
    st.selectbox(
        page.word("second.which"),
        parts,
        format_func=lambda part: named[part] or page.word("second.picture"),
        key=f"part:{key}",
    )
    levels = [str(rating) for rating in Rating if rating.rank > one.rating.rank]
    st.selectbox(
        page.word("studio.rate_as"),
        levels,
        format_func=lambda level: page.word(f"studio.level.{level}"),
        key=f"to:{key}",
    )
    act = partial(_raised, page, one.id)
    acting.button(page, "second.read_raise", act, right=Right.REVIEW, key=f"raise:{key}")


def _raised(page: Page, sample_id: UUID, scope: Scope, press: UUID) -> Message:
    to = str(acting.typed(f"to:{sample_id}") or "")
    if not to:
        raise BadInput("review.set_unclear")
    return _read(page, sample_id, to, str(acting.typed(f"part:{sample_id}") or ""), scope, press)


def _read(page: Page, sample_id: UUID, to: str, what: str, scope: Scope, _: UUID) -> Message:
    guest = not page.may(Right.RUN, Right.APPROVE)
    waiting = second_reads.second(scope, _mine(page, scope), guest=guest).drawn
    if sample_id not in {one.id for one in waiting}:
        raise NotFound("sample.unknown")
    sampling.read(scope, sample_id, raised_to=Rating(to) if to else None, what=what)
    st.session_state[f"{DONE}:{sample_id}"] = True
    return Message("second.read_raised" if to else "second.read_done")
