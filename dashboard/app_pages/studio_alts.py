"""Alternative texts by a model that sees: asked for with a press, proposed beside the picture, taken by a person."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files, frame
from dashboard.frame import Page
from dashboard.reads import alts as reads
from dashboard.reads.alts import Offer
from dashboard.widgets import draw, plain
from foundation import settings
from foundation.database import Scope
from foundation.words import Message
from schedules import alts
from schedules.alts import LONGEST, LONGEST_SHOWS
from schedules.states import ProposalState
from tenants.roles import Right

FIELDS = ("alt:", "compose:alt:")
"""Where the pages keep the words of a picture that somebody may be typing: what is taken stands there too."""

TICK = "2s"


def ask(page: Page, creator_id: UUID, assets: Sequence[UUID], *, code: str, key: str, hint: bool = False) -> None:
    """The press that asks for words; where no model sees nothing, and what is missing where a `hint` is wanted."""
    if not assets or not page.may(Right.RUN):
        return
    if not settings.load().generators.ollama_vision_model:
        if hint:
            draw("studio_note.html", note=page.word("engine.seeing_none"))
        return
    act = partial(_ask, page, creator_id, tuple(assets))
    acting.button(
        page,
        code,
        act,
        right=Right.RUN,
        key=f"alt:ask:{key}",
        icon=":material/image_search:",
        params={"count": len(assets)},
    )


def offers(page: Page, creator_id: UUID, assets: Sequence[UUID], *, pictured: bool = False) -> None:
    """What is proposed for these pictures; `pictured` shows each beside it, where the page does not."""
    if not assets or not page.may(Right.RUN):
        return
    found = page.read(lambda scope: reads.offers(scope, page.my(scope, creator_id).id, assets))
    for one in found:
        if one.proposal.state is not ProposalState.WAITING:
            _offer(page, creator_id, one, pictured=pictured)
    if asked := reads.waiting(found):
        _waiting(page, creator_id, tuple(assets), asked)


def _ask(page: Page, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, press: UUID) -> Message:
    creator = page.my(scope, creator_id)
    language, forbidden = reads.wanted(scope, creator)
    count = alts.ask(scope, creator.id, assets, language=language, forbidden=forbidden, key=press)
    return Message("alt.asked", {"count": count})


@st.fragment(run_every=TICK)
def _waiting(drawn: Page, creator_id: UUID, assets: tuple[UUID, ...], asked: frozenset[UUID]) -> None:
    """The model is asked by the workers: when one more picture is done, the page is drawn with it."""
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    found = page.read(lambda scope: reads.offers(scope, page.my(scope, creator_id).id, assets))
    if reads.waiting(found) != asked:
        st.rerun()
    draw("calendar_note.html", note=page.word("alt.waiting", count=len(asked)))


def _offer(page: Page, creator_id: UUID, one: Offer, *, pictured: bool) -> None:
    proposal, key = one.proposal, f"alt:{one.proposal.id}"
    with st.container(border=True, gap="small", key=key):
        if pictured:
            draw("alt_picture.html", src=files.src(proposal.asset_id), alt=one.now)
        if proposal.state is ProposalState.LACKING and proposal.reason is not None:
            draw("kit_lack.html", what=page.word("alt.none"), why=page.voice.say(proposal.reason))
            refuse = partial(_refuse, page, creator_id, proposal.id)
            acting.button(page, "alt.seen", refuse, right=Right.RUN, key=f"{key}:refuse")
            return
        draw("kit_offer.html", what=page.word("alt.now"), text=one.now or page.word("studio.no_alt"), language="")
        label = page.word("alt.proposed", model=plain(proposal.model))
        st.text_area(label, proposal.alt, max_chars=LONGEST, height=80, key=f"{key}:alt")
        st.text_area(page.word("alt.shows"), proposal.shows, max_chars=LONGEST_SHOWS, height=100, key=f"{key}:shows")
        with st.container(horizontal=True, gap="small"):
            take = partial(_take, page, creator_id, one)
            acting.button(page, "alt.take", take, right=Right.RUN, key=f"{key}:take", kind="primary")
            refuse = partial(_refuse, page, creator_id, proposal.id)
            acting.button(page, "alt.refuse", refuse, right=Right.RUN, key=f"{key}:refuse")


def _take(page: Page, creator_id: UUID, one: Offer, scope: Scope, _: UUID) -> Message:
    proposal, key = one.proposal, f"alt:{one.proposal.id}"
    alt, shows = (" ".join(str(acting.typed(f"{key}:{name}") or "").split()) for name in ("alt", "shows"))
    alts.take(scope, [page.my(scope, creator_id).id], proposal.id, alt, instead_of=one.now, shows=shows)
    for field in FIELDS:
        if f"{field}{proposal.asset_id}" in st.session_state:
            st.session_state[f"{field}{proposal.asset_id}"] = alt
    return Message("studio.alt_kept")


def _refuse(page: Page, creator_id: UUID, proposal_id: UUID, scope: Scope, _: UUID) -> None:
    alts.refuse(scope, [page.my(scope, creator_id).id], proposal_id)
