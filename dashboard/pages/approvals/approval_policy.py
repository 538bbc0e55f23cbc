"""Approval policies of creators, shown to the owner: the number of approvals a post needs."""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.approvals import approval_policy
from tenants.agencies import agency_settings
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

TIERS = (0, 1, 2)

APPROVAL_TIMES = tuple(timedelta(hours=hours) for hours in (1, 2, 4, 8, 24, 48))
"""Offered times for the approval of a post that is due at once."""


def render_approval_policies(page: PageContext, creators: Iterable[Creator]) -> None:
    """Draw the approval policy of each of these creators."""
    with st.expander(page.text("rule.title")):
        draw_template("shell/templates/note.html", note=page.text("rule.how"))
        _render_approval_time(page)
        for one in creators:
            with forms.open_form(page, f"rule:{one.id}"):
                _render_policy_fields(page, one)
                actions.submit_button(
                    page,
                    "rule.keep",
                    partial(_save_approval_policy, page, one.id),
                    right=Right.STAFF,
                    key=f"rule:go:{one.id}",
                )


def _render_approval_time(page: PageContext) -> None:
    """Draw the form of the time in which a post that is due at once can be approved."""
    current = page.read(agency_settings.get_approval_time)
    offered = sorted({*APPROVAL_TIMES, current})
    with forms.open_form(page, "rule:time"):
        st.selectbox(
            page.text("rule.time"),
            offered,
            index=offered.index(current),
            format_func=page.localizer.format_duration,
            key="rule:hours",
            help=page.text("rule.time_help"),
        )
        actions.submit_button(
            page, "rule.time_keep", _save_approval_time, right=Right.STAFF, key="rule:time:go"
        )


def _save_approval_time(scope: Scope, _: UUID) -> Message:
    agency_settings.set_approval_time(scope, actions.typed_value("rule:hours"))
    return Message("rule.time_kept")


def _render_policy_fields(page: PageContext, one: Creator) -> None:
    st.selectbox(
        page.markdown("rule.of", name=one.name),
        TIERS,
        index=TIERS.index(one.approval_tiers),
        format_func=lambda tiers: page.text(f"rule.tiers.{tiers}"),
        key=f"rule:tiers:{one.id}",
    )
    st.checkbox(page.text("rule.times"), one.approve_times, key=f"rule:times:{one.id}")


def _save_approval_policy(page: PageContext, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, creator_id)
    tiers = actions.typed_value(f"rule:tiers:{creator_id}")
    times = actions.typed_value(f"rule:times:{creator_id}")
    waiting = approval_policy.change_approval_policy(
        scope, creator_id, tiers=int(tiers), times=bool(times)
    )
    return Message("rule.kept_waiting", {"count": waiting}) if waiting else Message("rule.kept")
