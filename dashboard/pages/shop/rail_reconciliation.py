"""Reconciliation: the balance of every rail account against its movements, and payments that match
no order."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.shop.queries import ReconciliationView, load_reconciliation
from dashboard.shell import actions
from dashboard.shell.fan_labels import fan_label
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from subscribers.checkout import order_payments
from subscribers.orders import queries
from subscribers.orders.queries import UnmatchedPayment
from subscribers.orders.rail_movements import RailBalance
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right


def render_rail_reconciliation(page: PageContext, mine: Sequence[Creator]) -> None:
    """Render the unmatched payments and the balances."""
    found = page.read(lambda scope: load_reconciliation(scope, mine))
    if found.unmatched:
        draw_template("pages/shop/templates/header.html", title=page.text("shop.unmatched"))
    for one in found.unmatched:
        with st.container(border=True, key=f"shop:unmatched:{one.id}"):
            _render_unmatched_payment(page, mine, found, one)
    draw_template(
        "pages/shop/templates/balances.html",
        found=found,
        rails=_list_rail_names(page, found),
        voice=page.localizer,
        word=page.text,
    )
    for told in found.told:
        draw_template(
            "shell/templates/empty_note.html", note=_format_rail_balance(page, told, found.now)
        )


def _format_rail_balance(page: PageContext, told: RailBalance, now: datetime) -> str:
    """Format the balance that a platform reports and its difference from the ledger."""
    lies = page.localizer.format_money(told.lies)
    at = page.localizer.format_moment(told.read_at, now)
    said = [page.text("shop.lies", account=told.account, amount=lies, at=at)]
    if told.differs.minor:
        said.append(
            page.text("shop.lies.differs", amount=page.localizer.format_money(told.differs))
        )
    if told.unread:
        said.append(page.text("shop.lies.unread", count=told.unread))
    return " ".join(said)


def _list_rail_names(page: PageContext, found: ReconciliationView) -> dict[str, str]:
    return {one.till.rail: page.text(f"shop.rail.{one.till.rail}") for one in found.tills}


def _render_unmatched_payment(
    page: PageContext, mine: Sequence[Creator], found: ReconciliationView, one: UnmatchedPayment
) -> None:
    whose = next(creator.name for creator in mine if creator.id == one.creator_id)
    amount = page.localizer.format_money(one.money)
    when = page.localizer.format_moment(one.at, found.now)
    st.write(
        page.markdown(
            "shop.unmatched_one", amount=amount, account=one.account, creator=whose, when=when
        )
    )
    if one.returning:
        st.caption(page.text("shop.returning"))
        return
    if not page.has_right(Right.REFUND):
        return
    offered = {sold.id: sold for sold in found.payable.get(one.id, ())}
    box = f"shop:belongs:{one.id}"
    if offered:
        st.selectbox(
            page.text("shop.belongs"),
            list(offered),
            format_func=lambda each: page.text(
                "shop.order_row",
                fan=fan_label(page, offered[each].fan_id, offered[each].fan),
                title=offered[each].title,
                price=page.localizer.format_money(offered[each].price),
                state=page.text(f"state.order.{offered[each].state}"),
            ),
            key=box,
        )
    else:
        st.caption(page.text("shop.belongs_none"))
    with st.container(horizontal=True, gap="small"):
        if offered:
            act = partial(_assign_payment, page, one, box)
            actions.action_button(
                page, "shop.settle", act, right=Right.REFUND, key=f"{box}:go", kind="primary"
            )
        back = partial(_refund_unmatched_payment, page, one)
        actions.action_button(page, "shop.give_back", back, right=Right.REFUND, key=f"{box}:back")


def _check_own_payment(scope: Scope, page: PageContext, one: UnmatchedPayment) -> None:
    """Check again, in the transaction of the action, that the payment is still unmatched and
    belongs to one of the member's creators. Raise NotFound otherwise."""
    page.get_creator(scope, one.creator_id)
    if one.id not in {each.id for each in queries.list_unmatched_payments(scope, [one.creator_id])}:
        raise NotFound("payment.unknown")


def _assign_payment(
    page: PageContext, one: UnmatchedPayment, box: str, scope: Scope, _press: UUID
) -> Message:
    _check_own_payment(scope, page, one)
    order_id = actions.typed_value(box)
    if order_id not in {sold.id for sold in queries.find_payable_orders(scope, one)}:
        raise NotFound("order.unknown")
    order_payments.request_payment_assignment(scope, one.id, order_id)
    return Message("shop.settling")


def _refund_unmatched_payment(
    page: PageContext, one: UnmatchedPayment, scope: Scope, _press: UUID
) -> Message:
    _check_own_payment(scope, page, one)
    order_payments.request_order_refund(scope, one.id, reason=Message("refund.by_member.unmatched"))
    return Message("shop.refunding")
