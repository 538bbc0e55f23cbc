"""Draw the page Settings: a section picker and the chosen section.

The address names the section (`/settings?section=stop`), so that other pages can link to it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dashboard.pages.settings import (
    agency,
    api_keys,
    creator_defaults,
    email,
    emergency_stop,
    engines,
    platform_applications,
    quotas,
    safety_lists,
    safety_rules,
    storage,
    webhooks,
)
from dashboard.shell.page_context import PageContext
from tenants.agencies.rights import Right

PARAM = "section"
_PICKER = "settings:section"


@dataclass(frozen=True)
class Section:
    """A section: its name in the address and the right that opens it. Its title is the message
    `settings.section.<name>`."""

    name: str
    render: Callable[[PageContext], None]
    right: Right = Right.RUN


SECTIONS = (
    Section("agency", agency.render_agency, Right.STAFF),
    Section("creators", creator_defaults.render_creator_defaults, Right.STAFF),
    Section("engines", engines.render_engines),
    Section("email", email.render_email, Right.STAFF),
    Section("storage", storage.render_storage),
    Section("applications", platform_applications.render_platform_applications),
    Section("safety", safety_lists.render_safety_lists),
    Section("policy", safety_rules.render_safety_rules),
    Section("quotas", quotas.render_quotas),
    Section("stop", emergency_stop.render_emergency_stops),
    Section("keys", api_keys.render_api_keys),
    Section("webhooks", webhooks.render_webhooks, Right.STAFF),
)


def render_page(page: PageContext) -> None:
    """Draw the picker with the sections that the member may open, and the chosen one."""
    st.title(page.text("dashboard.page.settings"))
    able = {one.name: one for one in SECTIONS if page.has_right(one.right)}
    asked = st.query_params.get(PARAM, "")
    chosen = st.segmented_control(
        page.text("settings.sections"),
        list(able),
        default=asked if asked in able else next(iter(able)),
        required=True,
        format_func=lambda name: page.text(f"settings.section.{name}"),
        key=_PICKER,
        on_change=_store_section,
        label_visibility="collapsed",
        wrap=True,
    )
    section = able[chosen or next(iter(able))]
    st.header(page.text(f"settings.section.{section.name}"))
    section.render(page)


def _store_section() -> None:
    """Write the chosen section to the address, so that a reload returns to it."""
    st.query_params.from_dict({PARAM: str(st.session_state[_PICKER])})
