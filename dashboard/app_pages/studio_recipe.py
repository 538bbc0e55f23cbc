"""Writing a recipe: its words, one list to a line, and the next version of it."""

from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from studio import recipes
from studio.reads import RecipeCard
from studio.recipes import Spec
from tenants.roles import Right

SHAPES = {"wide": (1600, 1200), "tall": (1200, 1600), "square": (1200, 1200)}


def edit(page: Page, creator_id: UUID, chosen: RecipeCard) -> None:
    """The form; what is kept is the next version, and runs of older ones stay as they were."""
    spec, mark = chosen.spec, str(chosen.id)
    with st.expander(page.word("studio.edit_recipe"), icon=":material/edit:"), st.form(f"recipe:{mark}", border=False):
        st.text_input(page.word("studio.name"), spec.name, max_chars=60, key=f"name:{mark}")
        st.text_area(page.word("studio.prompt"), spec.prompt, max_chars=500, key=f"prompt:{mark}")
        st.text_area(page.word("studio.words"), listed(spec), key=f"words:{mark}")
        st.radio(
            page.word("studio.shape"),
            list(SHAPES),
            index=_shape(spec),
            format_func=lambda one: page.word(f"studio.shape.{one}"),
            horizontal=True,
            key=f"shape:{mark}",
        )
        keep = partial(_keep, page, creator_id, spec, mark)
        acting.submit(page, "studio.keep_recipe", keep, right=Right.RUN, key=f"keep:{mark}")


def _keep(page: Page, creator_id: UUID, spec: Spec, mark: str, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    name, shape = str(acting.typed(f"name:{mark}")), SHAPES[str(acting.typed(f"shape:{mark}"))]
    changed: dict[str, Any] = {
        **spec.model_dump(),
        "name": name,
        "prompt": str(acting.typed(f"prompt:{mark}")),
        "words": read_lists(str(acting.typed(f"words:{mark}"))),
        "width": shape[0],
        "height": shape[1],
    }
    wanted = recipes.read(changed)
    recipes.resolve(wanted, seed=0, count=1)  # a word without a list is told now
    recipes.save(scope, creator_id, wanted)
    return Message("studio.recipe_kept", {"name": name})


def _shape(spec: Spec) -> int:
    sizes = list(SHAPES.values())
    return sizes.index((spec.width, spec.height)) if (spec.width, spec.height) in sizes else 0


def listed(spec: Spec) -> str:
    """The lists as people write them: `place: a beach, a forest`."""
    return "\n".join(f"{name}: {', '.join(options)}" for name, options in spec.words.items())


def read_lists(text: str) -> dict[str, list[str]]:
    """The lists out of what somebody wrote. Raises BadInput that quotes the line without a name."""
    found: dict[str, list[str]] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, colon, options = line.partition(":")
        if not colon or not name.strip():
            raise BadInput("studio.bad_line", line=line[:60])
        found[name.strip()] = [option.strip() for option in options.split(",") if option.strip()]
    return found
