"""Studio: who is in a picture that is on no shoot card, and who cannot be recognised in any; somebody else confirms it
under People."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound, Refused
from foundation.words import Message
from gate import bystanders, proposing
from gate.reads import people_in
from studio import reads as studio_reads
from tenants.roles import Right


def name(page: Page, creator_id: UUID, asset_id: UUID, sha256: str) -> None:
    """Say who is in a picture; who was named already stands above."""
    people, named, waits = page.read(
        lambda scope: (
            proposing.candidates(scope),
            people_in(scope, [sha256]),
            bool(proposing.waiting(scope, asset_id=asset_id)),
        )
    )
    with st.popover(page.word("cards.who"), icon=":material/group:"):
        if named:
            said = ", ".join(one.name for one in named)
            draw("studio_note.html", note=page.word("people.named_open" if waits else "people.named", names=said))
        if not people:
            draw("studio_note.html", note=page.word("people.name_first"))
            return
        key = f"proposed:{asset_id}"
        st.multiselect(
            page.word("people.who_is"),
            list(people),
            format_func=people.__getitem__,
            max_selections=proposing.MOST,
            placeholder=page.word("cards.people_hint"),
            key=key,
            select_all=False,
        )
        draw("studio_note.html", note=page.word("people.propose_how"))
        act = partial(_proposed, page, creator_id, asset_id, key)
        acting.button(page, "people.propose", act, right=Right.RUN, key=f"propose:{asset_id}", kind="primary")


def blurred(page: Page, creator_id: UUID, asset_id: UUID) -> None:
    """Say how many people of a picture nobody can recognise any more."""
    known = page.read(lambda scope: bystanders.of(scope, asset_id))
    with st.popover(page.word("people.blurred"), icon=":material/blur_on:"):
        if known is not None and known.confirmed:
            draw("studio_note.html", note=page.word("people.blurred_counted", count=known.confirmed))
        if known is not None and known.proposed:
            draw("studio_note.html", note=page.word("people.blurred_open", count=known.proposed))
        draw("studio_note.html", note=page.word("people.blurred_how"))
        key = f"blurred:{asset_id}"
        st.number_input(page.word("people.blurred_many"), 1, bystanders.MOST, 1, key=key)
        act = partial(_unknown, page, creator_id, asset_id, key)
        acting.button(page, "people.blurred_say", act, right=Right.RUN, key=f"blur:{asset_id}", kind="primary")


def _unknown(page: Page, creator_id: UUID, asset_id: UUID, key: str, scope: Scope, _: UUID) -> Message:
    _looked(page, scope, creator_id, asset_id)
    bystanders.ask(scope, asset_id, int(acting.typed(key) or 0))
    return Message("people.blurred_said")


def _looked(page: Page, scope: Scope, creator_id: UUID, asset_id: UUID) -> None:
    """Raise NotFound for another creator's picture, Refused for one they did not look at."""
    page.my(scope, creator_id)
    found = studio_reads.shown(scope, asset_id)
    if found.creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
    if files.covered(found.standing.rating) and not files.seen(scope, [asset_id]):
        raise Refused("approvals.look_first")


def _proposed(page: Page, creator_id: UUID, asset_id: UUID, key: str, scope: Scope, _: UUID) -> Message:
    _looked(page, scope, creator_id, asset_id)
    proposing.ask(scope, asset_id, [UUID(one) for one in acting.typed(key) or ()])
    return Message("people.proposed")
