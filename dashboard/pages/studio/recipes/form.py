"""The form of a prompt template: prompt, word lists, questions and engine settings."""

from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.recipes import costs, input_pictures, syntax
from dashboard.pages.studio.recipes.actions import RECIPE_KEY, render_recipe_actions
from dashboard.pages.studio.recipes.queries import can_set_sampler, engine_capabilities
from dashboard.pages.studio.recipes.versions import render_recipe_versions
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops import settings
from generators import registry
from studio.recipes import specs
from studio.recipes.queries import RecipeSummary
from studio.recipes.specs import FORMATS, SAMPLERS, RecipeSpec
from tenants.agencies.rights import Right


def render_recipe_form(page: PageContext, creator_id: UUID, chosen: RecipeSummary) -> None:
    """Draw the form. Saving creates a new version; earlier runs retain their version."""
    spec = chosen.spec
    mark = str(chosen.id)
    with st.expander(page.text("studio.edit_recipe"), icon=":material/edit:"):
        with forms.open_form(page, f"recipe:{mark}"):
            _render_prompt_fields(page, spec, mark)
            _render_number_fields(page, spec, mark)
            keep = partial(_save_recipe, page, creator_id, spec, mark)
            actions.submit_button(
                page, "studio.keep_recipe", keep, right=Right.RUN, key=f"keep:{mark}"
            )
        input_pictures.render_input_pictures(page, creator_id, chosen)
        render_recipe_actions(page, creator_id, chosen)
        render_recipe_versions(page, creator_id, chosen)


def _render_prompt_fields(page: PageContext, spec: RecipeSpec, mark: str) -> None:
    st.text_input(page.text("studio.name"), spec.name, max_chars=60, key=f"name:{mark}")
    forms.show_field_error("name")
    st.text_area(page.text("studio.prompt"), spec.prompt, max_chars=500, key=f"prompt:{mark}")
    forms.show_field_error("prompt")
    draw_template("shell/templates/note.html", note=page.text("studio.prompt_how"))
    st.text_area(page.text("studio.words"), syntax.format_lists(spec), key=f"words:{mark}")
    forms.show_field_error("words")
    st.text_area(page.text("studio.questions"), syntax.format_questions(spec), key=f"asked:{mark}")
    forms.show_field_error("questions")
    draw_template("shell/templates/note.html", note=page.text("studio.questions_how"))
    st.text_input(page.text("studio.without"), spec.negative, max_chars=500, key=f"negative:{mark}")
    forms.show_field_error("negative")


def _render_number_fields(page: PageContext, spec: RecipeSpec, mark: str) -> None:
    st.multiselect(
        page.text("studio.sizes"),
        list(FORMATS),
        list(spec.sizes),
        format_func=lambda one: page.text(f"studio.format.{one}"),
        placeholder=page.text("studio.size", width=spec.width, height=spec.height),
        key=f"sizes:{mark}",
        select_all=False,
    )
    with st.container(horizontal=True, gap="small"):
        st.number_input(
            page.text("studio.variants"), 1, 24, spec.variants, key=f"variants:{mark}", width=140
        )
        st.number_input(
            page.text("studio.steps"), 1, 100, spec.steps, key=f"steps:{mark}", width=140
        )
        st.number_input(
            page.text("studio.guidance"), 1, 30, spec.guidance, key=f"guidance:{mark}", width=180
        )
        st.number_input(
            page.text("studio.own_seed"),
            0,
            2**31 - 1,
            spec.seed,
            key=f"own_seed:{mark}",
            width=220,
            placeholder="—",
        )
    _render_engine_fields(page, spec, mark)
    hint = page.text("studio.look_strength_how")
    st.slider(
        page.text("studio.look_strength"), 0, 100, spec.look, 5, key=f"look:{mark}", help=hint
    )
    if spec.loras or "loras" in page.read(
        lambda scope: engine_capabilities(scope, settings.load_settings().generators, spec.engine)
    ):
        hint = page.text("studio.loras_how")
        st.text_input(
            page.text("studio.loras"), syntax.format_loras(spec), key=f"loras:{mark}", help=hint
        )
    if spec.budget or costs.has_price(spec):
        hint = page.text("studio.budget_how")
        st.text_input(
            page.text("studio.budget"), spec.budget, max_chars=60, key=f"budget:{mark}", help=hint
        )


def _render_engine_fields(page: PageContext, spec: RecipeSpec, mark: str) -> None:
    """Draw the fields for the engine (if there are several), the model, and the sampler if it can
    be set."""
    there = registry.configured_image_engines(settings.load_settings().generators)
    if spec.engine or len(there) > 1:
        names = list(dict.fromkeys(("", *there, spec.engine)))
        st.selectbox(
            page.text("studio.engine_of"),
            names,
            names.index(spec.engine),
            format_func=lambda one: page.text(f"studio.engine_named.{one or 'usual'}"),
            key=f"engine:{mark}",
        )
    hint = page.text("studio.model_how")
    st.text_input(
        page.text("studio.model"), spec.model, max_chars=200, key=f"model:{mark}", help=hint
    )
    chosen_there = page.read(
        lambda scope: can_set_sampler(scope, settings.load_settings().generators, spec.engine)
    )
    if chosen_there or spec.sampler:
        st.selectbox(
            page.text("studio.sampler"),
            SAMPLERS,
            SAMPLERS.index(spec.sampler),
            format_func=lambda one: one or page.text("studio.sampler_own"),
            key=f"sampler:{mark}",
        )


def _save_recipe(
    page: PageContext, creator_id: UUID, spec: RecipeSpec, mark: str, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    words, weights = syntax.parse_lists(str(actions.typed_value(f"words:{mark}")))
    changed: dict[str, Any] = {
        **spec.model_dump(),
        **{
            name: str(actions.typed_value(f"{name}:{mark}"))
            for name in ("name", "prompt", "negative")
        },
        **{
            name: int(actions.typed_value(f"{name}:{mark}"))
            for name in ("variants", "steps", "guidance")
        },
        "engine": str(actions.typed_value(f"engine:{mark}") or ""),
        "model": str(actions.typed_value(f"model:{mark}") or "").strip(),
        "sampler": str(actions.typed_value(f"sampler:{mark}") or ""),
        "budget": str(actions.typed_value(f"budget:{mark}") or "").strip(),
        "look": int(actions.typed_value(f"look:{mark}") or 0),
        "words": words,
        "weights": weights,
        "parameters": syntax.parse_questions(str(actions.typed_value(f"asked:{mark}")), spec),
        "loras": syntax.parse_loras(str(actions.typed_value(f"loras:{mark}") or "")),
        "sizes": list(actions.typed_value(f"sizes:{mark}") or ()),
        "seed": actions.typed_value(f"own_seed:{mark}"),
    }
    wanted = specs.parse_recipe(changed)
    specs.plan_pictures(
        specs.resolve_wildcards(scope, creator_id, wanted), seed=0, count=1
    )  # Resolving the shared word lists here reports unknown words at once.
    forms.set_on_success(
        RECIPE_KEY, str(specs.save_recipe(scope, creator_id, wanted))
    )  # Select the new version.
    return Message("studio.recipe_kept", {"name": wanted.name})
