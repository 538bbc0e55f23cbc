"""Packs of a creator: creation, prices for each payment rail, pausing and reactivation."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.pages.shop import queries
from dashboard.pages.shop.queries import PacksView
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.money import Money, currency_exponent, parse_money
from studio.library.assets import AssetTile
from studio.packs import packs
from studio.packs.packs import PackListing
from studio.packs.states import PackState
from subscribers.catalog.prices import set_price
from subscribers.rails.contract import RailTerms
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

PRICING = "shop:pricing"
MAKING = "shop:making"
TITLE = "shop:title"
PRICE = "shop:price"
PICTURES = "shop:pictures"
ACROSS = 3


def render_packs(page: PageContext, creator: Creator) -> None:
    """Render the packs. The form for a new pack is open if there are no packs or the user opened
    it."""
    found = page.read(lambda scope: queries.load_packs(scope, creator))
    runs = page.has_right(Right.RUN)
    if not found.wares:
        draw_template(
            "shell/templates/empty_note.html", note=page.text("shop.no_packs", creator=creator.name)
        )
    if runs and (not found.wares or st.session_state.get(MAKING)):
        _render_pack_form(page, found)
    elif runs:
        st.button(
            page.text("shop.new"),
            key="shop:new",
            icon=":material/add:",
            on_click=_toggle_slot,
            args=(MAKING, True),
        )
    for start in range(0, len(found.wares), ACROSS):
        for column, ware in zip(
            st.columns(ACROSS), found.wares[start : start + ACROSS], strict=False
        ):
            with column, st.container(border=True, key=f"shop:pack:{ware.id}"):
                _render_pack(page, found, ware, runs=runs)


def _render_pack(page: PageContext, found: PacksView, ware: PackListing, *, runs: bool) -> None:
    asked = found.prices.get(ware.id, {})
    # The Accounting right alone does not show pictures.
    sees = page.has_right(Right.RUN, Right.APPROVE)
    draw_template(
        "pages/shop/templates/pack.html",
        ware=ware,
        cover=library_files.picture_url(ware.cover) if ware.cover is not None and sees else "",
        posted=[one.title or page.text("shop.picture") for one in found.posted.get(ware.id, ())],
        prices=[(rail, page.localizer.format_money(price)) for rail, price in asked.items()],
        voice=page.localizer,
        word=page.text,
    )
    if not runs:
        return
    with st.container(horizontal=True, gap="small"):
        if found.rails:
            st.button(
                page.text("shop.reprice"),
                key=f"shop:reprice:{ware.id}",
                on_click=_toggle_slot,
                args=(PRICING, str(ware.id)),
            )
        after = PackState.PAUSED if ware.state is PackState.ACTIVE else PackState.ACTIVE
        act = partial(_set_pack_state, page, ware.id, after)
        key = f"shop:{after}:{ware.id}"
        actions.action_button(page, f"shop.to.{after}", act, right=Right.RUN, key=key)
    if st.session_state.get(PRICING) == str(ware.id):
        for rail in found.rails:
            _render_price_form(page, ware, rail, asked.get(rail.name))


def _render_price_form(
    page: PageContext, ware: PackListing, rail: RailTerms, asked: Money | None
) -> None:
    box = f"shop:price:{ware.id}:{rail.name}"
    if box not in st.session_state:
        st.session_state[box] = str(asked).split()[0] if asked is not None else ""
    _render_price_field(page, rail, box)
    act = partial(_set_pack_price, page, ware.id, rail, box)
    actions.action_button(
        page, "shop.save_price", act, right=Right.RUN, key=f"{box}:save", kind="primary"
    )


def _render_price_field(page: PageContext, rail: RailTerms, box: str) -> None:
    """Render a price field with an example in the rail's currency."""
    label = page.text("shop.price_on", rail=page.text(f"shop.rail.{rail.name}"))
    st.text_input(
        label, key=box, max_chars=12, placeholder=page.localizer.format_money(_example_price(rail))
    )
    forms.show_field_error("price")


def _render_pack_form(page: PageContext, found: PacksView) -> None:
    """Render the form for a new pack: title, price and pictures."""
    if not found.tiles:
        draw_template("shell/templates/empty_note.html", note=page.text("shop.no_pictures"))
        return
    words = {
        tile.asset_id: _picture_label(page, tile, posted=tile.asset_id in found.free)
        for tile in found.tiles
    }
    with forms.open_form(page, "shop:make", border=True):
        st.text_input(page.text("shop.title"), key=TITLE, max_chars=packs.MAX_TITLE)
        forms.show_field_error("title")
        rail = found.rails[0] if found.rails else None
        if rail is not None:
            _render_price_field(page, rail, PRICE)
        st.multiselect(
            page.text("shop.pictures"),
            list(words),
            format_func=lambda one: words[one],
            key=PICTURES,
            placeholder=page.text("shop.choose_pictures"),
            select_all=False,
        )
        actions.submit_button(
            page,
            "shop.make",
            partial(_create_pack, page, found.creator.id, rail),
            right=Right.RUN,
            key="shop:make:go",
        )


def _picture_label(page: PageContext, tile: AssetTile, *, posted: bool) -> str:
    title = tile.title or page.text("shop.picture")
    return page.text("shop.picture_posted", title=title) if posted else title


def _toggle_slot(slot: str, value: object) -> None:
    st.session_state[slot] = None if st.session_state.get(slot) == value else value


def _example_price(rail: RailTerms) -> Money:
    return Money(12 * 10 ** currency_exponent(rail.currency), rail.currency)


def _parse_typed_price(page: PageContext, box: str, rail: RailTerms) -> Money:
    said = str(actions.typed_value(box) or "").strip()
    try:
        return parse_money(said, rail.currency)
    except ValueError as error:
        raise BadInput(
            "shop.bad_price",
            said=said or "…",
            example=page.localizer.format_money(_example_price(rail)),
        ).about("price") from error


def _create_pack(
    page: PageContext, creator_id: UUID, rail: RailTerms | None, scope: Scope, press: UUID
) -> Message:
    creator = page.get_creator(scope, creator_id)
    title = str(actions.typed_value(TITLE) or "").strip()
    price = _parse_typed_price(page, PRICE, rail) if rail is not None else None
    made = packs.create_pack(
        scope,
        creator_id=creator.id,
        slug=f"pack-{press.hex[-10:]}",
        title=title,
        description="",
        assets=list(actions.typed_value(PICTURES) or []),
    )
    if rail is not None and price is not None:
        set_price(scope, creator.id, made, rail.name, price)
    forms.set_on_success(MAKING, None)
    return Message("shop.made", {"title": title})


def _set_pack_price(
    page: PageContext, pack_id: UUID, rail: RailTerms, box: str, scope: Scope, _press: UUID
) -> Message:
    pack = queries.require_own_pack(scope, page, pack_id)
    set_price(scope, pack.creator_id, pack.id, rail.name, _parse_typed_price(page, box, rail))
    forms.set_on_success(PRICING, None)
    return Message("shop.repriced", {"title": pack.title})


def _set_pack_state(
    page: PageContext, pack_id: UUID, after: PackState, scope: Scope, _press: UUID
) -> None:
    pack = queries.require_own_pack(scope, page, pack_id)
    if pack.state is not after:
        packs.set_pack_state(scope, pack.id, after)
