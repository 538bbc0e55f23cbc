"""Studio: a picture with a demonstration label, let out to real platforms all the same by one who runs the agency."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.library import Lineage
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from gate import labels
from studio import reads as studio_reads
from tenants.roles import Right


def show(page: Page, creator_id: UUID, found: Lineage) -> None:
    """Draw what keeps this picture from real platforms, who let it out, and the press for either; nothing where it has
    no label."""
    card = found.tile.card
    if not card.label:
        return
    key = f"label:{card.asset_id}"
    with st.popover(page.word("labels.out" if found.lifted else "labels.stays"), icon=":material/label:"):
        if found.lifted is not None:
            draw("studio_note.html", note=page.word("labels.lifted", name=found.lifted_by, why=found.lifted.why))
            act = partial(_end, page, creator_id, card.asset_id)
            acting.button(page, "labels.take_back", act, right=Right.RUN, key=f"{key}:end")
            return
        draw("studio_note.html", note=page.word("labels.how", label=page.word(f"studio.label.{card.label}")))
        st.text_area(page.word("labels.why"), max_chars=labels.LONGEST, height=80, key=f"{key}:why")
        act = partial(_lift, page, creator_id, card.asset_id, f"{key}:why")
        acting.button(page, "labels.let_out", act, right=Right.RUN, key=key, kind="primary")


def _lift(page: Page, creator_id: UUID, asset_id: UUID, key: str, scope: Scope, _: UUID) -> Message:
    _mine(page, creator_id, asset_id, scope)
    labels.lift(scope, asset_id, why=str(acting.typed(key) or ""))
    return Message("labels.let_out_asked")


def _end(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID) -> Message:
    _mine(page, creator_id, asset_id, scope)
    labels.end(scope, asset_id)
    return Message("labels.take_back_asked")


def _mine(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope) -> None:
    page.my(scope, creator_id)
    if studio_reads.shown(scope, asset_id).creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
