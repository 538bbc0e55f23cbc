"""Packs of a creator: made in three fields, priced for each rail, paused, taken off the shelf."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.frame import Page
from dashboard.reads import shop as reads
from dashboard.reads.shop import Shelf
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.money import EXPONENTS, Money, parse
from foundation.words import Message
from studio import packs
from studio.packs import Ware
from studio.states import PackState
from subscribers import offers
from subscribers.rails.contract import Terms
from tenants.reads import Creator
from tenants.roles import Right

PRICING, MAKING = "shop:pricing", "shop:making"
TITLE, PRICE, PICTURES = "shop:title", "shop:price", "shop:pictures"
ACROSS = 3


def show(page: Page, creator: Creator) -> None:
    """Draw the shelf, and the form of a new pack where there is none or one is asked for."""
    found = page.read(lambda scope: reads.shelf(scope, creator))
    runs = page.may(Right.RUN)
    if not found.wares:
        draw("shop_note.html", note=page.word("shop.no_packs", creator=creator.name))
    if runs and (not found.wares or st.session_state.get(MAKING)):
        _make(page, found)
    elif runs:
        st.button(page.word("shop.new"), key="shop:new", icon=":material/add:", on_click=_flip, args=(MAKING, True))
    for start in range(0, len(found.wares), ACROSS):
        for column, ware in zip(st.columns(ACROSS), found.wares[start : start + ACROSS], strict=False):
            with column, st.container(border=True, key=f"shop:pack:{ware.id}"):
                _pack(page, found, ware, runs=runs)


def _pack(page: Page, found: Shelf, ware: Ware, *, runs: bool) -> None:
    asked = found.prices.get(ware.id, {})
    sees = page.may(Right.RUN, Right.APPROVE)  # who only keeps the books sees no pictures
    draw(
        "shop_pack.html",
        ware=ware,
        cover=files.src(ware.cover) if ware.cover is not None and sees else "",
        prices=[(rail, page.voice.money(price)) for rail, price in asked.items()],
        voice=page.voice,
        word=page.word,
    )
    if not runs:
        return
    with st.container(horizontal=True, gap="small"):
        if found.rails:
            st.button(
                page.word("shop.reprice"), key=f"shop:reprice:{ware.id}", on_click=_flip, args=(PRICING, str(ware.id))
            )
        after = PackState.PAUSED if ware.state is PackState.ACTIVE else PackState.ACTIVE
        act, key = partial(_move, page, ware.id, after), f"shop:{after}:{ware.id}"
        acting.button(page, f"shop.to.{after}", act, right=Right.RUN, key=key)
    if st.session_state.get(PRICING) == str(ware.id):
        for rail in found.rails:
            _price(page, ware, rail, asked.get(rail.name))


def _price(page: Page, ware: Ware, rail: Terms, asked: Money | None) -> None:
    box = f"shop:price:{ware.id}:{rail.name}"
    if box not in st.session_state:
        st.session_state[box] = str(asked).split()[0] if asked is not None else ""
    _asked(page, rail, box)
    act = partial(_reprice, page, ware.id, rail, box)
    acting.button(page, "shop.save_price", act, right=Right.RUN, key=f"{box}:save", kind="primary")


def _asked(page: Page, rail: Terms, box: str) -> None:
    """The field of a price, with an example in the rail's own money."""
    label = page.word("shop.price_on", rail=page.word(f"shop.rail.{rail.name}"))
    st.text_input(label, key=box, max_chars=12, placeholder=page.voice.money(_example(rail)))


def _make(page: Page, found: Shelf) -> None:
    """A pack in three fields: what it is called, what it costs, what is in it."""
    if not found.tiles:
        draw("shop_note.html", note=page.word("shop.no_pictures"))
        return
    words = {tile.asset_id: tile.alt or page.word("shop.picture") for tile in found.tiles}
    with st.form("shop:make"):
        st.text_input(page.word("shop.title"), key=TITLE, max_chars=packs.MAX_TITLE)
        rail = found.rails[0] if found.rails else None
        if rail is not None:
            _asked(page, rail, PRICE)
        st.multiselect(
            page.word("shop.pictures"),
            list(words),
            format_func=lambda one: words[one],
            key=PICTURES,
            placeholder=page.word("shop.choose_pictures"),
            select_all=False,
        )
        acting.submit(
            page, "shop.make", partial(_made, page, found.creator.id, rail), right=Right.RUN, key="shop:make:go"
        )


def _flip(slot: str, value: object) -> None:
    st.session_state[slot] = None if st.session_state.get(slot) == value else value


def _example(rail: Terms) -> Money:
    return Money(12 * 10 ** EXPONENTS.get(rail.currency, 2), rail.currency)


def _amount(page: Page, box: str, rail: Terms) -> Money:
    said = str(acting.typed(box) or "").strip()
    try:
        return parse(said, rail.currency)
    except ValueError as error:
        raise BadInput("shop.bad_price", said=said or "…", example=page.voice.money(_example(rail))) from error


def _made(page: Page, creator_id: UUID, rail: Terms | None, scope: Scope, press: UUID) -> Message:
    creator = page.my(scope, creator_id)
    title = str(acting.typed(TITLE) or "").strip()
    price = _amount(page, PRICE, rail) if rail is not None else None
    made = packs.make(
        scope,
        creator_id=creator.id,
        slug=f"pack-{press.hex[-10:]}",
        title=title,
        description="",
        assets=list(acting.typed(PICTURES) or []),
    )
    if rail is not None and price is not None:
        offers.set_price(scope, creator.id, made, rail.name, price)
    st.session_state[MAKING] = None
    return Message("shop.made", {"title": title})


def _reprice(page: Page, pack_id: UUID, rail: Terms, box: str, scope: Scope, _press: UUID) -> Message:
    pack = reads.ware(scope, page, pack_id)
    offers.set_price(scope, pack.creator_id, pack.id, rail.name, _amount(page, box, rail))
    st.session_state[PRICING] = None
    return Message("shop.repriced", {"title": pack.title})


def _move(page: Page, pack_id: UUID, after: PackState, scope: Scope, _press: UUID) -> None:
    pack = reads.ware(scope, page, pack_id)
    if pack.state is not after:
        packs.set_state(scope, pack.id, after)
