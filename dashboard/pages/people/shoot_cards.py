"""The section "Shoot cards": list cards with their signatures, create cards, send portal links."""

from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st
from babel import Locale

from dashboard.pages.people import portal_links, surface_names
from dashboard.pages.people.queries import ShootCardsView, load_shoot_cards
from dashboard.shell import actions, forms
from dashboard.shell.actions import typed_value
from dashboard.shell.page_context import PageContext
from dashboard.shell.time_zones import list_time_zones
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from gate.consent import shoot_cards
from gate.consent.shoot_cards import (
    CARD_SCOPES,
    MAX_CARD_PEOPLE,
    MAX_CARD_PICTURES,
    CardTerms,
    ShootCardView,
)
from gate.contract.units import Rating
from gate.decision.shoot_card_terms import REQUIRED_SCOPES, CardStatus
from tenants.agencies.rights import Right

RATINGS = tuple(str(one) for one in Rating if one is not Rating.X)
LIVING = (CardStatus.OPEN, CardStatus.SIGNED)


def render_shoot_cards(page: PageContext) -> None:
    """Draw the existing cards and the form for a new one."""
    found = page.read(lambda scope: load_shoot_cards(scope, page.list_creators(scope)))
    st.write(page.text("cards.how"))
    for card in found.cards:
        _render_shoot_card(page, found, card)
    with st.expander(page.text("cards.new"), icon=":material/note_add:", expanded=not found.cards):
        _render_card_form(page, found)


def _render_shoot_card(page: PageContext, found: ShootCardsView, card: ShootCardView) -> None:
    names = {one.id: one.name for one in found.creators}
    with st.container(border=True):
        draw_template(
            "pages/people/templates/shoot_card.html",
            card=card,
            creator=names.get(card.creator_id, ""),
            until=card.valid_until.date(),
            places=surface_names.surface_labels(page, card.surfaces),
            voice=page.localizer,
            word=page.text,
        )
        waiting = [
            one for one in card.people if card.standing in LIVING and one.said == CardStatus.OPEN
        ]
        with st.container(horizontal=True, gap="small"):
            for one in waiting:
                key = f"code:{card.id}:{one.person_id}"
                portal_links.render_link_button(page, one.person_id, one.name, key=key)


def _render_card_form(page: PageContext, found: ShootCardsView) -> None:
    with forms.open_fields(page, "card"):
        creators = {str(one.id): one for one in found.creators}
        people = {str(one.person_id): one.name for one in found.shown}
        left, right = st.columns(2)
        who = left.selectbox(
            page.text("cards.creator"),
            list(creators),
            format_func=lambda one: creators[one].name,
            key="card:creator",
        )
        right.multiselect(
            page.text("cards.people"),
            list(people),
            format_func=people.__getitem__,
            max_selections=MAX_CARD_PEOPLE,
            placeholder=page.text("cards.people_hint"),
            key="card:people",
            select_all=False,
        )
        today = found.now.astimezone(page.localizer.zone).date()
        zones = (
            list_time_zones(creators[who].zone) if who in creators else list_time_zones(found.zone)
        )
        left, right = st.columns(2)
        left.date_input(
            page.text("cards.day"),
            value=today,
            max_value=today,
            format="DD/MM/YYYY",
            key="card:day",
        )
        forms.show_field_error("day", left)
        right.selectbox(page.text("cards.zone"), zones, key=f"card:zone:{who}")
        countries = _country_names(page.localizer.language)
        left, right = st.columns(2)
        left.selectbox(
            page.text("cards.country"),
            ["", *sorted(countries, key=countries.__getitem__)],
            format_func=lambda one: countries.get(one) or page.text("cards.country_unknown"),
            key="card:country",
        )
        _render_card_terms(page, found)
        act = partial(_create_shoot_card, who)
        actions.action_button(
            page,
            "cards.make",
            act,
            right=Right.RUN,
            key="card:make",
            kind="primary",
            disabled=not who,
        )


def _render_card_terms(page: PageContext, found: ShootCardsView) -> None:
    left, right = st.columns(2)
    left.multiselect(
        page.text("cards.places"),
        surface_names.list_platforms(),
        default=[one for one in found.platforms if one in surface_names.list_platforms()],
        format_func=lambda one: surface_names.surface_label(page, one),
        placeholder=page.text("cards.places_hint"),
        key="card:places",
        select_all=False,
    )
    right.selectbox(
        page.text("cards.rating"),
        RATINGS,
        format_func=lambda one: page.text(f"rating.{one}"),
        key="card:rating",
    )
    left, right = st.columns(2)
    left.number_input(page.text("cards.pictures"), 1, MAX_CARD_PICTURES, 40, key="card:pictures")
    right.number_input(page.text("cards.months"), 1, 24, 12, key="card:months")
    st.checkbox(page.text("cards.sell"), key="card:sell")


def _create_shoot_card(creator_id: str, scope: Scope, _: UUID) -> Message:
    day = typed_value("card:day")
    if not isinstance(day, date):
        raise BadInput("card.invalid")
    sells = bool(typed_value("card:sell"))
    shoot_cards.create_card(
        scope,
        UUID(creator_id),
        CardTerms(
            day=day,
            zone=str(typed_value(f"card:zone:{creator_id}")),
            country=str(typed_value("card:country") or ""),
            persons=tuple(UUID(one) for one in typed_value("card:people") or ()),
            scopes=tuple(one for one in CARD_SCOPES if sells or one in REQUIRED_SCOPES),
            surfaces=tuple(typed_value("card:places") or ()),
            max_rating=Rating(typed_value("card:rating")),
            pictures=int(typed_value("card:pictures")),
            months=int(typed_value("card:months")),
        ),
    )
    return Message("cards.made")


def _country_names(language: str) -> dict[str, str]:
    """Return country names in the viewer's language by ISO 3166-1 alpha-2 code."""
    return {
        code: str(name)
        for code, name in Locale(language).territories.items()
        if len(code) == 2 and code.isalpha()
    }
