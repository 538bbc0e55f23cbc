"""Tags of the pictures that are chosen: put on, taken off."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.library import Tile
from foundation.database import Scope
from foundation.words import Message
from studio import tagging
from tenants.roles import Right

NEW, OFF = "studio:tags:new", "studio:tags:off"


def edit(page: Page, creator_id: UUID, picked: Sequence[Tile]) -> None:
    """Draw what puts tags on these pictures and takes them off."""
    assets = [tile.card.asset_id for tile in picked]
    there = {key: written for tile in picked for key, written in tile.card.tags.items()}
    with st.popover(page.word("studio.tags"), icon=":material/sell:"):
        st.text_input(page.word("studio.tags_new"), key=NEW, max_chars=400, placeholder=page.word("studio.tags_how"))
        put = partial(_put, page, creator_id, assets)
        acting.button(page, "studio.tags_put", put, right=Right.RUN, key="studio:tags:put", kind="primary")
        if there:
            st.session_state[OFF] = [one for one in st.session_state.get(OFF) or () if one in there]
            st.multiselect(
                page.word("studio.tags_there"),
                sorted(there),
                format_func=there.__getitem__,
                placeholder=page.word("studio.tags_hint"),
                key=OFF,
                select_all=False,
            )
            off = partial(_off, page, creator_id, assets)
            acting.button(page, "studio.tags_off", off, right=Right.RUN, key="studio:tags:take")


def _put(page: Page, creator_id: UUID, assets: list[UUID], scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    typed = [one for one in str(acting.typed(NEW) or "").split(",") if one.strip()]
    tagging.add(scope, creator_id, assets, typed)
    return Message("studio.tags_kept")


def _off(page: Page, creator_id: UUID, assets: list[UUID], scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    tagging.remove(scope, creator_id, assets, list(acting.typed(OFF) or ()))
    return Message("studio.tags_kept")
