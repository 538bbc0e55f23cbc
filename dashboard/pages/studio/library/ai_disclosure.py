"""AI disclosure: mark uploads that count as photos as AI-generated. This cannot be undone."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.library.queries import LibraryTile
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from studio.ingest import ai_disclosure, origin_detection
from studio.library import queries
from tenants.agencies.rights import Right


def render_ai_disclosure(page: PageContext, creator_id: UUID, picked: list[LibraryTile]) -> None:
    """Draw the button for selected images that count as photos. Draw nothing if there are none."""
    assets = tuple(
        tile.card.asset_id for tile in picked if tile.card.engine == origin_detection.CAMERA_ENGINE
    )
    if not assets:
        return
    with st.popover(page.text("studio.avow"), icon=":material/smart_toy:"):
        draw_template("shell/templates/note.html", note=page.text("studio.avow_how"))
        act = partial(_request_ai_disclosure, page, creator_id, assets)
        actions.action_button(
            page, "studio.avow_yes", act, right=Right.RUN, key=f"avow:{assets[0]}", kind="primary"
        )


def _request_ai_disclosure(
    page: PageContext, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    for asset_id in assets:
        if queries.get_asset_bytes(scope, asset_id).creator_id != creator_id:
            raise NotFound("library.asset_unknown", destination="-")
        ai_disclosure.request_ai_disclosure(scope, asset_id)
    return Message("studio.avowed")
