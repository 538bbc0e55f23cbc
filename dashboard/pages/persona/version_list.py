"""The versions of a persona: compare with the active one, activate, restore and export."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.persona import changes, form
from dashboard.pages.persona.queries import PersonaView
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from subscribers.replies import character_cards, content_checks, persona
from subscribers.replies.persona import PersonaSummary
from tenants.agencies.rights import Right


def render_versions(page: PageContext, found: PersonaView) -> None:
    """Draw all versions, the newest first."""
    st.subheader(page.text("persona.versions"))
    if not found.versions:
        draw_template("shell/templates/empty_note.html", note=page.text("persona.no_versions"))
        return
    for number, one in enumerate(found.versions):
        before = found.versions[number + 1] if number + 1 < len(found.versions) else None
        label = page.text(
            f"persona.version_{one.state}",
            number=one.version,
            when=page.localizer.format_moment(one.saved_at, found.now),
        )
        with st.expander(label, expanded=one.state == "draft" and number == 0):
            changes.render_changes(
                page,
                persona.compare_personas(
                    before.persona if before is not None else None, one.persona
                ),
            )
            _render_version_actions(page, found, one)


def _render_version_actions(page: PageContext, found: PersonaView, one: PersonaSummary) -> None:
    key = f"persona:version:{one.id}"
    with st.container(horizontal=True, gap="small"):
        if one.state == "draft":
            actions.action_button(
                page,
                "persona.activate",
                partial(_activate, page, one.id),
                right=Right.APPROVE,
                key=f"{key}:activate",
                kind="primary",
            )
        if one.state == "retired" and page.has_right(Right.RUN):
            actions.action_button(
                page,
                "persona.restore",
                partial(_restore, page, one),
                right=Right.RUN,
                key=f"{key}:restore",
            )
        for kind, export, mime in (
            ("json", character_cards.export_json, "application/json"),
            ("png", character_cards.export_png, "image/png"),
        ):
            st.download_button(
                page.text(f"persona.export_{kind}"),
                partial(export, one.persona),
                f"{found.creator.slug}-{one.version}.{kind}",
                mime,
                key=f"{key}:{kind}",
                on_click="ignore",
            )


def _activate(page: PageContext, persona_id: UUID, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, persona.creator_of_persona(scope, persona_id))
    content_checks.check_persona(scope, persona.get_persona(scope, persona_id).persona)
    persona.activate_persona(scope, persona_id)
    return Message("persona.activated")


def _restore(page: PageContext, one: PersonaSummary, scope: Scope, press_id: UUID) -> Message:
    creator = page.get_creator(scope, persona.creator_of_persona(scope, one.id))
    persona.restore_persona(scope, one.id, key=press_id)
    form.fill_form(creator.id, one.persona)
    return Message("persona.restored")
