"""Remote workers of the agency: add one, show its key once, remove it."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.system.remote_worker_queries import load_remote_workers
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.command_lines import JOIN_COMMAND
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops import settings
from studio.runs import remote_routing
from tenants.agencies.rights import Right
from tenants.api_keys import remote_workers

NAME = "machine:name"
SECRET = "machine:secret"  # noqa: S105  the name of a field, no secret
PRESS = "machine:make"
FORM = "machine:new"


def render_remote_workers(page: PageContext) -> None:
    """Draw the remote workers and the form that adds one."""
    if not page.has_right(Right.RUN):
        return
    found = page.read(load_remote_workers)
    st.subheader(page.text("system.machines"))
    st.write(page.text("system.machines_explained"))
    _render_new_secret(page)
    if found.lacking:
        st.warning(page.markdown("system.machines_lacking", names=", ".join(found.lacking)))
    elif found.waiting:
        st.write(page.text("system.machines_waiting", count=found.waiting))
    for one in found.living:
        with st.container(border=True):
            draw_template(
                "pages/system/templates/remote_worker.html",
                machine=one,
                found=found,
                voice=page.localizer,
                word=page.text,
            )
            with st.popover(page.text("system.machine_end")):
                st.write(page.markdown("system.machine_end_asked", name=one.name))
                end = partial(_end_remote_worker, one.id)
                actions.action_button(
                    page, "system.machine_end_sure", end, right=Right.RUN, key=f"end:{one.id}"
                )
    with st.container(border=True), forms.open_fields(page, FORM):
        st.text_input(
            page.text("system.machine_name"),
            key=NAME,
            max_chars=remote_workers.MAX_REMOTE_WORKER_NAME,
        )
        forms.show_field_error("name")
        st.button(page.text("system.machine_make"), key=PRESS, on_click=_handle_create_press)


def _render_new_secret(page: PageContext) -> None:
    """Show the new key until the member confirms having copied it. Only its hash is stored."""
    if SECRET in st.session_state:
        with st.container(border=True):
            st.success(page.text("system.machine_made"))
            st.code(st.session_state[SECRET], language=None)
            st.write(page.text("system.machine_start"))
            address = settings.load_settings().web.public_url.rstrip("/")
            st.code(f"{JOIN_COMMAND} {address}", language=None)
            st.button(page.text("system.key_copied"), key="machine:copied", on_click=_clear_secret)


def _clear_secret() -> None:
    st.session_state.pop(SECRET, None)


def _handle_create_press() -> None:
    """Add a worker and show its key."""
    made: list[str] = []
    actions.run_action(partial(_create_remote_worker, made), Right.RUN, PRESS, form=FORM)
    if actions.has_succeeded(PRESS) and any(made):
        st.session_state[SECRET] = made[-1]


def _create_remote_worker(made: list[str], scope: Scope, press_id: UUID) -> None:
    made.append(
        remote_workers.create_remote_worker(
            scope, name=str(actions.typed_value(NAME) or ""), machine_id=press_id
        )
    )
    forms.set_on_success(NAME, "")


def _end_remote_worker(machine_id: UUID, scope: Scope, _: UUID) -> Message:
    back = remote_routing.end_remote_worker(scope, machine_id)
    return (
        Message("system.machine_ended_back", {"count": back})
        if back
        else Message("system.machine_ended")
    )
