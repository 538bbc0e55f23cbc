"""Defaults of new creators: time zone, languages, maximum rating and number of approvals."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.time_zones import list_time_zones, time_zone_label
from foundation.db.database import Scope
from foundation.i18n.translation import LANGUAGES, Message
from tenants.agencies import agency_settings
from tenants.agencies.agencies import TIERS
from tenants.agencies.agency_settings import RATING_CEILINGS, CreatorDefaults
from tenants.agencies.rights import Right


def render_creator_defaults(page: PageContext) -> None:
    """Draw the form of the defaults."""
    found = page.read(agency_settings.get_creator_defaults)
    st.write(page.text("settings.defaults_explained"))
    with forms.open_form(page, "defaults", border=True):
        left, right = st.columns(2)
        left.selectbox(
            page.text("settings.default_zone"),
            list_time_zones(found.zone),
            format_func=partial(time_zone_label, page),
            key="defaults:zone",
        )
        right.multiselect(
            page.text("settings.default_languages"),
            LANGUAGES,
            default=found.languages,
            format_func=lambda one: page.text(f"settings.language_{one}"),
            placeholder=page.text("settings.choose_languages"),
            key="defaults:languages",
            select_all=False,
        )
        left, right = st.columns(2)
        left.selectbox(
            page.text("settings.default_ceiling"),
            RATING_CEILINGS,
            index=RATING_CEILINGS.index(found.rating_ceiling),
            format_func=lambda one: page.text(f"rating.{one}"),
            key="defaults:ceiling",
        )
        right.selectbox(
            page.text("settings.default_tiers"),
            TIERS,
            index=TIERS.index(found.approval_tiers),
            format_func=lambda tiers: page.text(f"rule.tiers.{tiers}"),
            key="defaults:tiers",
        )
        actions.submit_button(
            page, "settings.save", _save_defaults, right=Right.STAFF, key="defaults:save"
        )


def _save_defaults(scope: Scope, _: UUID) -> Message:
    agency_settings.set_creator_defaults(
        scope,
        CreatorDefaults(
            zone=actions.typed_value("defaults:zone"),
            languages=tuple(actions.typed_value("defaults:languages") or ()),
            rating_ceiling=actions.typed_value("defaults:ceiling"),
            approval_tiers=int(actions.typed_value("defaults:tiers")),
        ),
    )
    return Message("settings.defaults_saved")
