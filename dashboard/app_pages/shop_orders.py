"""Orders of the member's creators: the newest first, each with its whole story, and the way to give money back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.frame import Page
from dashboard.reads import shop as reads
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound, Refused
from foundation.words import Message
from subscribers import orders, shop
from subscribers.shop import Charge, Sold, Story
from subscribers.states import RefundState
from tenants.reads import Creator
from tenants.roles import Right

TICK = "5s"
OLDER = "shop:older"
WHYS = ("asked", "mistake", "goodwill")
NAMED = (Right.RUN, Right.CHAT, Right.APPROVE)
"""Who reads the names of fans: whoever keeps the books alone does not."""


def show(page: Page, mine: Sequence[Creator], asked: str) -> None:
    """Draw the list, and the story of the order that was opened."""
    ids = [one.id for one in mine]
    chosen = _id(asked)
    before = st.session_state.get(OLDER)
    story = page.read(lambda scope: reads.sold(scope, page, chosen)) if chosen is not None else None
    found, mark = page.read(lambda scope: (shop.orders(scope, ids, before=before), shop.stamp(scope, ids)))
    if not found and before is None:
        draw("shop_note.html", note=page.word("shop.no_orders"))
        _pulse(page, ids, mark)
        return
    left, right = st.columns([1.1, 1], gap="medium")
    with left, st.container(height=680, border=False, key="shop-orders"):
        for sold in found:
            _row(page, sold, chosen)
        with st.container(horizontal=True, gap="small"):
            if before is not None:
                st.button(page.word("shop.newest"), key="shop:newest", on_click=_older, args=(None,))
            if len(found) == shop.PAGE:
                st.button(page.word("shop.older"), key="shop:older:go", on_click=_older, args=(found[-1].at,))
    with right:
        if story is None:
            draw("shop_note.html", note=page.word("shop.choose"))
        else:
            names, now = page.read(lambda scope: (reads.members(scope), scope.now))
            _story(page, story, names, now)
    _pulse(page, ids, mark)


def _id(text: str) -> UUID | None:
    """An id of the address. Raises NotFound for what is none, as for one nobody knows."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("order.unknown") from None


@st.fragment(run_every=TICK)
def _pulse(drawn: Page, ids: Sequence[UUID], seen: str) -> None:
    """Draw the page anew once an order changed; it draws nothing itself."""
    page = frame.look()
    if page is None or page.who != drawn.who or page.read(lambda scope: shop.stamp(scope, ids)) != seen:
        st.rerun()


def _row(page: Page, sold: Sold, chosen: UUID | None) -> None:
    label = page.word(
        "shop.order_row",
        fan=fan_of(page, sold),
        title=sold.title,
        price=page.voice.money(sold.price),
        state=page.word(f"state.order.{sold.state}"),
    )
    st.button(
        plain(label),
        key=f"shop:order:{sold.id}",
        type="primary" if sold.id == chosen else "secondary",
        width="stretch",
        on_click=_open,
        args=(sold.id,),
    )


def plain(text: str) -> str:
    """Words of people as they are, in a label that reads marks."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]()<>#:$~|!" else sign for sign in text)


def fan_of(page: Page, sold: Sold) -> str:
    """The fan's name, or a number that says nothing of them."""
    return sold.fan if page.may(*NAMED) else page.word("shop.fan", number=sold.fan_id.hex[-4:])


def _open(order_id: UUID) -> None:
    st.query_params["order"] = str(order_id)


def _older(before: object) -> None:
    st.session_state[OLDER] = before


def _story(page: Page, found: Story, names: Mapping[str, str], now: datetime) -> None:
    draw(
        "shop_story.html",
        story=found,
        fan=fan_of(page, found.order),
        names=names,
        now=now,
        booked=found.booked if page.may(Right.MONEY) else (),
        voice=page.voice,
        word=page.word,
    )
    if not page.may(Right.REFUND):
        return
    for charge in found.charges:
        if charge.refund in (None, RefundState.FAILED) and charge.kind != "orphan":
            _refund(page, found.order, charge)


def _refund(page: Page, sold: Sold, charge: Charge) -> None:
    """Money goes back only with a reason and a word typed out."""
    word = page.word("shop.refund_word")
    with st.expander(page.word("shop.refund", amount=page.voice.money(charge.money))), st.form(f"refund:{charge.id}"):
        why, typed = f"shop:why:{charge.id}", f"shop:sure:{charge.id}"
        st.selectbox(page.word("shop.refund_why"), WHYS, format_func=lambda one: page.word(f"shop.why.{one}"), key=why)
        st.text_input(page.word("shop.refund_sure", word=word), key=typed, max_chars=20)
        act = partial(_give_back, page, sold.id, charge.id, (why, typed, word))
        acting.submit(page, "shop.refund_now", act, right=Right.REFUND, key=f"shop:refund:{charge.id}")


def _give_back(
    page: Page, order_id: UUID, payment_id: UUID, boxes: tuple[str, str, str], scope: Scope, _press: UUID
) -> Message:
    why, typed, word = boxes
    found = reads.sold(scope, page, order_id)
    if payment_id not in {charge.id for charge in found.charges}:
        raise NotFound("payment.unknown")
    if str(acting.typed(typed) or "").strip().upper() != word.upper():
        raise Refused("shop.not_sure", word=word)
    reason = acting.typed(why)
    orders.ask_refund(scope, payment_id, reason=Message(f"refund.by_member.{reason if reason in WHYS else 'asked'}"))
    return Message("shop.refunding")
