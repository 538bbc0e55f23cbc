"""Deletion of archived images, manually or after the number of days that the agency has set."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.library.queries import LibraryTile
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from schedules.posts.asset_usage import assets_used_in_posts
from studio.library import erasure, queries
from studio.library.states import ShelfState
from tenants.agencies.rights import Right

DAYS = "retention:days"


def render_delete_button(page: PageContext, creator_id: UUID, tile: LibraryTile) -> None:
    """Draw the button that permanently deletes an archived image."""
    if tile.card.shelf is not ShelfState.RETIRED:
        return
    with st.popover(page.text("studio.erase"), icon=":material/delete_forever:"):
        draw_template("shell/templates/note.html", note=page.text("studio.erase_how"))
        act = partial(_request_erasure, page, creator_id, tile.card.asset_id)
        actions.action_button(
            page,
            "studio.erase_yes",
            act,
            right=Right.RUN,
            key=f"erase:{tile.card.asset_id}",
            kind="primary",
        )


def _request_erasure(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    if queries.get_asset_bytes(scope, asset_id).creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
    erasure.request_erasure(scope, asset_id, assets_used_in_posts(scope, creator_id))
    return Message("studio.erase_asked")


def render_deletion_policy(page: PageContext) -> None:
    """Draw the number of days after which archived images of the agency are deleted."""
    if not page.has_right(Right.RUN):
        return
    days = page.read(erasure.retention_days)
    with (
        st.expander(page.text("studio.retention"), icon=":material/auto_delete:"),
        forms.open_form(page, "retention"),
    ):
        draw_template("shell/templates/note.html", note=page.text("studio.retention_how"))
        st.number_input(
            page.text("studio.retention_days"), 0, erasure.MAX_DAYS, days or 0, key=DAYS
        )
        actions.submit_button(
            page,
            "studio.retention_keep",
            _save_retention_days,
            right=Right.RUN,
            key="retention_keep",
        )


def _save_retention_days(scope: Scope, _: UUID) -> Message:
    days = int(actions.typed_value(DAYS) or 0)
    erasure.set_retention_days(scope, days or None)
    return Message("studio.retention_kept" if days else "studio.retention_never")
