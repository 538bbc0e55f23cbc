"""Subscriptions of a creator: plans and what they come to, another one, who subscribes, and stopping for them."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages.shop_orders import NAMED
from dashboard.frame import Page
from dashboard.reads import plans as reads
from dashboard.reads.plans import Circle
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from subscribers import ending, plans
from subscribers.plans import Running, Standing
from tenants.reads import Creator
from tenants.roles import Right

TITLE, WORDS, PRICE, OPENS, ACCOUNT = "plan:title", "plan:words", "plan:price", "plan:opens", "plan:account"


def show(page: Page, creator: Creator) -> None:
    """Draw the plans, the form of another one, and who subscribes."""
    found = page.read(lambda scope: reads.circle(scope, creator))
    if not found.accounts and not found.standings:
        draw("shop_note.html", note=page.word("plan.no_account", creator=creator.name))
        return
    draw("shop_plans.html", found=found, voice=page.voice, word=page.word)
    if page.may(Right.RUN):
        for one in found.standings:
            if one.state == plans.ACTIVE:
                _retire(page, one)
        _make(page, found)
    if found.running:
        draw("shop_head.html", title=page.word("plan.subscribers"))
    for each in found.running:
        _subscriber(page, found, each)


def _retire(page: Page, one: Standing) -> None:
    act = partial(_retired, page, one.id)
    acting.button(page, "plan.retire", act, right=Right.RUN, key=f"plan:retire:{one.id}", params={"title": one.title})


def _make(page: Page, found: Circle) -> None:
    """A plan in four fields; on which account, where there are several."""
    if not found.wares:
        draw("shop_note.html", note=page.word("plan.no_packs"))
        return
    titles = {ware.id: ware.title for ware in found.wares}
    with st.form("plan:make"):
        st.text_input(page.word("plan.title"), key=TITLE, max_chars=plans.MAX_TITLE)
        st.text_input(page.word("plan.words"), key=WORDS, max_chars=plans.MAX_DESCRIPTION)
        st.text_input(page.word("plan.price_in"), key=PRICE, max_chars=6, placeholder="500")
        st.multiselect(
            page.word("plan.opens"),
            list(titles),
            format_func=lambda one: titles[one],
            key=OPENS,
            max_selections=plans.MOST_PACKS,
            placeholder=page.word("plan.choose_packs"),
            select_all=False,
        )
        names = {one.id: one.name for one in found.accounts.values()}
        if len(names) > 1:
            st.selectbox(page.word("plan.account"), list(names), format_func=lambda one: names[one], key=ACCOUNT)
        act = partial(_made, page, found.creator.id, tuple(names))
        acting.submit(page, "plan.make", act, right=Right.RUN, key="plan:make:go")


def _subscriber(page: Page, found: Circle, one: Running) -> None:
    fan = one.fan if page.may(*NAMED) else page.word("shop.fan", number=one.fan_id.hex[-4:])
    until = page.voice.moment(one.until, found.now) if one.until is not None else "…"
    price = page.voice.money(one.price)
    said = page.label(f"plan.one.{one.state}", fan=fan, title=one.title, price=price, until=until)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"plan:one:{one.id}"):
        st.write(said)
        if one.state == "active" and page.may(Right.REFUND):
            act = partial(_stop, page, one.id)
            acting.button(page, "plan.stop", act, right=Right.REFUND, key=f"plan:stop:{one.id}")


def _made(page: Page, creator_id: UUID, accounts: tuple[UUID, ...], scope: Scope, _press: UUID) -> Message:
    creator = page.my(scope, creator_id)
    said, title = str(acting.typed(PRICE) or "").strip(), str(acting.typed(TITLE) or "").strip()
    if not said.isascii() or not said.isdigit():
        raise BadInput("plan.bad_price", said=said or "…")
    plans.make(
        scope,
        creator_id=creator.id,
        channel_id=acting.typed(ACCOUNT) or accounts[0],
        title=title,
        description=str(acting.typed(WORDS) or "").strip(),
        price_minor=int(said),
        opens=list(acting.typed(OPENS) or []),
    )
    return Message("plan.made", {"title": title})


def _retired(page: Page, plan_id: UUID, scope: Scope, _press: UUID) -> Message:
    plans.retire(scope, reads.plan(scope, page, plan_id))
    return Message("plan.retired")


def _stop(page: Page, subscription_id: UUID, scope: Scope, _press: UUID) -> Message:
    row = reads.subscription(scope, page, subscription_id)
    ending.ask_stop(scope, row.id)
    return Message("plan.stopping")
