"""Orders of the member's creators, newest first, with the timeline and the refund form of each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.shop import queries as reads
from dashboard.shell import actions, page_context
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
OLDER = "shop:older"
WHYS = ("asked", "mistake", "goodwill")
FAN_NAME_RIGHTS = (Right.RUN, Right.CHAT, Right.APPROVE)
"""Rights that show the names of fans. Any one of them is enough; Accounting alone is not."""


def render_orders(page: PageContext, mine: Sequence[Creator], asked: str) -> None:
    """Render the list of orders and the timeline of the selected order."""
    ids = [one.id for one in mine]
    chosen = _parse_id(asked)
    before = st.session_state.get(OLDER)
    story = (
        page.read(lambda scope: reads.require_own_order(scope, page, chosen))
        if chosen is not None
        else None
    )
    found, mark = page.read(
        lambda scope: (
            queries.list_order_rows(scope, ids, before=before),
            queries.orders_stamp(scope, ids),
        )
    )
    if not found and before is None:
        draw_template("shell/templates/empty_note.html", note=page.text("shop.no_orders"))
        _rerun_on_order_change(page, ids, mark)
        return
    left, right = st.columns([1.1, 1], gap="medium")
    with left, st.container(height=680, border=False, key="shop-orders"):
        for sold in found:
            _render_order_row(page, sold, chosen)
        with st.container(horizontal=True, gap="small"):
            if before is not None:
                st.button(
                    page.text("shop.newest"),
                    key="shop:newest",
                    on_click=_show_older_orders,
                    args=(None,),
                )
            if len(found) == queries.ORDERS_PER_PAGE:
                st.button(
                    page.text("shop.older"),
                    key="shop:older:go",
                    on_click=_show_older_orders,
                    args=(found[-1].at,),
                )
    with right:
        if story is None:
            draw_template("shell/templates/empty_note.html", note=page.text("shop.choose"))
        else:
            names, now = page.read(lambda scope: (reads.member_names(scope), scope.now))
            _render_order_timeline(page, story, names, now)
    _rerun_on_order_change(page, ids, mark)


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


def _render_order_row(page: PageContext, sold: OrderRow, chosen: UUID | None) -> None:
    label = page.text(
        "shop.order_row",
        fan=fan_label(page, sold),
        title=sold.title,
        price=page.localizer.format_money(sold.price),
        state=page.text(f"state.order.{sold.state}"),
    )
    st.button(
        escape_label(label),
        key=f"shop:order:{sold.id}",
        type="primary" if sold.id == chosen else "secondary",
        width="stretch",
        on_click=_open_order,
        args=(sold.id,),
    )


def escape_label(text: str) -> str:
    """Escape the Markdown characters of user text for a button label."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]()<>#:$~|!" else sign for sign in text)


def fan_label(page: PageContext, sold: OrderRow) -> str:
    """Return the fan's name, or an anonymous number if the member may not see names."""
    return (
        sold.fan
        if page.has_right(*FAN_NAME_RIGHTS)
        else page.text("shop.fan", number=sold.fan_id.hex[-4:])
    )


def _open_order(order_id: UUID) -> None:
    st.query_params["order"] = str(order_id)


def _show_older_orders(before: object) -> None:
    st.session_state[OLDER] = before


def _render_order_timeline(
    page: PageContext, found: OrderHistory, names: Mapping[str, str], now: datetime
) -> None:
    draw_template(
        "pages/shop/templates/order_timeline.html",
        story=found,
        fan=fan_label(page, found.order),
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
        st.form(f"refund:{charge.id}"),
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
