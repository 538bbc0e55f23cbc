"""People, shoot cards: make one, see who has signed, hand somebody the code that opens their own page."""

from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st
from babel import Locale

from dashboard import acting, founding
from dashboard.acting import typed
from dashboard.app_pages import people_code, people_places
from dashboard.frame import Page
from dashboard.reads.people import Shoots, shoots
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from gate import cards
from gate.carded import ALWAYS, Standing
from gate.cards import MOST_PEOPLE, MOST_PICTURES, SCOPES, Card, Terms
from gate.units import Rating
from tenants.roles import Right

RATINGS = tuple(str(one) for one in Rating if one is not Rating.X)
LIVING = (Standing.OPEN, Standing.SIGNED)


def show(page: Page) -> None:
    """Draw the cards there are, and what makes another one."""
    found = page.read(lambda scope: shoots(scope, page.mine(scope)))
    st.write(page.word("cards.how"))
    for card in found.cards:
        _card(page, found, card)
    with st.expander(page.word("cards.new"), icon=":material/note_add:", expanded=not found.cards):
        _new(page, found)


def _card(page: Page, found: Shoots, card: Card) -> None:
    names = {one.id: one.name for one in found.creators}
    with st.container(border=True):
        draw(
            "people_card.html",
            card=card,
            creator=names.get(card.creator_id, ""),
            until=card.valid_until.date(),
            places=people_places.names(page, card.surfaces),
            voice=page.voice,
            word=page.word,
        )
        waiting = [one for one in card.people if card.standing in LIVING and one.said == Standing.OPEN]
        with st.container(horizontal=True, gap="small"):
            for one in waiting:
                key = f"code:{card.id}:{one.person_id}"
                people_code.offer(page, one.person_id, one.name, key=key)


def _new(page: Page, found: Shoots) -> None:
    creators = {str(one.id): one for one in found.creators}
    people = {str(one.person_id): one.name for one in found.shown}
    left, right = st.columns(2)
    who = left.selectbox(
        page.word("cards.creator"), list(creators), format_func=lambda one: creators[one].name, key="card:creator"
    )
    right.multiselect(
        page.word("cards.people"),
        list(people),
        format_func=people.__getitem__,
        max_selections=MOST_PEOPLE,
        placeholder=page.word("cards.people_hint"),
        key="card:people",
        select_all=False,
    )
    today = found.now.astimezone(page.voice.zone).date()
    zones = founding.zones(creators[who].zone) if who in creators else founding.zones(found.zone)
    left.date_input(page.word("cards.day"), value=today, max_value=today, format="DD/MM/YYYY", key="card:day")
    right.selectbox(page.word("cards.zone"), zones, key=f"card:zone:{who}")
    countries = _countries(page.voice.language)
    left.selectbox(
        page.word("cards.country"),
        ["", *sorted(countries, key=countries.__getitem__)],
        format_func=lambda one: countries.get(one) or page.word("cards.country_unknown"),
        key="card:country",
    )
    _terms(page, found)
    act = partial(_made, who)
    acting.button(page, "cards.make", act, right=Right.RUN, key="card:make", kind="primary", disabled=not who)


def _terms(page: Page, found: Shoots) -> None:
    left, right = st.columns(2)
    left.multiselect(
        page.word("cards.places"),
        people_places.platforms(),
        default=[one for one in found.platforms if one in people_places.platforms()],
        format_func=lambda one: people_places.name(page, one),
        placeholder=page.word("cards.places_hint"),
        key="card:places",
        select_all=False,
    )
    right.selectbox(
        page.word("cards.rating"), RATINGS, format_func=lambda one: page.word(f"rating.{one}"), key="card:rating"
    )
    left.number_input(page.word("cards.pictures"), 1, MOST_PICTURES, 40, key="card:pictures")
    right.number_input(page.word("cards.months"), 1, 24, 12, key="card:months")
    st.checkbox(page.word("cards.sell"), key="card:sell")


def _made(creator_id: str, scope: Scope, _: UUID) -> Message:
    day = typed("card:day")
    if not isinstance(day, date):
        raise BadInput("card.invalid")
    sells = bool(typed("card:sell"))
    cards.make(
        scope,
        UUID(creator_id),
        Terms(
            day=day,
            zone=str(typed(f"card:zone:{creator_id}")),
            country=str(typed("card:country") or ""),
            persons=tuple(UUID(one) for one in typed("card:people") or ()),
            scopes=tuple(one for one in SCOPES if sells or one in ALWAYS),
            surfaces=tuple(typed("card:places") or ()),
            max_rating=Rating(typed("card:rating")),
            pictures=int(typed("card:pictures")),
            months=int(typed("card:months")),
        ),
    )
    return Message("cards.made")


def _countries(language: str) -> dict[str, str]:
    """Countries by their two letters, in the reader's language."""
    return {code: str(name) for code, name in Locale(language).territories.items() if len(code) == 2 and code.isalpha()}
