"""Permissions to send a creator's images to external engines: grant and revoke them."""

from collections.abc import Collection
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.recipes.external_engine_queries import (
    EngineExportGrant,
    external_engine_for,
    list_engine_export_grants,
    list_external_engines,
)
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ops import settings
from generators.contract.hosted_services import ENGINE_NAMES
from studio.recipes import export_grants, input_pictures
from studio.recipes.specs import RecipeSpec
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

READ = "outgoing:read"


def render_external_engines(page: PageContext, creator: Creator) -> None:
    """Draw each configured external engine with its permission. Draw nothing if there is none."""
    engines = list_external_engines(settings.load_settings().generators)
    if not engines or not page.has_right(Right.RUN):
        return
    found = page.read(lambda scope: list_engine_export_grants(scope, creator.id, engines))
    with st.expander(page.text("outgoing.all"), icon=":material/outbound:"):
        for one in found:
            _render_external_engine(page, creator, one)


def _render_external_engine(page: PageContext, creator: Creator, one: EngineExportGrant) -> None:
    """Draw one engine. One press revokes the permission; granting it requires a confirmation that
    the terms were read."""
    words = _export_terms_text(page, creator, one.engine)
    key = f"{one.engine}:{creator.id}"
    draw_template(
        "pages/studio/recipes/templates/external_engine.html",
        one=one,
        name=ENGINE_NAMES[one.engine],
        words=words,
        voice=page.localizer,
        word=page.text,
    )
    if one.grant is not None:
        act = partial(_revoke_export, page, creator.id, one.engine)
        actions.action_button(
            page, "outgoing.withdraw", act, right=Right.RUN, key=f"outgoing:no:{key}"
        )
        return
    st.checkbox(page.text("outgoing.read", name=creator.name), key=f"{READ}:{key}")
    act = partial(_grant_export, page, creator, one.engine)
    params: dict[str, str | int] = {"engine": ENGINE_NAMES[one.engine]}
    actions.action_button(
        page, "outgoing.allow", act, right=Right.RUN, key=f"outgoing:yes:{key}", params=params
    )


def _export_terms_text(page: PageContext, creator: Creator, engine: str) -> str:
    said = page.text("outgoing.words", engine=ENGINE_NAMES[engine], name=creator.name)
    return f"{said} {page.text(f'outgoing.kept.{engine}')}"


def can_export_pictures(
    page: PageContext, creator_id: UUID, spec: RecipeSpec, digests: Collection[str]
) -> bool:
    """Return True if the source images of a run may be sent or need not be. Otherwise draw the
    reason."""
    generators = settings.load_settings().generators
    if not (engine := page.read(lambda scope: external_engine_for(scope, generators, spec.engine))):
        return True
    why = page.read(lambda scope: export_grants.export_refusal(scope, creator_id, engine, digests))
    if why is not None:
        st.error(page.localizer.message_text(why))
        return False
    draw_template(
        "shell/templates/note.html",
        note=page.text("outgoing.goes", engine=ENGINE_NAMES.get(engine, engine)),
    )
    return True


def require_export_allowed(
    scope: Scope, creator_id: UUID, spec: RecipeSpec, asset_id: UUID
) -> None:
    """Raise Refused if the starting image of a run may not be sent to its engine."""
    if engine := external_engine_for(scope, settings.load_settings().generators, spec.engine):
        export_grants.check_export(
            scope, creator_id, engine, [input_pictures.source_picture_digest(scope, asset_id)]
        )


def _grant_export(
    page: PageContext, creator: Creator, engine: str, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator.id)
    if not actions.typed_value(f"{READ}:{engine}:{creator.id}"):
        raise BadInput("outgoing.unread")
    export_grants.grant_export(
        scope, creator.id, engine, words=_export_terms_text(page, creator, engine)
    )
    return Message("outgoing.allowed", {"engine": ENGINE_NAMES[engine]})


def _revoke_export(
    page: PageContext, creator_id: UUID, engine: str, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    export_grants.revoke_export(scope, creator_id, engine)
    return Message("outgoing.withdrawn", {"engine": ENGINE_NAMES[engine]})
