"""Studio: pictures put on a shoot card, when they are handed in or afterwards."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.frame import Page
from dashboard.reads.studio import Studio
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound, Refused
from foundation.words import Message
from gate import binding, naming
from gate.carded import Standing
from gate.cards import Card
from studio import judging
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


def name(page: Page, creator_id: UUID, asset_id: UUID, card: Card) -> None:
    """Say who of its card is in a picture: for somebody else than who brought it in."""
    people, key = {str(one.person_id): one.name for one in card.people}, f"named:{asset_id}"
    with st.popover(page.word("cards.who"), icon=":material/group:"):
        st.multiselect(
            page.word("cards.who_is"),
            list(people),
            format_func=people.__getitem__,
            placeholder=page.word("cards.people_hint"),
            key=key,
            select_all=False,
        )
        draw("studio_note.html", note=page.word("cards.who_how"))
        act = partial(_named, page, creator_id, asset_id)
        acting.button(page, "cards.who_now", act, right=Right.REVIEW, key=f"name:{asset_id}", kind="primary")


def _named(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    found = studio_reads.shown(scope, asset_id)
    if found.creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
    if files.covered(found.standing.rating) and not files.seen(scope, [asset_id]):
        raise Refused("approvals.look_first")
    people = [UUID(one) for one in acting.typed(f"named:{asset_id}") or ()]
    naming.ask(scope, asset_id, people, maker=judging.makers(scope, [asset_id]).get(asset_id, ""))
    return Message("cards.who_told")


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
