"""Collections: what is chosen is put into one or arranged in it; one is renamed, made a pack of, or ended."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.library import Library
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from studio import collecting, packs
from studio.collecting import Collection
from tenants.roles import Right

INTO, NAME, RENAMED, TITLE = (f"studio:collection:{what}" for what in ("into", "name", "renamed", "title"))
KEPT = "studio.collection.kept"


def put(page: Page, creator_id: UUID, here: Library, assets: Sequence[UUID]) -> None:
    """Draw what puts the chosen pictures into a collection and, in an opened one, what arranges them there."""
    said = {"": page.word("studio.collection.new")} | {str(one.id): one.name for one in here.collections}
    with st.popover(page.word("studio.collection"), icon=":material/folder:"):
        if here.opened is not None:
            _arrange(page, creator_id, here.opened, assets)
        if st.session_state.get(INTO) not in said:
            st.session_state[INTO] = ""
        chosen = st.selectbox(page.word("studio.collection.into"), list(said), format_func=said.__getitem__, key=INTO)
        if not chosen:
            st.text_input(page.word("studio.collection.name"), key=NAME, max_chars=collecting.LONGEST)
        act = partial(_put, page, creator_id, assets)
        acting.button(page, "studio.collection.add", act, right=Right.RUN, key="studio:collection:add", kind="primary")


def _put(page: Page, creator_id: UUID, assets: Sequence[UUID], scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    into = str(acting.typed(INTO) or "")
    if into:
        collecting.add(scope, creator_id, UUID(into), assets)
    else:
        collecting.make(scope, creator_id, str(acting.typed(NAME) or ""), assets)
    return Message("studio.collection.added")


def _arrange(page: Page, creator_id: UUID, opened: Collection, assets: Sequence[UUID]) -> None:
    acts = {"first": partial(collecting.put_first, assets=assets), "out": partial(collecting.take_out, assets=assets)}
    if len(assets) == 1:
        acts["cover"] = partial(collecting.cover, asset_id=assets[0])
    for name, change in acts.items():

        def act(scope: Scope, _: UUID, change: partial[None] = change) -> Message:
            page.my(scope, creator_id)
            change(scope, creator_id, opened.id)
            return Message(KEPT)

        acting.button(page, f"studio.collection.{name}", act, right=Right.RUN, key=f"studio:collection:{name}")


def manage(page: Page, creator_id: UUID, opened: Collection) -> None:
    """Draw what renames the opened collection, begins a pack from it, and ends it."""
    with st.expander(page.word("studio.collection.change")):
        st.session_state.setdefault(f"{RENAMED}:{opened.id}", opened.name)
        st.text_input(page.word("studio.collection.name"), key=f"{RENAMED}:{opened.id}", max_chars=collecting.LONGEST)
        rename = partial(_rename, page, creator_id, opened.id)
        acting.button(page, "studio.collection.rename", rename, right=Right.RUN, key="studio:collection:rename")
        if opened.assets:
            st.text_input(page.word("studio.pack_title"), max_chars=packs.MAX_TITLE, key=TITLE)
            begin = partial(_pack, page, creator_id, opened.id)
            acting.button(page, "studio.collection.pack", begin, right=Right.RUN, key="studio:collection:pack")
        draw("studio_note.html", note=page.word("studio.collection.delete_note"))
        end = partial(_delete, page, creator_id, opened.id)
        acting.button(page, "studio.collection.delete", end, right=Right.RUN, key="studio:collection:delete")


def _rename(page: Page, creator_id: UUID, collection_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    collecting.rename(scope, creator_id, collection_id, str(acting.typed(f"{RENAMED}:{collection_id}") or ""))
    return Message(KEPT)


def _pack(page: Page, creator_id: UUID, collection_id: UUID, scope: Scope, press: UUID) -> Message:
    """A pack of all of it as it stands now: what is withheld makes the shop refuse it, as in any pack."""
    page.my(scope, creator_id)
    found = next((one for one in collecting.of(scope, creator_id) if one.id == collection_id), None)
    title = str(acting.typed(TITLE) or "").strip()
    assets = found.assets if found is not None else ()
    packs.make(scope, creator_id=creator_id, slug=f"pack-{press}", title=title, description="", assets=assets)
    return Message("studio.pack_made", {"title": title})


def _delete(page: Page, creator_id: UUID, collection_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    collecting.delete(scope, creator_id, collection_id)
    return Message("studio.collection.deleted")
