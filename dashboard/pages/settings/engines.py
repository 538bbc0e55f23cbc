"""Models: the engines of the installation, the setting of each, and a check by the workers.

Engines belong to the installation: their addresses and keys come from its environment, so that no
agency can change what another one uses.
"""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio import engine_help
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.ops import settings
from generators import registry
from studio.engine_checks import checks
from studio.engine_checks.checks import EngineCheck
from tenants.agencies.rights import Right

KINDS = ("text", "images", "speech")


def render_engines(page: PageContext) -> None:
    """Draw each engine with its status and a button that checks it."""
    st.write(page.text("settings.engines_explained"))
    engine_help.render_engine_help(page)
    _render_checks(page, page.read(checks.list_engine_checks))


@st.fragment(run_every="3s")
def _render_checks(drawn: PageContext, before: Mapping[str, EngineCheck]) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    found = before if page is drawn else page.read(checks.list_engine_checks)
    actions.show_notices(page, "engines")
    known = settings.load_settings().generators
    for kind in KINDS:
        st.subheader(page.text(f"settings.engines_{kind}"))
        for name in (one for one, about in registry.ENGINES.items() if about.makes == kind):
            _render_engine(
                page, name, found.get(name), configured=registry.is_engine_configured(known, name)
            )


def _render_engine(
    page: PageContext, name: str, check: EngineCheck | None, *, configured: bool
) -> None:
    with st.container(border=True):
        left, right = st.columns([3, 1], vertical_alignment="center")
        with left:
            st.markdown(f"**{page.text(f'settings.engine.{name}')}**")
            code = "settings.engine_set" if configured else "settings.engine_unset"
            st.caption(page.text(code, setting=registry.ENGINES[name].variable))
        with right:
            actions.action_button(
                page,
                "settings.engine_check",
                partial(_request_check, name),
                right=Right.RUN,
                key=f"engine:{name}",
                disabled=not configured,
            )
        if check is not None:
            _render_result(page, check)


def _render_result(page: PageContext, check: EngineCheck) -> None:
    if check.state == "waiting" or check.result is None:
        st.info(page.text("settings.engine_waiting"))
        return
    text = page.localizer.message_text(check.result)
    (st.success if check.state == "passed" else st.error)(text)


def _request_check(name: str, scope: Scope, press_id: UUID) -> None:
    checks.request_engine_check(scope, press_id, name)
