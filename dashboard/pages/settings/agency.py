"""The agency: name, time zone, currency, languages, colour, logo and fiscal data."""

import base64
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.time_zones import list_time_zones, time_zone_label
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES, Message
from foundation.money import parse_money
from generators.media import pictures
from generators.media.pictures import RenditionProfile
from tenants.agencies import agency_settings
from tenants.agencies.agency_settings import AgencySettings
from tenants.agencies.rights import Right

CURRENCIES = tuple(
    [
        "EUR",
        "USD",
        "GBP",
        "CHF",
        "CAD",
        "AUD",
        "BRL",
        "CZK",
        "DKK",
        "JPY",
        "MXN",
        "NOK",
        "PLN",
        "RON",
        "SEK",
    ]
)
"""Currencies to choose from. Others can be set over the API."""

DEFAULT_ACCENT = "#7a2e8e"
LOGO_TYPES = ["png", "jpg", "jpeg", "webp"]
MAX_UPLOAD_MB = 5
LOGO_PROFILE = RenditionProfile("logo", 512, "image/png", max_bytes=agency_settings.MAX_LOGO_BYTES)
STARS_VALUE = "agency:stars_value"
_ROUND = "agency:round"
_TEXTS = ("name", "legal_name", "address", "vat_number", "invoice_prefix")


def render_agency(page: PageContext) -> None:
    """Draw the form of the agency's settings and its logo."""
    found, logo = page.read(
        lambda scope: (
            agency_settings.get_agency_settings(scope),
            agency_settings.get_logo(scope),
        )
    )
    with forms.open_form(page, "agency", border=True):
        _render_general_fields(page, found)
        st.subheader(page.text("settings.fiscal"))
        st.caption(page.text("settings.fiscal_explained"))
        _render_fiscal_fields(page, found)
        actions.submit_button(
            page, "settings.save", _save_settings, right=Right.STAFF, key="agency:save"
        )
    _render_logo(page, found, logo)


def _render_general_fields(page: PageContext, found: AgencySettings) -> None:
    left, right = st.columns(2)
    left.text_input(page.text("settings.name"), found.name, key="agency:name", max_chars=120)
    forms.show_field_error("name", left)
    right.selectbox(
        page.text("settings.zone"),
        list_time_zones(found.zone),
        format_func=partial(time_zone_label, page),
        key="agency:zone",
    )
    offered = list(dict.fromkeys((found.currency, *CURRENCIES)))
    left, right = st.columns(2)
    left.selectbox(
        page.text("settings.currency"),
        offered,
        format_func=page.localizer.format_currency,
        key="agency:currency",
    )
    right.selectbox(
        page.text("settings.language"),
        LANGUAGES,
        index=LANGUAGES.index(found.language),
        format_func=lambda one: page.text(f"settings.language_{one}"),
        key="agency:language",
    )
    left, right = st.columns(2)
    left.multiselect(
        page.text("settings.languages"),
        LANGUAGES,
        default=found.languages,
        format_func=lambda one: page.text(f"settings.language_{one}"),
        placeholder=page.text("settings.choose_languages"),
        key="agency:languages",
        select_all=False,
    )
    right.color_picker(
        page.text("settings.accent"), found.accent or DEFAULT_ACCENT, key="agency:accent"
    )


def _render_fiscal_fields(page: PageContext, found: AgencySettings) -> None:
    left, right = st.columns(2)
    left.text_input(
        page.text("settings.legal_name"), found.legal_name, key="agency:legal_name", max_chars=120
    )
    forms.show_field_error("legal_name", left)
    right.text_input(
        page.text("settings.vat_number"), found.vat_number, key="agency:vat_number", max_chars=40
    )
    forms.show_field_error("vat_number", right)
    left, right = st.columns(2)
    left.text_area(
        page.text("settings.address"),
        found.address,
        key="agency:address",
        max_chars=agency_settings.MAX_ADDRESS_LENGTH,
    )
    forms.show_field_error("address", left)
    right.text_input(
        page.text("settings.invoice_prefix"),
        found.invoice_prefix,
        key="agency:invoice_prefix",
        max_chars=20,
    )
    forms.show_field_error("invoice_prefix", right)
    left, _ = st.columns(2)
    left.text_input(
        page.text("settings.stars_value", currency=found.currency),
        str(found.stars_rate.decimal) if found.stars_rate is not None else "",
        help=page.text("settings.stars_value_help"),
        key=STARS_VALUE,
        max_chars=12,
    )
    forms.show_field_error("stars_value", left)


def _save_settings(scope: Scope, _: UUID) -> Message:
    typed = {name: str(actions.typed_value(f"agency:{name}") or "") for name in _TEXTS}
    chosen = {name: actions.typed_value(f"agency:{name}") for name in ("zone", "currency")}
    accent = str(actions.typed_value("agency:accent") or "")
    if accent == DEFAULT_ACCENT and not agency_settings.get_agency_settings(scope).accent:
        accent = ""
    agency_settings.update_agency_settings(
        scope,
        {
            **typed,
            **chosen,
            "language": actions.typed_value("agency:language"),
            "languages": tuple(actions.typed_value("agency:languages") or ()),
            "accent": accent,
            "stars_value": _read_stars_value(str(chosen["currency"])),
        },
    )
    return Message("settings.saved")


def _read_stars_value(currency: str) -> str:
    typed = str(actions.typed_value(STARS_VALUE) or "").strip()
    try:
        return str(parse_money(typed, currency)) if typed else ""
    except ValueError as error:
        raise BadInput("settings.stars_value_wrong", said=typed).about("stars_value") from error


def _render_logo(page: PageContext, found: AgencySettings, logo: bytes | None) -> None:
    """Draw the logo and the field that replaces it."""
    with st.container(border=True), forms.open_fields(page, "logo"):
        st.subheader(page.text("settings.logo"))
        if logo is not None:
            draw_template(
                "pages/settings/templates/logo.html",
                src=f"data:image/png;base64,{base64.b64encode(logo).decode()}",
                alt=page.text("settings.logo_of", name=found.name),
            )
            actions.action_button(
                page, "settings.logo_remove", _remove_logo, right=Right.STAFF, key="logo:remove"
            )
        key = f"logo:{st.session_state.get(_ROUND, 0)}"
        st.file_uploader(
            page.text("settings.logo_file"),
            LOGO_TYPES,
            key=key,
            max_upload_size=MAX_UPLOAD_MB,
            on_change=partial(_submit_logo, key),
        )


def _submit_logo(key: str) -> None:
    """Store the uploaded logo and clear the field."""
    file = st.session_state.get(key)
    if file is not None:
        act = partial(_save_logo, file.name, file.getvalue())
        actions.run_action(act, Right.STAFF, f"upload:{file.file_id}")
        st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def _save_logo(name: str, data: bytes, scope: Scope, _: UUID) -> Message:
    photo = pictures.decode_photo(data, name=name)
    agency_settings.set_logo(scope, pictures.render_photo(photo, LOGO_PROFILE).data)
    return Message("settings.logo_saved")


def _remove_logo(scope: Scope, _: UUID) -> Message:
    agency_settings.set_logo(scope, None)
    return Message("settings.logo_removed")
