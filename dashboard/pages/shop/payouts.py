"""Payouts of a creator: the statement of the selected month, its files, and the form that records a
payment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.money import parse_money
from foundation.ops.wall_time import local_day
from insights.reports import payout_statement_pdf
from subscribers.ledger import payout_statements, payouts
from subscribers.ledger.entries import party_names
from subscribers.ledger.payout_statements import PayoutStatement
from subscribers.ledger.payouts import MAX_REFERENCE, PayoutDraft
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right


@dataclass(frozen=True)
class PayoutsView:
    """The statement of a month and the accounts that a payout can reduce, with the names of other
    parties. `currencies` are those in which something is due to the creator or was paid."""

    statement: PayoutStatement
    accounts: list[str]
    parties: dict[str, str]
    currencies: list[str]
    today: date


def render_payouts(page: PageContext, creator: Creator, first: date) -> None:
    """Render the payout statement of a month with its files, and the form for a payout."""
    found = page.read(lambda scope: _load_payouts(scope, page, creator, first))
    draw_template(
        "pages/shop/templates/payout_statement.html",
        found=found.statement,
        rows=partial(payout_statement_pdf.section_rows, language=page.localizer.language),
        balance=partial(payout_statement_pdf.balance_rows, language=page.localizer.language),
        recipient=partial(_recipient_label, page, creator, found),
        voice=page.localizer,
        word=page.text,
    )
    if found.statement.sections:
        _render_files(page, found.statement)
    if found.currencies and page.has_right(Right.BOOKS):
        _render_payout_form(page, creator, found)


def _load_payouts(scope: Scope, page: PageContext, creator: Creator, first: date) -> PayoutsView:
    page.get_creator(scope, creator.id)
    statement = payout_statements.load_payout_statement(scope, creator.id, first)
    return PayoutsView(
        statement,
        payouts.payable_accounts(scope, creator.id),
        dict(party_names(scope, creator.id)),
        payouts.payable_currencies(scope, creator.id),
        local_day(scope.now, creator.zone),
    )


def _render_files(page: PageContext, statement: PayoutStatement) -> None:
    """Render the download buttons. Each file is generated on request."""
    name = f"payout-{statement.number.lower()}"
    files: dict[str, tuple[str, Callable[[], str | bytes]]] = {
        "csv": ("text/csv", partial(payout_statements.render_statement_csv, statement)),
        "pdf": (
            "application/pdf",
            partial(
                payout_statement_pdf.render_payout_statement_pdf,
                statement,
                page.localizer.language,
            ),
        ),
    }
    with st.container(horizontal=True, gap="small"):
        for form, (mime, make) in files.items():
            st.download_button(
                page.text(f"payout.{form}"),
                make,
                f"{name}.{form}",
                mime,
                key=f"payout:{form}",
                on_click="ignore",
            )


def _render_payout_form(page: PageContext, creator: Creator, found: PayoutsView) -> None:
    slot = f"payout:{creator.id}"
    with forms.open_form(page, slot, border=True), st.container(gap="small"):
        st.write(page.text("payout.record"))
        st.selectbox(
            page.text("payout.recipient"),
            found.accounts,
            format_func=partial(_recipient_label, page, creator, found),
            key=f"{slot}:account",
        )
        left, right = st.columns([2, 1])
        left.text_input(page.text("payout.amount"), key=f"{slot}:amount", max_chars=20)
        forms.show_field_error("amount", left)
        right.selectbox(
            page.text("payout.currency"),
            found.currencies,
            format_func=page.localizer.format_currency,
            key=f"{slot}:currency",
        )
        st.date_input(
            page.text("payout.paid_on"),
            found.today,
            max_value=found.today,
            format="DD/MM/YYYY",
            key=f"{slot}:day",
        )
        forms.show_field_error("day")
        st.text_input(
            page.text("payout.reference"), key=f"{slot}:reference", max_chars=MAX_REFERENCE
        )
        forms.show_field_error("reference")
        actions.submit_button(
            page,
            "payout.save",
            partial(_record_payout, page, creator, slot),
            right=Right.BOOKS,
            key=f"{slot}:save",
        )


def _recipient_label(page: PageContext, creator: Creator, found: PayoutsView, account: str) -> str:
    if account in found.parties:
        return found.parties[account]
    return creator.name if account.startswith("creator") else page.text("shop.staff")


def _record_payout(
    page: PageContext, creator: Creator, slot: str, scope: Scope, press_id: UUID
) -> Message:
    page.get_creator(scope, creator.id)
    typed = str(actions.typed_value(f"{slot}:amount") or "").strip()
    try:
        money = parse_money(typed, str(actions.typed_value(f"{slot}:currency")))
    except ValueError as error:
        raise BadInput("payout.bad_amount", said=typed[:20] or "…").about("amount") from error
    draft = PayoutDraft(
        money,
        actions.typed_value(f"{slot}:day") or local_day(scope.now, creator.zone),
        str(actions.typed_value(f"{slot}:reference") or ""),
        str(actions.typed_value(f"{slot}:account")),
    )
    payouts.record_payout(scope, creator.id, draft, payout_id=press_id)
    return Message("payout.saved", {"amount": str(money)})
