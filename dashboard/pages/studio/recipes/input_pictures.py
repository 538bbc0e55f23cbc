"""Inputs of a prompt template: prompt only, a starting image with an area, or a pose."""

from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard.media.library_files import revealed_picture_url
from dashboard.pages.studio.recipes import external_engines, region_mask
from dashboard.pages.studio.recipes.actions import RECIPE_KEY
from dashboard.pages.studio.recipes.queries import engine_capabilities, engine_name
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput, GreenroomError
from foundation.i18n.translation import Message
from foundation.ops import settings
from generators.retouch.region_shapes import MaskShape
from studio.library import postable_assets
from studio.library.postable_assets import PostableAsset
from studio.recipes import input_pictures, run_inputs, specs, versions
from studio.recipes.input_pictures import InitPicture
from studio.recipes.queries import RecipeSummary
from studio.recipes.specs import RecipeSpec
from tenants.agencies.rights import Right

WORDS = "words"
BEGIN = "begin"
POSTURE = "posture"
NEEDS = {BEGIN: "init", POSTURE: "pose"}
MAX_OFFERED_PICTURES = 60
MAX_LABEL_LENGTH = 60
"""Maximum length of an image's name in the choice."""

WIDE = 320


def render_input_pictures(page: PageContext, creator_id: UUID, chosen: RecipeSummary) -> None:
    """Draw the field that selects the input, and its settings.

    It is separate from the prompt form because each selection redraws it. Draw nothing if the
    template has no input and the engine supports none.
    """
    spec = chosen.spec
    key = f"works:{chosen.id}"
    if spec.begin is not None:
        now = BEGIN
    elif spec.posture is not None:
        now = POSTURE
    else:
        now = WORDS
    can = page.read(
        lambda scope: engine_capabilities(scope, settings.load_settings().generators, spec.engine)
    )
    ways = [one for one in (WORDS, BEGIN, POSTURE) if one in (WORDS, now) or NEEDS[one] in can]
    if len(ways) == 1:
        return
    with st.container(border=True, gap="small"):
        way = st.segmented_control(
            page.text("begin.way"),
            ways,
            default=now,
            required=True,
            format_func=lambda one: page.text(f"begin.way.{one}"),
            key=f"{key}:way",
        )
        asset_id = _select_input_picture(page, creator_id, spec, key) if way != WORDS else None
        if asset_id is not None:
            _render_input_settings(
                page, creator_id, spec, asset_id, way=way, key=f"{key}:{asset_id}"
            )
        keep = partial(_save_input_picture, page, creator_id, chosen)
        nothing = way != WORDS and asset_id is None
        actions.action_button(page, "begin.keep", keep, right=Right.RUN, key=key, disabled=nothing)


def _select_input_picture(
    page: PageContext, creator_id: UUID, spec: RecipeSpec, key: str
) -> UUID | None:
    """Draw the field that selects a recent image, with the current one first. Return None if there
    are none."""
    found = page.read(
        lambda scope: postable_assets.list_postable_assets(
            scope, [creator_id], before=None, limit=MAX_OFFERED_PICTURES
        )
    )
    names = {
        str(one.asset_id): _picture_label(page, one)
        for one in found
        if one.kind == postable_assets.PICTURE_KIND
    }
    if (named := spec.begin or spec.posture) is not None:
        names = {named.asset: names.get(named.asset, page.text("begin.picture_now")), **names}
    if not names:
        draw_template("shell/templates/note.html", note=page.text("begin.no_pictures"))
        return None
    hint = page.text("begin.picture_how", most=MAX_OFFERED_PICTURES)
    chosen = st.selectbox(
        page.text("begin.picture"),
        list(names),
        format_func=names.__getitem__,
        key=f"{key}:asset",
        help=hint,
    )
    return UUID(chosen)


def _picture_label(page: PageContext, one: PostableAsset) -> str:
    day = page.localizer.format_day_of_month(one.at)
    said = " ".join(one.alt.split())
    if not said:
        return page.text("begin.picture_plain", day=day)
    return (
        f"{day} · {said if len(said) <= MAX_LABEL_LENGTH else said[: MAX_LABEL_LENGTH - 1] + '…'}"
    )


def _render_input_settings(
    page: PageContext, creator_id: UUID, spec: RecipeSpec, asset_id: UUID, *, way: str, key: str
) -> None:
    """Draw the strength and, for a starting image, the area to change; or the reason why the image
    cannot be used."""
    try:
        page.read(lambda scope: run_inputs.source_picture_of_creator(scope, creator_id, asset_id))
    except GreenroomError as gone:
        st.error(page.localizer.message_text(gone.message))
        return
    if way == POSTURE:
        weight = spec.posture.weight if spec.posture is not None else 100
        bounds = input_pictures.MIN_WEIGHT, input_pictures.MAX_WEIGHT
        st.slider(page.text("pose.weight"), *bounds, weight, 5, key=f"{key}:weight")
        _render_input_picture(page, asset_id)
        return
    anew = spec.begin.anew if spec.begin is not None else input_pictures.DEFAULT_STRENGTH
    st.slider(
        page.text("vary.anew"),
        input_pictures.MIN_STRENGTH,
        input_pictures.MAX_STRENGTH,
        anew,
        5,
        key=f"{key}:anew",
    )
    known = _saved_mask_shapes(spec, asset_id)
    if st.checkbox(page.text("vary.part"), bool(known), key=f"{key}:part"):
        region_mask.render_region_choice(page, asset_id, key, known)
    else:
        _render_input_picture(page, asset_id)


def _render_input_picture(page: PageContext, asset_id: UUID) -> None:
    with st.container(width=WIDE):
        draw_template(
            "pages/studio/recipes/templates/start_picture.html",
            src=revealed_picture_url(asset_id),
            alt=page.text("begin.picture"),
        )


def _saved_mask_shapes(spec: RecipeSpec, asset_id: UUID) -> tuple[MaskShape, ...]:
    """Return the stored area if it belongs to this image."""
    return (
        tuple(spec.begin.part)
        if spec.begin is not None and spec.begin.asset == str(asset_id)
        else ()
    )


def can_use_input_pictures(page: PageContext, creator_id: UUID, spec: RecipeSpec) -> bool:
    """Return True if a run can use the inputs of its template. Also draw the inputs, or the reason
    why they cannot be used."""
    if not spec.needed_inputs:
        return True
    generators = settings.load_settings().generators
    can = page.read(lambda scope: engine_capabilities(scope, generators, spec.engine))
    if lacks := sorted(spec.needed_inputs - can):
        engine = engine_name(generators, spec.engine)
        st.error(
            page.localizer.message_text(Message(f"engine.cannot_{lacks[0]}", {"engine": engine}))
        )
        return False
    try:
        digests = page.read(
            lambda scope: run_inputs.recipe_picture_digests(scope, creator_id, spec)
        )
    except GreenroomError as gone:
        st.error(page.localizer.message_text(gone.message))
        return False
    draw_template(
        "shell/templates/note.html",
        note=page.text("begin.begins" if spec.begin is not None else "begin.takes_posture"),
    )
    return external_engines.can_export_pictures(page, creator_id, spec, digests)


def _save_input_picture(
    page: PageContext, creator_id: UUID, chosen: RecipeSummary, scope: Scope, _: UUID
) -> Message:
    mine = page.get_creator(scope, creator_id).id
    made = versions.change_recipe(scope, [mine], chosen.id, _read_input_fields(chosen))
    forms.set_on_success(RECIPE_KEY, str(made))
    return Message("studio.recipe_kept", {"name": specs.get_spec(scope, made).name})


def _read_input_fields(chosen: RecipeSummary) -> dict[str, Any]:
    """Return the values in the fields. Raises BadInput."""
    key = f"works:{chosen.id}"
    nothing = {"begin": None, "posture": None}
    way = actions.typed_value(f"{key}:way")
    if way == WORDS:
        return nothing
    try:
        asset_id = UUID(str(actions.typed_value(f"{key}:asset")))
    except ValueError as error:
        raise BadInput("job.begins_from_none") from error
    key = f"{key}:{asset_id}"
    if way == POSTURE:
        return nothing | {
            "posture": input_pictures.pose_reference_spec(
                asset_id, int(actions.typed_value(f"{key}:weight") or 0)
            )
        }
    part = region_mask.read_optional_region(key, _saved_mask_shapes(chosen.spec, asset_id))
    begin = InitPicture(
        asset_id, int(actions.typed_value(f"{key}:anew") or input_pictures.DEFAULT_STRENGTH), part
    )
    return nothing | {"begin": input_pictures.init_picture_spec(begin)}
