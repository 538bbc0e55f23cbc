"""Studio: pictures that were put away, erased by a press or after the days an agency chose."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.library import Tile
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from schedules import reviewing
from studio import erasing
from studio import reads as studio_reads
from studio.states import ShelfState
from tenants.roles import Right

DAYS = "retention:days"


def show(page: Page, creator_id: UUID, tile: Tile) -> None:
    """The press that erases a picture for good, where it was put away."""
    if tile.card.shelf is not ShelfState.RETIRED:
        return
    with st.popover(page.word("studio.erase"), icon=":material/delete_forever:"):
        draw("studio_note.html", note=page.word("studio.erase_how"))
        act = partial(_erase, page, creator_id, tile.card.asset_id)
        acting.button(page, "studio.erase_yes", act, right=Right.RUN, key=f"erase:{tile.card.asset_id}", kind="primary")


def _erase(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    if studio_reads.shown(scope, asset_id).creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
    erasing.ask(scope, asset_id, reviewing.shown_in_posts(scope, creator_id))
    return Message("studio.erase_asked")


def edit(page: Page) -> None:
    """The days after which what was put away is erased, of the whole agency."""
    if not page.may(Right.RUN):
        return
    days = page.read(erasing.days)
    with st.expander(page.word("studio.retention"), icon=":material/auto_delete:"), st.form("retention", border=False):
        draw("studio_note.html", note=page.word("studio.retention_how"))
        st.number_input(page.word("studio.retention_days"), 0, erasing.MOST_DAYS, days or 0, key=DAYS)
        acting.submit(page, "studio.retention_keep", _keep, right=Right.RUN, key="retention_keep")


def _keep(scope: Scope, _: UUID) -> Message:
    days = int(acting.typed(DAYS) or 0)
    erasing.set_days(scope, days or None)
    return Message("studio.retention_kept" if days else "studio.retention_never")
