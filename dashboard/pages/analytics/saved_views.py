"""Saved views: addresses of Analytics under a name, one's own and those that others share."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.analytics import filters
from dashboard.shell.actions import (
    action_button,
    clear_fields,
    run_action,
    show_refusal,
    typed_value,
)
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template, escape_markdown
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from insights.workspace.saved_views import (
    MAX_VIEW_NAME_LENGTH,
    SavedView,
    delete_view,
    list_views,
    save_view,
)
from tenants.agencies.rights import Right

NAME = "saved_view:name"
SHARED = "saved_view:shared"
REFUSAL = "saved_view"
SAVE = "analytics.saved_views.save"


def render_saved_views(page: PageContext) -> None:
    """Draw the button that opens, saves and deletes views."""
    with st.popover(page.text("analytics.saved_views"), icon=":material/bookmark:"):
        found = page.read(lambda scope: list_views(scope, page.viewer.member.id))
        for one in found:
            _render_view(page, one)
        if not found:
            draw_template("shell/templates/note.html", note=page.text("analytics.saved_views.none"))
        with st.form("analytics:save", border=False):
            st.text_input(
                page.text("analytics.saved_views.name"), max_chars=MAX_VIEW_NAME_LENGTH, key=NAME
            )
            st.checkbox(page.text("analytics.saved_views.share"), key=SHARED)
            show_refusal(page, REFUSAL)
            st.form_submit_button(
                page.text(SAVE),
                key="saved_view:save",
                type="primary",
                on_click=_press_save,
                args=(page,),
            )


def _press_save(page: PageContext) -> None:
    # The address of now: when the form was drawn, the view had not yet added its last filters.
    act = partial(_save, page, st.query_params.to_dict())
    run_action(act, Right.MONEY, "saved_view:save", label=SAVE, refusal=REFUSAL)


def _render_view(page: PageContext, one: SavedView) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            escape_markdown(one.name),
            key=f"saved_view:open:{one.id}",
            icon=":material/group:" if one.is_shared else ":material/bookmark:",
            on_click=filters.open_address,
            args=(one.parameters,),
        )
        if one.can_delete:
            action_button(
                page,
                "analytics.saved_views.delete",
                partial(_delete, page, one.id),
                right=Right.MONEY,
                key=f"saved_view:delete:{one.id}",
                kind="tertiary",
                icon=":material/delete:",
            )


def _save(page: PageContext, parameters: dict[str, str], scope: Scope, press_id: UUID) -> Message:
    name = typed_value(NAME) or ""
    save_view(
        scope,
        member_id=page.viewer.member.id,
        name=name,
        parameters=parameters,
        is_shared=bool(typed_value(SHARED)),
        key=press_id,
    )
    clear_fields(NAME)
    return Message("analytics.saved_views.was_saved", {"name": name})


def _delete(page: PageContext, view_id: UUID, scope: Scope, _: UUID) -> Message:
    delete_view(scope, view_id, member_id=page.viewer.member.id)
    return Message("analytics.saved_views.was_deleted")
