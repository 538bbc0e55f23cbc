"""Orders and sales of the member's creators, with the timeline and refund form of each order."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.shop import queries as reads
from dashboard.pages.shop import sales
from dashboard.shell import actions, forms, page_context
from dashboard.shell.fan_labels import fan_label
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from foundation.i18n.translation import Message
from subscribers.checkout import order_payments
from subscribers.orders import queries
from subscribers.orders.queries import OrderCharge, OrderHistory, OrderRow
from subscribers.orders.states import RefundState
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

TICK = "5s"
WHYS = ("asked", "mistake", "goodwill")


def render_orders(page: PageContext, mine: Sequence[Creator], asked: str) -> None:
    """Render the table of orders and sales, and the timeline of the selected order beside it."""
    ids = [one.id for one in mine]
    chosen = _parse_id(asked)
    story = (
        page.read(lambda scope: reads.require_own_order(scope, page, chosen))
        if chosen is not None
        else None
    )
    mark = page.read(lambda scope: queries.orders_stamp(scope, ids))
    sales.render_sales(page, mine, chosen, partial(_render_order, page, story))
    _rerun_on_order_change(page, ids, mark)


def _render_order(page: PageContext, story: OrderHistory | None) -> None:
    if story is None:
        return
    st.button(
        page.text("sales.close"), key="sales:close", icon=":material/close:", on_click=_close_order
    )
    names, now = page.read(lambda scope: (reads.member_names(scope), scope.now))
    _render_order_timeline(page, story, names, now)


def _close_order() -> None:
    st.query_params.pop("order", None)


def _parse_id(text: str) -> UUID | None:
    """Parse an order ID from the address. Raise NotFound for an invalid ID, as for an
    unknown one."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("order.unknown") from None


@st.fragment(run_every=TICK)
def _rerun_on_order_change(drawn: PageContext, ids: Sequence[UUID], seen: str) -> None:
    """Rerun the page when an order has changed. This function renders nothing itself."""
    page = page_context.current_page()
    if (
        page is None
        or page.viewer != drawn.viewer
        or page.read(lambda scope: queries.orders_stamp(scope, ids)) != seen
    ):
        st.rerun()


def _render_order_timeline(
    page: PageContext, found: OrderHistory, names: Mapping[str, str], now: datetime
) -> None:
    draw_template(
        "pages/shop/templates/order_timeline.html",
        story=found,
        fan=fan_label(page, found.order.fan_id, found.order.fan),
        names=names,
        now=now,
        booked=found.booked if page.has_right(Right.MONEY) else (),
        voice=page.localizer,
        word=page.text,
    )
    if not page.has_right(Right.REFUND):
        return
    for charge in found.charges:
        if charge.refund in (None, RefundState.FAILED) and charge.kind != "orphan":
            _render_refund_form(page, found.order, charge)


def _render_refund_form(page: PageContext, sold: OrderRow, charge: OrderCharge) -> None:
    """Render the refund form, which requires a reason and a typed confirmation."""
    word = page.text("shop.refund_word")
    with (
        st.expander(page.text("shop.refund", amount=page.localizer.format_money(charge.money))),
        forms.open_form(page, f"refund:{charge.id}", border=True),
    ):
        why = f"shop:why:{charge.id}"
        typed = f"shop:sure:{charge.id}"
        st.selectbox(
            page.text("shop.refund_why"),
            WHYS,
            format_func=lambda one: page.text(f"shop.why.{one}"),
            key=why,
        )
        st.text_input(page.text("shop.refund_sure", word=word), key=typed, max_chars=20)
        act = partial(_refund_payment, page, sold.id, charge.id, (why, typed, word))
        actions.submit_button(
            page, "shop.refund_now", act, right=Right.REFUND, key=f"shop:refund:{charge.id}"
        )


def _refund_payment(
    page: PageContext,
    order_id: UUID,
    payment_id: UUID,
    boxes: tuple[str, str, str],
    scope: Scope,
    _press: UUID,
) -> Message:
    why, typed, word = boxes
    found = reads.require_own_order(scope, page, order_id)
    if payment_id not in {charge.id for charge in found.charges}:
        raise NotFound("payment.unknown")
    if str(actions.typed_value(typed) or "").strip().upper() != word.upper():
        raise Refused("shop.not_sure", word=word)
    reason = actions.typed_value(why)
    order_payments.request_order_refund(
        scope,
        payment_id,
        reason=Message(f"refund.by_member.{reason if reason in WHYS else 'asked'}"),
    )
    return Message("shop.refunding")
