"""Studio: variations of one picture, whole or in one part, and pictures that take its posture, each by a recipe."""

from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import studio_outgoing, studio_part, studio_spending
from dashboard.app_pages.studio_recipe_shelf import RECIPE
from dashboard.frame import Page
from dashboard.reads.studio import abilities_of
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from studio import beginnings, jobs, materials, recipe_shelf, recipes, workings
from studio import reads as studio_reads
from studio.beginnings import Beginning
from studio.materials import Posture
from studio.reads import Card, RecipeCard
from tenants.roles import Right

MOST = 8
USUAL_ANEW = workings.USUAL_ANEW


def ask(page: Page, creator_id: UUID, card: Card) -> None:
    """Choose the recipe, how much of the picture is made anew and where, and how many; nothing where no engine here
    begins from pictures, of a film, and without a recipe that asks nothing."""
    known = _recipes(page, creator_id, card, "init")
    if not known:
        return
    key = f"vary:{card.asset_id}"
    with st.popover(page.word("vary.make"), icon=":material/auto_fix_high:"):
        draw("studio_note.html", note=page.word("vary.how"))
        may = _recipe(page, creator_id, card, known, key)
        st.slider(page.word("vary.anew"), beginnings.LEAST, beginnings.MOST, USUAL_ANEW, 5, key=f"{key}:anew")
        if st.checkbox(page.word("vary.part"), key=f"{key}:part"):
            studio_part.choose(page, card.asset_id, key)
        st.number_input(page.word("studio.count"), 1, MOST, 3, key=f"{key}:count")
        act = partial(_ask, page, creator_id, card.asset_id)
        acting.button(page, "vary.ask", act, right=Right.RUN, key=key, kind="primary", disabled=not may)
        keep = partial(_keep, page, creator_id, card.asset_id)
        acting.button(page, "vary.keep", keep, right=Right.RUN, key=f"{key}:keep")


def ask_posture(page: Page, creator_id: UUID, card: Card) -> None:
    """Choose the recipe, how much the posture counts, and how many; nothing where no engine here takes postures."""
    known = _recipes(page, creator_id, card, "pose")
    if not known:
        return
    key = f"pose:{card.asset_id}"
    with st.popover(page.word("pose.make"), icon=":material/accessibility_new:"):
        draw("studio_note.html", note=page.word("pose.how"))
        may = _recipe(page, creator_id, card, known, key)
        st.slider(page.word("pose.weight"), workings.LEAST_WEIGHT, workings.MOST_WEIGHT, 100, 5, key=f"{key}:weight")
        st.number_input(page.word("studio.count"), 1, MOST, 3, key=f"{key}:count")
        act = partial(_ask_posture, page, creator_id, card.asset_id)
        acting.button(page, "pose.ask", act, right=Right.RUN, key=key, kind="primary", disabled=not may)
        keep = partial(_keep_posture, page, creator_id, card.asset_id)
        acting.button(page, "pose.keep", keep, right=Right.RUN, key=f"{key}:keep")


def _recipes(page: Page, creator_id: UUID, card: Card, need: str) -> list[RecipeCard]:
    """The recipes that ask nothing, where their engine can be asked this."""
    if card.seconds:
        return []
    known = page.read(lambda scope: studio_reads.recipes_of(scope, creator_id))
    generators = settings.load().generators
    names = {one.spec.engine for one in known}
    able = page.read(lambda scope: {name for name in names if need in abilities_of(scope, generators, name)})
    return [one for one in known if not one.spec.parameters and one.spec.engine in able]


def _recipe(page: Page, creator_id: UUID, card: Card, known: list[RecipeCard], key: str) -> bool:
    """Choose the recipe; whether the picture may go to whoever makes what it asks for. Why not is said."""
    names = {str(one.id): one.spec for one in known}
    chosen = st.selectbox(
        page.word("vary.recipe"), list(names), format_func=lambda one: names[one].name, key=f"{key}:recipe"
    )
    digest = page.read(lambda scope: studio_reads.shown(scope, card.asset_id).sha256)
    return studio_outgoing.may_go(page, creator_id, names[chosen], [digest])


def _ask(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, press: UUID) -> Message:
    key, begin = f"vary:{asset_id}", _beginning(asset_id)
    return _start(page, scope, press, creator_id=creator_id, asset_id=asset_id, key=key, begin=begin)


def _beginning(asset_id: UUID) -> Beginning:
    key = f"vary:{asset_id}"
    return Beginning(asset_id, int(acting.typed(f"{key}:anew") or USUAL_ANEW), studio_part.wanted(key))


def _ask_posture(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, press: UUID) -> Message:
    key = f"pose:{asset_id}"
    pose = Posture(asset_id, int(acting.typed(f"{key}:weight") or 0))
    return _start(page, scope, press, creator_id=creator_id, asset_id=asset_id, key=key, pose=pose)


def _keep(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID) -> Message:
    said = {"begin": workings.from_picture(_beginning(asset_id)), "posture": None}
    return _kept(page, creator_id, scope, f"vary:{asset_id}", said)


def _keep_posture(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID) -> Message:
    weight = int(acting.typed(f"pose:{asset_id}:weight") or 0)
    said = {"posture": workings.of_picture(asset_id, weight), "begin": None}
    return _kept(page, creator_id, scope, f"pose:{asset_id}", said)


def _kept(page: Page, creator_id: UUID, scope: Scope, key: str, said: dict[str, Any]) -> Message:
    """Have the recipe that is chosen begin so by itself; it is the one the page shows next."""
    mine = page.my(scope, creator_id).id
    made = recipe_shelf.change(scope, [mine], UUID(str(acting.typed(f"{key}:recipe"))), said)
    st.session_state[RECIPE] = str(made)
    return Message("studio.recipe_kept", {"name": recipes.spec_of(scope, made).name})


def _start(
    page: Page,
    scope: Scope,
    press: UUID,
    *,
    creator_id: UUID,
    asset_id: UUID,
    key: str,
    begin: Beginning | None = None,
    pose: Posture | None = None,
) -> Message:
    page.my(scope, creator_id)
    if studio_reads.shown(scope, asset_id).creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
    recipe_id, count = UUID(str(acting.typed(f"{key}:recipe"))), int(acting.typed(f"{key}:count") or 1)
    if recipe_id not in {one.id for one in studio_reads.recipes_of(scope, creator_id)}:
        raise NotFound("recipe.unknown")
    spec = recipes.spec_of(scope, recipe_id)
    studio_outgoing.check(scope, creator_id, spec, asset_id)
    studio_spending.check(scope, spec, count, materials.asked(begin, pose))
    jobs.start(
        scope,
        creator_id=creator_id,
        recipe_id=recipe_id,
        seed=press.int % 2**31,
        key=f"vary:{press}",
        count=count,
        by=page.who.actor,
        begin=begin,
        pose=pose,
    )
    return Message("studio.started" if count > 1 else "studio.started_one", {"count": count})
