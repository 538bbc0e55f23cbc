"""Quotas: images per day, and the limits that are set elsewhere or by the installation."""

from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops import settings
from studio.costs import quotas
from studio.runs import runner
from studio.video import animations
from tenants.agencies.rights import Right

PICTURES = "quotas:pictures"


def render_quotas(page: PageContext) -> None:
    """Draw the quota of images and the limits of the installation."""
    pictures, characters = page.read(
        lambda scope: (quotas.agency_daily_quota(scope), quotas.character_quota(scope))
    )
    with forms.open_form(page, "quotas", border=True):
        st.number_input(
            page.text("settings.quota_pictures"),
            0,
            quotas.MAX_PER_DAY,
            pictures or 0,
            key=PICTURES,
        )
        actions.submit_button(
            page, "settings.save", _save_quota, right=Right.RUN, key="quotas:save"
        )
    known = settings.load_settings()
    st.write(_describe_limit(page, "characters", characters or 0))
    limits = {
        "house_pictures": known.generators.pictures_per_day,
        "house_characters": known.generators.characters_per_month,
        "house_storage": known.storage.allowed_mib or 0,
    }
    for name, limit in limits.items():
        st.write(_describe_limit(page, name, limit))


def _describe_limit(page: PageContext, name: str, limit: int) -> str:
    if not limit:
        return page.text(f"settings.quota.{name}_none")
    return page.text(f"settings.quota.{name}", limit=page.localizer.format_number(limit))


def _save_quota(scope: Scope, _: UUID) -> Message:
    quotas.set_daily_quota(scope, int(actions.typed_value(PICTURES) or 0) or None)
    runner.wake_waiting_runs(scope)
    animations.wake_waiting_animations(scope)
    return Message("settings.saved")
