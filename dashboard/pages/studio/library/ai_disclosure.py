"""AI disclosure: mark uploads that count as photos as AI-generated, and answer whether uploads of
unknown origin are photos. Neither can be undone."""

from collections.abc import Callable
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
    """Draw the question for selected images of unknown origin, or the button for those that count
    as photos. Draw nothing if there are none."""
    if unknown := _list_assets(picked, origin_detection.UNCONFIRMED_ENGINE):
        program = next(tile.card.model for tile in picked if tile.card.asset_id == unknown[0])
        with st.popover(page.text("studio.origin_ask"), icon=":material/help:"):
            note = page.text("studio.origin_ask_how", program=program)
            draw_template("shell/templates/note.html", note=note)
            _render_answer(page, creator_id, unknown, ai_disclosure.request_ai_disclosure)
            _render_answer(page, creator_id, unknown, ai_disclosure.confirm_photograph)
    elif photos := _list_assets(picked, origin_detection.CAMERA_ENGINE):
        with st.popover(page.text("studio.avow"), icon=":material/smart_toy:"):
            draw_template("shell/templates/note.html", note=page.text("studio.avow_how"))
            _render_answer(page, creator_id, photos, ai_disclosure.request_ai_disclosure)


def _list_assets(picked: list[LibraryTile], engine: str) -> tuple[UUID, ...]:
    return tuple(tile.card.asset_id for tile in picked if tile.card.engine == engine)


def _render_answer(
    page: PageContext,
    creator_id: UUID,
    assets: tuple[UUID, ...],
    answer: Callable[[Scope, UUID], None],
) -> None:
    is_photograph = answer is ai_disclosure.confirm_photograph
    code = "studio.origin_photo" if is_photograph else "studio.avow_yes"
    actions.action_button(
        page,
        code,
        partial(_record_answer, page, creator_id, assets, answer),
        right=Right.RUN,
        key=f"{code}:{assets[0]}",
        kind="secondary" if is_photograph else "primary",
    )


def _record_answer(
    page: PageContext,
    creator_id: UUID,
    assets: tuple[UUID, ...],
    answer: Callable[[Scope, UUID], None],
    scope: Scope,
    _: UUID,
) -> Message:
    page.get_creator(scope, creator_id)
    for asset_id in assets:
        if queries.get_asset_bytes(scope, asset_id).creator_id != creator_id:
            raise NotFound("library.asset_unknown", destination="-")
        answer(scope, asset_id)
    is_photograph = answer is ai_disclosure.confirm_photograph
    return Message("studio.origin_settled" if is_photograph else "studio.avowed")
