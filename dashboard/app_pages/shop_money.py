"""Money and where it lies: every account against its own movements, and payments that belong to no order."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages.shop_orders import fan_of
from dashboard.frame import Page
from dashboard.reads import shop as reads
from dashboard.reads.shop import Safe
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from subscribers import orders, shop
from subscribers.rail_rows import Told
from subscribers.shop import Unmatched
from tenants.reads import Creator
from tenants.roles import Right


def show(page: Page, mine: Sequence[Creator]) -> None:
    """Draw what lies where, and what has to be settled."""
    found = page.read(lambda scope: reads.money(scope, mine))
    if found.unmatched:
        draw("shop_head.html", title=page.word("shop.unmatched"))
    for one in found.unmatched:
        with st.container(border=True, key=f"shop:unmatched:{one.id}"):
            _unmatched(page, mine, found, one)
    draw("shop_tills.html", found=found, rails=_rails(page, found), voice=page.voice, word=page.word)
    for told in found.told:
        draw("shop_note.html", note=_told(page, told, found.now))


def _told(page: Page, told: Told, now: datetime) -> str:
    """What a platform says lies on an account, beside what the books say."""
    lies, at = page.voice.money(told.lies), page.voice.moment(told.read_at, now)
    said = [page.word("shop.lies", account=told.account, amount=lies, at=at)]
    if told.differs.minor:
        said.append(page.word("shop.lies.differs", amount=page.voice.money(told.differs)))
    if told.unread:
        said.append(page.word("shop.lies.unread", count=told.unread))
    return " ".join(said)


def _rails(page: Page, found: Safe) -> dict[str, str]:
    return {one.till.rail: page.word(f"shop.rail.{one.till.rail}") for one in found.tills}


def _unmatched(page: Page, mine: Sequence[Creator], found: Safe, one: Unmatched) -> None:
    whose = next(creator.name for creator in mine if creator.id == one.creator_id)
    amount, when = page.voice.money(one.money), page.voice.moment(one.at, found.now)
    st.write(page.label("shop.unmatched_one", amount=amount, account=one.account, creator=whose, when=when))
    if one.returning:
        st.caption(page.word("shop.returning"))
        return
    if not page.may(Right.REFUND):
        return
    offered = {sold.id: sold for sold in found.payable.get(one.id, ())}
    box = f"shop:belongs:{one.id}"
    if offered:
        st.selectbox(
            page.word("shop.belongs"),
            list(offered),
            format_func=lambda each: page.word(
                "shop.order_row",
                fan=fan_of(page, offered[each]),
                title=offered[each].title,
                price=page.voice.money(offered[each].price),
                state=page.word(f"state.order.{offered[each].state}"),
            ),
            key=box,
        )
    else:
        st.caption(page.word("shop.belongs_none"))
    with st.container(horizontal=True, gap="small"):
        if offered:
            act = partial(_settle, page, one, box)
            acting.button(page, "shop.settle", act, right=Right.REFUND, key=f"{box}:go", kind="primary")
        back = partial(_give_back, page, one)
        acting.button(page, "shop.give_back", back, right=Right.REFUND, key=f"{box}:back")


def _here(scope: Scope, page: Page, one: Unmatched) -> None:
    """Whose payment it is, asked again in the act's own transaction."""
    page.my(scope, one.creator_id)
    if one.id not in {each.id for each in shop.unmatched(scope, [one.creator_id])}:
        raise NotFound("payment.unknown")


def _settle(page: Page, one: Unmatched, box: str, scope: Scope, _press: UUID) -> Message:
    _here(scope, page, one)
    order_id = acting.typed(box)
    if order_id not in {sold.id for sold in shop.payable(scope, one)}:
        raise NotFound("order.unknown")
    orders.name_order(scope, one.id, order_id)
    return Message("shop.settling")


def _give_back(page: Page, one: Unmatched, scope: Scope, _press: UUID) -> Message:
    _here(scope, page, one)
    orders.ask_refund(scope, one.id, reason=Message("refund.by_member.unmatched"))
    return Message("shop.refunding")
