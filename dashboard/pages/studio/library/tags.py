"""Labels of selected images: add and remove them."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.library.queries import LibraryTile
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from studio.library import tags
from tenants.agencies.rights import Right

NEW = "studio:tags:new"
OFF = "studio:tags:off"


def render_tags(page: PageContext, creator_id: UUID, picked: Sequence[LibraryTile]) -> None:
    """Draw the fields that add and remove labels."""
    with forms.open_fields(page, NEW):
        assets = [tile.card.asset_id for tile in picked]
        there = {key: written for tile in picked for key, written in tile.card.tags.items()}
        with st.popover(page.text("studio.tags"), icon=":material/sell:"):
            st.text_input(
                page.text("studio.tags_new"),
                key=NEW,
                max_chars=400,
                placeholder=page.text("studio.tags_how"),
            )
            forms.show_field_error("tag")
            put = partial(_add_tags, page, creator_id, assets)
            actions.action_button(
                page, "studio.tags_put", put, right=Right.RUN, key="studio:tags:put", kind="primary"
            )
            if there:
                st.session_state[OFF] = [
                    one for one in st.session_state.get(OFF) or () if one in there
                ]
                st.multiselect(
                    page.text("studio.tags_there"),
                    sorted(there),
                    format_func=there.__getitem__,
                    placeholder=page.text("studio.tags_hint"),
                    key=OFF,
                    select_all=False,
                )
                off = partial(_remove_tags, page, creator_id, assets)
                actions.action_button(
                    page, "studio.tags_off", off, right=Right.RUN, key="studio:tags:take"
                )


def _add_tags(
    page: PageContext, creator_id: UUID, assets: list[UUID], scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    typed = [one for one in str(actions.typed_value(NEW) or "").split(",") if one.strip()]
    tags.add_tags(scope, creator_id, assets, typed)
    return Message("studio.tags_kept")


def _remove_tags(
    page: PageContext, creator_id: UUID, assets: list[UUID], scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    tags.remove_tags(scope, creator_id, assets, list(actions.typed_value(OFF) or ()))
    return Message("studio.tags_kept")
