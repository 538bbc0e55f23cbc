"""The Shop page with its views: packs, answers, subscriptions, orders, reconciliation, revenue
split and accounting."""

from uuid import UUID

import streamlit as st

from dashboard.pages.shop import (
    accounting,
    orders,
    packs,
    rail_reconciliation,
    revenue_split,
    subscriptions,
    team_answers,
)
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

VIEW = "shop:view"
CREATOR = "shop:creator"
VIEWS = ("packs", "answers", "subscriptions", "orders", "money", "split", "books")
TOGETHER = ("orders", "money")
"""Views that can show all creators at once. The other views show one creator."""


def render_page(page: PageContext) -> None:
    """Render the selected view of the Shop page for one or all of the member's creators."""
    st.title(page.text("dashboard.page.shop"))
    mine = page.read(page.list_creators)
    if not mine:
        draw_template("shell/templates/empty_note.html", note=page.text("dashboard.no_creators"))
        return
    order = st.query_params.get("order", "")
    views = [view for view in VIEWS if _can_view(page, view)]
    if VIEW not in st.session_state:
        asked = "orders" if order else st.query_params.get("view", "")
        st.session_state[VIEW] = asked if asked in views else "packs"
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        view = st.segmented_control(
            page.text("shop.view"),
            views,
            required=True,
            format_func=lambda one: page.text(f"shop.view.{one}"),
            key=VIEW,
            label_visibility="collapsed",
        )
        chosen = _select_creator(page, mine, together=view in TOGETHER)
    these = [chosen] if chosen is not None else mine
    match view:
        case "orders" if page.has_right(Right.MONEY):
            orders.render_orders(page, these, order)
        case "answers" if page.has_right(Right.RUN):
            team_answers.render_team_answers(page, chosen or mine[0])
        case "subscriptions" if page.has_right(Right.MONEY):
            subscriptions.render_subscriptions(page, chosen or mine[0])
        case "money" if page.has_right(Right.MONEY):
            rail_reconciliation.render_rail_reconciliation(page, these)
        case "split" if page.has_right(Right.MONEY):
            revenue_split.render_revenue_split(page, chosen or mine[0])
        case "books" if page.has_right(Right.MONEY):
            accounting.render_accounting(page, chosen or mine[0])
        case _:
            packs.render_packs(page, chosen or mine[0])


def _can_view(page: PageContext, view: str) -> bool:
    if view == "packs":
        return True
    return page.has_right(Right.RUN if view == "answers" else Right.MONEY)


def _select_creator(page: PageContext, mine: list[Creator], *, together: bool) -> Creator | None:
    """Render the creator filter. Return None for all creators, which only some views support."""
    if len(mine) == 1:
        return mine[0]
    names: dict[UUID | None, str] = {one.id: one.name for one in mine}
    chosen = st.selectbox(
        page.text("shop.creator"),
        [None, *names] if together else list(names),
        format_func=lambda one: names.get(one) or page.text("shop.everybody"),
        key=f"{CREATOR}:{together}",
        width=240,
        label_visibility="collapsed",
    )
    return next((one for one in mine if one.id == chosen), None)
