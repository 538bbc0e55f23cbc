"""Rules that plugins provide for their own platforms; the owner accepts or revokes them."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.settings.queries import SafetyRulesView
from dashboard.pages.settings.third_party_rule_queries import ThirdPartyRulesView
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.policy.admission import AdmissionRequested
from tenants.agencies.rights import Right


def render_third_party_rules(page: PageContext, found: SafetyRulesView) -> None:
    """Draw the rules. Draw nothing if none are installed or accepted."""
    if not found.strangers:
        return
    st.subheader(page.text("system.rows"))
    st.write(page.text("system.rows_explained"))
    for number, one in enumerate(found.strangers):
        with st.container(border=True):
            draw_template(
                "pages/settings/templates/third_party_rules.html",
                one=one,
                found=found,
                voice=page.localizer,
                word=page.text,
            )
            _render_admission_buttons(page, one, number)


def _render_admission_buttons(page: PageContext, one: ThirdPartyRulesView, number: int) -> None:
    if one.can_be_admitted:
        act = partial(_request_admission, one.platform, one.digest, end=False)
        actions.action_button(
            page, "system.rows_admit", act, right=Right.RULES, key=f"rows:{number}"
        )
    if one.admitted is not None and (one.is_admitted or not one.package):
        act = partial(_request_admission, one.platform, one.digest, end=True)
        actions.action_button(
            page, "system.rows_end", act, right=Right.RUN, key=f"rows.end:{number}"
        )


def _request_admission(
    platform: str, digest: str, scope: Scope, press_id: UUID, *, end: bool
) -> Message:
    wanted = AdmissionRequested(
        scope.tenant_id, press_id, platform=platform, digest=digest, end=end, by=scope.actor
    )
    outbox.put(scope, wanted, priority=0, dedupe=f"rows:{press_id}")
    return Message("system.rows_ending" if end else "system.rows_noted")
