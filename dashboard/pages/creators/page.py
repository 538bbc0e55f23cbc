"""Draw the page Creators: a card for each creator, the form of one, and the form for a new one."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.creators import profile_form
from dashboard.pages.creators.queries import CreatorsView, load_creators
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from tenants.agencies import creators
from tenants.agencies.creators import CreatorProfile
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right
from tenants.agencies.states import CreatorState

OPEN = "creators:open"
"""Field with the ID of the creator whose form is open."""

STATE_NOTICES = {
    CreatorState.ACTIVE: "creators.reactivated",
    CreatorState.INACTIVE: "creators.deactivated",
    CreatorState.ARCHIVED: "creators.archived_now",
}


def render_page(page: PageContext) -> None:
    """Draw the page."""
    found = page.read(lambda scope: load_creators(scope, page))
    st.title(page.text("dashboard.page.creators"))
    draw_template("shell/templates/note.html", note=page.text("creators.explained"))
    for one in found.current:
        _render_creator(page, found, one)
    if not found.current:
        st.info(page.text("creators.none"))
    if page.has_right(Right.STAFF):
        with st.expander(
            page.text("creators.new"), icon=":material/person_add:", expanded=not found.current
        ):
            profile_form.render_new_form(page, found)
    shown = found.archived and st.toggle(
        page.text("creators.show_archived", count=len(found.archived)), key="creators:archived"
    )
    for one in found.archived if shown else ():
        _render_creator(page, found, one)


def _render_creator(page: PageContext, found: CreatorsView, one: CreatorProfile) -> None:
    creator = one.creator
    with st.container(border=True):
        draw_template(
            "pages/creators/templates/creator.html",
            one=one,
            images=found.images.get(creator.id),
            responsible=found.responsible_names(one),
            voice=page.localizer,
            word=page.text,
        )
        is_open = st.session_state.get(OPEN) == str(creator.id)
        with st.container(horizontal=True, gap="small"):
            st.button(
                page.text("creators.close" if is_open else "creators.edit"),
                key=f"creators:edit:{creator.id}",
                on_click=_toggle_form,
                args=(str(creator.id),),
            )
            if page.has_right(Right.STAFF):
                _render_state_buttons(page, creator)
        if is_open:
            profile_form.render_edit_form(page, found, one)


def _toggle_form(creator_id: str) -> None:
    is_open = st.session_state.get(OPEN) == creator_id
    st.session_state[OPEN] = "" if is_open else creator_id


def _render_state_buttons(page: PageContext, creator: Creator) -> None:
    """Draw the buttons that pause, archive and resume a creator; pausing needs a confirmation."""
    if creator.state is not CreatorState.ACTIVE:
        _render_state_button(page, creator, "creators.reactivate", CreatorState.ACTIVE)
    if creator.state is CreatorState.ACTIVE:
        with st.popover(page.text("creators.deactivate")):
            st.write(page.markdown("creators.deactivate_effect", name=creator.name))
            _render_state_button(page, creator, "creators.deactivate_now", CreatorState.INACTIVE)
    if creator.state is not CreatorState.ARCHIVED:
        with st.popover(page.text("creators.archive")):
            st.write(page.markdown("creators.archive_effect", name=creator.name))
            _render_state_button(page, creator, "creators.archive_now", CreatorState.ARCHIVED)


def _render_state_button(
    page: PageContext, creator: Creator, code: str, state: CreatorState
) -> None:
    actions.action_button(
        page,
        code,
        partial(_change_state, creator, state),
        right=Right.STAFF,
        key=f"creators:{state}:{creator.id}",
    )


def _change_state(creator: Creator, state: CreatorState, scope: Scope, _: UUID) -> Message:
    creators.change_creator_state(scope, creator.id, state)
    return Message(STATE_NOTICES[state], {"name": creator.name})
