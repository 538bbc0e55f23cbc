"""Studio: pictures put on a shoot card, when they are handed in or afterwards."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.studio import Studio
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from gate import binding
from gate.carded import Standing
from gate.cards import Card
from studio import reads as studio_reads
from tenants.roles import Right

HANDED, CHOSEN = "studio:card:handed", "studio:card:chosen"
LIVING = (Standing.OPEN, Standing.SIGNED)


def living(found: Studio) -> dict[str, Card]:
    """The creator's cards that pictures can still be put on, by id."""
    return {str(one.id): one for one in found.cards if one.standing in LIVING and one.used < one.pictures}


def hand_in(page: Page, found: Studio) -> None:
    """Which card what is handed in now belongs to; none unless one is chosen."""
    cards = living(found)
    if cards:
        _choice(page, cards, HANDED, none="cards.none")


def handed(creator_id: UUID, scope: Scope) -> UUID | None:
    """The card that was chosen for what is handed in, where it is this creator's."""
    chosen = str(acting.typed(HANDED) or "")
    return binding.card_of(scope, creator_id, chosen) if chosen else None


def put_on(page: Page, found: Studio, assets: tuple[UUID, ...]) -> None:
    """Put what is chosen on a card."""
    cards = living(found)
    if not cards:
        return
    with st.popover(page.word("cards.put_on"), icon=":material/contact_page:"):
        chosen = _choice(page, cards, CHOSEN)
        draw("studio_card.html", card=cards[chosen], word=page.word)
        act = partial(_put, page, found.creator.id, assets)
        acting.button(page, "cards.put_now", act, right=Right.RUN, key="studio:card", kind="primary")


def _choice(page: Page, cards: dict[str, Card], key: str, *, none: str = "") -> str:
    def said(one: str) -> str:
        if not one:
            return page.word(none)
        card = cards[one]
        people, standing = ", ".join(each.name for each in card.people), page.word(f"cards.standing.{card.standing}")
        return f"{page.voice.date(card.day)} · {people} · {standing}"

    options = [*([""] if none else []), *cards]
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]
    return str(st.selectbox(page.word("cards.which"), options, format_func=said, key=key))


def _put(page: Page, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    card = binding.card_of(scope, creator_id, str(acting.typed(CHOSEN)))
    for asset_id in assets:
        if studio_reads.shown(scope, asset_id).creator_id == creator_id:
            binding.want(scope, asset_id, card, by=page.who.actor)
    return Message("cards.put", {"count": len(assets)})
