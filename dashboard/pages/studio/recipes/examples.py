"""Shipped prompt templates: each with its lists and an example of the prompt."""

from collections.abc import Collection
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.recipes.actions import open_recipe
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from studio.recipes import examples, specs
from tenants.agencies.rights import Right


def render_examples(page: PageContext, creator_id: UUID, known: Collection[str]) -> None:
    """Draw the examples, each with a button that copies it to the creator's templates. `known` are
    the names of templates that the creator already has."""
    with st.expander(page.text("studio.examples"), icon=":material/lightbulb:"):
        for number, spec in enumerate(examples.list_examples(page.localizer.language)):
            with st.container(border=True, gap="small"):
                draw_template(
                    "pages/studio/recipes/templates/example.html",
                    spec=spec,
                    said=examples.describe_example(spec),
                    word=page.text,
                )
                actions.action_button(
                    page,
                    "studio.example_known" if spec.name in known else "studio.example_use",
                    partial(_use_example, page, creator_id, number),
                    right=Right.RUN,
                    key=f"studio:example:{number}",
                    disabled=spec.name in known,
                )


def _use_example(
    page: PageContext, creator_id: UUID, number: int, scope: Scope, _: UUID
) -> Message:
    found = examples.list_examples(page.localizer.language)
    if number >= len(found):
        raise NotFound("recipe.unknown")
    creator = page.get_creator(scope, creator_id)
    return open_recipe(scope, specs.save_recipe(scope, creator.id, found[number]))
