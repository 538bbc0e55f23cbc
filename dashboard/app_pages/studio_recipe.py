"""Writing a recipe: its words, lists and questions, one to a line, and the next version of it."""

from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import (
    studio_begin,
    studio_recipe_lines,
    studio_recipe_shelf,
    studio_recipe_versions,
    studio_spending,
)
from dashboard.frame import Page
from dashboard.reads.studio import abilities_of, samples_anyhow
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.words import Message
from generators import registry
from studio import recipes
from studio.reads import RecipeCard
from studio.recipes import FORMATS, SAMPLERS, Spec
from tenants.roles import Right


def edit(page: Page, creator_id: UUID, chosen: RecipeCard) -> None:
    """The form; what is kept is the next version, and runs of older ones stay as they were."""
    spec, mark = chosen.spec, str(chosen.id)
    with st.expander(page.word("studio.edit_recipe"), icon=":material/edit:"):
        with st.form(f"recipe:{mark}", border=False):
            _words(page, spec, mark)
            _numbers(page, spec, mark)
            keep = partial(_keep, page, creator_id, spec, mark)
            acting.submit(page, "studio.keep_recipe", keep, right=Right.RUN, key=f"keep:{mark}")
        studio_begin.edit(page, creator_id, chosen)
        studio_recipe_shelf.acts(page, creator_id, chosen)
        studio_recipe_versions.show(page, creator_id, chosen)


def _words(page: Page, spec: Spec, mark: str) -> None:
    st.text_input(page.word("studio.name"), spec.name, max_chars=60, key=f"name:{mark}")
    st.text_area(page.word("studio.prompt"), spec.prompt, max_chars=500, key=f"prompt:{mark}")
    draw("studio_note.html", note=page.word("studio.prompt_how"))
    st.text_area(page.word("studio.words"), studio_recipe_lines.lists(spec), key=f"words:{mark}")
    st.text_area(page.word("studio.questions"), studio_recipe_lines.questions(spec), key=f"asked:{mark}")
    draw("studio_note.html", note=page.word("studio.questions_how"))
    st.text_input(page.word("studio.without"), spec.negative, max_chars=500, key=f"negative:{mark}")


def _numbers(page: Page, spec: Spec, mark: str) -> None:
    st.multiselect(
        page.word("studio.sizes"),
        list(FORMATS),
        list(spec.sizes),
        format_func=lambda one: page.word(f"studio.format.{one}"),
        placeholder=page.word("studio.size", width=spec.width, height=spec.height),
        key=f"sizes:{mark}",
        select_all=False,
    )
    with st.container(horizontal=True, gap="small"):
        st.number_input(page.word("studio.variants"), 1, 24, spec.variants, key=f"variants:{mark}", width=140)
        st.number_input(page.word("studio.steps"), 1, 100, spec.steps, key=f"steps:{mark}", width=140)
        st.number_input(page.word("studio.guidance"), 1, 30, spec.guidance, key=f"guidance:{mark}", width=180)
        st.number_input(
            page.word("studio.own_seed"), 0, 2**31 - 1, spec.seed, key=f"own_seed:{mark}", width=220, placeholder="—"
        )
    _engine(page, spec, mark)
    hint = page.word("studio.look_strength_how")
    st.slider(page.word("studio.look_strength"), 0, 100, spec.look, 5, key=f"look:{mark}", help=hint)
    if spec.loras or "loras" in page.read(lambda scope: abilities_of(scope, settings.load().generators, spec.engine)):
        hint = page.word("studio.loras_how")
        st.text_input(page.word("studio.loras"), studio_recipe_lines.loras(spec), key=f"loras:{mark}", help=hint)
    if spec.budget or studio_spending.sold(spec):
        hint = page.word("studio.budget_how")
        st.text_input(page.word("studio.budget"), spec.budget, max_chars=60, key=f"budget:{mark}", help=hint)


def _engine(page: Page, spec: Spec, mark: str) -> None:
    """Which engine where there are several, the model, and the sampler where somebody lets one choose."""
    there = registry.configured(settings.load().generators)
    if spec.engine or len(there) > 1:
        names = list(dict.fromkeys(("", *there, spec.engine)))
        st.selectbox(
            page.word("studio.engine_of"),
            names,
            names.index(spec.engine),
            format_func=lambda one: page.word(f"studio.engine_named.{one or 'usual'}"),
            key=f"engine:{mark}",
        )
    hint = page.word("studio.model_how")
    st.text_input(page.word("studio.model"), spec.model, max_chars=200, key=f"model:{mark}", help=hint)
    chosen_there = page.read(lambda scope: samples_anyhow(scope, settings.load().generators, spec.engine))
    if chosen_there or spec.sampler:
        st.selectbox(
            page.word("studio.sampler"),
            SAMPLERS,
            SAMPLERS.index(spec.sampler),
            format_func=lambda one: one or page.word("studio.sampler_own"),
            key=f"sampler:{mark}",
        )


def _keep(page: Page, creator_id: UUID, spec: Spec, mark: str, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    words, weights = studio_recipe_lines.read_lists(str(acting.typed(f"words:{mark}")))
    changed: dict[str, Any] = {
        **spec.model_dump(),
        **{name: str(acting.typed(f"{name}:{mark}")) for name in ("name", "prompt", "negative")},
        **{name: int(acting.typed(f"{name}:{mark}")) for name in ("variants", "steps", "guidance")},
        "engine": str(acting.typed(f"engine:{mark}") or ""),
        "model": str(acting.typed(f"model:{mark}") or "").strip(),
        "sampler": str(acting.typed(f"sampler:{mark}") or ""),
        "budget": str(acting.typed(f"budget:{mark}") or "").strip(),
        "look": int(acting.typed(f"look:{mark}") or 0),
        "words": words,
        "weights": weights,
        "parameters": studio_recipe_lines.read_questions(str(acting.typed(f"asked:{mark}")), spec),
        "loras": studio_recipe_lines.read_loras(str(acting.typed(f"loras:{mark}") or "")),
        "sizes": list(acting.typed(f"sizes:{mark}") or ()),
        "seed": acting.typed(f"own_seed:{mark}"),
    }
    wanted = recipes.read(changed)
    recipes.resolve(recipes.in_force(scope, creator_id, wanted), seed=0, count=1)  # a word without a list is told now
    st.session_state[studio_recipe_shelf.RECIPE] = str(recipes.save(scope, creator_id, wanted))  # it stays chosen
    return Message("studio.recipe_kept", {"name": wanted.name})
