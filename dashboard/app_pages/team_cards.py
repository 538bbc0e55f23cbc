"""Team, shoot cards: make one, see who has signed, hand somebody the code that opens their own page."""

from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st
from babel import Locale

from dashboard import acting, founding
from dashboard.acting import typed
from dashboard.frame import Page
from dashboard.reads.team import Team
from dashboard.widgets import draw, qr_source
from foundation import settings
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import LANGUAGES, Message, catalogue
from gate import cards, mine
from gate.carded import ALWAYS, Standing
from gate.cards import MOST_PEOPLE, MOST_PICTURES, SCOPES, Card, Named, Terms
from gate.units import Rating
from tenants.roles import Right

CODE = "cards:code"
"""Whose code is shown, and the link in it."""

RATINGS = tuple(str(one) for one in Rating if one is not Rating.X)
LIVING = (Standing.OPEN, Standing.SIGNED)


def show(page: Page, found: Team) -> None:
    """Draw the cards there are, and what makes another one."""
    st.subheader(page.word("cards.title"))
    st.write(page.word("cards.how"))
    _code(page)
    for card in found.cards:
        _card(page, found, card)
    with st.expander(page.word("cards.new"), icon=":material/note_add:", expanded=not found.cards):
        _new(page, found)


def _card(page: Page, found: Team, card: Card) -> None:
    names = {one.id: one.name for one in found.creators}
    with st.container(border=True):
        draw(
            "team_card.html",
            card=card,
            creator=names.get(card.creator_id, ""),
            until=card.valid_until.date(),
            places=", ".join(_place(page, one) for one in card.surfaces),
            voice=page.voice,
            word=page.word,
        )
        waiting = [one for one in card.people if card.standing in LIVING and one.said == Standing.OPEN]
        with st.container(horizontal=True, gap="small"):
            for one in waiting:
                key = f"code:{card.id}:{one.person_id}"
                st.button(page.word("cards.code", name=one.name), key=key, on_click=_show_code, args=(one, key))


def _show_code(one: Named, key: str) -> None:
    """Make a link to their own page, for their own phone; it is kept for this one look."""
    made: list[str] = []
    acting.press(partial(_link, one, made), Right.STAFF, key)
    if made:
        st.session_state[CODE] = (one.name, made[0])


def _link(one: Named, made: list[str], scope: Scope, _: UUID) -> None:
    base = settings.load().web.public_url.rstrip("/")
    made.append(f"{base}{mine.PATH}{mine.make_link(scope, one.person_id)}")


def _code(page: Page) -> None:
    if CODE not in st.session_state:
        return
    name, link = st.session_state[CODE]
    with st.container(border=True):
        draw("team_code.html", name=name, link=link, picture=qr_source(link), word=page.word)
        st.button(page.word("cards.put_away"), key="cards:put_away", on_click=partial(st.session_state.pop, CODE, None))


def _new(page: Page, found: Team) -> None:
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
    acting.button(page, "cards.make", act, right=Right.STAFF, key="card:make", kind="primary", disabled=not who)


def _terms(page: Page, found: Team) -> None:
    left, right = st.columns(2)
    left.multiselect(
        page.word("cards.places"),
        _platforms(),
        default=[one for one in found.platforms if one in _platforms()],
        format_func=lambda one: _place(page, one),
        placeholder=page.word("cards.places_hint"),
        key="card:places",
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


def _platforms() -> list[str]:
    """Every place people know by a name."""
    return sorted(code.partition(".")[2] for code in catalogue(LANGUAGES[0]) if code.startswith("platform."))


def _place(page: Page, surface: str) -> str:
    code = f"platform.{surface.partition('.')[0]}"
    return page.word(code) if code in catalogue(page.voice.language) else surface


def _countries(language: str) -> dict[str, str]:
    """Countries by their two letters, in the reader's language."""
    return {code: str(name) for code, name in Locale(language).territories.items() if len(code) == 2 and code.isalpha()}
