"""Actions on prompt templates: create, duplicate, archive and restore."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from studio.recipes import examples, specs, versions
from studio.recipes.queries import RecipeSummary
from tenants.agencies.rights import Right

RECIPE_KEY = "studio:recipe"
"""Session key of the chosen template's ID."""


def render_recipe_actions(page: PageContext, creator_id: UUID, chosen: RecipeSummary) -> None:
    """Draw the actions on a template."""
    with st.container(horizontal=True, gap="small"):
        for code, act in (
            ("new_recipe", _create_recipe),
            ("copy_recipe", _copy_recipe),
            ("retire_recipe", _archive_recipe),
        ):
            does = partial(act, page, creator_id, chosen.id)
            actions.action_button(
                page, f"studio.{code}", does, right=Right.RUN, key=f"{code}:{chosen.id}"
            )


def render_archived_recipes(
    page: PageContext, creator_id: UUID, retired: Sequence[RecipeSummary]
) -> None:
    """Draw archived templates, each with a button that restores it."""
    if not retired:
        return
    with st.expander(page.text("studio.retired_recipes"), icon=":material/inventory_2:"):
        for one in retired:
            with st.container(horizontal=True, gap="small"):
                named = page.text("studio.retired_named", name=one.name, version=one.version)
                draw_template("shell/templates/note.html", note=named)
                act = partial(_unarchive_recipe, page, creator_id, one.id)
                actions.action_button(
                    page, "studio.bring_back", act, right=Right.RUN, key=f"bring_back:{one.id}"
                )


def _create_recipe(
    page: PageContext, creator_id: UUID, _chosen: UUID, scope: Scope, _: UUID
) -> Message:
    sample = examples.list_examples(page.localizer.language)[0].model_copy(
        update={"name": page.text("studio.new_recipe")}
    )
    return open_recipe(
        scope, versions.create_recipe(scope, page.get_creator(scope, creator_id).id, sample)
    )


def _copy_recipe(
    page: PageContext, creator_id: UUID, chosen: UUID, scope: Scope, _: UUID
) -> Message:
    return open_recipe(
        scope, versions.copy_recipe(scope, page.get_creator(scope, creator_id).id, chosen)
    )


def open_recipe(scope: Scope, recipe_id: UUID) -> Message:
    """Choose a template on the page. Return the notice that names it."""
    forms.set_on_success(RECIPE_KEY, str(recipe_id))
    return Message("studio.recipe_begun", {"name": specs.get_spec(scope, recipe_id).name})


def _archive_recipe(
    page: PageContext, creator_id: UUID, chosen: UUID, scope: Scope, _: UUID
) -> Message:
    name = versions.archive_recipe(scope, page.get_creator(scope, creator_id).id, chosen)
    return Message("studio.recipe_retired", {"name": name})


def _unarchive_recipe(
    page: PageContext, creator_id: UUID, recipe_id: UUID, scope: Scope, _: UUID
) -> Message:
    name = versions.unarchive_recipe(scope, page.get_creator(scope, creator_id).id, recipe_id)
    return Message("studio.recipe_back", {"name": name})
