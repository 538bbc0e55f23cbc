"""Draw the alerts of a member: open ones with their remedies, closed ones, and the rules."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.notifications import alert_rules
from dashboard.pages.notifications.alert_queries import AlertItem, AlertsView, load_alerts
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from insights.alerts import alerts
from tenants.agencies.rights import Right

AlertAction = Callable[[PageContext, UUID, Scope, UUID], Message]


def render_alerts(page: PageContext) -> None:
    """Draw the section. Members who may run the agency acknowledge alerts and edit rules."""
    found = page.read(lambda scope: load_alerts(scope, page.viewer.member))
    draw_template(
        "pages/notifications/templates/alerts_open.html",
        count=len(found.opened),
        voice=page.localizer,
        word=page.text,
    )
    for one in found.opened:
        _render_open(page, found, one)
    if found.closed:
        with st.expander(page.text("alerts.closed", count=len(found.closed))):
            for one in found.closed:
                _draw_item(page, found, one)
    if page.has_right(Right.RUN):
        alert_rules.render_rules(page, found)


def _render_open(page: PageContext, found: AlertsView, one: AlertItem) -> None:
    with st.container(border=True, key=f"alert:{one.alert.id}"):
        _draw_item(page, found, one)
        if not page.has_right(Right.RUN):
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            if one.alert.is_silent(found.now):
                _render_button(page, one, "alerts.wake", _wake, ":material/undo:")
                return
            _render_button(page, one, "alerts.acknowledge", _acknowledge, ":material/done:")
            st.menu_button(
                page.text("alerts.snooze"),
                alerts.SNOOZE_DAYS,
                format_func=partial(_snooze_label, page),
                key=f"alert:snooze:{one.alert.id}",
                icon=":material/snooze:",
                on_click=_press_snooze,
                args=(page, one.alert.id),
            )


def _render_button(
    page: PageContext, one: AlertItem, code: str, act: AlertAction, icon: str
) -> None:
    actions.action_button(
        page,
        code,
        partial(act, page, one.alert.id),
        right=Right.RUN,
        key=f"{code}:{one.alert.id}",
        icon=icon,
    )


def _draw_item(page: PageContext, found: AlertsView, one: AlertItem) -> None:
    draw_template(
        "pages/notifications/templates/alert.html",
        one=one,
        now=found.now,
        voice=page.localizer,
        word=page.text,
    )


def _snooze_label(page: PageContext, days: int) -> str:
    return page.text("alerts.snooze_one" if days == 1 else "alerts.snooze_days", days=days)


def _press_snooze(page: PageContext, alert_id: UUID) -> None:
    key = f"alert:snooze:{alert_id}"
    days = st.session_state.get(key)
    if days is not None:
        act = partial(_snooze, page, alert_id, days)
        actions.run_action(act, Right.RUN, key, label="alerts.snooze")


def _check_visible(page: PageContext, scope: Scope, alert_id: UUID) -> None:
    """Raise NotFound for an alert that the member may not see."""
    alerts.get_alert(scope, page.viewer.member, page.list_creators(scope), alert_id)


def _acknowledge(page: PageContext, alert_id: UUID, scope: Scope, _: UUID) -> Message:
    _check_visible(page, scope, alert_id)
    alerts.acknowledge_alert(scope, alert_id, actor=page.viewer.actor)
    return Message("alerts.acknowledged")


def _snooze(page: PageContext, alert_id: UUID, days: int, scope: Scope, _: UUID) -> Message:
    _check_visible(page, scope, alert_id)
    alerts.snooze_alert(scope, alert_id, days)
    return Message("alerts.snoozed", {"days": days})


def _wake(page: PageContext, alert_id: UUID, scope: Scope, _: UUID) -> Message:
    _check_visible(page, scope, alert_id)
    alerts.wake_alert(scope, alert_id)
    return Message("alerts.woken")
