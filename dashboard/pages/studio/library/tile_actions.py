"""Quick actions on one image of the library, without selecting it first."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.library.queries import LibraryTile
from dashboard.pages.studio.library.run_comparison import shelve_action
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ops.wall_time import load_zone
from studio.library import queries
from studio.library.states import ShelfState
from studio.packs import packs
from tenants.agencies.rights import Right

SELECTION_PREFIX = "studio:pick:"
RATE = "studio.rate"
PACK = "studio.tile_pack"
SHELF_CODES = {
    "studio.keep": ShelfState.KEPT,
    "studio.take_out": ShelfState.KEPT,
    "studio.put_away": ShelfState.RETIRED,
}


def render_tile_actions(page: PageContext, creator_id: UUID, tile: LibraryTile) -> None:
    """Draw the menu of an image."""
    key = f"studio:tile:{tile.card.asset_id}"
    st.menu_button(
        page.text("studio.tile_actions"),
        _list_actions(page, tile),
        format_func=page.text,
        key=key,
        type="tertiary",
        icon=":material/more_horiz:",
        on_click=_run_tile_action,
        args=(page, creator_id, tile.card.asset_id, key),
    )


def _list_actions(page: PageContext, tile: LibraryTile) -> list[str]:
    """Return the message codes of the actions that the image and the member's rights allow."""
    if tile.card.shelf is ShelfState.RETIRED:
        return ["studio.take_out"]
    found = [] if tile.packed or tile.card.seconds else [PACK]
    found += [RATE] if page.has_right(Right.REVIEW) else []
    found += [] if tile.card.shelf is ShelfState.KEPT else ["studio.keep"]
    return [*found, "studio.put_away"]


def _run_tile_action(page: PageContext, creator_id: UUID, asset_id: UUID, key: str) -> None:
    code = st.session_state.get(key)
    if code == RATE:  # The selection shows the image in full and asks for the rating.
        for one in st.session_state:
            if str(one).startswith(SELECTION_PREFIX):
                st.session_state[one] = False
        st.session_state[f"{SELECTION_PREFIX}{asset_id}"] = True
        return
    if code == PACK:
        act = partial(_add_to_draft_pack, page, creator_id, asset_id)
    elif code in SHELF_CODES:
        act = partial(shelve_action, page, creator_id, (asset_id,), SHELF_CODES[code])
    else:
        return
    actions.run_action(act, Right.RUN, f"{key}:{code}", label=code)


def _add_to_draft_pack(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID
) -> Message:
    """Add the image to the draft pack of the day, the same one as on the phone."""
    creator = page.get_creator(scope, creator_id)
    if queries.get_asset_bytes(scope, asset_id).creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
    day = page.localizer.format_date(scope.now.astimezone(load_zone(creator.zone)).date())
    title = page.text("phone.draft", day=day)[: packs.MAX_TITLE]
    packs.add_to_draft(scope, creator_id=creator_id, title=title, asset=asset_id)
    return Message("studio.tile_packed", {"title": title})
