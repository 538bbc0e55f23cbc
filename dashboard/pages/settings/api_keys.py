"""API keys: create a key, show it once, revoke it."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.settings.integration_queries import ApiKeysView, load_api_keys
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from tenants.agencies.rights import Right
from tenants.api_keys import keys
from tenants.api_keys.keys import ApiKeyScope

NAME = "key:name"
SCOPES = "key:scopes"
CREATORS = "key:creators"
DAYS = "key:days"
SECRET = "key:secret"  # noqa: S105  the name of a field, no secret
PRESS = "key:make"
FORM = "key:new"
LIVES = (7, 30, 90, 365)
"""Lifetimes to choose from, in days."""


def render_api_keys(page: PageContext) -> None:
    """Draw the keys and the form that creates one."""
    found = page.read(lambda scope: load_api_keys(scope, page.viewer.member))
    st.write(page.text("system.keys_explained"))
    _render_new_secret(page)
    for key in found.living:
        with st.container(border=True):
            draw_template(
                "pages/settings/templates/api_key.html",
                key=key,
                found=found,
                voice=page.localizer,
                word=page.text,
            )
            with st.popover(page.text("system.key_end")):
                st.write(page.markdown("system.key_end_asked", name=key.name))
                actions.action_button(
                    page,
                    "system.key_end_sure",
                    partial(_revoke_key, key.id),
                    right=Right.RUN,
                    key=f"end:{key.id}",
                )
    for key in found.ended:
        draw_template(
            "pages/settings/templates/api_key.html",
            key=key,
            found=found,
            voice=page.localizer,
            word=page.text,
        )
    _render_new_key_form(page, found)


def _render_new_secret(page: PageContext) -> None:
    """Show the new key until the member confirms having copied it. Only its hash is stored."""
    if SECRET in st.session_state:
        with st.container(border=True):
            st.success(page.text("system.key_made"))
            st.code(st.session_state[SECRET], language=None)
            st.button(page.text("system.key_copied"), key="key:copied", on_click=_clear_secret)


def _clear_secret() -> None:
    st.session_state.pop(SECRET, None)


def _render_new_key_form(page: PageContext, found: ApiKeysView) -> None:
    names = {one.slug: one.name for one in found.creators}
    with st.container(border=True), forms.open_fields(page, FORM):
        left, right = st.columns(2)
        left.text_input(page.text("system.key_name"), key=NAME, max_chars=keys.MAX_KEY_NAME)
        forms.show_field_error("name", left)
        right.selectbox(
            page.text("system.key_days"),
            LIVES,
            index=LIVES.index(90),
            format_func=lambda days: page.text("system.key_days_count", count=days),
            key=DAYS,
        )
        st.multiselect(
            page.text("system.key_scopes"),
            [str(one) for one in ApiKeyScope],
            default=[str(ApiKeyScope.POSTS_READ)],
            format_func=lambda one: page.text(f"system.scope.{one.replace(':', '_')}"),
            key=SCOPES,
            placeholder=page.text("system.key_scopes_hint"),
            select_all=False,
        )
        forms.show_field_error("scopes")
        st.multiselect(
            page.text("system.key_creators"),
            list(names),
            format_func=names.__getitem__,
            placeholder=page.text("system.key_all_creators"),
            key=CREATORS,
            select_all=False,
        )
        st.button(
            page.text("system.key_make"), key=PRESS, type="primary", on_click=_handle_create_press
        )


def _handle_create_press() -> None:
    """Create a key and show it."""
    made: list[str] = []
    actions.run_action(partial(_create_key, made), Right.RUN, PRESS, form=FORM)
    if actions.has_succeeded(PRESS) and any(made):
        st.session_state[SECRET] = made[-1]


def _create_key(made: list[str], scope: Scope, press_id: UUID) -> None:
    secret = keys.create_key(
        scope,
        name=str(actions.typed_value(NAME) or ""),
        scopes=actions.typed_value(SCOPES) or (),
        creators=actions.typed_value(CREATORS) or (),
        days=int(actions.typed_value(DAYS)),
        key_id=press_id,
    )
    made.append(secret)
    forms.set_on_success(NAME, "")


def _revoke_key(key_id: UUID, scope: Scope, _: UUID) -> Message:
    keys.revoke_key(scope, key_id)
    return Message("system.key_ended")
