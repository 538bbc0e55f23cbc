"""Subscriptions of a creator: plans with their totals, the form for a new plan, subscribers, and
cancellation of renewals."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.shop import subscription_queries
from dashboard.pages.shop.subscription_queries import SubscriptionsView
from dashboard.shell import actions, forms
from dashboard.shell.fan_labels import FAN_NAME_RIGHTS
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from subscribers.checkout import subscription_endings
from subscribers.subscriptions import plans
from subscribers.subscriptions.plans import PlanSummary, RunningSubscription
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

TITLE = "plan:title"
WORDS = "plan:words"
PRICE = "plan:price"
OPENS = "plan:opens"
ACCOUNT = "plan:account"


def render_subscriptions(page: PageContext, creator: Creator) -> None:
    """Render the plans, the form for a new plan, and the subscribers."""
    found = page.read(lambda scope: subscription_queries.load_subscriptions(scope, creator))
    if not found.accounts and not found.standings:
        draw_template(
            "shell/templates/empty_note.html",
            note=page.text("plan.no_account", creator=creator.name),
        )
        return
    draw_template(
        "pages/shop/templates/subscriptions.html", found=found, voice=page.localizer, word=page.text
    )
    if page.has_right(Right.RUN):
        for one in found.standings:
            if one.state == plans.PLAN_ACTIVE:
                _render_retire_button(page, one)
        _render_plan_form(page, found)
    if found.running:
        draw_template("pages/shop/templates/header.html", title=page.text("plan.subscribers"))
    for each in found.running:
        _render_subscription(page, found, each)


def _render_retire_button(page: PageContext, one: PlanSummary) -> None:
    act = partial(_retire_plan, page, one.id)
    actions.action_button(
        page,
        "plan.retire",
        act,
        right=Right.RUN,
        key=f"plan:retire:{one.id}",
        params={"title": one.title},
    )


def _render_plan_form(page: PageContext, found: SubscriptionsView) -> None:
    """Render the form for a new plan. It has an account field only if several accounts can sell
    plans."""
    if not found.wares:
        draw_template("shell/templates/empty_note.html", note=page.text("plan.no_packs"))
        return
    titles = {ware.id: ware.title for ware in found.wares}
    with forms.open_form(page, "plan:make", border=True):
        st.text_input(page.text("plan.title"), key=TITLE, max_chars=plans.MAX_PLAN_TITLE_LENGTH)
        forms.show_field_error("title")
        st.text_input(
            page.text("plan.words"), key=WORDS, max_chars=plans.MAX_PLAN_DESCRIPTION_LENGTH
        )
        forms.show_field_error("text")
        st.text_input(page.text("plan.price_in"), key=PRICE, max_chars=6, placeholder="500")
        forms.show_field_error("price")
        st.multiselect(
            page.text("plan.opens"),
            list(titles),
            format_func=lambda one: titles[one],
            key=OPENS,
            max_selections=plans.MAX_PACKS_PER_PLAN,
            placeholder=page.text("plan.choose_packs"),
            select_all=False,
        )
        names = {one.id: one.name for one in found.accounts.values()}
        if len(names) > 1:
            st.selectbox(
                page.text("plan.account"),
                list(names),
                format_func=lambda one: names[one],
                key=ACCOUNT,
            )
        act = partial(_create_plan, page, found.creator.id, tuple(names))
        actions.submit_button(page, "plan.make", act, right=Right.RUN, key="plan:make:go")


def _render_subscription(
    page: PageContext, found: SubscriptionsView, one: RunningSubscription
) -> None:
    fan = (
        one.fan
        if page.has_right(*FAN_NAME_RIGHTS)
        else page.text("shop.fan", number=one.fan_id.hex[-4:])
    )
    until = page.localizer.format_moment(one.until, found.now) if one.until is not None else "…"
    price = page.localizer.format_money(one.price)
    said = page.markdown(
        f"plan.one.{one.state}", fan=fan, title=one.title, price=price, until=until
    )
    with st.container(
        horizontal=True, gap="small", vertical_alignment="center", key=f"plan:one:{one.id}"
    ):
        st.write(said)
        if one.state == "active" and page.has_right(Right.REFUND):
            act = partial(_stop_renewal, page, one.id)
            actions.action_button(
                page, "plan.stop", act, right=Right.REFUND, key=f"plan:stop:{one.id}"
            )


def _create_plan(
    page: PageContext, creator_id: UUID, accounts: tuple[UUID, ...], scope: Scope, _press: UUID
) -> Message:
    creator = page.get_creator(scope, creator_id)
    said = str(actions.typed_value(PRICE) or "").strip()
    title = str(actions.typed_value(TITLE) or "").strip()
    if not said.isascii() or not said.isdigit():
        raise BadInput("plan.bad_price", said=said or "…").about("price")
    plans.create_plan(
        scope,
        creator_id=creator.id,
        channel_id=actions.typed_value(ACCOUNT) or accounts[0],
        title=title,
        description=str(actions.typed_value(WORDS) or "").strip(),
        price_minor=int(said),
        opens=list(actions.typed_value(OPENS) or []),
    )
    return Message("plan.made", {"title": title})


def _retire_plan(page: PageContext, plan_id: UUID, scope: Scope, _press: UUID) -> Message:
    plans.retire_plan(scope, subscription_queries.require_own_plan(scope, page, plan_id))
    return Message("plan.retired")


def _stop_renewal(page: PageContext, subscription_id: UUID, scope: Scope, _press: UUID) -> Message:
    row = subscription_queries.require_own_subscription(scope, page, subscription_id)
    subscription_endings.request_renewal_stop(scope, row.id)
    return Message("plan.stopping")
