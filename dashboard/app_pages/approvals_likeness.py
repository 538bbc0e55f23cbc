"""Pictures that look like somebody real: both beside each other, and what this member says of them."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages.approvals_posts import reveal, src
from dashboard.frame import Page
from dashboard.reads import likeness as likeness_reads
from dashboard.reads.approvals import Approvals, given
from dashboard.reads.likeness import Pair
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from gate import beside
from gate.beside import DOUBLE, OTHER, REASONS, SAME, Alike
from studio import kinds
from tenants.reads import Creator
from tenants.roles import Right

DONE = "approvals:alike"
"""What was said here a moment ago, and the workers may not have done yet."""


def show(page: Page, found: Approvals) -> None:
    """Draw each pair with the answers this member may give."""
    draw("approvals_note.html", note=page.word("likeness.how"))

    def ask(scope: Scope) -> list[Pair]:
        return likeness_reads.pairs(scope, [one.id for one in _mine(page, scope)], page.who.member)

    waiting = [one for one in page.read(ask) if st.session_state.get(f"{DONE}:{one.one.id}") != one.one.digest]
    judged = [[pair.one.asset_id] for pair in waiting]  # whom it resembles has to stand beside it, whoever made that
    drawn = [waiting[at] for at in page.read(lambda scope: kinds.of_one(scope, judged))]
    if len(waiting) > len(drawn):
        draw("approvals_note.html", note=page.voice.some("approvals.later", len(waiting) - len(drawn)))
    for pair in drawn:
        with st.container(border=True, gap="small"):
            draw(
                "approvals_likeness.html",
                pair=pair,
                one=pair.one,
                picture=src(pair.one.asset_id) if pair.shot is not None else "",
                others=[(src(shot.asset_id), shot.alt) for shot in pair.others],
                creator=found.creators[pair.one.creator_id].name,
                agreed=sum(said.approves for said in pair.one.said),
                now=found.now,
                voice=page.voice,
                word=page.word,
            )
            _answers(page, pair)


def _answers(page: Page, pair: Pair) -> None:
    one, key = pair.one, str(pair.one.id)
    if pair.unseen:
        acting.button(
            page,
            "approvals.reveal",
            partial(reveal, page, pair.unseen),
            right=Right.REVIEW,
            key=f"reveal:{key}",
            icon=":material/visibility:",
        )
        return
    if not pair.own:
        st.selectbox(
            page.word("likeness.why"),
            REASONS,
            index=None,
            placeholder=page.word("approvals.request_choose"),
            format_func=lambda code: page.word(f"likeness.because.{code}"),
            key=f"because:{key}",
        )
    with st.container(horizontal=True, gap="small"):
        for answer in one.answers:
            if answer == DOUBLE and not page.may(Right.RUN):
                continue
            acting.button(
                page,
                f"likeness.answer.{answer}",
                partial(_say, page, one, answer),
                right=Right.RUN if answer == DOUBLE else Right.REVIEW,
                key=f"{answer}:{key}",
                kind="primary" if answer == OTHER else "secondary",
                disabled=bool(pair.own) and answer != SAME,
            )


def _mine(page: Page, scope: Scope) -> list[Creator]:
    return given(page.who.member, page.mine(scope), works=page.may(Right.RUN, Right.APPROVE))


def _say(page: Page, one: Alike, answer: str, scope: Scope, _: UUID) -> Message:
    known = beside.one_of(scope, one.id)
    if known.creator_id not in {each.id for each in _mine(page, scope)}:
        raise NotFound("likeness.unknown")
    because = str(acting.typed(f"because:{one.id}") or "") if answer == OTHER else ""
    maker = likeness_reads.maker(scope, known.asset_id)
    beside.ask(scope, one.id, answer, digest=one.digest, because=because, maker=maker)
    st.session_state[f"{DONE}:{one.id}"] = one.digest
    return Message(f"likeness.done.{answer}")
