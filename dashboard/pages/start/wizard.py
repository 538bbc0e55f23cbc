"""The two steps of the setup wizard: the agency, then its first creator."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.pages.start import agency_setup
from dashboard.pages.start.agency_setup import (
    CREATOR_KINDS,
    RATING_CEILINGS,
    REPLY_MODES,
    CreatorSetup,
)
from dashboard.shell import actions, forms
from dashboard.shell.actions import typed_value
from dashboard.shell.page_context import PageContext
from dashboard.shell.time_zones import list_time_zones, time_zone_label
from foundation.db.database import Scope
from foundation.i18n.translation import LANGUAGES, Message
from foundation.money import list_currencies
from gate.contract.units import Rating
from tenants.agencies import agency_settings
from tenants.agencies.queries import Agency
from tenants.agencies.rights import Right
from tenants.auth import members
from tenants.auth.owner_setup import PROVISIONAL_ZONE


def render_agency_step(page: PageContext, agency: Agency) -> None:
    """Draw the form of the agency: name, time zone, currency and languages."""
    st.title(page.text("start.agency_title"))
    st.write(page.text("start.agency_explained"))
    with forms.open_form(page, "agency", border=True):
        left, right = st.columns(2)
        left.text_input(page.text("start.agency_name"), key="agency:name", max_chars=120)
        forms.show_field_error("name", left)
        _render_zone(page, right, "agency:zone", agency.zone)
        currencies = list_currencies()
        left, right = st.columns(2)
        left.selectbox(
            page.text("start.currency"),
            currencies,
            index=currencies.index(agency.currency),
            format_func=page.localizer.format_currency,
            key="agency:currency",
        )
        right.multiselect(
            page.text("start.languages"),
            LANGUAGES,
            default=[agency.language],
            format_func=prefixed_text(page, "start.language_"),
            placeholder="",
            key="agency:languages",
            select_all=False,
            help=page.text("start.languages_help"),
        )
        forms.show_field_error("languages", right)
        actions.submit_button(
            page,
            "start.agency_keep",
            partial(_name_agency, page.viewer.member.id),
            right=Right.STAFF,
            key="agency:keep",
        )


def _name_agency(member_id: UUID, scope: Scope, _: UUID) -> Message:
    zone = str(typed_value("agency:zone"))
    agency_settings.name_agency(
        scope,
        name=str(typed_value("agency:name") or ""),
        zone=zone,
        currency=str(typed_value("agency:currency")),
        languages=typed_value("agency:languages") or (),
    )
    members.set_member_zone(scope, member_id, zone)
    return Message("start.agency_kept")


def render_creator_step(page: PageContext, agency: Agency) -> None:
    """Draw the form of the first creator."""
    st.title(page.text("start.creator_title"))
    st.write(page.text("start.creator_explained"))
    with forms.open_form(page, "creator", border=True):
        render_creator_name_and_kind(page)
        left, right = st.columns(2)
        left.selectbox(
            page.text("start.language"),
            agency.languages,
            format_func=prefixed_text(page, "start.language_"),
            key="start:language",
        )
        _render_zone(page, right, "start:zone", agency.zone)
        render_creator_rules(page)
        actions.submit_button(
            page, "start.creator_keep", _add_creator, right=Right.STAFF, key="creator:keep"
        )
    st.caption(page.text("start.where"))


def _add_creator(scope: Scope, _: UUID) -> Message:
    answers = CreatorSetup(
        name=str(typed_value("start:creator") or ""),
        kind=typed_value("start:kind"),
        language=typed_value("start:language"),
        zone=typed_value("start:zone"),
        ceiling=Rating(typed_value("start:ceiling")),
        alone=typed_value("start:alone") == "yes",
        answers=typed_value("start:answers"),
    )
    agency_setup.add_first_creator(scope, answers)
    return Message("start.creator_kept")


def render_creator_name_and_kind(page: PageContext) -> None:
    """Draw the fields of the creator's name and type."""
    left, right = st.columns(2)
    left.text_input(page.text("start.creator"), key="start:creator", max_chars=80)
    forms.show_field_error("name", left)
    right.radio(
        page.text("start.kind"),
        CREATOR_KINDS,
        format_func=prefixed_text(page, "start.kind_"),
        key="start:kind",
        horizontal=True,
    )


def render_creator_rules(page: PageContext) -> None:
    """Draw the fields of the highest rating, of approvals and of replies."""
    left, right = st.columns(2)
    left.selectbox(
        page.text("start.ceiling"),
        RATING_CEILINGS,
        format_func=prefixed_text(page, "rating."),
        key="start:ceiling",
    )
    right.radio(
        page.text("start.alone"),
        ("yes", "no"),
        format_func=prefixed_text(page, "start.alone_"),
        key="start:alone",
        horizontal=True,
    )
    st.radio(
        page.text("start.answers"),
        REPLY_MODES,
        format_func=prefixed_text(page, "start.answers_"),
        key="start:answers",
    )


def _render_zone(page: PageContext, place: DeltaGenerator, key: str, own: str) -> None:
    """Draw the selection of a time zone. It suggests the browser's while `own` is provisional."""
    zones = list_time_zones(own)
    here = st.context.timezone
    place.selectbox(
        page.text("start.zone"),
        zones,
        index=zones.index(here) if own == PROVISIONAL_ZONE and here in zones else 0,
        format_func=partial(time_zone_label, page),
        key=key,
    )


def prefixed_text(page: PageContext, prefix: str) -> Callable[[object], str]:
    """Return the function that shows a value as the text whose code begins with `prefix`."""
    return lambda value: page.text(f"{prefix}{value}")
