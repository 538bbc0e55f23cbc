"""Assign images to shoot cards, during the upload or later."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.pages.studio.recipes.queries import StudioView
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from foundation.i18n.translation import Message
from gate.consent import asset_bindings
from gate.consent.shoot_cards import ShootCardView
from gate.decision.shoot_card_terms import CardStatus
from gate.reviews import depicted_people
from studio.library import member_reviews, queries
from tenants.agencies.rights import Right

HANDED = "studio:card:handed"
CHOSEN = "studio:card:chosen"
LIVING = (CardStatus.OPEN, CardStatus.SIGNED)


def open_shoot_cards(found: StudioView) -> dict[str, ShootCardView]:
    """Return the creator's cards that can accept more images, keyed by ID."""
    return {
        str(one.id): one
        for one in found.cards
        if one.standing in LIVING and one.used < one.pictures
    }


def render_upload_card_choice(page: PageContext, found: StudioView) -> None:
    """Draw the field that selects a card for the next upload. No card is selected by default."""
    cards = open_shoot_cards(found)
    if cards:
        _select_shoot_card(page, cards, HANDED, none="cards.none")


def selected_upload_card(creator_id: UUID, scope: Scope) -> UUID | None:
    """Return the card chosen for the upload if it belongs to this creator."""
    chosen = str(actions.typed_value(HANDED) or "")
    return asset_bindings.find_card_of_creator(scope, creator_id, chosen) if chosen else None


def render_card_assignment(page: PageContext, found: StudioView, assets: tuple[UUID, ...]) -> None:
    """Draw the form that adds the selection to a card."""
    cards = open_shoot_cards(found)
    if not cards:
        return
    with st.popover(page.text("cards.put_on"), icon=":material/contact_page:"):
        chosen = _select_shoot_card(page, cards, CHOSEN)
        draw_template(
            "pages/studio/library/templates/shoot_card.html", card=cards[chosen], word=page.text
        )
        act = partial(_assign_shoot_card, page, found.creator.id, assets)
        actions.action_button(
            page, "cards.put_now", act, right=Right.RUN, key="studio:card", kind="primary"
        )


def render_card_people(
    page: PageContext, creator_id: UUID, asset_id: UUID, card: ShootCardView
) -> None:
    """Draw the form that confirms which people of the card are in an image.

    The member must not have uploaded the image or added it to the card.
    """
    people = {str(one.person_id): one.name for one in card.people}
    key = f"named:{asset_id}"
    with st.popover(page.text("cards.who"), icon=":material/group:"):
        st.multiselect(
            page.text("cards.who_is"),
            list(people),
            format_func=people.__getitem__,
            placeholder=page.text("cards.people_hint"),
            key=key,
            select_all=False,
        )
        draw_template("shell/templates/note.html", note=page.text("cards.who_how"))
        act = partial(_confirm_people, page, creator_id, asset_id)
        actions.action_button(
            page, "cards.who_now", act, right=Right.REVIEW, key=f"name:{asset_id}", kind="primary"
        )


def _confirm_people(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    found = queries.get_asset_bytes(scope, asset_id)
    if found.creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
    if library_files.list_blurred(
        scope, {asset_id: found.standing.rating}
    ) and not library_files.list_revealed(scope, [asset_id]):
        raise Refused("approvals.look_first")
    people = [UUID(one) for one in actions.typed_value(f"named:{asset_id}") or ()]
    depicted_people.submit_people_confirmation(
        scope, asset_id, people, maker=member_reviews.makers_of(scope, [asset_id]).get(asset_id, "")
    )
    return Message("cards.who_told")


def _select_shoot_card(
    page: PageContext, cards: dict[str, ShootCardView], key: str, *, none: str = ""
) -> str:
    def format_card(one: str) -> str:
        if not one:
            return page.text(none)
        card = cards[one]
        people = ", ".join(each.name for each in card.people)
        standing = page.text(f"cards.standing.{card.standing}")
        return f"{page.localizer.format_date(card.day)} · {people} · {standing}"

    options = [*([""] if none else []), *cards]
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]
    return str(st.selectbox(page.text("cards.which"), options, format_func=format_card, key=key))


def _assign_shoot_card(
    page: PageContext, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    card = asset_bindings.find_card_of_creator(scope, creator_id, str(actions.typed_value(CHOSEN)))
    for asset_id in assets:
        if queries.get_asset_bytes(scope, asset_id).creator_id == creator_id:
            asset_bindings.request_binding(scope, asset_id, card, by=page.viewer.actor)
    return Message("cards.put", {"count": len(assets)})
