"""Shop: packs and prices, subscriptions, orders with their story, money and where it lies, files and months."""

from uuid import UUID

import streamlit as st

from dashboard.app_pages import shop_books, shop_money, shop_orders, shop_packs, shop_plans
from dashboard.frame import Page
from dashboard.widgets import draw
from tenants.reads import Creator
from tenants.roles import Right

VIEW, CREATOR = "shop:view", "shop:creator"
VIEWS = ("packs", "subscriptions", "orders", "money", "books")
TOGETHER = ("orders", "money")
"""Parts that show all creators at once; packs, subscriptions and books are one creator's."""


def show(page: Page) -> None:
    """Draw the page: one of its five parts, of all of the member's creators or of one."""
    draw("shop_style.html", word=page.word)
    st.title(page.word("dashboard.page.shop"))
    mine = page.read(page.mine)
    if not mine:
        draw("shop_note.html", note=page.word("dashboard.no_creators"))
        return
    order = st.query_params.get("order", "")
    views = [view for view in VIEWS if view in ("packs", "orders") or page.may(Right.MONEY)]
    if VIEW not in st.session_state:
        asked = st.query_params.get("view", "")
        st.session_state[VIEW] = "orders" if order else asked if asked in views else "packs"
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        view = st.segmented_control(
            page.word("shop.view"),
            views,
            required=True,
            format_func=lambda one: page.word(f"shop.view.{one}"),
            key=VIEW,
            label_visibility="collapsed",
        )
        chosen = _creator(page, mine, together=view in TOGETHER)
    these = [chosen] if chosen is not None else mine
    match view:
        case "orders":
            shop_orders.show(page, these, order)
        case "subscriptions" if page.may(Right.MONEY):
            shop_plans.show(page, chosen or mine[0])
        case "money" if page.may(Right.MONEY):
            shop_money.show(page, these)
        case "books" if page.may(Right.MONEY):
            shop_books.show(page, chosen or mine[0])
        case _:
            shop_packs.show(page, chosen or mine[0])


def _creator(page: Page, mine: list[Creator], *, together: bool) -> Creator | None:
    """Whose shop; None for all together, where a part can show that."""
    if len(mine) == 1:
        return mine[0]
    names: dict[UUID | None, str] = {one.id: one.name for one in mine}
    chosen = st.selectbox(
        page.word("shop.creator"),
        [None, *names] if together else list(names),
        format_func=lambda one: names.get(one) or page.word("shop.everybody"),
        key=f"{CREATOR}:{together}",
        width=240,
        label_visibility="collapsed",
    )
    return next((one for one in mine if one.id == chosen), None)
