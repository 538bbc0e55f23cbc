"""A new recipe, a copy of one, one put away and brought back."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.studio import SAMPLES
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from studio import recipe_shelf, recipes
from studio.reads import RecipeCard
from tenants.roles import Right

RECIPE = "studio:recipe"
"""Which one is chosen, by its id."""


def acts(page: Page, creator_id: UUID, chosen: RecipeCard) -> None:
    """What one does with a whole recipe."""
    with st.container(horizontal=True, gap="small"):
        for code, act in (("new_recipe", _begin), ("copy_recipe", _copy), ("retire_recipe", _retire)):
            does = partial(act, page, creator_id, chosen.id)
            acting.button(page, f"studio.{code}", does, right=Right.RUN, key=f"{code}:{chosen.id}")


def back(page: Page, creator_id: UUID, retired: Sequence[RecipeCard]) -> None:
    """Those that were put away, each with the press that offers it again; nothing where none was."""
    if not retired:
        return
    with st.expander(page.word("studio.retired_recipes"), icon=":material/inventory_2:"):
        for one in retired:
            with st.container(horizontal=True, gap="small"):
                named = page.word("studio.retired_named", name=one.name, version=one.version)
                draw("studio_note.html", note=named)
                act = partial(_bring_back, page, creator_id, one.id)
                acting.button(page, "studio.bring_back", act, right=Right.RUN, key=f"bring_back:{one.id}")


def _begin(page: Page, creator_id: UUID, _chosen: UUID, scope: Scope, _: UUID) -> Message:
    sample = SAMPLES[page.voice.language].model_copy(update={"name": page.word("studio.new_recipe")})
    return _choose(scope, recipe_shelf.begin(scope, page.my(scope, creator_id).id, sample))


def _copy(page: Page, creator_id: UUID, chosen: UUID, scope: Scope, _: UUID) -> Message:
    return _choose(scope, recipe_shelf.copy(scope, page.my(scope, creator_id).id, chosen))


def _choose(scope: Scope, recipe_id: UUID) -> Message:
    st.session_state[RECIPE] = str(recipe_id)
    return Message("studio.recipe_begun", {"name": recipes.spec_of(scope, recipe_id).name})


def _retire(page: Page, creator_id: UUID, chosen: UUID, scope: Scope, _: UUID) -> Message:
    name = recipe_shelf.retire(scope, page.my(scope, creator_id).id, chosen)
    return Message("studio.recipe_retired", {"name": name})


def _bring_back(page: Page, creator_id: UUID, recipe_id: UUID, scope: Scope, _: UUID) -> Message:
    name = recipe_shelf.bring_back(scope, page.my(scope, creator_id).id, recipe_id)
    return Message("studio.recipe_back", {"name": name})
