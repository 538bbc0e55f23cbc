"""API costs of the current month by platform, and the agency's monthly cap."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from channels.limits import request_costs
from channels.limits.request_costs import MonthlyCosts
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.money import Money, parse_money, round_up
from tenants.agencies.rights import Right

CAP = "requests:cap"


def render_api_costs(page: PageContext, months: Sequence[MonthlyCosts]) -> None:
    """Render the section on API costs. Render nothing if no platform of the agency charges for
    requests."""
    if not months:
        return
    st.subheader(page.text("channels.costs_title"), anchor="costs")
    st.write(page.text("channels.costs_explained"))
    for found in months:
        _render_platform_costs(page, found)


def _render_platform_costs(page: PageContext, found: MonthlyCosts) -> None:
    name = page.text(f"platform.{found.platform}")
    key = f"{CAP}:{found.platform}"
    spent = page.localizer.format_money(round_up(found.spent.minor, found.spent.currency))
    st.write(page.text("channels.costs_spent", platform=name, spent=spent))
    with forms.open_form(page, f"costs:{found.platform}", border=True):
        own = _format_cap_amount(found.cap) if found.cap is not None else ""
        st.text_input(
            page.text("channels.cap", platform=name, currency=found.spent.currency), own, key=key
        )
        forms.show_field_error("cap")
        keep = partial(_save_cost_cap, found.platform, found.spent.currency)
        actions.submit_button(
            page, "channels.cap_keep", keep, right=Right.RUN, key=f"cap_keep:{found.platform}"
        )


def _save_cost_cap(platform: str, currency: str, scope: Scope, _: UUID) -> Message:
    text = str(actions.typed_value(f"{CAP}:{platform}") or "").strip()
    try:
        cap = parse_money(text, currency) if text else None
    except ValueError as error:
        raise BadInput("channel.cap_wrong", currency=currency).about("cap") from error
    request_costs.set_cost_cap(scope, platform, cap)
    return Message("channels.cap_kept")


def _format_cap_amount(cap: Money) -> str:
    """Format the amount as it is typed: without the currency."""
    return str(cap).rpartition(" ")[0]
