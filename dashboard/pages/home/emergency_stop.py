"""The emergency stop on the home page, for members who may stop a creator but do not have the
System page, such as creators and chatters."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.home.queries import HomeView
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.policy.events import EmergencyStopRequested
from tenants.agencies.rights import Right

WHY = "stop:why"


def render_emergency_stop(page: PageContext, found: HomeView) -> None:
    """Render the button that stops one of the member's creators, with an explanation."""
    with forms.open_fields(page, "stop"):
        names = {day.creator.id: day.creator.name for day in found.days}
        if not names or not page.has_right(Right.STOP) or page.has_right(Right.RUN):
            return
        with st.popover(page.text("system.stop"), icon=":material/front_hand:", key="stop"):
            chosen = next(iter(names))
            if len(names) > 1:
                chosen = st.selectbox(
                    page.text("system.whom"),
                    list(names),
                    format_func=names.__getitem__,
                    key="stop:whom",
                )
            st.write(page.markdown("home.stop_explained", name=names[chosen]))
            st.text_input(page.text("system.why"), key=WHY, max_chars=200)
            forms.show_field_error("reason")
            act = partial(_request_creator_stop, page, chosen)
            params: dict[str, str | int] = {"whom": names[chosen]}
            actions.action_button(
                page,
                "system.stop_now",
                act,
                right=Right.STOP,
                key="stop:now",
                kind="primary",
                params=params,
            )


def _request_creator_stop(
    page: PageContext, creator_id: UUID, scope: Scope, press_id: UUID
) -> Message:
    """Request the stop. The dashboard has no access to the tables of the safety check, so an urgent
    task applies it within a second."""
    whom = page.get_creator(scope, creator_id).name
    reason = str(actions.typed_value(WHY) or "").strip()
    stop = {"scope": "creator", "target": str(creator_id), "feature": "sending"}
    wanted = EmergencyStopRequested(
        scope.tenant_id, press_id, **stop, open=False, by=scope.actor, reason=reason
    )
    outbox.put(scope, wanted, priority=0, dedupe=f"switch:{press_id}")
    return Message("home.stopping", {"whom": whom})
