"""The custodian's view: requests to confirm the age and identity of people and fans."""

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.pages.people import surface_names
from dashboard.pages.people.person_summary import DAYS, YEAR
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput, Refused
from foundation.i18n.translation import Message
from gate.consent.queries import card_day_bounds
from gate.contract.age_receipts import MAX_RECEIPT, PROOF_METHODS
from gate.people import age_proofs, age_requests
from gate.people.age_proofs import AgeConfirmation
from gate.people.age_requests import AgeRequestSummary
from tenants.agencies.rights import Right


def render_requests(page: PageContext) -> None:
    """Draw the open requests of the agency, oldest first."""
    try:
        found: Sequence[AgeRequestSummary] = page.read(age_requests.list_open_requests)
    except Refused as refused:
        st.warning(page.localizer.message_text(refused.message))
        return
    st.caption(page.text("requests.how"))
    if not found:
        draw_template("pages/people/templates/note.html", said=page.text("requests.none"))
    for one in found:
        with st.container(border=True):
            _render_request(page, one)


def _render_request(page: PageContext, one: AgeRequestSummary) -> None:
    with forms.open_fields(page, f"request:{one.id}"):
        code = "requests.person" if one.person_id else "requests.viewer"
        st.write(page.markdown(code, name=one.name, reference=one.reference, platform=one.platform))
        if one.address:
            st.write(page.markdown("requests.address", address=one.address))
        if one.signs_in_as:
            st.write(page.markdown("requests.signs_in_as", member=one.signs_in_as))
        for account in one.accounts:
            st.checkbox(
                page.markdown(
                    "requests.holds_account",
                    account=account.account,
                    platform=surface_names.surface_label(page, account.platform),
                ),
                key=f"request:account:{one.id}:{account.channel_id}",
                wrap=True,
            )
        left, right = st.columns(2)
        left.selectbox(
            page.text("people.method"),
            PROOF_METHODS,
            format_func=lambda each: page.text(f"people.method.{each}"),
            key=f"request:method:{one.id}",
        )
        right.text_input(
            page.text("people.receipt"), key=f"request:receipt:{one.id}", max_chars=MAX_RECEIPT
        )
        forms.show_field_error("receipt", right)
        if one.person_id:
            _render_days(page, one)
        sure = st.checkbox(page.text("requests.sure"), key=f"request:sure:{one.id}", wrap=True)
        with st.container(horizontal=True, gap="small"):
            actions.action_button(
                page,
                "requests.confirm",
                partial(_confirm, one, str(page.localizer.zone)),
                right=Right.VOUCH,
                key=f"request:yes:{one.id}",
                kind="primary",
                disabled=not sure,
            )
            actions.action_button(
                page,
                "requests.decline",
                partial(_decline, one),
                right=Right.VOUCH,
                key=f"request:no:{one.id}",
            )


def _render_days(page: PageContext, one: AgeRequestSummary) -> None:
    today = one.asked_at.astimezone(page.localizer.zone).date()
    left, right = st.columns(2)
    left.date_input(
        page.text("people.checked_on"),
        value=today,
        min_value=today - 20 * YEAR,
        format=DAYS,
        key=f"request:day:{one.id}",
    )
    right.time_input(page.text("people.checked_at"), value=time(), key=f"request:at:{one.id}")
    if st.checkbox(page.text("people.earlier"), key=f"request:earlier:{one.id}"):
        st.date_input(
            page.text("people.of_age_on"),
            value=today,
            min_value=today - 40 * YEAR,
            format=DAYS,
            key=f"request:on:{one.id}",
        )
    if st.checkbox(page.text("people.proof_ends"), key=f"request:ends:{one.id}"):
        st.date_input(
            page.text("people.until"),
            value=today + 2 * YEAR,
            format=DAYS,
            key=f"request:until:{one.id}",
        )


def _confirm(one: AgeRequestSummary, zone: str, scope: Scope, _: UUID) -> Message:
    method = str(actions.typed_value(f"request:method:{one.id}"))
    receipt = str(actions.typed_value(f"request:receipt:{one.id}") or "")
    if one.person_id is None:
        age_proofs.submit_viewer_age(scope, one.id, method=method, receipt=receipt)
        return Message("requests.confirmed", {"name": one.name})
    at = actions.typed_value(f"request:at:{one.id}")
    clock = at if isinstance(at, time) else time()
    earlier = actions.typed_value(f"request:earlier:{one.id}")
    ends = actions.typed_value(f"request:ends:{one.id}")
    confirmation = AgeConfirmation(
        method=method,
        receipt=receipt,
        verified_at=datetime.combine(_read_day(f"request:day:{one.id}"), clock, ZoneInfo(zone)),
        valid_until=card_day_bounds(_read_day(f"request:until:{one.id}"), zone)[1]
        if ends
        else None,
        on_day=card_day_bounds(_read_day(f"request:on:{one.id}"), zone)[0] if earlier else None,
        channels=tuple(
            account.channel_id
            for account in one.accounts
            if actions.typed_value(f"request:account:{one.id}:{account.channel_id}")
        ),
    )
    age_proofs.submit_age_proof(scope, one.id, confirmation)
    return Message("requests.confirmed", {"name": one.name})


def _decline(one: AgeRequestSummary, scope: Scope, _: UUID) -> Message:
    age_requests.decline_request(scope, one.id)
    return Message("requests.declined", {"name": one.name})


def _read_day(key: str) -> date:
    day = actions.typed_value(key)
    if not isinstance(day, date):
        raise BadInput("asking.bad_days")
    return day
