"""Collections: add and arrange images, rename or delete a collection, create a pack from it."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.library.queries import LibraryView
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from studio.library import collections
from studio.library.collections import CollectionView
from studio.packs import packs
from tenants.agencies.rights import Right

INTO, NAME, RENAMED, TITLE = (
    f"studio:collection:{what}" for what in ("into", "name", "renamed", "title")
)
KEPT = "studio.collection.kept"


def render_collection_choice(
    page: PageContext, creator_id: UUID, here: LibraryView, assets: Sequence[UUID]
) -> None:
    """Draw the form that adds the selection to a collection, and the order in an opened one."""
    with forms.open_fields(page, NAME):
        said = {"": page.text("studio.collection.new")} | {
            str(one.id): one.name for one in here.collections
        }
        with st.popover(page.text("studio.collection"), icon=":material/folder:"):
            if here.opened is not None:
                _render_arrange_actions(page, creator_id, here.opened, assets)
            if st.session_state.get(INTO) not in said:
                st.session_state[INTO] = ""
            chosen = st.selectbox(
                page.text("studio.collection.into"),
                list(said),
                format_func=said.__getitem__,
                key=INTO,
            )
            if not chosen:
                st.text_input(
                    page.text("studio.collection.name"),
                    key=NAME,
                    max_chars=collections.MAX_COLLECTION_NAME,
                )
                forms.show_field_error("name")
            act = partial(_add_to_collection, page, creator_id, assets)
            actions.action_button(
                page,
                "studio.collection.add",
                act,
                right=Right.RUN,
                key="studio:collection:add",
                kind="primary",
            )


def _add_to_collection(
    page: PageContext, creator_id: UUID, assets: Sequence[UUID], scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    into = str(actions.typed_value(INTO) or "")
    if into:
        collections.add_to_collection(scope, creator_id, UUID(into), assets)
    else:
        collections.create_collection(
            scope, creator_id, str(actions.typed_value(NAME) or ""), assets
        )
    return Message("studio.collection.added")


def _render_arrange_actions(
    page: PageContext, creator_id: UUID, opened: CollectionView, assets: Sequence[UUID]
) -> None:
    acts = {
        "first": partial(collections.move_to_front, assets=assets),
        "out": partial(collections.remove_from_collection, assets=assets),
    }
    if len(assets) == 1:
        acts["cover"] = partial(collections.set_cover, asset_id=assets[0])
    for name, change in acts.items():

        def act(scope: Scope, _: UUID, change: partial[None] = change) -> Message:
            page.get_creator(scope, creator_id)
            change(scope, creator_id, opened.id)
            return Message(KEPT)

        actions.action_button(
            page, f"studio.collection.{name}", act, right=Right.RUN, key=f"studio:collection:{name}"
        )


def render_collection_actions(page: PageContext, creator_id: UUID, opened: CollectionView) -> None:
    """Draw the actions that rename an opened collection, create a pack from it, and delete it."""
    with (
        st.expander(page.text("studio.collection.change")),
        forms.open_fields(page, f"{RENAMED}:{opened.id}"),
    ):
        st.session_state.setdefault(f"{RENAMED}:{opened.id}", opened.name)
        st.text_input(
            page.text("studio.collection.name"),
            key=f"{RENAMED}:{opened.id}",
            max_chars=collections.MAX_COLLECTION_NAME,
        )
        forms.show_field_error("name")
        rename = partial(_rename_collection, page, creator_id, opened.id)
        actions.action_button(
            page,
            "studio.collection.rename",
            rename,
            right=Right.RUN,
            key="studio:collection:rename",
        )
        if opened.assets:
            st.text_input(page.text("studio.pack_title"), max_chars=packs.MAX_TITLE, key=TITLE)
            forms.show_field_error("title")
            begin = partial(_create_collection_pack, page, creator_id, opened.id)
            actions.action_button(
                page, "studio.collection.pack", begin, right=Right.RUN, key="studio:collection:pack"
            )
        draw_template("shell/templates/note.html", note=page.text("studio.collection.delete_note"))
        end = partial(_delete_collection, page, creator_id, opened.id)
        actions.action_button(
            page, "studio.collection.delete", end, right=Right.RUN, key="studio:collection:delete"
        )


def _rename_collection(
    page: PageContext, creator_id: UUID, collection_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    collections.rename_collection(
        scope,
        creator_id,
        collection_id,
        str(actions.typed_value(f"{RENAMED}:{collection_id}") or ""),
    )
    return Message(KEPT)


def _create_collection_pack(
    page: PageContext, creator_id: UUID, collection_id: UUID, scope: Scope, press: UUID
) -> Message:
    """Create a pack from the current images. The shop refuses packs with withheld images."""
    page.get_creator(scope, creator_id)
    found = next(
        (one for one in collections.list_collections(scope, creator_id) if one.id == collection_id),
        None,
    )
    title = str(actions.typed_value(TITLE) or "").strip()
    assets = found.assets if found is not None else ()
    packs.create_pack(
        scope,
        creator_id=creator_id,
        slug=f"pack-{press}",
        title=title,
        description="",
        assets=assets,
    )
    return Message("studio.pack_made", {"title": title})


def _delete_collection(
    page: PageContext, creator_id: UUID, collection_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    collections.delete_collection(scope, creator_id, collection_id)
    return Message("studio.collection.deleted")
