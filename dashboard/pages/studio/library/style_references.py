"""Style references of a creator: images that guide generations, their order and their problems."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media.library_files import revealed_picture_url
from dashboard.pages.studio.library import search_filters
from dashboard.pages.studio.library.queries import media_source
from dashboard.pages.studio.recipes import external_engines
from dashboard.pages.studio.recipes.queries import engine_capabilities, engine_name
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops import settings
from generators.contract import hosted_services
from generators.contract.engines import EngineMissing
from studio.library import queries
from studio.library.queries import AssetCard
from studio.library.search import ANY_VALUE, DEMO_PICTURES, OWN_PICTURES
from studio.recipes import style_references
from studio.recipes.specs import RecipeSpec
from studio.recipes.style_references import StyleReference
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

WIDE = 180


def render_style_reference_toggle(page: PageContext, creator_id: UUID, card: AssetCard) -> None:
    """Draw the button that adds or removes a style reference. Draw nothing for videos."""
    if card.seconds:
        return
    kept = page.read(lambda scope: style_references.style_reference_ids(scope, creator_id))
    code, act = (
        ("look.drop", _remove_style_reference)
        if card.asset_id in kept
        else ("look.add", _add_style_reference)
    )
    with st.popover(page.text("look.of_this"), icon=":material/face:"):
        draw_template(
            "shell/templates/note.html",
            note=page.text("look.how", most=style_references.MAX_STYLE_REFERENCES),
        )
        pressed = partial(act, page, creator_id, card.asset_id)
        actions.action_button(
            page, code, pressed, right=Right.RUN, key=f"look:{card.asset_id}", kind="primary"
        )


def render_style_references(page: PageContext, creator: Creator) -> None:
    """Draw the style references with their actions. Draw nothing if there are none."""
    kept = page.read(lambda scope: style_references.list_style_references(scope, creator.id))
    if not kept:
        return
    aside = page.read(
        lambda scope: _hidden_reference_reasons(scope, creator.id, [one.asset_id for one in kept])
    )
    with st.expander(page.text("look.all", name=creator.name), icon=":material/face:"):
        draw_template(
            "shell/templates/note.html",
            note=page.text("look.how", most=style_references.MAX_STYLE_REFERENCES),
        )
        with st.container(horizontal=True, gap="small"):
            for place, one in enumerate(kept):
                _render_style_reference(
                    page, creator.id, one, place, aside=aside.get(one.asset_id, "")
                )


def _hidden_reference_reasons(
    scope: Scope, creator_id: UUID, assets: list[UUID]
) -> dict[UUID, str]:
    """Return references of the kind that the page does not show, with the code of their kind."""
    made = media_source(scope, creator_id, search_filters.read_filters().made)
    cards = queries.get_asset_cards(scope, assets) if made != ANY_VALUE else []
    other = OWN_PICTURES if made == DEMO_PICTURES else DEMO_PICTURES
    return {
        one.asset_id: f"studio.made.{other}"
        for one in cards
        if bool(one.label) != (made == DEMO_PICTURES)
    }


def _render_style_reference(
    page: PageContext, creator_id: UUID, one: StyleReference, place: int, *, aside: str
) -> None:
    with st.container(width=WIDE, border=True, gap="small"):
        if one.refused is not None:
            why = page.localizer.message_text(one.refused)
        elif aside:
            why = page.text(aside)
        else:
            why = ""
        draw_template(
            "pages/studio/library/templates/style_reference.html",
            src="" if why else revealed_picture_url(one.asset_id),
            why=why,
            place=place + 1,
            word=page.text,
        )
        if place:
            first = partial(_move_reference_to_front, page, creator_id, one.asset_id)
            actions.action_button(
                page, "look.first", first, right=Right.RUN, key=f"look:first:{one.asset_id}"
            )
        drop = partial(_remove_style_reference, page, creator_id, one.asset_id)
        actions.action_button(
            page, "look.drop", drop, right=Right.RUN, key=f"look:drop:{one.asset_id}"
        )


def can_use_style_references(page: PageContext, creator_id: UUID, spec: RecipeSpec) -> bool:
    """Return True if a run can use the style references.

    Also draw the style references, or the reason why they cannot be used.
    """
    if not spec.look:
        return True
    generators = settings.load_settings().generators
    if "references" not in page.read(
        lambda scope: engine_capabilities(scope, generators, spec.engine)
    ):
        st.error(
            page.localizer.message_text(
                Message(
                    "engine.cannot_references", {"engine": engine_name(generators, spec.engine)}
                )
            )
        )
        return False
    kept = page.read(lambda scope: style_references.list_style_references(scope, creator_id))
    wrong = next((one.refused for one in kept if one.refused is not None), None)
    if wrong is not None or not kept:
        st.error(page.localizer.message_text(wrong or Message("look.none")))
        return False
    draw_template(
        "shell/templates/note.html",
        note=page.text("look.kept_to", count=len(kept), percent=spec.look),
    )
    return _can_send_style(page, creator_id, spec)


def _can_send_style(page: PageContext, creator_id: UUID, spec: RecipeSpec) -> bool:
    """Return True if the style references may be sent to an external engine that accepts that many
    images. Otherwise draw the reason."""
    frozen = page.read(lambda scope: style_references.freeze_style(scope, creator_id))
    try:
        hosted_services.check_reference_count(
            engine_name(settings.load_settings().generators, spec.engine), len(frozen)
        )
    except EngineMissing as few:
        st.error(page.localizer.message_text(few.message))
        return False
    return external_engines.can_export_pictures(
        page, creator_id, spec, [sha256 for _, sha256 in frozen]
    )


def _add_style_reference(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    style_references.add_style_reference(scope, creator_id, asset_id)
    return Message("look.added")


def _remove_style_reference(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    style_references.remove_style_reference(scope, creator_id, asset_id)
    return Message("look.dropped")


def _move_reference_to_front(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    style_references.move_to_front(scope, creator_id, asset_id)
    return Message("look.moved")
