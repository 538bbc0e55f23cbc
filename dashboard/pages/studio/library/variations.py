"""Variations of an image, whole or in part, and images with its pose, from a prompt template."""

from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.recipes import costs, external_engines, region_mask
from dashboard.pages.studio.recipes.actions import RECIPE_KEY
from dashboard.pages.studio.recipes.queries import engine_capabilities
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ops import settings
from studio.library import queries
from studio.library.queries import AssetCard
from studio.recipes import input_pictures, run_inputs, specs, versions
from studio.recipes.input_pictures import InitPicture
from studio.recipes.queries import RecipeSummary, list_recipes
from studio.recipes.run_inputs import PoseReference
from studio.runs import runner
from tenants.agencies.rights import Right

MAX_VARIATIONS = 8
USUAL_ANEW = input_pictures.DEFAULT_STRENGTH


def render_variation_form(page: PageContext, creator_id: UUID, card: AssetCard) -> None:
    """Draw the fields for template, amount of change, area and number of variations.

    Draw nothing for videos, without an engine that accepts images, and without a template that has
    no questions.
    """
    known = _list_compatible_recipes(page, creator_id, card, "init")
    if not known:
        return
    key = f"vary:{card.asset_id}"
    with (
        st.popover(page.text("vary.make"), icon=":material/auto_fix_high:"),
        forms.open_fields(page, key),
    ):
        draw_template("shell/templates/note.html", note=page.text("vary.how"))
        may = _select_variation_recipe(page, creator_id, card, known, key)
        st.slider(
            page.text("vary.anew"),
            input_pictures.MIN_STRENGTH,
            input_pictures.MAX_STRENGTH,
            USUAL_ANEW,
            5,
            key=f"{key}:anew",
        )
        if st.checkbox(page.text("vary.part"), key=f"{key}:part"):
            region_mask.render_region_choice(page, card.asset_id, key)
        st.number_input(page.text("studio.count"), 1, MAX_VARIATIONS, 3, key=f"{key}:count")
        act = partial(_request_variation, page, creator_id, card.asset_id)
        actions.action_button(
            page, "vary.ask", act, right=Right.RUN, key=key, kind="primary", disabled=not may
        )
        keep = partial(_save_init_picture, page, creator_id, card.asset_id)
        actions.action_button(page, "vary.keep", keep, right=Right.RUN, key=f"{key}:keep")


def render_pose_form(page: PageContext, creator_id: UUID, card: AssetCard) -> None:
    """Draw the fields for template, pose strength and number of images.

    Draw nothing without an engine that accepts poses.
    """
    known = _list_compatible_recipes(page, creator_id, card, "pose")
    if not known:
        return
    key = f"pose:{card.asset_id}"
    with (
        st.popover(page.text("pose.make"), icon=":material/accessibility_new:"),
        forms.open_fields(page, key),
    ):
        draw_template("shell/templates/note.html", note=page.text("pose.how"))
        may = _select_variation_recipe(page, creator_id, card, known, key)
        st.slider(
            page.text("pose.weight"),
            input_pictures.MIN_WEIGHT,
            input_pictures.MAX_WEIGHT,
            100,
            5,
            key=f"{key}:weight",
        )
        st.number_input(page.text("studio.count"), 1, MAX_VARIATIONS, 3, key=f"{key}:count")
        act = partial(_request_pose_run, page, creator_id, card.asset_id)
        actions.action_button(
            page, "pose.ask", act, right=Right.RUN, key=key, kind="primary", disabled=not may
        )
        keep = partial(_save_pose_reference, page, creator_id, card.asset_id)
        actions.action_button(page, "pose.keep", keep, right=Right.RUN, key=f"{key}:keep")


def _list_compatible_recipes(
    page: PageContext, creator_id: UUID, card: AssetCard, need: str
) -> list[RecipeSummary]:
    """Return templates without questions whose engine supports the input."""
    if card.seconds:
        return []
    known = page.read(lambda scope: list_recipes(scope, creator_id))
    generators = settings.load_settings().generators
    names = {one.spec.engine for one in known}
    able = page.read(
        lambda scope: {
            name for name in names if need in engine_capabilities(scope, generators, name)
        }
    )
    return [one for one in known if not one.spec.parameters and one.spec.engine in able]


def _select_variation_recipe(
    page: PageContext, creator_id: UUID, card: AssetCard, known: list[RecipeSummary], key: str
) -> bool:
    """Draw the field that selects a template. Return True if the image may be sent to its engine;
    otherwise draw the reason."""
    names = {str(one.id): one.spec for one in known}
    chosen = st.selectbox(
        page.text("vary.recipe"),
        list(names),
        format_func=lambda one: names[one].name,
        key=f"{key}:recipe",
    )
    digest = page.read(lambda scope: queries.get_asset_bytes(scope, card.asset_id).sha256)
    return external_engines.can_export_pictures(page, creator_id, names[chosen], [digest])


def _request_variation(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, press: UUID
) -> Message:
    key = f"vary:{asset_id}"
    begin = _read_init_picture(asset_id)
    return _start_variation_run(
        page, scope, press, creator_id=creator_id, asset_id=asset_id, key=key, begin=begin
    )


def _read_init_picture(asset_id: UUID) -> InitPicture:
    key = f"vary:{asset_id}"
    return InitPicture(
        asset_id,
        int(actions.typed_value(f"{key}:anew") or USUAL_ANEW),
        region_mask.read_optional_region(key),
    )


def _request_pose_run(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, press: UUID
) -> Message:
    key = f"pose:{asset_id}"
    pose = PoseReference(asset_id, int(actions.typed_value(f"{key}:weight") or 0))
    return _start_variation_run(
        page, scope, press, creator_id=creator_id, asset_id=asset_id, key=key, pose=pose
    )


def _save_init_picture(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID
) -> Message:
    said = {
        "begin": input_pictures.init_picture_spec(_read_init_picture(asset_id)),
        "posture": None,
    }
    return _save_recipe_inputs(page, creator_id, scope, f"vary:{asset_id}", said)


def _save_pose_reference(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID
) -> Message:
    weight = int(actions.typed_value(f"pose:{asset_id}:weight") or 0)
    said = {"posture": input_pictures.pose_reference_spec(asset_id, weight), "begin": None}
    return _save_recipe_inputs(page, creator_id, scope, f"pose:{asset_id}", said)


def _save_recipe_inputs(
    page: PageContext, creator_id: UUID, scope: Scope, key: str, said: dict[str, Any]
) -> Message:
    """Store the input in the chosen template and select its new version."""
    mine = page.get_creator(scope, creator_id).id
    made = versions.change_recipe(
        scope, [mine], UUID(str(actions.typed_value(f"{key}:recipe"))), said
    )
    forms.set_on_success(RECIPE_KEY, str(made))
    return Message("studio.recipe_kept", {"name": specs.get_spec(scope, made).name})


def _start_variation_run(
    page: PageContext,
    scope: Scope,
    press: UUID,
    *,
    creator_id: UUID,
    asset_id: UUID,
    key: str,
    begin: InitPicture | None = None,
    pose: PoseReference | None = None,
) -> Message:
    page.get_creator(scope, creator_id)
    if queries.get_asset_bytes(scope, asset_id).creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
    recipe_id = UUID(str(actions.typed_value(f"{key}:recipe")))
    count = int(actions.typed_value(f"{key}:count") or 1)
    if recipe_id not in {one.id for one in list_recipes(scope, creator_id)}:
        raise NotFound("recipe.unknown")
    spec = specs.get_spec(scope, recipe_id)
    external_engines.require_export_allowed(scope, creator_id, spec, asset_id)
    costs.require_within_cap(scope, spec, count, run_inputs.needed_inputs(begin, pose))
    runner.start_run(
        scope,
        creator_id=creator_id,
        recipe_id=recipe_id,
        seed=press.int % 2**31,
        key=f"vary:{press}",
        count=count,
        by=page.viewer.actor,
        begin=begin,
        pose=pose,
    )
    return Message("studio.started" if count > 1 else "studio.started_one", {"count": count})
