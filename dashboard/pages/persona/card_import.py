"""Import of a character card: upload, differences to the active persona, and acceptance."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.persona import changes, form
from dashboard.pages.persona.queries import PersonaView
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from subscribers.replies import character_cards, content_checks
from subscribers.replies.character_cards import MAX_FILE, ImportedCard
from subscribers.replies.persona import compare_personas
from tenants.agencies.rights import Right

ROUND = "persona:round"
IMPORTED = "persona:imported"


def render_upload(page: PageContext, found: PersonaView) -> None:
    """Draw the upload of a character card."""
    with st.container(border=True):
        st.subheader(page.text("persona.import_title"))
        key = f"persona:file:{found.creator.id}:{st.session_state.get(ROUND, 0)}"
        st.file_uploader(
            page.text("persona.import_file"),
            ["json", "png", "charx"],
            key=key,
            max_upload_size=MAX_FILE // 2**20,
            on_change=partial(_read_file, page, found, key),
        )


def _read_file(page: PageContext, found: PersonaView, key: str) -> None:
    """Read the uploaded card and clear the upload field. Nothing is stored yet."""
    file = st.session_state.get(key)
    if file is None:
        return
    act = partial(_check_card, page, found, bytes(file.getvalue()))
    actions.run_action(act, Right.RUN, f"persona:file:{file.file_id}")
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1


def _check_card(page: PageContext, found: PersonaView, data: bytes, scope: Scope, _: UUID) -> None:
    creator = page.get_creator(scope, found.creator.id)
    card = character_cards.read_card(data, base=found.edited)
    content_checks.check_card_texts(scope, card.texts)
    forms.set_on_success(_slot(creator.id), card)


def _slot(creator_id: UUID) -> str:
    return f"{IMPORTED}:{creator_id}"


def render_import_result(page: PageContext, found: PersonaView) -> None:
    """Draw the differences between the uploaded card and the active persona, until the member
    accepts or discards them."""
    slot = _slot(found.creator.id)
    card: ImportedCard | None = st.session_state.get(slot)
    if card is None:
        return
    with st.container(border=True, key="persona-import"):
        st.subheader(page.text("persona.import_changes"))
        active = found.active.persona if found.active is not None else None
        changes.render_changes(page, compare_personas(active, card.persona), card.notes)
        sure = st.checkbox(page.text("persona.import_sure"), key=f"{slot}:sure")
        with st.container(horizontal=True, gap="small"):
            actions.action_button(
                page,
                "persona.import_accept",
                partial(_accept, page, found.creator.id, card),
                right=Right.RUN,
                key=f"{slot}:accept",
                kind="primary",
                disabled=not sure,
            )
            actions.action_button(
                page,
                "persona.import_discard",
                partial(_discard, page, found.creator.id),
                right=Right.RUN,
                key=f"{slot}:discard",
            )


def _accept(
    page: PageContext, creator_id: UUID, card: ImportedCard, scope: Scope, _: UUID
) -> Message:
    """Put the card into the form; it is stored when the member saves the draft."""
    creator = page.get_creator(scope, creator_id)
    form.fill_form(creator.id, card.persona)
    forms.set_on_success(_slot(creator.id), None)
    return Message("persona.imported")


def _discard(page: PageContext, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    creator = page.get_creator(scope, creator_id)
    forms.set_on_success(_slot(creator.id), None)
    return Message("persona.import_discarded")
