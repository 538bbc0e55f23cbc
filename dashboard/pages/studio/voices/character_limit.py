"""Monthly limit of characters that paid voice engines may speak for the agency."""

from uuid import UUID

import streamlit as st

from dashboard.pages.studio.voices.queries import VoicesView
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from studio.costs import quotas
from tenants.agencies.rights import Right

CHARACTER_LIMIT_KEY = "characters:most"


def render_character_limit(page: PageContext, found: VoicesView) -> None:
    """Draw this month's use and the form of the agency's limit. Zero means no limit."""
    used = page.localizer.format_number(found.used)
    if found.most is None:
        said = page.text("studio.characters_used", used=used)
    else:
        said = page.text(
            "studio.characters_used_of", used=used, most=page.localizer.format_number(found.most)
        )
    draw_template("shell/templates/note.html", note=said)
    with forms.open_form(page, "characters"):
        most = quotas.MAX_CHARACTER_QUOTA
        st.number_input(
            page.text("studio.characters"),
            0,
            most,
            found.own or 0,
            step=1000,
            key=CHARACTER_LIMIT_KEY,
        )
        actions.submit_button(
            page,
            "studio.characters_keep",
            _save_character_limit,
            right=Right.RUN,
            key="characters_keep",
            kind="secondary",
        )


def _save_character_limit(scope: Scope, _: UUID) -> Message:
    quotas.set_character_quota(scope, int(actions.typed_value(CHARACTER_LIMIT_KEY) or 0) or None)
    return Message("studio.characters_kept")
