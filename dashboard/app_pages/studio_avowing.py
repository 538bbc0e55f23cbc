"""Studio: what came in as a photograph and was made with an AI, said afterwards and for good."""

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
from studio import avowing, origins
from studio import reads as studio_reads
from tenants.roles import Right


def ask(page: Page, creator_id: UUID, picked: list[Tile]) -> None:
    """The press that says it of those chosen that count as a camera's; nothing where there are none."""
    assets = tuple(tile.card.asset_id for tile in picked if tile.card.engine == origins.CAMERA)
    if not assets:
        return
    with st.popover(page.word("studio.avow"), icon=":material/smart_toy:"):
        draw("studio_note.html", note=page.word("studio.avow_how"))
        act = partial(_say, page, creator_id, assets)
        acting.button(page, "studio.avow_yes", act, right=Right.RUN, key=f"avow:{assets[0]}", kind="primary")


def _say(page: Page, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    for asset_id in assets:
        if studio_reads.shown(scope, asset_id).creator_id != creator_id:
            raise NotFound("library.asset_unknown", destination="-")
        avowing.ask(scope, asset_id)
    return Message("studio.avowed")
